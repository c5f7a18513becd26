//! The canonical script: what every reader makes, what is stored, and what a rendering starts from.
//!
//! Plain objects with units in their names. The one enum, [`Item`], is tagged by `"type"` so that
//! client generators make a discriminated union of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The language of a script that does not name one (BCP 47).
pub const DEFAULT_LANG: &str = "en-US";
/// The silence between two lines when nothing else is said.
pub const DEFAULT_GAP_MS: u32 = 250;
/// Who speaks text that names no speaker.
pub const NARRATOR: &str = "narrator";

/// A script: a cast, and what they say in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Script {
    #[serde(default)]
    pub title: String,
    /// BCP 47 tag.
    #[serde(default = "default_lang")]
    pub lang: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// By speaker: the key is what lines name in `speaker`.
    #[serde(default)]
    pub cast: BTreeMap<String, CastMember>,
    #[serde(default)]
    pub items: Vec<Item>,
    /// Silence between two lines, in milliseconds, where a line does not say `pause_after_ms`.
    #[serde(default = "default_gap_ms")]
    pub gap_ms: u32,
}

/// What is known of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CastMember {
    /// `af_heart`, `hibari:heart`, or a blend; none means that it is still to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// 1.0 is the voice's natural speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
    /// What captions show instead of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Item {
    Line(Line),
    Pause(Pause),
    Chapter(Chapter),
}

/// Something that one speaker says in one go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Chosen by the author; unique in the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub speaker: String,
    /// May hold inline pronunciations such as `[word](/phonemes/)`, which are left as they are.
    pub text: String,
    /// How it is said, such as `whispering`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Multiplies the speaker's speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
    /// Silence after this line instead of the script's `gap_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after_ms: Option<u32>,
    /// How long before the end of the previous line this one starts. More than the previous line
    /// lasts means: together with it ([`Line::WITH_PREVIOUS_MS`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_ms: Option<u32>,
    /// When the line has to start, from timed input such as subtitles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<u64>,
    /// When the line should have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Silence between lines, instead of the gap that would be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    pub pause_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// The start of a chapter; it is not spoken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chapter {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where something stood in the source file. Both count from 1; a column is one Unicode scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    pub line: u32,
    pub column: u32,
}

impl Line {
    /// An overlap that no previous line outlasts: both start together (dual dialogue).
    pub const WITH_PREVIOUS_MS: u32 = 600_000;
}

impl Default for Script {
    fn default() -> Self {
        Self {
            title: String::new(),
            lang: default_lang(),
            author: None,
            description: None,
            cast: BTreeMap::new(),
            items: Vec::new(),
            gap_ms: DEFAULT_GAP_MS,
        }
    }
}

impl Script {
    /// The lines in order, each with its index among the items.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.items.iter().enumerate().filter_map(|(index, item)| match item {
            Item::Line(line) => Some((index, line)),
            Item::Pause(_) | Item::Chapter(_) => None,
        })
    }

    /// What captions call a speaker: the display name of the cast, otherwise the key.
    #[must_use]
    pub fn display_name<'a>(&'a self, speaker: &'a str) -> &'a str {
        self.cast.get(speaker).and_then(|member| member.name.as_deref()).unwrap_or(speaker)
    }

    /// The same script without source positions: for comparing, and for content hashes.
    #[must_use]
    pub fn without_origins(mut self) -> Self {
        for item in &mut self.items {
            match item {
                Item::Line(line) => line.origin = None,
                Item::Pause(pause) => pause.origin = None,
                Item::Chapter(chapter) => chapter.origin = None,
            }
        }
        self
    }
}

impl Item {
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Line(line) => line.origin,
            Self::Pause(pause) => pause.origin,
            Self::Chapter(chapter) => chapter.origin,
        }
    }
}

impl Origin {
    pub const START: Self = Self { line: 1, column: 1 };
}

fn default_lang() -> String {
    DEFAULT_LANG.to_owned()
}

fn default_gap_ms() -> u32 {
    DEFAULT_GAP_MS
}
