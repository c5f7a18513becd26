//! Captions as files: what is written, checked by eye, by rule and by other people's parsers.

#[path = "it/layouts.rs"]
mod layouts;
#[path = "it/others.rs"]
mod others;
#[path = "it/writers.rs"]
mod writers;

use sori_captions::{Captions, Cue, CueWord, TimeSource};

/// A cue whose words share its time evenly.
fn cue(start_ms: u64, end_ms: u64, speaker: &str, text: &str) -> Cue {
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = words.len() as u64;
    let at = |n: u64| start_ms + (end_ms - start_ms) * n / count.max(1);
    let words = words.iter().zip(0..).map(|(word, n)| CueWord {
        text: word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned(),
        start_ms: at(n),
        end_ms: at(n + 1),
        source: TimeSource::Engine,
    });
    let words = words.collect();
    let speaker = (!speaker.is_empty()).then(|| speaker.to_owned());
    Cue { start_ms, end_ms, speaker, text: text.to_owned(), words, line: None, line_id: None }
}

fn captions(cues: Vec<Cue>) -> Captions {
    let duration_ms = cues.iter().map(|cue| cue.end_ms).max().unwrap_or_default();
    Captions { title: "At the café".into(), lang: "en-US".into(), duration_ms, cues }
}
