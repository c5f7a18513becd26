//! The model: what is shown when, and when each word is said.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The captions of one piece of audio.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Captions {
    pub title: String,
    /// BCP 47 tag.
    pub lang: String,
    pub duration_ms: u64,
    /// By start time. Cues of different speakers may overlap.
    pub cues: Vec<Cue>,
}

/// One caption: a spoken line, or a part of one after [`crate::layout`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cue {
    pub start_ms: u64,
    pub end_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Rows are separated by `\n`.
    pub text: String,
    /// In the order of the text; empty when no word times are known.
    #[serde(default)]
    pub words: Vec<CueWord>,
    /// Which spoken line of the script this is, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The author's or the catalog's id of that line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
}

/// When a word of a cue is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CueWord {
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
    pub source: TimeSource,
}

/// Where a word time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// Durations of the engine that spoke it.
    Engine,
    /// Found in the audio afterwards.
    Aligned,
    /// A share of the line by length.
    #[default]
    Estimated,
}
