//! The JSON caption format: the model as it is, with a version.
//!
//! ```json
//! { "version": 1, "title": "…", "lang": "en-US", "duration_ms": 1483,
//!   "cues": [ { "start_ms": 0, "end_ms": 1483, "speaker": "Mina", "text": "Good morning.",
//!               "line": 0, "line_id": "l1",
//!               "words": [ { "text": "Good", "start_ms": 42, "end_ms": 300, "source": "engine" } ] } ] }
//! ```
//!
//! A version is raised only when a reader of the old one would go wrong; fields may be added.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Captions, Cue};

/// The version that [`to_json`] writes.
pub const JSON_VERSION: u32 = 1;

/// The document that [`to_json`] writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaptionDocument {
    #[schema(example = 1)]
    pub version: u32,
    pub title: String,
    pub lang: String,
    pub duration_ms: u64,
    pub cues: Vec<Cue>,
}

/// Writes the captions as they are: no cue is cut or moved.
#[must_use]
pub fn to_json(captions: &Captions) -> String {
    let Captions { title, lang, duration_ms, cues } = captions.clone();
    let document = CaptionDocument { version: JSON_VERSION, title, lang, duration_ms, cues };
    serde_json::to_string(&document).expect("captions are plain values with string keys")
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// The text is no caption document of a known version.
pub fn from_json(json: &str) -> Result<Captions, serde_json::Error> {
    let CaptionDocument { version, title, lang, duration_ms, cues } = serde_json::from_str(json)?;
    if version != JSON_VERSION {
        return Err(serde::de::Error::custom(format!("caption version {version} is not known")));
    }
    Ok(Captions { title, lang, duration_ms, cues })
}
