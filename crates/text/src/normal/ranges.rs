//! Two numbers with a dash: ranges, scores, seasons.

use super::dates;
use super::line::{Line, Reading, pattern};
use super::numbers;

pub(crate) fn read(line: &Line, index: usize) -> Option<Reading> {
    let core = line.core(index);
    spaced(line, index)
        .or_else(|| fixed_saying(core))
        .or_else(|| years(line, index))
        .or_else(|| range(line, core))
}

/// Pairs that are said in their own way.
fn fixed_saying(core: &str) -> Option<Reading> {
    Reading::one(match core {
        "24/7" | "24-7" => "twenty four seven",
        "50/50" | "50-50" => "fifty fifty",
        "20/20" | "20-20" => "twenty twenty",
        "9/11" => "nine eleven",
        "50/50s" => "fifty fifties",
        _ => return None,
    })
}

/// "2019–2021", "1914-18", "1990s-2000s".
fn years(line: &Line, index: usize) -> Option<Reading> {
    let found = pattern!(r"^(1[0-9]\d{2}|20\d{2})[-–—](\d{2}|\d{4})$").captures(line.core(index))?;
    let accent = line.accent;
    let from: u64 = found[1].parse().ok()?;
    let to: u64 = found[2].parse().ok()?;
    let spoken_to = if found[2].len() == 4 {
        if to <= from || to > 2999 || line.next(index).is_some_and(|next| next.ends_with('s') && next != "as")
        {
            return None;
        }
        numbers::year(to, accent)
    } else {
        if to <= from % 100 {
            return None;
        }
        if to < 10 { format!("oh {}", numbers::cardinal(to, accent)) } else { numbers::cardinal(to, accent) }
    };
    Reading::one(format!("{} to {spoken_to}", numbers::year(from, accent)))
}

/// "10-20", "3–5", "1,000–2,000", "3-2".
fn range(line: &Line, core: &str) -> Option<Reading> {
    let found = pattern!(
        r"^([-−~]?)(\d[\d,]*(?:\.\d+)?)(?:[-–—]|\.{2,3}|…)([-−]?)(\d[\d,]*(?:\.\d+)?)(\+)?((?:-[a-z]+)+)?$"
    )
    .captures(core)?;
    let accent = line.accent;
    let say = |sign: &str, number: &str| {
        let number = numbers::number(number, accent);
        match sign {
            "" => number,
            "~" => format!("about {number}"),
            _ => format!("minus {number}"),
        }
    };
    let plain = |text: &str| text.replace(',', "").parse::<f64>().unwrap_or(f64::MAX);
    let (from, to) = (&found[2], &found[4]);
    let tail = found.get(6).map(|tail| tail.as_str().replace('-', " ")).unwrap_or_default();
    // "747-400" is a model, not a range: falling numbers above scores.
    if found[3].is_empty() && plain(to) < plain(from) && from.len() >= 3 {
        let both = [numbers::paired(from, accent), numbers::paired(to, accent)];
        return Reading::one(both.join(" "));
    }
    let plus = if found.get(5).is_some() { " plus" } else { "" };
    Reading::one(format!("{} to {}{plus}{tail}", say(&found[1], from), say(&found[3], to)))
}

/// "10 - 20" where nothing is calculated.
fn spaced(line: &Line, index: usize) -> Option<Reading> {
    let number = |core: &str| pattern!(r"^\d[\d,]*(?:\.\d+)?$").is_match(core);
    let dash = line.next(index)?;
    if !matches!(dash, "-" | "–") || line.has_core("=") || !number(line.core(index)) {
        return None;
    }
    let to = line.next(index + 1).filter(|to| number(to))?;
    let say = |at: usize, core: &str| {
        if dates::is_year(line, at, core) && core.len() == 4 {
            core.parse().map_or_else(|_| core.to_owned(), |year| numbers::year(year, line.accent))
        } else {
            numbers::number(core, line.accent)
        }
    };
    Reading::several([say(index, line.core(index)), "to".to_owned(), say(index + 2, to)])
}
