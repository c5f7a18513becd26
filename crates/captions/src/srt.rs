//! SubRip.

use std::fmt::Write;

use crate::{
    Captions,
    tidy::{clock, tidy},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SrtOptions {
    /// `NAME: ` in front of each cue that has a speaker.
    pub speakers: bool,
}

impl Default for SrtOptions {
    fn default() -> Self {
        Self { speakers: true }
    }
}

/// Writes `SubRip` with speakers.
#[must_use]
pub fn to_srt(captions: &Captions) -> String {
    to_srt_with(captions, &SrtOptions::default())
}

/// Writes `SubRip`: numbered from 1, CRLF row ends as the format's first tool wrote them, no mark.
#[must_use]
pub fn to_srt_with(captions: &Captions, options: &SrtOptions) -> String {
    let mut out = String::new();
    for (index, cue) in tidy(&captions.cues, 1).iter().enumerate() {
        let (start, end) = (clock(cue.start_ms, ','), clock(cue.end_ms, ','));
        let _ = write!(out, "{}\r\n{start} --> {end}\r\n", index + 1);
        if let Some(speaker) = cue.speaker.as_deref().filter(|_| options.speakers) {
            let _ = write!(out, "{}: ", escape(speaker));
        }
        out.push_str(&escape(&cue.text).replace('\n', "\r\n"));
        out.push_str("\r\n\r\n");
    }
    out
}

/// `SubRip` has no escapes that every player knows, so only what a player would take for markup is
/// written as a character reference: tags, position overrides, arrows, and references themselves.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        let rest = &text[offset..];
        match c {
            '<' if looks_like_tag(&rest[1..]) => out.push_str("&lt;"),
            '{' if rest.starts_with("{\\") => out.push_str("&#123;"),
            '&' if looks_like_reference(&rest[1..]) => out.push_str("&amp;"),
            '>' if text[..offset].ends_with("--") => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
    out
}

fn looks_like_tag(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && rest.contains('>')
}

/// `name;` or `#number;`, short enough to be one.
fn looks_like_reference(rest: &str) -> bool {
    let end = rest.bytes().take(12).position(|b| b == b';');
    end.is_some_and(|end| end > 0 && rest[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#'))
}
