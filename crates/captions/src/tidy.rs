//! What every writer needs first: cues in order, with sound times and clean rows.

use std::collections::HashMap;

use crate::Cue;

/// Sorts by start, drops cues without text, cleans their rows, and makes times sound: a cue starts
/// no earlier than the one before of the same speaker ends, ends no later than the next one of the
/// same speaker starts, and lasts at least `min_ms`.
pub(crate) fn tidy(cues: &[Cue], min_ms: u64) -> Vec<Cue> {
    let mut cues: Vec<Cue> = cues
        .iter()
        .filter_map(|cue| {
            let text = rows(&cue.text).join("\n");
            let speaker = cue.speaker.as_deref().map(one_row).filter(|name| !name.is_empty());
            (!text.is_empty()).then(|| Cue { text, speaker, ..cue.clone() })
        })
        .collect();
    cues.sort_by_key(|cue| cue.start_ms);
    let mut free_from: HashMap<Option<String>, u64> = HashMap::new();
    for cue in &mut cues {
        let free = free_from.get(&cue.speaker).copied().unwrap_or_default();
        cue.start_ms = cue.start_ms.max(free);
        // Starts first: an end may only be cut at the start that the next cue really gets.
        free_from.insert(cue.speaker.clone(), cue.start_ms + min_ms);
    }
    let mut next_start: HashMap<Option<String>, u64> = HashMap::new();
    for cue in cues.iter_mut().rev() {
        let next = next_start.get(&cue.speaker).copied().unwrap_or(u64::MAX);
        cue.end_ms = cue.end_ms.max(cue.start_ms + min_ms).min(next);
        next_start.insert(cue.speaker.clone(), cue.start_ms);
    }
    // Pushing starts may have changed the order between speakers.
    cues.sort_by_key(|cue| cue.start_ms);
    cues
}

/// The rows of a text: trimmed, none of them blank, no control characters.
pub(crate) fn rows(text: &str) -> Vec<String> {
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{B}', '\u{C}'])
        .map(one_row)
        .filter(|row| !row.is_empty())
        .collect()
}

/// Runs of white space and control characters become one blank.
pub(crate) fn one_row(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|p| !p.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(piece);
    }
    out
}

/// `HH:MM:SS` and three decimals; hours are always there and may have more than two digits.
pub(crate) fn clock(ms: u64, separator: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{separator}{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::{clock, rows, tidy};
    use crate::Cue;

    fn cue(start_ms: u64, end_ms: u64, speaker: &str, text: &str) -> Cue {
        Cue { start_ms, end_ms, speaker: Some(speaker.into()), text: text.into(), ..Cue::default() }
    }

    #[track_caller]
    fn check(cues: &[Cue], expected: &[(u64, u64)]) {
        let got: Vec<_> = tidy(cues, 1).iter().map(|c| (c.start_ms, c.end_ms)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_cue_ends_where_the_next_of_its_speaker_starts() {
        check(&[cue(0, 900, "A", "x"), cue(500, 800, "A", "y")], &[(0, 500), (500, 800)]);
        check(&[cue(0, 900, "A", "x"), cue(500, 800, "B", "y")], &[(0, 900), (500, 800)]);
    }

    #[test]
    fn no_cue_ends_before_it_starts() {
        check(&[cue(5, 5, "A", "x"), cue(9, 3, "B", "y")], &[(5, 6), (9, 10)]);
        check(&[cue(5, 9, "A", "x"), cue(5, 9, "A", "y"), cue(5, 9, "A", "z")], &[(5, 6), (6, 7), (7, 9)]);
    }

    #[test]
    fn cues_without_text_are_left_out_and_the_rest_is_sorted() {
        check(&[cue(7, 8, "A", "x"), cue(1, 2, "B", " \n "), cue(3, 4, "A", "y")], &[(3, 4), (7, 8)]);
    }

    #[test]
    fn rows_are_never_blank() {
        assert_eq!(rows(" a \r\n\r\n\u{0}\n b\tc "), ["a", "b c"]);
    }

    #[test]
    fn hours_are_always_there_and_may_be_many() {
        assert_eq!(clock(0, '.'), "00:00:00.000");
        assert_eq!(clock(3_723_004, ','), "01:02:03,004");
        assert_eq!(clock(360_000_000 + 59_999, '.'), "100:00:59.999");
    }
}
