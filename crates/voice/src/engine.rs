//! The engine seam: whatever turns one line of text into samples with word times.
//!
//! In-process engines (`kokoro`, `hibari`, `tone`) and remote ones implement the same trait. An
//! engine blocks; callers are on a blocking thread, never on the async runtime.

pub mod hibari;
pub mod kokoro;
mod model_file;
mod neural;
pub mod tone;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sori_contracts::{Cancel, Fault, Kind, UiLanguage};
use sori_text::{Lexicon, Spoken};

use crate::voices::{VoiceInfo, VoiceName};

/// What an engine can do, so that callers ask for no more.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Stable and part of every cache key.
    pub id: &'static str,
    pub sample_rate_hz: u32,
    pub max_text_chars: usize,
    pub speed: std::ops::RangeInclusive<f32>,
    pub timestamps: Timestamps,
    /// The same request gives the same samples.
    pub is_deterministic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    None,
    Word,
    Phone,
}

/// One line to be spoken.
#[derive(Clone, Copy, Debug)]
pub struct LineRequest<'a> {
    pub voice: &'a VoiceName,
    pub text: &'a str,
    pub speed: f32,
    pub seed: u64,
    pub lexicon: &'a Lexicon,
    /// How many threads the engine may use for this line.
    pub lanes: usize,
}

/// A line as it was spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenLine {
    pub sample_rate_hz: u32,
    pub samples: Vec<f32>,
    pub words: Vec<SpokenWord>,
    pub phones: Vec<SpokenPhone>,
}

/// A displayed word and the samples in which it is heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenWord {
    pub text: String,
    /// Bytes of the line's text.
    pub source: Range<usize>,
    pub start: u64,
    pub end: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenPhone {
    pub phoneme: char,
    /// Index into the words, none for a pause.
    pub word: Option<usize>,
    pub start: u64,
    pub end: u64,
}

pub trait Engine: Send + Sync {
    fn capabilities(&self) -> &Capabilities;

    /// Changes whenever the same request may sound different: code version, model and voice bytes.
    fn version(&self, voice: &VoiceName) -> Result<String, EngineError>;

    fn voices(&self) -> Vec<VoiceInfo>;

    /// Whether it could speak with this voice now, from names and files alone.
    fn find(&self, voice: &VoiceName) -> Result<(), EngineError>;

    /// Finds out early, without speaking, that a line cannot be spoken. What it read on the way is
    /// handed to [`Engine::synth`], so that nothing is read twice.
    fn read(&self, line: &LineRequest<'_>) -> Result<Reading, EngineError>;

    /// Speaks a line that was read by the same engine for the same voice, text and lexicon. Looks at
    /// `cancel` between sentences.
    fn synth(
        &self,
        line: &LineRequest<'_>,
        reading: &Reading,
        cancel: &Cancel,
    ) -> Result<SpokenLine, EngineError>;
}

/// What an engine read in a line's text.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Phrases of phonemes, of an engine that speaks from them.
    pub phrases: Option<Spoken>,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("there is no voice called {0:?}")]
    VoiceUnknown(String),
    /// The engine's model files are not on this machine.
    #[error("engine {engine}: {what} is not installed")]
    ModelMissing { engine: &'static str, what: String },
    /// The text itself cannot be spoken: both messages are for the author of the script.
    #[error("{code}: {en}")]
    BadText { code: &'static str, en: String, ko: String, at: Option<usize> },
    #[error("the work was cancelled")]
    Cancelled,
    #[error("engine {engine} failed: {reason}")]
    Failed { engine: &'static str, reason: String },
}

impl Fault for EngineError {
    fn kind(&self) -> Kind {
        match self {
            Self::VoiceUnknown(_) | Self::BadText { .. } => Kind::Invalid,
            Self::ModelMissing { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Conflict,
            Self::Failed { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::VoiceUnknown(_) => "VOICE_UNKNOWN",
            Self::ModelMissing { .. } => "VOICE_MODEL_MISSING",
            Self::BadText { code, .. } => code,
            Self::Cancelled => "CANCELLED",
            Self::Failed { .. } => "VOICE_ENGINE_FAILED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        match (self, language) {
            (Self::VoiceUnknown(name), UiLanguage::En) => {
                format!("There is no voice called \"{name}\". `sori voices` and GET /v1/voices list them.")
            }
            (Self::VoiceUnknown(name), UiLanguage::Ko) => {
                format!(
                    "\"{name}\"라는 목소리는 없습니다. `sori voices`와 GET /v1/voices에서 목록을 볼 수 있습니다."
                )
            }
            (Self::ModelMissing { what, .. }, UiLanguage::En) => {
                format!("The voice model is not installed ({what}). Run `make assets` on the server.")
            }
            (Self::ModelMissing { what, .. }, UiLanguage::Ko) => {
                format!("음성 모델이 설치되어 있지 않습니다 ({what}). 서버에서 `make assets`를 실행하세요.")
            }
            (Self::BadText { en, .. }, UiLanguage::En) => en.clone(),
            (Self::BadText { ko, .. }, UiLanguage::Ko) => ko.clone(),
            (Self::Cancelled, _) => language.pick("The work was cancelled.", "작업이 취소되었습니다.").into(),
            (Self::Failed { .. }, _) => language
                .pick("The voice engine failed on this line.", "음성 엔진이 이 대사를 처리하지 못했습니다.")
                .into(),
        }
    }
}
