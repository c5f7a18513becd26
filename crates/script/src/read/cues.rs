//! What SRT, WebVTT and ASS share: cues become timed lines, and names are found in the text.

use std::collections::HashMap;

use super::{draft::Draft, markup::Span};
use crate::{Line, NARRATOR, Origin, Script, decode::tidy, findings::Finding};

/// A cue as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Cue {
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    pub(super) spans: Vec<Span>,
    pub(super) at: Origin,
}

/// A stretch of a cue that becomes one line.
struct Part {
    speaker: Option<String>,
    text: String,
    dashed: bool,
}

/// Turns cues into lines in the order of time.
pub(super) fn to_script(mut cues: Vec<Cue>, mut draft: Draft<'_>) -> Script {
    if let Some(pair) = cues.windows(2).find(|pair| pair[1].start_ms < pair[0].start_ms) {
        draft.warn(&Finding::CuesOutOfOrder, pair[1].at);
    }
    cues.sort_by_key(|cue| cue.start_ms);
    let names = names(&cues);
    let mut seen = Remarks::default();
    let mut previous: Option<(u64, u64, Vec<Span>)> = None;
    for cue in cues {
        if draft.is_full() {
            break;
        }
        let repeats =
            previous.as_ref().is_some_and(|p| (p.0, p.1, &p.2) == (cue.start_ms, cue.end_ms, &cue.spans));
        if repeats {
            seen.repeated.get_or_insert((cue.at, 0)).1 += 1;
            continue;
        }
        add(&cue, &names, &mut draft, &mut seen);
        previous = Some((cue.start_ms, cue.end_ms, cue.spans));
    }
    seen.tell(&mut draft);
    draft.script
}

/// What is said once for a whole file: where it was first, and how often.
#[derive(Default)]
struct Remarks {
    unnamed: Option<Origin>,
    dashes: Option<Origin>,
    sounds: Option<(Origin, usize)>,
    repeated: Option<(Origin, usize)>,
}

impl Remarks {
    fn tell(self, draft: &mut Draft<'_>) {
        if let Some(at) = self.unnamed {
            draft.warn(&Finding::NoSpeaker, at);
        }
        if let Some(at) = self.dashes {
            draft.warn(&Finding::SpeakersUnnamed, at);
        }
        if let Some((at, count)) = self.sounds {
            draft.warn(&Finding::SoundSkipped { count }, at);
        }
        if let Some((at, count)) = self.repeated {
            draft.warn(&Finding::CueRepeated { count }, at);
        }
    }
}

fn add(cue: &Cue, names: &HashMap<String, u32>, draft: &mut Draft<'_>, seen: &mut Remarks) {
    let mut parts: Vec<Part> = cue.spans.iter().flat_map(|span| parts(span, names)).collect();
    let before = parts.len();
    parts.retain(|part| !is_sound(&part.text));
    if parts.len() < before {
        seen.sounds.get_or_insert((cue.at, 0)).1 += before - parts.len();
    }
    let reversed = cue.end_ms <= cue.start_ms;
    if reversed && !parts.is_empty() {
        draft.warn(&Finding::CueReversed, cue.at);
    }
    let take_turns = parts.iter().filter(|part| part.dashed && part.speaker.is_none()).count() > 1;
    // Where several people speak in one cue, each gets a share of it by length of text.
    let total: u64 = parts.iter().map(|part| weight(&part.text)).sum();
    let span_ms = cue.end_ms.saturating_sub(cue.start_ms);
    let share = |weight: u64| {
        let ms = u128::from(span_ms) * u128::from(weight) / u128::from(total.max(1));
        cue.start_ms + u64::try_from(ms).unwrap_or(span_ms)
    };
    let mut done = 0;
    for (index, part) in parts.into_iter().enumerate() {
        let speaker = match part.speaker {
            Some(speaker) => speaker,
            None if take_turns && part.dashed => {
                seen.dashes.get_or_insert(cue.at);
                format!("Speaker {}", index % 2 + 1)
            }
            None => {
                seen.unnamed.get_or_insert(cue.at);
                NARRATOR.to_owned()
            }
        };
        let start_ms = share(done);
        done += weight(&part.text);
        let end_ms = share(done);
        let line = Line {
            speaker,
            text: part.text,
            start_ms: Some(start_ms),
            end_ms: (end_ms > start_ms).then_some(end_ms),
            ..Line::default()
        };
        draft.line(line, cue.at);
    }
}

fn weight(text: &str) -> u64 {
    text.chars().count() as u64
}

/// Splits a span at dashes and at names that are known to be names.
fn parts(span: &Span, names: &HashMap<String, u32>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for row in span.text.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (dashed, row) = undash(row);
        let named = span.speaker.is_none().then(|| label(row)).flatten();
        let named = named.filter(|(name, _)| is_name(name, names));
        match (named, parts.last_mut()) {
            (Some((name, text)), _) => {
                parts.push(Part { speaker: Some(name.to_owned()), text: text.to_owned(), dashed });
            }
            (None, Some(last)) if !dashed => {
                last.text.push(' ');
                last.text.push_str(row);
            }
            _ => parts.push(Part { speaker: span.speaker.clone(), text: row.to_owned(), dashed }),
        }
    }
    for part in &mut parts {
        part.text = tidy(part.text.trim_matches(is_music));
    }
    parts.retain(|part| !part.text.is_empty() || part.speaker.is_none());
    parts
}

fn undash(row: &str) -> (bool, &str) {
    match row.strip_prefix(['-', '–', '—', '‐']) {
        Some(rest)
            if !rest.starts_with(['-', '–', '—']) && !rest.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (true, rest.trim_start())
        }
        _ => (false, row),
    }
}

/// How often each possible name stands before a colon.
fn names(cues: &[Cue]) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    let spans = cues.iter().flat_map(|cue| &cue.spans).filter(|span| span.speaker.is_none());
    for row in spans.flat_map(|span| span.text.lines()) {
        if let Some((name, _)) = label(undash(row.trim()).1) {
            *counts.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// Colons are common in subtitles ("Listen: it works"), so a name is one only when it is written
/// in capitals, or when it comes back.
fn is_name(name: &str, names: &HashMap<String, u32>) -> bool {
    let in_capitals = name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase);
    in_capitals || names.get(name).is_some_and(|count| *count > 1)
}

/// `NAME: text` as two pieces, if the first could be a name.
fn label(row: &str) -> Option<(&str, &str)> {
    let (name, rest) = row.split_once([':', '：'])?;
    let name = name.trim();
    let bare = ["Dr.", "Mr.", "Mrs.", "Ms.", "DR.", "MR.", "MRS.", "MS."]
        .iter()
        .find_map(|title| name.strip_prefix(title))
        .unwrap_or(name);
    let shape = (1..=40).contains(&name.chars().count())
        && name.split_whitespace().count() <= 4
        && name.starts_with(char::is_alphabetic)
        && !bare.contains(['.', '!', '?', ',', ';', '"', '<', '>', '[', ']', '(', '/', '…']);
    let spaced = rest.is_empty() || rest.starts_with(char::is_whitespace) || !row.contains(':');
    (shape && spaced).then(|| (name, rest.trim()))
}

/// `[door slams]`, `♪`: heard, not said.
fn is_sound(text: &str) -> bool {
    let text = text.trim_matches(|c: char| is_music(c) || c.is_whitespace());
    if text.is_empty() {
        return true;
    }
    text.starts_with('[') && text.find(']') == Some(text.len() - 1)
}

fn is_music(c: char) -> bool {
    matches!(c, '♪' | '♫' | '♬' | '♩')
}
