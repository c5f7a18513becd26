//! Amounts of money.

use super::line::{Line, Reading, pattern};
use super::numbers;
use crate::spoken::Accent;

struct Currency {
    one: &'static str,
    many: &'static str,
    /// The hundredth part, in the singular and plural.
    part: Option<(&'static str, &'static str)>,
}

const DOLLAR: Currency = Currency { one: "dollar", many: "dollars", part: Some(("cent", "cents")) };

fn currency(sign: &str) -> Option<Currency> {
    let plain = |one, many| Currency { one, many, part: None };
    Some(match sign {
        "$" => DOLLAR,
        "£" => Currency { one: "pound", many: "pounds", part: Some(("penny", "pence")) },
        "€" => Currency { one: "euro", many: "euros", part: Some(("cent", "cents")) },
        "¥" => plain("yen", "yen"),
        "₩" => plain("won", "won"),
        "₹" => plain("rupee", "rupees"),
        "₽" => plain("ruble", "rubles"),
        "US$" | "USD" => Currency { one: "U S dollar", many: "U S dollars", part: Some(("cent", "cents")) },
        "A$" | "AU$" | "AUD" => plain("Australian dollar", "Australian dollars"),
        "C$" | "CA$" | "CAD" => plain("Canadian dollar", "Canadian dollars"),
        "NZ$" | "NZD" => plain("New Zealand dollar", "New Zealand dollars"),
        "HK$" | "HKD" => plain("Hong Kong dollar", "Hong Kong dollars"),
        "S$" | "SGD" => plain("Singapore dollar", "Singapore dollars"),
        "EUR" => Currency { one: "euro", many: "euros", part: Some(("cent", "cents")) },
        "GBP" => Currency { one: "pound", many: "pounds", part: Some(("penny", "pence")) },
        "JPY" => plain("yen", "yen"),
        "KRW" => plain("won", "won"),
        "CNY" | "RMB" => plain("yuan", "yuan"),
        "CHF" => plain("Swiss franc", "Swiss francs"),
        "INR" => plain("rupee", "rupees"),
        _ => return None,
    })
}

/// A letter for a power of ten after an amount.
fn scale(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "k" | "K" => "thousand",
        "m" | "M" | "mn" | "MM" | "mm" => "million",
        "bn" | "b" | "B" | "Bn" => "billion",
        "tn" | "T" | "t" | "trn" => "trillion",
        "thousand" => "thousand",
        "million" => "million",
        "billion" => "billion",
        "trillion" => "trillion",
        _ => return None,
    })
}

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    before(line, index)
        .or_else(|| after(line, index))
        .or_else(|| coded(line, index))
        .or_else(|| cents(line, index))
}

const AMOUNT: &str = r"\d[\d,]*(?:\.\d+)?|\.\d+";

/// The sign stands before: "$3.50", "£2m", "$5 million", "$5-10", "-$5", "$5/month".
fn before(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let found = pattern!(&format!(
        r"^([-−–~+]?)((?:US|AU|A|CA|C|NZ|HK|S)?[$£€¥₩₹₽])([-−]?)({AMOUNT})(k|K|mn|MM|M|m|bn|Bn|b|B|tn|trn|T)?(?:[-–—][$£€¥₩₹₽]?({AMOUNT})(k|K|mn|M|m|bn|b|B|tn|T)?)?(\+)?(?:-([a-z][a-z-]*)|/([a-z]+))?$"
    ))
    .captures(core)?;
    let currency = currency(&found[2])?;
    let accent = line.accent;
    let text = |group: usize| found.get(group).map(|group| group.as_str());
    let sign = match (&found[1], &found[3]) {
        ("~", _) => "about ",
        ("+", _) => "plus ",
        ("", "") => "",
        _ => "minus ",
    };
    let amount = &found[4];
    let own_scale = text(5).and_then(scale);

    if let Some(upper) = text(6) {
        let upper_scale = text(7).and_then(scale);
        let from = with_scale(amount, own_scale, accent);
        let to = with_scale(upper, upper_scale, accent);
        let next_scale = line.next(index).and_then(scale).filter(|_| upper_scale.is_none());
        if let Some(next_scale) = next_scale {
            return Reading::several([format!("{from} to {to}"), format!("{next_scale} {}", currency.many)]);
        }
        return Reading::one(format!("{from} to {to} {}", currency.many));
    }
    if let Some(tail) = text(9) {
        // An adjective: "$20-million", "$5-a-day".
        let (scale, rest) = match tail.split_once('-').map_or((tail, ""), |(first, rest)| (first, rest)) {
            (first, rest) if scale(first).is_some() => (Some(first), rest.replace('-', " ")),
            _ => (None, tail.replace('-', " ")),
        };
        let number = with_scale(amount, scale, accent);
        return Reading::one(format!("{sign}{number} {} {rest}", currency.one).trim().to_owned());
    }
    let plus = if text(8).is_some() { " plus" } else { "" };
    let per = text(10).map(|unit| format!(" per {}", unit_of_rate(unit))).unwrap_or_default();
    if own_scale.is_none()
        && let Some(next) = line.next(index).and_then(scale_word)
    {
        let number = numbers::number(amount, accent);
        return Reading::several([format!("{sign}{number}"), format!("{next} {}", currency.many)]);
    }
    let spoken = match own_scale {
        Some(scale) => format!("{} {scale} {}", numbers::number(amount, accent), currency.many),
        None if plus.is_empty() => exact(amount, &currency, accent),
        None => format!("{}{plus} {}", numbers::number(amount, accent), currency.many),
    };
    let plus = if own_scale.is_some() { plus } else { "" };
    Reading::one(format!("{sign}{spoken}{plus}{per}"))
}

/// Full words and, after a space, only the longer letters: "$5 m" is metres to nobody.
fn scale_word(next: &str) -> Option<&'static str> {
    scale(next).filter(|_| next.len() > 1 || next == "m" || next == "M" || next == "k")
}

fn unit_of_rate(unit: &str) -> &str {
    match unit {
        "mo" => "month",
        "yr" => "year",
        "hr" | "h" => "hour",
        "wk" => "week",
        "kg" => "kilogram",
        "lb" => "pound",
        other => other,
    }
}

fn with_scale(amount: &str, scale: Option<&str>, accent: Accent) -> String {
    let number = numbers::number(amount, accent);
    match scale {
        Some(scale) => format!("{number} {scale}"),
        None => number,
    }
}

/// Whole units and hundredths: "three dollars and fifty cents", "ninety nine cents", "one pound".
fn exact(amount: &str, currency: &Currency, accent: Accent) -> String {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let name = |written: &str| if numbers::is_one(written) { currency.one } else { currency.many };
    match (currency.part, fraction.len()) {
        (Some((one, many)), 2) => {
            let part: u64 = fraction.parse().unwrap_or(0);
            let parts = format!("{} {}", numbers::cardinal(part, accent), if part == 1 { one } else { many });
            let no_whole = whole.is_empty() || whole.bytes().all(|digit| digit == b'0');
            if part == 0 {
                format!("{} {}", numbers::number(whole, accent), name(whole))
            } else if no_whole {
                parts
            } else {
                format!("{} {} and {parts}", numbers::number(whole, accent), name(whole))
            }
        }
        (_, 0) => format!("{} {}", numbers::number(whole, accent), name(whole)),
        _ => format!("{} {}", numbers::number(amount, accent), currency.many),
    }
}

/// The sign or code stands after: "5€", "50 USD".
fn after(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    let accent = line.accent;
    if let Some(found) = pattern!(&format!(r"^({AMOUNT})([£€¥₩₹₽$]|USD|EUR|GBP|JPY|KRW)$")).captures(core)
    {
        return Reading::one(exact(&found[1], &currency(&found[2])?, accent));
    }
    if !pattern!(&format!(r"^(?:{AMOUNT})$")).is_match(core) {
        return None;
    }
    let code = line.next(index)?;
    let currency = currency(code)?;
    let name = if numbers::is_one(core) { currency.one } else { currency.many };
    Reading::several([numbers::number(core, accent), name.to_owned()])
}

/// "USD 50", "KRW 10,000": the code is silent and the unit follows the number.
fn coded(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    if core.len() != 3 {
        return None;
    }
    let currency = currency(core)?;
    let amount = line.next(index)?;
    if !pattern!(&format!(r"^(?:{AMOUNT})$")).is_match(amount) {
        return None;
    }
    let name = if numbers::is_one(amount) { currency.one } else { currency.many };
    Reading::several([numbers::number(amount, line.accent), name.to_owned()])
}

/// "50¢", and the British "50p".
fn cents(line: &Line, index: usize) -> Option<Reading> {
    let found = pattern!(r"^(\d[\d,]*)(¢|p)$").captures(line.core(index))?;
    let number = numbers::number(&found[1], line.accent);
    let one = numbers::is_one(&found[1]);
    match (&found[2], line.accent) {
        ("¢", _) => Reading::one(format!("{number} {}", if one { "cent" } else { "cents" })),
        (_, Accent::British) => Reading::one(format!("{number} P")),
        _ => None,
    }
}
