//! Fractions, ordinals, decades and bare numbers.

use super::line::{Line, Reading, is_digits, pattern, starts_digit};
use super::{dates, numbers};

/// "1/2", "3½", "1 1/2".
pub(crate) fn read_fraction(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let accent = line.accent;
    if let Some(mixed) =
        line.next(index).filter(|_| is_digits(core) && core.len() <= 4).and_then(slash_or_sign)
        && mixed.0 < mixed.1
    {
        let whole = numbers::number(core, accent);
        return Reading::several([
            whole,
            format!("and {}", one_as_a(&numbers::fraction(mixed.0, mixed.1, accent))),
        ]);
    }
    if let Some(found) = pattern!(r"^(-?)(\d+)([½¼¾⅓⅔⅛⅜⅝⅞⅕⅖⅗⅘⅙⅚])$").captures(core)
    {
        let part = found[3].chars().next().and_then(numbers::vulgar)?;
        let minus = if found[1].is_empty() { "" } else { "minus " };
        let part = one_as_a(&numbers::fraction(part.0, part.1, accent));
        return Reading::one(format!("{minus}{} and {part}", numbers::number(&found[2], accent)));
    }
    if let Some(found) = pattern!(r"^(\d{1,3})-(\d{1,2})/(\d{1,2})$").captures(core) {
        let part = numbers::fraction(found[2].parse().ok()?, found[3].parse().ok()?, accent);
        return Reading::one(format!("{} and {}", numbers::number(&found[1], accent), one_as_a(&part)));
    }
    let bare = core.trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '-');
    let (numerator, denominator) = slash_or_sign(bare)?;
    let ending = core[bare.len()..].replace('-', " ");
    if !matches!(ending.as_str(), "" | "th" | "ths" | "rd" | "rds") && !ending.starts_with(' ') {
        return None;
    }
    let rated = ["score", "scored", "rated", "rating", "got", "scores", "gave", "give"]
        .iter()
        .any(|word| line.has_core(word));
    let marks = denominator == 10 && numerator > 1 && line.next(index) != Some("of");
    if numerator + denominator == 100 {
        return Reading::one(format!(
            "{} {}",
            numbers::cardinal(numerator, accent),
            numbers::cardinal(denominator, accent)
        ));
    }
    if numerator == denominator || marks || (rated && matches!(denominator, 5 | 20 | 100)) {
        let (top, bottom) = (numbers::cardinal(numerator, accent), numbers::cardinal(denominator, accent));
        return Reading::one(format!("{top} out of {bottom}"));
    }
    let ending = if ending.starts_with(' ') { ending.as_str() } else { "" };
    Reading::one(format!("{}{ending}", numbers::fraction(numerator, denominator, accent)))
}

fn slash_or_sign(core: &str) -> Option<(u64, u64)> {
    if let Some(found) = pattern!(r"^(\d{1,6})/(\d{1,6})$").captures(core) {
        let (numerator, denominator) = (found[1].parse().ok()?, found[2].parse().ok()?);
        return (denominator > 0).then_some((numerator, denominator));
    }
    let mut characters = core.chars();
    let part = characters.next().and_then(numbers::vulgar)?;
    characters.next().is_none().then_some(part)
}

/// "and a half", but "and three quarters".
fn one_as_a(fraction: &str) -> String {
    match fraction.strip_prefix("one ") {
        Some(part) if part.starts_with("eighth") || part.starts_with("eleventh") => format!("an {part}"),
        Some(part) => format!("a {part}"),
        None => fraction.to_owned(),
    }
}

/// Ordinals and decades: "21st", "1,000th", "'90s", "1900s", "20s".
pub(crate) fn read_counted(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let accent = line.accent;
    if let Some(found) = pattern!(r"^(\d[\d,]*)(?:st|nd|rd|th|ST|ND|RD|TH)(['’]?s)?$").captures(core) {
        let value = found[1].replace(',', "").parse().ok()?;
        let ending = found.get(2).map_or("", |ending| ending.as_str());
        return Reading::one(format!("{}{ending}", numbers::ordinal(value, accent)));
    }
    if let Some(found) = pattern!(r"^['’‘](\d)(\d)$").captures(core) {
        let value: u64 = core[core.len() - 2..].parse().ok()?;
        let oh = if &found[1] == "0" { "oh " } else { "" };
        return Reading::one(format!("{oh}{}", numbers::cardinal(value, accent)));
    }
    let found = pattern!(r"^['’‘]?(\d{1,4})['’]?s$").captures(core)?;
    let digits = &found[1];
    let value: u64 = digits.parse().ok()?;
    let words = match digits.len() {
        4 if digits.ends_with("000") => numbers::cardinal(value, accent),
        4 => numbers::year(value, accent),
        3 if !digits.ends_with("00") => numbers::paired(digits, accent),
        2 if digits == "00" => return Reading::one("two thousands"),
        _ => numbers::cardinal(value, accent),
    };
    Reading::one(numbers::plural(&words))
}

/// A number by itself: years, cardinals, decimals, with a sign before or after.
pub(crate) fn read_number(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let accent = line.accent;
    if let Some(version) = version(line, index) {
        return Some(version);
    }
    if dates::is_year(line, index, core) {
        return Reading::one(numbers::year(core.parse().ok()?, accent));
    }
    if is_digits(core) && core.len() > 12 && !core.ends_with("000") {
        return Reading::one(numbers::digits(core));
    }
    let found = pattern!(
        r"^(<=|>=|[-−–+±~≈<>≤≥]|#|№|§)?(\d[\d,]*(?:\.\d+)?|\.\d+)(\+|\*|['’]s|[²³])?(?:-?(million|billion|trillion|thousand|bn|mn|k|K|M))?(\+)?$"
    )
    .captures(core)?;
    let number = numbers::number(&found[2], accent);
    let before = match found.get(1).map_or("", |sign| sign.as_str()) {
        "-" | "−" | "–" => "minus ",
        "+" => "plus ",
        "±" => "plus or minus ",
        "~" | "≈" => "about ",
        "<" => "less than ",
        ">" => "more than ",
        "≤" | "<=" => "at most ",
        "≥" | ">=" => "at least ",
        "#" | "№" => "number ",
        "§" => "section ",
        _ => "",
    };
    let after = match found.get(3).map_or("", |sign| sign.as_str()) {
        "+" => " plus",
        "²" => " squared",
        "³" => " cubed",
        "'s" | "’s" => "'s",
        _ => "",
    };
    let scale = match found.get(4).map_or("", |scale| scale.as_str()) {
        "k" | "K" => " K",
        "M" | "mn" => " million",
        "bn" => " billion",
        "" => "",
        word => return Reading::one(format!("{before}{number}{after} {word}")),
    };
    let plus = if found.get(5).is_some() { " plus" } else { "" };
    Reading::one(format!("{before}{number}{after}{scale}{plus}"))
}

/// "version 1.10" and "Python 3.12": the part after the point is a number of its own.
fn version(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let found = pattern!(r"^(\d{1,4})\.(\d{1,4})$").captures(core)?;
    const NAMES: [&str; 18] = [
        "version", "python", "rust", "ubuntu", "debian", "ios", "macos", "android", "node", "java",
        "release", "kernel", "linux", "firefox", "chrome", "django", "rails", "php",
    ];
    let named = NAMES.contains(&line.previous(index).to_ascii_lowercase().as_str());
    let part = &found[2];
    (named && part.len() > 1 && !part.starts_with('0')).then(|| {
        let accent = line.accent;
        let minor = if part.len() == 2 { numbers::number(part, accent) } else { numbers::digits(part) };
        Reading::one(format!("{} point {minor}", numbers::number(&found[1], accent)))
    })?
}

/// Reads one part of a compound the way it would be read alone.
pub(crate) fn alone(part: &str, accent: crate::spoken::Accent) -> Option<String> {
    if let Some(found) = pattern!(r"^(\d[\d,]*)(?:st|nd|rd|th)$").captures(part) {
        return Some(numbers::ordinal(found[1].replace(',', "").parse().ok()?, accent));
    }
    if let Some(found) = pattern!(r"^(\d{2,4})s$").captures(part) {
        let words = if found[1].len() == 4 {
            numbers::year(found[1].parse().ok()?, accent)
        } else {
            numbers::number(&found[1], accent)
        };
        return Some(numbers::plural(&words));
    }
    if !starts_digit(part) {
        return None;
    }
    pattern!(r"^\d[\d,]*(?:\.\d+)?$").is_match(part).then(|| match part.len() {
        3 if !part.contains('.') => numbers::paired(part, accent),
        4 if is_digits(part) && !part.starts_with('0') => numbers::year(part.parse().unwrap_or(0), accent),
        _ => numbers::number(part, accent),
    })
}
