//! `SubRip`, read leniently: the numbers may be missing or wrong, and blank lines may stand inside
//! a cue, because files in the wild have all of that.

use super::{attributes::clock_ms, cues, draft::Draft, markup};
use crate::{
    Limits, Script,
    decode::{SourceLine, source_lines},
    findings::Finding,
    problem::Problems,
};

pub(super) fn read(text: &str, limits: &Limits, problems: &mut Problems) -> Script {
    let lines = source_lines(text, limits, problems);
    let timings: Vec<usize> = (0..lines.len()).filter(|&i| is_timing(lines[i].text)).collect();
    let before = &lines[..timings.first().copied().unwrap_or(lines.len())];
    if let Some(stray) = before.iter().find(|l| !l.text.trim().is_empty() && !is_number(l.text)) {
        problems.add(&Finding::TextOutsideCue { text: stray.text.trim() }, stray.start());
    }
    let mut found = Vec::with_capacity(timings.len().min(limits.max_lines + 1));
    for (nth, &index) in timings.iter().enumerate() {
        if found.len() > limits.max_lines {
            break;
        }
        let line = lines[index];
        let Some((start_ms, end_ms)) = timing(&line, problems) else { continue };
        let end = timings.get(nth + 1).copied().unwrap_or(lines.len());
        let mut body = &lines[index + 1..end];
        if let [rest @ .., last] = body
            && nth + 1 < timings.len()
            && is_number(last.text)
        {
            body = rest;
        }
        let payload: Vec<&str> = body.iter().map(|l| l.text).filter(|t| !t.trim().is_empty()).collect();
        let text = markup::srt_text(&payload.join("\n"));
        let at = body.iter().find(|l| !l.text.trim().is_empty()).map_or(line.start(), SourceLine::start);
        let spans = vec![markup::Span { speaker: None, text }];
        found.push(cues::Cue { start_ms, end_ms, spans, at });
    }
    cues::to_script(found, Draft::new(limits, problems))
}

/// The times of a `start --> end` line; what follows them (coordinates, settings) is ignored.
/// An unreadable time is an error and no cue.
pub(super) fn timing(line: &SourceLine<'_>, problems: &mut Problems) -> Option<(u64, u64)> {
    let arrow = line.text.find("-->")?;
    let (start, end) = (&line.text[..arrow], line.text[arrow + 3..].trim_start());
    let end = end.split_whitespace().next().unwrap_or_default();
    let mut time = |text: &str, at: usize| {
        let ms = clock_ms(text);
        if ms.is_none() {
            problems.add(&Finding::BadTiming { text: text.trim() }, line.at(at));
        }
        ms
    };
    let start_ms = time(start, line.text.len() - line.text.trim_start().len())?;
    let end_ms = time(end, arrow + 3)?;
    Some((start_ms, end_ms))
}

fn is_timing(text: &str) -> bool {
    text.contains("-->") && text.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-')
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
