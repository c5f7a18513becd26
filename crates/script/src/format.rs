//! Which format a file is in: by its name, and by what stands in it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Limits, ScriptError, decode};

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The canonical script, the body of `POST /v1/synthesize`, and relatives of it.
    Json,
    /// `NAME: line`.
    Text,
    /// Fountain 1.1.
    Fountain,
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// Advanced SubStation Alpha, and SSA v4.
    Ass,
}

impl Format {
    pub const ALL: [Self; 6] = [Self::Json, Self::Text, Self::Fountain, Self::Srt, Self::Vtt, Self::Ass];

    /// Finds the format of a file. A clear beginning (`WEBVTT`, `[Script Info]`, a first SRT cue)
    /// counts more than the name, the name more than a look at the text; text without any sign is
    /// [`Format::Text`].
    ///
    /// # Errors
    /// The file is no text: a picture, an archive, a broken encoding.
    pub fn detect(name: Option<&str>, bytes: &[u8]) -> Result<Self, ScriptError> {
        let text = decode::decode(bytes, &Limits { max_bytes: usize::MAX, ..Limits::default() })?;
        let by_name = name.and_then(Self::from_name);
        let head = head(&text);
        Ok(by_signature(head)
            .filter(|_| by_name != Some(Self::Json))
            .or(by_name.filter(|format| *format != Self::Text))
            .or_else(|| by_look(head, by_name.is_none()))
            .unwrap_or(Self::Text))
    }

    /// By the extension of a file name, if it is a known one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "txt" | "text" | "md" => Some(Self::Text),
            "fountain" | "spmd" => Some(Self::Fountain),
            "srt" => Some(Self::Srt),
            "vtt" => Some(Self::Vtt),
            "ass" | "ssa" => Some(Self::Ass),
            _ => None,
        }
    }

    /// By a media type such as `text/vtt; charset=utf-8`. `text/plain` says nothing: it is `None`.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "text/vtt" => Some(Self::Vtt),
            "application/x-subrip" | "text/srt" => Some(Self::Srt),
            "text/x-ssa" | "text/x-ass" => Some(Self::Ass),
            "text/x-fountain" | "text/vnd.fountain" => Some(Self::Fountain),
            _ => None,
        }
    }

    /// The usual file extension, which is also the name of the format.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "txt",
            Self::Fountain => "fountain",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Ass => "ass",
        }
    }
}

/// The first 8 KiB, which is enough for every sign.
fn head(text: &str) -> &str {
    let mut end = text.len().min(8 * 1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn by_signature(head: &str) -> Option<Format> {
    let start = head.trim_start();
    if start.starts_with("WEBVTT") {
        return Some(Format::Vtt);
    }
    if start.get(..13).is_some_and(|s| s.eq_ignore_ascii_case("[Script Info]")) {
        return Some(Format::Ass);
    }
    let timing = start.lines().take(2).find(|line| line.contains("-->"))?;
    timing.trim_start().starts_with(|c: char| c.is_ascii_digit()).then_some(Format::Srt)
}

fn by_look(head: &str, fountain_too: bool) -> Option<Format> {
    let start = head.trim_start();
    if start.starts_with('{') || (start.starts_with('[') && start[1..].trim_start().starts_with('{')) {
        return Some(Format::Json);
    }
    let is_heading = |line: &str| {
        let line = line.trim_start().to_ascii_uppercase();
        ["INT.", "EXT.", "EST.", "INT ", "EXT ", "INT/EXT", "INT./EXT", "I/E"]
            .iter()
            .any(|p| line.starts_with(p))
    };
    (fountain_too && head.lines().any(is_heading)).then_some(Format::Fountain)
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[track_caller]
    fn check(name: Option<&str>, text: &str, expected: Format) {
        assert_eq!(Format::detect(name, text.as_bytes()).unwrap(), expected, "{name:?} {text:?}");
    }

    #[test]
    fn the_name_decides_when_the_text_does_not() {
        check(Some("a.fountain"), "MINA\nHi.", Format::Fountain);
        check(Some("A.JSON"), "{", Format::Json);
        check(Some("a.txt"), "MINA: Hi.", Format::Text);
        check(Some("a.srt"), "", Format::Srt);
        check(Some("noext"), "MINA: Hi.", Format::Text);
    }

    #[test]
    fn a_clear_beginning_counts_more_than_the_name() {
        check(Some("a.srt"), "WEBVTT\n\n", Format::Vtt);
        check(Some("a.txt"), "[Script Info]\n", Format::Ass);
        check(Some("a.txt"), "1\r\n00:00:01,000 --> 00:00:02,000\r\nHi", Format::Srt);
        check(None, "00:01 --> 00:02\nHi", Format::Srt);
    }

    #[test]
    fn a_look_at_the_text_finds_json_and_fountain() {
        check(None, " [ {\"speaker_id\":\"a\",\"text\":\"b\"}]", Format::Json);
        check(None, "[00:01:02] MINA: Hi.", Format::Text);
        check(None, "Title: X\n\nINT. CAFE - DAY\n\nMINA\nHi.", Format::Fountain);
        check(Some("x.txt"), "Interesting: yes", Format::Text);
    }

    #[test]
    fn a_picture_with_the_name_of_a_script_is_refused() {
        let error = Format::detect(Some("a.fountain"), b"\x89PNG\r\n\x1a\n").unwrap_err();
        assert_eq!(error.code(), "SCRIPT_NOT_TEXT");
    }
}
