//! Numbers that are names: telephone, card, room and flight numbers, codes and book numbers.

use super::line::{Line, Reading, is_digits, pattern};
use super::numbers::{cardinal, digits, paired};

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if !core.starts_with(|c: char| c.is_ascii_digit() || c == '+') {
        return None;
    }
    grouped(core)
        .or_else(|| international(line, index))
        .or_else(|| named(line, index))
        .or_else(|| in_chain(line, index))
}

/// "555-1234", "555-123-4567", "1-800-555-0199", "978-3-16-148410-0": at least seven digits in groups.
fn grouped(core: &str) -> Option<Reading> {
    let is_local = pattern!(r"^\d{3}-\d{4}$").is_match(core);
    let is_long = pattern!(r"^\+?\d{1,5}(?:[-.]\d{1,7}){2,5}$").is_match(core)
        && core.bytes().filter(u8::is_ascii_digit).count() >= 7
        && !core.contains('.') | pattern!(r"^\+?\d{1,3}\.\d{3}\.\d{3,4}(\.\d{4})?$").is_match(core)
        && !is_address(core);
    let is_vanity = pattern!(r"^1-[89]\d{2}-[A-Z]{3,8}$").is_match(core);
    let is_bracketed = pattern!(r"^\+?\d{0,3}\(?\d{2,4}\)[-.]?\d{3,4}[-.]?\d{3,4}$").is_match(core);
    if !(is_local || is_long || is_vanity || is_bracketed) {
        return None;
    }
    let groups = core.split(['-', '.', '(', ')', '+']).filter(|group| !group.is_empty());
    let spoken: Vec<_> = groups
        .map(|group| match group {
            "800" => "eight hundred".to_owned(),
            group if is_digits(group) => digits(group),
            letters => letters.to_ascii_lowercase(),
        })
        .collect();
    let plus = if core.starts_with('+') { "plus " } else { "" };
    Reading::one(format!("{plus}{}", spoken.join(", ")))
}

/// Four numbers below 256 with points between them are a network address, read by the web's own rule.
fn is_address(core: &str) -> bool {
    core.split('.').count() == 4 && core.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// "+82" before more digits, and "+821012345678" in one run.
fn international(line: &Line, index: usize) -> Option<Reading> {
    let number = line.core(index).strip_prefix('+')?;
    let grouped_next = line.next(index).is_some_and(|next| {
        pattern!(r"^\(?\d{1,5}\)?(?:-\d{2,5})*$").is_match(next)
            && next.bytes().filter(u8::is_ascii_digit).count() > 1
    }) || line.core(index + 1).len() > 1
        && line.lead(index + 1) == "("
        && is_digits(line.core(index + 1));
    (is_digits(number) && (number.len() >= 9 || (number.len() <= 3 && grouped_next)))
        .then(|| Reading::one(format!("plus {}", digits(number))))
        .flatten()
}

/// A number after a word that says how it is read: "PIN 1234", "Room 101", "call 911", "ISBN 9783161484100".
fn named(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if !is_digits(core) {
        return None;
    }
    let mut word = line.previous_word(index).to_ascii_lowercase();
    if matches!(word.as_str(), "is" | "number") && index >= 2 {
        word = line.core(index - 2).to_ascii_lowercase();
    }
    let by_digits = match word.as_str() {
        "pin" | "code" | "zip" | "postcode" | "ext" | "isbn" | "passcode" | "password" | "ssn" | "serial" => {
            true
        }
        "call" | "dial" | "calling" | "dialed" | "dialled" => core.len() == 3 || core.len() > 4,
        _ => {
            let state = word.len() == 2 && line.previous(index).bytes().all(|byte| byte.is_ascii_uppercase());
            core.len() == 5 && state
        }
    };
    if by_digits {
        return Reading::one(digits(core));
    }
    let by_pairs = matches!(
        word.as_str(),
        "room"
            | "flight"
            | "highway"
            | "route"
            | "channel"
            | "apartment"
            | "apt"
            | "suite"
            | "interstate"
            | "boeing"
            | "airbus"
    );
    let round = core.ends_with("00");
    if by_pairs && (3..=4).contains(&core.len()) && !round {
        return Reading::one(paired(core, line.accent));
    }
    if by_pairs && core.len() == 3 && round {
        return Reading::one(cardinal(core.parse().ok()?, line.accent));
    }
    None
}

/// Groups of digits with spaces: "020 7946 0958", "4111 1111 1111 1111", "(555) 123-4567".
fn in_chain(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if !is_digits(core) {
        return None;
    }
    if line.lead(index) == "(" && line.trail(index) == ")" && (2..=4).contains(&core.len()) {
        let rest = line.core(index + 1);
        let number = pattern!(r"^\d{3,4}[-.]\d{3,4}$").is_match(rest)
            || (is_digits(rest) && is_digits(line.core(index + 2)) && (3..=4).contains(&rest.len()));
        return number.then(|| Reading::one(digits(core))).flatten();
    }
    let is_group = |at: usize| is_digits(line.core(at)) && (2..=5).contains(&line.core(at).len());
    let mut first = index;
    while first > 0 && line.next(first - 1).is_some() && is_group(first - 1) {
        first -= 1;
    }
    let mut last = index;
    while line.next(last).is_some() && is_group(last + 1) {
        last += 1;
    }
    let length = last - first + 1;
    let after_bracket = first > 0 && line.trail(first - 1) == ")" && is_digits(line.core(first - 1));
    let after_country = first > 0
        && line.next(first - 1).is_some()
        && line.core(first - 1).strip_prefix('+').is_some_and(is_digits);
    let is_card = length >= 3 && (first..=last).all(|at| line.core(at).len() == 4);
    let is_number =
        length >= 2 && (line.core(first).starts_with('0') || after_bracket) || (after_country && length >= 1);
    (is_group(index) && (is_card || is_number)).then(|| Reading::one(digits(core))).flatten()
}
