//! `WebVTT` (W3C Candidate Recommendation, section 4): blocks separated by blank lines.

use super::{cues, draft::Draft, markup, srt::timing};
use crate::{
    Limits, Origin, Script,
    decode::{SourceLine, source_lines},
    findings::Finding,
    problem::Problems,
};

pub(super) fn read(text: &str, limits: &Limits, problems: &mut Problems) -> Script {
    let lines = source_lines(text, limits, problems);
    let header = lines.first().map_or("", |line| line.text);
    if !header.strip_prefix("WEBVTT").is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t'])) {
        problems.add(&Finding::HeaderMissing { header: "WEBVTT" }, Origin::START);
        return Script::default();
    }
    let mut found = Vec::new();
    let mut is_header = true;
    for block in lines.split(|line| line.text.trim().is_empty()).filter(|block| !block.is_empty()) {
        let first = block[0].text;
        let skipped = std::mem::take(&mut is_header)
            || ["NOTE", "STYLE", "REGION"].iter().any(|word| {
                first.strip_prefix(word).is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t']))
            });
        if !skipped {
            cues_of(block, &mut found, problems);
        }
        if found.len() > limits.max_lines {
            break;
        }
    }
    cues::to_script(found, Draft::new(limits, problems))
}

/// A block normally is one cue; a further timing line starts another one without a blank line.
fn cues_of(block: &[SourceLine<'_>], found: &mut Vec<cues::Cue>, problems: &mut Problems) {
    let timings: Vec<usize> = (0..block.len()).filter(|&i| block[i].text.contains("-->")).collect();
    let Some(&first) = timings.first() else {
        problems.add(&Finding::TextOutsideCue { text: block[0].text.trim() }, block[0].start());
        return;
    };
    if first > 1 {
        problems.add(&Finding::TextOutsideCue { text: block[0].text.trim() }, block[0].start());
    }
    for (nth, &index) in timings.iter().enumerate() {
        let Some((start_ms, end_ms)) = timing(&block[index], problems) else { continue };
        let end = timings.get(nth + 1).copied().unwrap_or(block.len());
        let body = &block[index + 1..end];
        let payload: Vec<&str> = body.iter().map(|line| line.text).collect();
        let spans = markup::vtt_spans(&payload.join("\n"));
        let at = body.first().map_or(block[index].start(), SourceLine::start);
        found.push(cues::Cue { start_ms, end_ms, spans, at });
    }
}
