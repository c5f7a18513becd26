//! Numbers as words.

use crate::spoken::Accent;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 6] = [
    (1_000_000_000_000_000_000, "quintillion"),
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

/// "one hundred five", British "one hundred and five".
pub(crate) fn cardinal(n: u64, accent: Accent) -> String {
    if n == 0 {
        return "zero".to_owned();
    }
    let mut words = Vec::new();
    let mut rest = n;
    for (scale, name) in SCALES {
        if rest >= scale {
            hundreds(rest / scale, false, accent, &mut words);
            words.push(name);
            rest %= scale;
        }
    }
    if rest > 0 {
        hundreds(rest, n > 999, accent, &mut words);
    }
    words.join(" ")
}

/// Appends the words of 1 to 999; `follows` when greater groups came before.
fn hundreds(n: u64, follows: bool, accent: Accent, words: &mut Vec<&'static str>) {
    let (above, below) = (n / 100, (n % 100) as usize);
    if above > 0 {
        words.extend([SMALL[above as usize], "hundred"]);
    }
    if below > 0 {
        if accent == Accent::British && (above > 0 || follows) {
            words.push("and");
        }
        pair(below, words);
    }
}

fn pair(n: usize, words: &mut Vec<&'static str>) {
    if n < 20 {
        words.push(SMALL[n]);
    } else {
        words.push(TENS[n / 10]);
        if !n.is_multiple_of(10) {
            words.push(SMALL[n % 10]);
        }
    }
}

/// "twenty first", "one hundredth".
pub(crate) fn ordinal(n: u64, accent: Accent) -> String {
    to_ordinal(&cardinal(n, accent))
}

/// Turns the last word of a cardinal into an ordinal.
pub(crate) fn to_ordinal(cardinal: &str) -> String {
    let (head, last) = cardinal.rsplit_once(' ').map_or(("", cardinal), |(head, last)| (head, last));
    let ordinal = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    if head.is_empty() { ordinal } else { format!("{head} {ordinal}") }
}

/// A year: "nineteen oh five", "two thousand seven", "twenty twenty six".
pub(crate) fn year(n: u64, accent: Accent) -> String {
    let (high, low) = (n / 100, n % 100);
    if !(1000..10_000).contains(&n) || n.is_multiple_of(1000) || (high.is_multiple_of(10) && low < 10) {
        return cardinal(n, accent);
    }
    match low {
        0 => format!("{} hundred", cardinal(high, accent)),
        1..=9 => format!("{} oh {}", cardinal(high, accent), SMALL[low as usize]),
        _ => format!("{} {}", cardinal(high, accent), cardinal(low, accent)),
    }
}

/// A number of at most four digits as people say it in pairs: "seven forty seven", "nineteen twenty".
pub(crate) fn paired(digits: &str, accent: Accent) -> String {
    let value: u64 = digits.parse().unwrap_or(0);
    match digits.len() {
        3 if !digits.starts_with('0') && !digits.ends_with("00") => {
            let low = value % 100;
            let tail = if low < 10 { format!("oh {}", SMALL[low as usize]) } else { cardinal(low, accent) };
            format!("{} {tail}", SMALL[(value / 100) as usize])
        }
        4 if !digits.starts_with('0') => year(value, accent),
        _ => number(digits, accent),
    }
}

/// Digit by digit.
pub(crate) fn digits(text: &str) -> String {
    text.bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| SMALL[usize::from(digit - b'0')])
        .collect::<Vec<_>>()
        .join(" ")
}

/// A plain number as written: thousands separators, decimals, a leading point, leading zeros. What is too
/// long to have a name is read digit by digit.
pub(crate) fn number(written: &str, accent: Accent) -> String {
    let plain: String = written.chars().filter(|&c| c != ',' && c != ' ').collect();
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let zero_padded = whole.len() > 1 && whole.starts_with('0');
    let mut words = match whole.parse::<u64>() {
        Ok(value) if !zero_padded && value < 1_000_000_000_000_000_000 => cardinal(value, accent),
        _ if whole.is_empty() => String::new(),
        _ => digits(whole),
    };
    if let Some(fraction) = fraction.filter(|fraction| !fraction.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str("point ");
        words.push_str(&digits(fraction));
    }
    words
}

/// Does the number name exactly one, so that its unit stays singular?
pub(crate) fn is_one(written: &str) -> bool {
    written.trim_start_matches('-') == "1"
}

/// A fraction: "one half", "three quarters", "five sixteenths", "three over one hundred".
pub(crate) fn fraction(numerator: u64, denominator: u64, accent: Accent) -> String {
    let top = cardinal(numerator, accent);
    let many = numerator != 1;
    match denominator {
        2 => format!("{top} {}", if many { "halves" } else { "half" }),
        4 => format!("{top} {}", if many { "quarters" } else { "quarter" }),
        3 | 5..=20 | 32 | 64 | 100 | 1000 => {
            format!("{top} {}{}", ordinal(denominator, accent), if many { "s" } else { "" })
        }
        _ => format!("{top} over {}", cardinal(denominator, accent)),
    }
}

/// The value of a ready-made fraction character.
pub(crate) fn vulgar(c: char) -> Option<(u64, u64)> {
    Some(match c {
        '½' => (1, 2),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        _ => return None,
    })
}

/// A decade or the like in the plural: "sixties", "nineteen hundreds", "two thousands".
pub(crate) fn plural(words: &str) -> String {
    match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if words.ends_with("six") => format!("{words}es"),
        None => format!("{words}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(n: u64, american: &str, british: &str) {
        assert_eq!(cardinal(n, Accent::American), american);
        assert_eq!(cardinal(n, Accent::British), british);
    }

    #[test]
    fn cardinals_up_to_quadrillions() {
        check(0, "zero", "zero");
        check(21, "twenty one", "twenty one");
        check(105, "one hundred five", "one hundred and five");
        check(1_001, "one thousand one", "one thousand and one");
        check(
            12_345,
            "twelve thousand three hundred forty five",
            "twelve thousand three hundred and forty five",
        );
        check(1_000_000_000_000_000, "one quadrillion", "one quadrillion");
        check(
            u64::MAX / 1_000_000_000_000_000_000 * 1_000_000_000_000_000_000,
            "eighteen quintillion",
            "eighteen quintillion",
        );
    }

    #[test]
    fn ordinals_years_and_decades() {
        let us = Accent::American;
        assert_eq!(ordinal(20, us), "twentieth");
        assert_eq!(ordinal(112, us), "one hundred twelfth");
        assert_eq!(year(1905, us), "nineteen oh five");
        assert_eq!(year(2007, Accent::British), "two thousand and seven");
        assert_eq!(year(2100, us), "twenty one hundred");
        assert_eq!(year(2026, us), "twenty twenty six");
        assert_eq!(plural("sixty"), "sixties");
        assert_eq!(paired("747", us), "seven forty seven");
        assert_eq!(paired("505", us), "five oh five");
    }

    #[test]
    fn numbers_as_written() {
        let us = Accent::American;
        assert_eq!(number("1,234.50", us), "one thousand two hundred thirty four point five zero");
        assert_eq!(number(".5", us), "point five");
        assert_eq!(number("007", us), "zero zero seven");
        assert_eq!(number("99999999999999999999", us), ["nine"; 20].join(" "));
    }
}
