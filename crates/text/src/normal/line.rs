//! What a rule sees: the chunks of one sentence.

use crate::chunks::{Chunk, Gap};
use crate::spoken::Accent;

pub(crate) struct Line<'a> {
    chunks: &'a [Chunk],
    pub(crate) accent: Accent,
}

/// The spoken form of one or more chunks, one string each.
pub(crate) struct Reading {
    pub(crate) cores: Vec<String>,
    /// Full stops after the chunks are marks of abbreviation and are not heard, unless the sentence ends.
    pub(crate) takes_stops: bool,
}

impl Reading {
    pub(crate) fn one(spoken: impl Into<String>) -> Option<Self> {
        Some(Self { cores: vec![spoken.into()], takes_stops: false })
    }

    pub(crate) fn several<const N: usize>(spoken: [String; N]) -> Option<Self> {
        Some(Self { cores: spoken.into(), takes_stops: false })
    }

    pub(crate) fn taking_stops(mut self) -> Self {
        self.takes_stops = true;
        self
    }
}

impl<'a> Line<'a> {
    pub(crate) fn new(chunks: &'a [Chunk], accent: Accent) -> Self {
        Self { chunks, accent }
    }

    pub(crate) fn core(&self, index: usize) -> &'a str {
        self.chunks.get(index).map_or("", Chunk::plain)
    }

    pub(crate) fn trail(&self, index: usize) -> &'a str {
        self.chunks.get(index).map_or("", |chunk| &chunk.trail)
    }

    pub(crate) fn lead(&self, index: usize) -> &'a str {
        self.chunks.get(index).map_or("", |chunk| &chunk.lead)
    }

    /// Is the chunk followed by a full stop?
    pub(crate) fn stopped(&self, index: usize) -> bool {
        self.trail(index).starts_with('.') && !self.trail(index).starts_with("..")
    }

    pub(crate) fn is_last(&self, index: usize) -> bool {
        index + 1 >= self.chunks.len()
    }

    /// The core after this one when only white space is between them.
    pub(crate) fn next(&self, index: usize) -> Option<&'a str> {
        self.next_after(index, "")
    }

    /// The core after this one when only white space and this punctuation are between them.
    pub(crate) fn next_after(&self, index: usize, trail: &str) -> Option<&'a str> {
        let next = self.chunks.get(index + 1)?;
        let chunk = self.chunks.get(index)?;
        (chunk.gap != Gap::Joined && next.lead.is_empty() && chunk.trail == trail).then(|| next.plain())
    }

    /// The next core, whatever punctuation is between.
    pub(crate) fn following(&self, index: usize) -> &'a str {
        self.core(index + 1)
    }

    /// The core before this one when only white space is between them.
    pub(crate) fn previous(&self, index: usize) -> &'a str {
        match index.checked_sub(1).and_then(|before| self.next(before)) {
            Some(_) => self.core(index - 1),
            None => "",
        }
    }

    /// The core before this one when white space, and perhaps a full stop, is between them.
    pub(crate) fn previous_word(&self, index: usize) -> &'a str {
        let before = index.checked_sub(1).filter(|&before| matches!(self.trail(before), "" | "." | ":"));
        before.map_or("", |before| self.core(before))
    }

    pub(crate) fn has_core(&self, core: &str) -> bool {
        self.chunks.iter().any(|chunk| chunk.plain() == core)
    }
}

/// Compiles a constant pattern once.
macro_rules! pattern {
    ($pattern:expr) => {{
        static PATTERN: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("the pattern is constant"));
        &*PATTERN
    }};
}
pub(crate) use pattern;

pub(crate) fn starts_upper(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
}

pub(crate) fn starts_lower(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
}

pub(crate) fn starts_digit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

pub(crate) fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters as they are spelled: "F B I".
pub(crate) fn spelled(letters: &str) -> String {
    letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase().to_string())
        .collect::<Vec<_>>()
        .join(" ")
}
