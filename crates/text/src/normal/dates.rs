//! Dates and years.

use super::line::{Line, Reading, is_digits, pattern, spelled, starts_digit, starts_lower};
use super::numbers;
use crate::spoken::Accent;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if core.is_empty() {
        return None;
    }
    if let Some(era) = era(line, index) {
        return Some(era);
    }
    if starts_digit(core) {
        return numeric(line, core).or_else(|| slashed_day(line, index)).or_else(|| day_first(line, index));
    }
    if let Some(month) = month(core, line.stopped(index)) {
        return month_first(line, index, month);
    }
    weekday(line, index)
}

/// "476 AD", "44 BC", "AD 79".
fn era(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let is_era = |word: &str| matches!(word, "AD" | "BC" | "CE" | "BCE" | "A.D" | "B.C");
    let next = line.next(index)?;
    let year = |core: &str| {
        (is_digits(core) && core.len() <= 4).then(|| match core.parse::<u64>() {
            Ok(value) if core.len() == 4 => numbers::year(value, line.accent),
            _ => numbers::paired(core, line.accent),
        })
    };
    if is_era(next) {
        return Reading::several([year(core)?, spelled(next)]).map(Reading::taking_stops);
    }
    if core == "AD" {
        return Reading::several([spelled(core), year(next)?]);
    }
    None
}

/// A day within its month in this accent's form.
fn day_and_month(day: u64, month: &str, accent: Accent) -> String {
    let day = numbers::ordinal(day, accent);
    match accent {
        Accent::American => format!("{month} {day}"),
        Accent::British => format!("the {day} of {month}"),
    }
}

fn full_date(year: u64, month: u64, day: u64, accent: Accent) -> Option<String> {
    let name = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if !(1..=31).contains(&day) {
        return None;
    }
    Some(format!("{}, {}", day_and_month(day, name, accent), numbers::year(year, accent)))
}

/// 2026-11-21, 2026/11/21, 11/21/2026, 21.11.2026, with two-digit years too.
fn numeric(line: &Line, core: &str) -> Option<Reading> {
    let accent = line.accent;
    let field = |text: &str| text.parse::<u64>().ok();
    if let Some(found) = pattern!(r"^(\d{4})([-/])(\d{1,2})([-/])(\d{1,2})$").captures(core) {
        if found[2] != found[4] {
            return None;
        }
        return full_date(field(&found[1])?, field(&found[3])?, field(&found[5])?, accent)
            .and_then(Reading::one);
    }
    let found = pattern!(r"^(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{4}|\d{2})$").captures(core)?;
    if found[2] != found[4] || (&found[2] != "/" && found[5].len() == 2) {
        return None;
    }
    let (first, second) = (field(&found[1])?, field(&found[3])?);
    let year = match (field(&found[5])?, found[5].len()) {
        (year, 2) if year < 50 => 2000 + year,
        (year, 2) => 1900 + year,
        (year, _) => year,
    };
    let day_first = &found[2] == "." || (accent == Accent::British && second <= 12) || first > 12;
    let (month, day) = if day_first { (second, first) } else { (first, second) };
    full_date(year, month, day, accent).and_then(Reading::one)
}

/// "on 11/21": a date without its year, only where the words around say so.
fn slashed_day(line: &Line, index: usize) -> Option<Reading> {
    let found = pattern!(r"^(\d{1,2})/(\d{1,2})$").captures(line.core(index))?;
    let previous = line.previous(index);
    let fits =
        matches!(previous, "on" | "On" | "by" | "since" | "until" | "before" | "after" | "from" | "dated");
    let (first, second): (usize, usize) = (found[1].parse().ok()?, found[2].parse().ok()?);
    let (month, day) = match line.accent {
        Accent::American => (first, second),
        Accent::British => (second, first),
    };
    if !fits || !(1..=31).contains(&day) || (first, second) == (9, 11) {
        return None;
    }
    let name = MONTHS.get(month.checked_sub(1)?)?;
    Reading::one(day_and_month(day as u64, name, line.accent))
}

/// The full name of a month. Short forms need a stop or a date beside them, which the callers check.
fn month(core: &str, stopped: bool) -> Option<&'static str> {
    let core = core.strip_suffix("'s").unwrap_or(core);
    let full = MONTHS.iter().find(|name| **name == core);
    full.or_else(|| {
        let short = (core.len() == 3 || core == "Sept") && (stopped || core != "Mar" || core.len() == 3);
        MONTHS.iter().find(|name| short && name.starts_with(core))
    })
    .copied()
}

/// A day of the month as written: "21", "21st".
fn day(core: &str) -> Option<u64> {
    let found = pattern!(r"^(\d{1,2})(?:st|nd|rd|th)?$").captures(core)?;
    found[1].parse().ok().filter(|day| (1..=31).contains(day))
}

fn four_digit_year(core: &str) -> Option<u64> {
    (core.len() == 4 && is_digits(core)).then(|| core.parse().ok()).flatten().filter(|year| *year >= 1000)
}

/// "Nov 21", "Nov. 21, 2026", "November 2026", "Nov 3-5".
fn month_first(line: &Line, index: usize, month: &str) -> Option<Reading> {
    let next = line.next(index).or_else(|| line.next_after(index, "."))?;
    let month = match line.core(index).strip_suffix("'s") {
        Some(_) => format!("{month}'s"),
        None => month.to_owned(),
    };
    let accent = line.accent;
    if let Some(year) = four_digit_year(next) {
        return Reading::several([month, numbers::year(year, accent)]).map(Reading::taking_stops);
    }
    if let Some(days) = pattern!(r"^(\d{1,2})(?:st|nd|rd|th)?[-–—](\d{1,2})(?:st|nd|rd|th)?$").captures(next)
    {
        let (from, to) = (day(&days[1])?, day(&days[2])?);
        let days = format!("{} to {}", numbers::ordinal(from, accent), numbers::ordinal(to, accent));
        return Reading::several([month, days]).map(Reading::taking_stops);
    }
    let day = day(next)?;
    let spoken_day = match accent {
        Accent::American => numbers::ordinal(day, accent),
        Accent::British => format!("the {}", numbers::ordinal(day, accent)),
    };
    let year = line.next_after(index + 1, ",").or_else(|| line.next(index + 1)).and_then(four_digit_year);
    match year {
        Some(year) => {
            Reading::several([month, spoken_day, numbers::year(year, accent)]).map(Reading::taking_stops)
        }
        None => Reading::several([month, spoken_day]).map(Reading::taking_stops),
    }
}

/// "21 Nov 2026", "21st November", "the 4th of July" (whose day is an ordinal already).
fn day_first(line: &Line, index: usize) -> Option<Reading> {
    let day = day(line.core(index))?;
    let next = line.next(index)?;
    let month = month(next, line.stopped(index + 1))?;
    // "2 May have": the name of the month must not be a word of the sentence.
    if next == "May"
        && line.next(index + 1).is_some_and(|after| starts_lower(after) && after != "in")
        && !line.core(index).ends_with("th")
    {
        return None;
    }
    let accent = line.accent;
    let article = if line.previous(index).eq_ignore_ascii_case("the") { "" } else { "the " };
    let spoken_day = format!("{article}{}", numbers::ordinal(day, accent));
    let month = format!("of {month}");
    let year = line
        .next_after(index + 1, ",")
        .or_else(|| line.next(index + 1))
        .or_else(|| line.next_after(index + 1, "."))
        .and_then(four_digit_year);
    match year {
        Some(year) => {
            Reading::several([spoken_day, month, numbers::year(year, accent)]).map(Reading::taking_stops)
        }
        None => Reading::several([spoken_day, month]).map(Reading::taking_stops),
    }
}

/// "Mon, Nov 21" and "Fri 10:00": a short day without its stop, before a date or time.
fn weekday(line: &Line, index: usize) -> Option<Reading> {
    let full = match line.core(index) {
        "Mon" => "Monday",
        "Tue" | "Tues" => "Tuesday",
        "Wed" => "Wednesday",
        "Thu" | "Thur" | "Thurs" => "Thursday",
        "Fri" => "Friday",
        "Sat" => "Saturday",
        "Sun" => "Sunday",
        _ => return None,
    };
    let next = line.following(index);
    let dated = starts_digit(next) || month(next, true).is_some();
    (dated && matches!(line.trail(index), "" | "," | "."))
        .then(|| Reading::one(full).map(Reading::taking_stops))
        .flatten()
}

/// Is a bare number a year here? Four digits, and the words around do not count things.
pub(crate) fn is_year(line: &Line, index: usize, core: &str) -> bool {
    let Some(value) = four_digit_year(core) else { return false };
    let previous = line.previous(index).to_ascii_lowercase();
    if value > 2100 {
        return previous == "year" && value < 3000;
    }
    let next = line.next(index).unwrap_or("");
    const BEFORE: [&str; 30] = [
        "in",
        "since",
        "by",
        "from",
        "until",
        "till",
        "of",
        "during",
        "before",
        "after",
        "circa",
        "year",
        "late",
        "early",
        "mid",
        "summer",
        "winter",
        "spring",
        "autumn",
        "fall",
        "class",
        "©",
        "ad",
        "born",
        "to",
        "died",
        "copyright",
        "between",
        "fy",
        "election",
    ];
    if matches!(next, "AD" | "BC" | "CE" | "BCE") {
        return true;
    }
    // "In 2026 sales rose", but "in 2000 cases": round numbers count things.
    let dated = matches!(previous.as_str(), "in" | "since" | "until" | "during" | "q1" | "q2" | "q3" | "q4");
    if dated && (1900..=2100).contains(&value) && !value.is_multiple_of(100) {
        return true;
    }
    let counted = next.len() > 3
        && next.ends_with('s')
        && starts_lower(next)
        && !next.ends_with("ss")
        && !matches!(next, "this" | "always" | "perhaps" | "besides")
        || matches!(
            next,
            "people" | "men" | "women" | "children" | "feet" | "other" | "of" | "or" | "more" | "new"
        );
    if counted {
        return false;
    }
    if MONTHS.iter().any(|month| month.eq_ignore_ascii_case(&previous)) {
        return true;
    }
    BEFORE.contains(&previous.as_str()) && value >= 1050 || (1400..=2100).contains(&value)
}
