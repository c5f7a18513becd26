//! Quantities with a unit: "5 km/h", "10kg", "-20°C", "3.5GHz", "50%".

use super::line::{Line, Reading, pattern, starts_digit};
use super::numbers;
use crate::spoken::Accent;

/// Symbol, singular, plural in American spelling. Symbols are exact in case.
const UNITS: [(&str, &str, &str); 84] = [
    ("mm", "millimeter", "millimeters"),
    ("cm", "centimeter", "centimeters"),
    ("dm", "decimeter", "decimeters"),
    ("m", "meter", "meters"),
    ("km", "kilometer", "kilometers"),
    ("µm", "micrometer", "micrometers"),
    ("nm", "nanometer", "nanometers"),
    ("ft", "foot", "feet"),
    ("yd", "yard", "yards"),
    ("yds", "yard", "yards"),
    ("mi", "mile", "miles"),
    ("in", "inch", "inches"),
    ("mg", "milligram", "milligrams"),
    ("µg", "microgram", "micrograms"),
    ("g", "gram", "grams"),
    ("kg", "kilogram", "kilograms"),
    ("kgs", "kilogram", "kilograms"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("ml", "milliliter", "milliliters"),
    ("mL", "milliliter", "milliliters"),
    ("cl", "centiliter", "centiliters"),
    ("l", "liter", "liters"),
    ("L", "liter", "liters"),
    ("gal", "gallon", "gallons"),
    ("pt", "pint", "pints"),
    ("qt", "quart", "quarts"),
    ("tsp", "teaspoon", "teaspoons"),
    ("tbsp", "tablespoon", "tablespoons"),
    ("ha", "hectare", "hectares"),
    ("ms", "millisecond", "milliseconds"),
    ("µs", "microsecond", "microseconds"),
    ("ns", "nanosecond", "nanoseconds"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("secs", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("yr", "year", "years"),
    ("yrs", "year", "years"),
    ("mph", "mile per hour", "miles per hour"),
    ("kph", "kilometer per hour", "kilometers per hour"),
    ("kmh", "kilometer per hour", "kilometers per hour"),
    ("mpg", "mile per gallon", "miles per gallon"),
    ("rpm", "R P M", "R P M"),
    ("bpm", "beat per minute", "beats per minute"),
    ("fps", "frame per second", "frames per second"),
    ("dpi", "D P I", "D P I"),
    ("px", "pixel", "pixels"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("MW", "megawatt", "megawatts"),
    ("GW", "gigawatt", "gigawatts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("Wh", "watt hour", "watt hours"),
    ("mAh", "milliamp hour", "milliamp hours"),
    ("V", "volt", "volts"),
    ("kV", "kilovolt", "kilovolts"),
    ("mV", "millivolt", "millivolts"),
    ("J", "joule", "joules"),
    ("kJ", "kilojoule", "kilojoules"),
    ("kcal", "kilocalorie", "kilocalories"),
    ("cal", "calorie", "calories"),
    ("Pa", "pascal", "pascals"),
    ("hPa", "hectopascal", "hectopascals"),
    ("dB", "decibel", "decibels"),
    ("KB", "kilobyte", "kilobytes"),
    ("kB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("PB", "petabyte", "petabytes"),
    ("kbps", "kilobit per second", "kilobits per second"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Gbps", "gigabit per second", "gigabits per second"),
    ("hp", "horsepower", "horsepower"),
];

/// A unit that is a word of its own: apart from its number only with a stop, "3 in. wide".
const ONLY_WITH_STOP: &str = "in";

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    height(line, index)
        .or_else(|| attached(line, index))
        .or_else(|| apart(line, index))
        .or_else(|| cross(line, index))
}

const NUMBER: &str = r"\d[\d,]*(?:\.\d+)?|\.\d+";

struct Unit {
    one: String,
    many: String,
}

/// A unit, a squared or cubed one, or two with a slash.
fn unit(written: &str, accent: Accent) -> Option<Unit> {
    let both =
        |one: &str, many: &str| Some(Unit { one: spelling(one, accent), many: spelling(many, accent) });
    match written {
        "%" => return both("percent", "percent"),
        "‰" => return both("per mille", "per mille"),
        "°" => return both("degree", "degrees"),
        "°C" | "℃" | "ºC" => return both("degree Celsius", "degrees Celsius"),
        "°F" | "℉" | "ºF" => return both("degree Fahrenheit", "degrees Fahrenheit"),
        _ => {}
    }
    if let Some((above, below)) = written.split_once('/') {
        let above = unit(above, accent)?;
        let below = match below {
            "h" | "hr" => "hour".to_owned(),
            "d" | "day" => "day".to_owned(),
            "wk" => "week".to_owned(),
            "mo" => "month".to_owned(),
            "yr" => "year".to_owned(),
            "dL" | "dl" => spelling("deciliter", accent),
            "s²" | "s2" => "second squared".to_owned(),
            other => unit(other, accent)?.one,
        };
        return Some(Unit {
            one: format!("{} per {below}", above.one),
            many: format!("{} per {below}", above.many),
        });
    }
    let power = [("²", "square"), ("³", "cubic"), ("^2", "square"), ("^3", "cubic")];
    for (sign, word) in power {
        if let Some(base) = written.strip_suffix(sign) {
            let base = unit(base, accent)?;
            return Some(Unit { one: format!("{word} {}", base.one), many: format!("{word} {}", base.many) });
        }
    }
    if let Some(base) = written.strip_suffix(['2', '3']).filter(|base| base.ends_with('m')) {
        let base = unit(base, accent)?;
        let word = if written.ends_with('2') { "square" } else { "cubic" };
        return Some(Unit { one: format!("{word} {}", base.one), many: format!("{word} {}", base.many) });
    }
    let (_, one, many) = UNITS.iter().find(|(symbol, _, _)| *symbol == written.replace('μ', "µ"))?;
    both(one, many)
}

/// "metre" and "litre" in British English.
fn spelling(words: &str, accent: Accent) -> String {
    match accent {
        Accent::American => words.to_owned(),
        Accent::British => words.replace("meter", "metre").replace("liter", "litre"),
    }
}

fn signed(sign: &str, number: &str, accent: Accent) -> String {
    let number = numbers::number(number, accent);
    match sign {
        "-" | "−" | "–" => format!("minus {number}"),
        "+" => format!("plus {number}"),
        "±" => format!("plus or minus {number}"),
        "~" | "≈" => format!("about {number}"),
        "<" => format!("less than {number}"),
        ">" => format!("more than {number}"),
        "≤" | "<=" => format!("at most {number}"),
        "≥" | ">=" => format!("at least {number}"),
        _ => number,
    }
}

const SIGN: &str = r"<=|>=|[-−–+±~≈<>≤≥]?";
const SYMBOL: &str = r"[a-zA-Zµμ°º%‰℃℉]+[a-zA-Z]*(?:²|³|\^?[23])?(?:/[a-zA-Z]+(?:²|³|\^?[23])?)?";

/// "10kg", "-20°C", "10-20%", "5–10km", "100-m".
fn attached(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let accent = line.accent;
    let found =
        pattern!(&format!(r"^({SIGN})({NUMBER})([½¼¾])?(?:[-–—]({NUMBER}))?(-)?({SYMBOL})(-[a-z-]+)?$"))
            .captures(core)?;
    let written = &found[6];
    let tail = found.get(7).map(|tail| tail.as_str().replace('-', " ")).unwrap_or_default();
    // "2m" is a length but "5s" and "4L" stand for plurals and models as often; long numbers decide.
    if matches!(written, "in" | "L" | "V" | "W" | "J" | "C" | "F" | "cal") && found.get(5).is_none() {
        let wattage = matches!(written, "L" | "V" | "W" | "in") && !tail.starts_with(" st");
        if !wattage {
            return None;
        }
    }
    if written == "s"
        && !found[2].contains('.')
        && (found[2].ends_with('0') || found[2].len() > 3)
        && found.get(4).is_none()
    {
        return None;
    }
    let unit = unit(written, accent)?;
    let mut number = signed(&found[1], &found[2], accent);
    if let Some(part) = found.get(3).and_then(|part| part.as_str().chars().next()).and_then(numbers::vulgar) {
        number =
            format!("{number} and {}", numbers::fraction(part.0, part.1, accent).replacen("one ", "a ", 1));
    }
    if let Some(upper) = found.get(4) {
        number = format!("{number} to {}", numbers::number(upper.as_str(), accent));
    }
    let adjective = found.get(5).is_some() || !tail.is_empty() || counts_as_adjective(line, index, 1);
    let single = (numbers::is_one(&found[2]) && found.get(4).is_none()) || (adjective && written != "°C");
    let name = if single { unit.one } else { unit.many };
    Reading::one(format!("{number} {name}{tail}")).map(|reading| {
        let abbreviation = written.len() <= 3 && !written.contains(['%', '°']);
        if abbreviation { reading.taking_stops() } else { reading }
    })
}

/// "5 km/h", "300 sq ft", "10 kg of".
fn apart(line: &Line, index: usize) -> Option<Reading> {
    let found = pattern!(&format!(r"^({SIGN})({NUMBER})(?:[-–—]({NUMBER}))?$")).captures(line.core(index))?;
    let accent = line.accent;
    let next = line.next(index)?;
    let mut number = signed(&found[1], &found[2], accent);
    if let Some(upper) = found.get(3) {
        number = format!("{number} to {}", numbers::number(upper.as_str(), accent));
    }
    let one = numbers::is_one(&found[2]) && found.get(3).is_none();
    if matches!(next, "sq" | "cu") {
        let word = if next == "sq" { "square" } else { "cubic" };
        let unit = unit(line.next(index + 1).or_else(|| line.next_after(index + 1, "."))?, accent)?;
        let name = if one { unit.one } else { unit.many };
        return Reading::several([number, word.to_owned(), name]).map(Reading::taking_stops);
    }
    let stop_goes_on = line.stopped(index + 1) && !line.is_last(index + 1);
    if next == ONLY_WITH_STOP && !stop_goes_on {
        return None;
    }
    // Single capitals after a number are names more often than units ("Vitamin 12 C"), apart from these.
    if next.len() == 1 && !matches!(next, "m" | "g" | "s" | "h" | "l" | "L" | "W" | "V" | "%" | "J") {
        return None;
    }
    if matches!(next, "cal" | "pt") && !line.stopped(index + 1) {
        return None;
    }
    let unit = unit(next, accent)?;
    let singular = one || counts_as_adjective(line, index, 2);
    let name = if singular { unit.one } else { unit.many };
    Reading::several([number, name]).map(Reading::taking_stops)
}

/// "a 10 km run": after an article the unit stays singular when a noun follows.
fn counts_as_adjective(line: &Line, index: usize, used: usize) -> bool {
    let last = index + used - 1;
    matches!(line.previous(index), "a" | "A" | "an" | "An")
        && line
            .next(last)
            .is_some_and(|noun| !matches!(noun, "of" | "and" | "or" | "in" | "to" | "from" | "for"))
}

/// `5'11"`, `6'`, `12"`.
fn height(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if let Some(found) = pattern!(r#"^(\d{1,2})['’](?:(\d{1,2})(?:["”]|'')?)?$"#).captures(core) {
        let feet = numbers::number(&found[1], line.accent);
        let name = if &found[1] == "1" { "foot" } else { "feet" };
        return match found.get(2) {
            Some(inches) => {
                Reading::one(format!("{feet} foot {}", numbers::number(inches.as_str(), line.accent)))
            }
            None if counts_as_adjective(line, index, 1) => Reading::one(format!("{feet} foot")),
            None => Reading::one(format!("{feet} {name}")),
        };
    }
    let found = pattern!(r#"^(\d{1,4}(?:\.\d+)?)["”]$"#).captures(core)?;
    let name = if &found[1] == "1" || counts_as_adjective(line, index, 1) { "inch" } else { "inches" };
    Reading::one(format!("{} {name}", numbers::number(&found[1], line.accent)))
}

/// "2x4", "1920x1080", "3 × 4": dimensions; "10x" is a factor.
fn cross(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if let Some(found) =
        pattern!(r"^(\d[\d,]*(?:\.\d+)?)[x×](\d[\d,]*(?:\.\d+)?)(?:[x×](\d+))?$").captures(core)
    {
        let side = |group: usize| {
            found.get(group).map(|side| match side.as_str() {
                year if year.len() == 4 && starts_digit(year) && !year.contains(['.', ',']) => {
                    numbers::paired(year, line.accent)
                }
                other => numbers::number(other, line.accent),
            })
        };
        let sides: Vec<_> = (1..=3).filter_map(side).collect();
        return Reading::one(sides.join(" by "));
    }
    let found = pattern!(r"^(\d[\d,]*(?:\.\d+)?)[x×]$").captures(core)?;
    Reading::one(format!("{} times", numbers::number(&found[1], line.accent)))
}

/// Every word this module may say, for the check that the lexicons know them.
#[cfg(test)]
pub(crate) fn vocabulary(accent: Accent) -> Vec<String> {
    let words = UNITS.iter().flat_map(|(_, one, many)| [spelling(one, accent), spelling(many, accent)]);
    words.flat_map(|words| words.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}
