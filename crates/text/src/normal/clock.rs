//! Times of day, spans of time and ratios: everything with a colon between numbers.

use super::line::{Line, Reading, pattern};
use super::numbers;
use crate::spoken::Accent;

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if !core.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    range(line, index)
        .or_else(|| time(line, index))
        .or_else(|| duration(line, core))
        .or_else(|| ratio(line, core))
}

/// "am" or "pm" as written in any of their forms.
fn half_of_day(written: &str) -> Option<&'static str> {
    match written {
        "am" | "AM" | "a.m" | "A.M" | "a.m." | "A.M." => Some("A M"),
        "pm" | "PM" | "p.m" | "P.M" | "p.m." | "P.M." => Some("P M"),
        _ => None,
    }
}

fn clock(hour: u64, minute: Option<u64>, half: bool, accent: Accent) -> Option<String> {
    if hour > 24 || minute.is_some_and(|minute| minute > 59) {
        return None;
    }
    let spoken_hour = numbers::cardinal(hour, accent);
    Some(match minute {
        None => spoken_hour,
        Some(0) if half => spoken_hour,
        Some(0) if hour == 0 || hour == 24 => "midnight".to_owned(),
        Some(0) if hour <= 12 => format!("{spoken_hour} o'clock"),
        Some(0) => format!("{spoken_hour} hundred"),
        Some(minute @ 1..=9) => format!("{spoken_hour} oh {}", numbers::cardinal(minute, accent)),
        Some(minute) => format!("{spoken_hour} {}", numbers::cardinal(minute, accent)),
    })
}

/// "7:30", "7:05 pm", "10am", "7.30 p.m.".
fn time(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let found = pattern!(r"^(\d{1,2})(?:([:.])(\d{2}))?(am|pm|AM|PM|a\.m|p\.m)?$").captures(core)?;
    let hour = found[1].parse().ok()?;
    let minute = found.get(3).and_then(|minute| minute.as_str().parse().ok());
    let attached = found.get(4).and_then(|half| half_of_day(half.as_str()));
    if let Some(half) = attached {
        let spoken = clock(hour, minute, true, line.accent)?;
        return Reading::one(format!("{spoken} {half}")).map(Reading::taking_stops);
    }
    if let Some(half) = line.next(index).and_then(half_of_day)
        && hour <= 12
    {
        // "7 am" is a time, but "I am" is not: the number decides.
        let spoken = clock(hour, minute, true, line.accent)?;
        return Reading::several([spoken, half.to_owned()]).map(Reading::taking_stops);
    }
    if found.get(2).is_none_or(|separator| separator.as_str() == ".") {
        return None;
    }
    let spoken = clock(hour, minute, false, line.accent)?;
    let exact =
        line.next(index).is_some_and(|next| next.starts_with("o'clock") || next.starts_with("o’clock"));
    Reading::one(if exact { numbers::cardinal(hour, line.accent) } else { spoken })
}

/// "9am-5pm", "9:30–10:45", "7-8pm".
fn range(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let found = pattern!(r"^(\d{1,2})(?::(\d{2}))?(am|pm|AM|PM)?[-–—](\d{1,2})(?::(\d{2}))?(am|pm|AM|PM)?$")
        .captures(core)?;
    let field = |group: usize| found.get(group).and_then(|field| field.as_str().parse::<u64>().ok());
    let half = |group: usize| found.get(group).and_then(|half| half_of_day(half.as_str()));
    let next_half = line.next(index).and_then(half_of_day).filter(|_| half(6).is_none());
    if field(2).is_none()
        && field(5).is_none()
        && half(3).is_none()
        && half(6).is_none()
        && next_half.is_none()
    {
        return None;
    }
    let say = |hour: u64, minute: Option<u64>, half: Option<&str>, any_half: bool| {
        let spoken = clock(hour, minute, any_half, line.accent)?;
        Some(match half {
            Some(half) => format!("{spoken} {half}"),
            None => spoken,
        })
    };
    let any_half = half(3).is_some() || half(6).is_some() || next_half.is_some();
    let from = say(field(1)?, field(2), half(3), any_half)?;
    let to = say(field(4)?, field(5), half(6), any_half)?;
    match next_half {
        Some(half) => {
            Reading::several([format!("{from} to {to}"), half.to_owned()]).map(Reading::taking_stops)
        }
        None => Reading::one(format!("{from} to {to}")),
    }
}

/// "1:02:03": hours, minutes and seconds.
fn duration(line: &Line, core: &str) -> Option<Reading> {
    let found = pattern!(r"^(\d{1,3}):(\d{2}):(\d{2})$").captures(core)?;
    let mut parts = Vec::new();
    for (group, unit) in [(1, "hour"), (2, "minute"), (3, "second")] {
        let value: u64 = found[group].parse().ok()?;
        if group > 1 && value > 59 {
            return None;
        }
        if value > 0 {
            let many = if value == 1 { "" } else { "s" };
            parts.push(format!("{} {unit}{many}", numbers::cardinal(value, line.accent)));
        }
    }
    let last = parts.pop()?;
    Reading::one(if parts.is_empty() { last } else { format!("{} and {last}", parts.join(" ")) })
}

/// "3:1", "16:9".
fn ratio(line: &Line, core: &str) -> Option<Reading> {
    let found = pattern!(r"^(\d{1,4}):(\d{1,4})$").captures(core)?;
    let (left, right) = (numbers::number(&found[1], line.accent), numbers::number(&found[2], line.accent));
    Reading::one(format!("{left} to {right}"))
}
