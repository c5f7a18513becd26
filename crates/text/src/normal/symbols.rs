//! Symbols that stand alone or between words: arithmetic, `&`, `@`, Greek letters.

use super::line::{Line, Reading, pattern, starts_digit};
use super::numbers;

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let first = core.chars().next()?;
    if let Some(name) = alone(line, index) {
        return Reading::one(name);
    }
    if let Some(name) = greek(first).filter(|_| core.chars().count() == 1) {
        return Reading::one(name);
    }
    arithmetic(line, core)
}

fn alone(line: &Line, index: usize) -> Option<&'static str> {
    let between_numbers = starts_digit(line.previous(index)) || line.next(index).is_some_and(starts_digit);
    Some(match line.core(index) {
        "&" => "and",
        "+" => "plus",
        "=" | "==" => "equals",
        "@" => "at",
        "#" => "number",
        "%" => "percent",
        "<" => "is less than",
        ">" => "is greater than",
        "≤" | "<=" => "is at most",
        "≥" | ">=" => "is at least",
        "≠" | "!=" => "is not equal to",
        "≈" => "is about",
        "±" => "plus or minus",
        "×" | "*" => "times",
        "·" => "times",
        "÷" => "divided by",
        "-" | "–" | "−" => "minus",
        "/" if between_numbers => "divided by",
        "/" => "slash",
        "x" if between_numbers && line.next(index).is_some_and(starts_digit) => "by",
        "^" => "to the power of",
        "√" => "the square root of",
        "∞" => "infinity",
        "©" if line.previous(index).eq_ignore_ascii_case("copyright") => "",
        "©" => "copyright",
        "°" => "degrees",
        "→" => "to",
        "€" => "euros",
        "$" => "dollars",
        "£" => "pounds",
        "§" => "section",
        "№" => "number",
        "=>" | "->" => "to",
        "…" => return None,
        _ => return None,
    })
}

fn greek(letter: char) -> Option<&'static str> {
    Some(match letter {
        'α' | 'Α' => "alpha",
        'β' | 'Β' => "beta",
        'γ' | 'Γ' => "gamma",
        'δ' | 'Δ' => "delta",
        'ε' | 'Ε' => "epsilon",
        'ζ' | 'Ζ' => "zeta",
        'η' | 'Η' => "eta",
        'θ' | 'Θ' => "theta",
        'ι' | 'Ι' => "iota",
        'κ' | 'Κ' => "kappa",
        'λ' | 'Λ' => "lambda",
        'μ' | 'µ' | 'Μ' => "mu",
        'ν' | 'Ν' => "nu",
        'ξ' | 'Ξ' => "xi",
        'ο' | 'Ο' => "omicron",
        'π' | 'Π' => "pi",
        'ρ' | 'Ρ' => "rho",
        'σ' | 'ς' | 'Σ' => "sigma",
        'τ' | 'Τ' => "tau",
        'υ' | 'Υ' => "upsilon",
        'φ' | 'Φ' => "phi",
        'χ' | 'Χ' => "chi",
        'ψ' | 'Ψ' => "psi",
        'ω' | 'Ω' => "omega",
        _ => return None,
    })
}

/// "2+2=4", "10^6", "x²", "√2", "a/b" without spaces.
fn arithmetic(line: &Line, core: &str) -> Option<Reading> {
    let accent = line.accent;
    if let Some(found) = pattern!(r"^(\d[\d.,]*|[a-zA-Z])\^(-?\d+|[a-zA-Z])$").captures(core) {
        let exponent = match &found[2] {
            "2" => " squared".to_owned(),
            "3" => " cubed".to_owned(),
            other => format!(" to the power of {}", term(other, accent)),
        };
        return Reading::one(format!("{}{exponent}", term(&found[1], accent)));
    }
    if let Some(found) = pattern!(r"^√(\d[\d.,]*|[a-zA-Z])$").captures(core) {
        return Reading::one(format!("the square root of {}", term(&found[1], accent)));
    }
    if let Some(found) = pattern!(r"^([a-zA-Z])([²³])$").captures(core) {
        let power = if &found[2] == "²" { "squared" } else { "cubed" };
        return Reading::one(format!("{} {power}", term(&found[1], accent)));
    }
    let is_sum = pattern!(r"^-?(?:\d[\d.,]*|[a-zA-Z])(?:[-+*/×÷=<>−](?:\d[\d.,]*|[a-zA-Z]))+$")
        .is_match(core)
        && core.contains(['=', '+', '×', '÷', '*', '<', '>', '−'])
        && !core.ends_with('+');
    if !is_sum {
        return None;
    }
    let parts = pattern!(r"\d[\d.,]*|[a-zA-Z]|[-+*/×÷=<>−]").find_iter(core);
    let words: Vec<_> = parts
        .map(|part| match part.as_str() {
            "+" => "plus".to_owned(),
            "-" | "−" => "minus".to_owned(),
            "*" | "×" => "times".to_owned(),
            "/" | "÷" => "divided by".to_owned(),
            "=" => "equals".to_owned(),
            "<" => "is less than".to_owned(),
            ">" => "is greater than".to_owned(),
            other => term(other, accent),
        })
        .collect();
    Reading::one(words.join(" "))
}

fn term(written: &str, accent: crate::spoken::Accent) -> String {
    match written.strip_prefix('-') {
        Some(positive) => format!("minus {}", term(positive, accent)),
        None if starts_digit(written) => numbers::number(written, accent),
        None => written.to_ascii_uppercase(),
    }
}
