//! What is left with digits or signs inside a word: "B2B", "COVID-19", "10-year-old", "and/or", "AT&T".

use super::amounts;
use super::line::{Line, Reading, is_digits, pattern, spelled};
use super::numbers;
use crate::spoken::Accent;

/// Parts longer than this are cut, so that no input makes the pronunciation of one word slow.
const LONGEST_WORD: usize = 48;

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if let Some(known) = known(core) {
        return Reading::one(known);
    }
    if core.len() <= LONGEST_WORD && core.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    if let Some(parties) = pattern!(r"^([A-Z])2([A-Z])$").captures(core)
        && !matches!(core, "H2O" | "H2S" | "N2O")
    {
        return Reading::one(format!("{} to {}", &parties[1], &parties[2]));
    }
    if is_ordinary_word(core) {
        return None;
    }
    let mut words = Vec::new();
    for part in pieces(core) {
        words.push(piece(part, line.accent));
    }
    words.retain(|word| !word.is_empty());
    Reading::one(words.join(" "))
}

fn known(core: &str) -> Option<&'static str> {
    Some(match core {
        "WW1" | "WWI" => "World War One",
        "WW2" | "WWII" => "World War Two",
        "R&B" => "R and B",
        "C++" => "C plus plus",
        "C#" => "C sharp",
        "F#" => "F sharp",
        "he/she" => "he or she",
        "He/she" | "He/She" => "He or she",
        "she/he" => "she or he",
        "his/her" => "his or her",
        "him/her" => "him or her",
        "and/or" => "and or",
        "s/he" => "she or he",
        _ => return None,
    })
}

/// Letters with inner apostrophes, and hyphens in moderate number: the lexicon reads these best itself.
fn is_ordinary_word(core: &str) -> bool {
    core.len() <= LONGEST_WORD
        && core.matches('-').count() <= 4
        && pattern!(r"^['’‘]?[A-Za-z]+(?:['’‘-][A-Za-z]+)*['’‘]?$").is_match(core)
        && !pattern!(r"(?:^|-)[A-Z](?:-|$)").is_match(core)
}

/// Runs of letters with their apostrophes, runs of digits, and single signs.
fn pieces(core: &str) -> impl Iterator<Item = &str> {
    pattern!(
        r"\d[\d,]*(?:st|nd|rd|th)\b|\d{2,4}s\b|\d[\d,]*(?:\.\d+)?|[A-Za-z]{1,48}(?:['’][A-Za-z]{1,8})*|."
    )
    .find_iter(core)
    .map(|found| found.as_str())
}

fn piece(part: &str, accent: Accent) -> String {
    if let Some(number) = amounts::alone(part, accent) {
        return number;
    }
    if is_digits(part) {
        return numbers::number(part, accent);
    }
    if part.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let capitals = part.bytes().all(|byte| byte.is_ascii_uppercase());
        return if capitals && part.len() <= 2 { spelled(part) } else { part.to_owned() };
    }
    sign(part).to_owned()
}

fn sign(sign: &str) -> &'static str {
    match sign {
        "&" => "and",
        "+" => "plus",
        "=" => "equals",
        "@" => "at",
        "%" => "percent",
        "#" => "hash",
        "°" => "degrees",
        "×" => "times",
        "$" => "dollars",
        "€" => "euros",
        "£" => "pounds",
        "<" => "less than",
        ">" => "greater than",
        "√" => "square root of",
        "∞" => "infinity",
        "→" => "to",
        _ => "",
    }
}
