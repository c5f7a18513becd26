//! What can go wrong in a voice, each with a code that clients may rely on.

use thiserror::Error;

/// Why something cannot be spoken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SynthError {
    #[error("the model {model} cannot be loaded: {reason}")]
    ModelInvalid { model: &'static str, reason: String },
    #[error("the phoneme table is not valid: {0}")]
    VocabularyInvalid(String),
    #[error("a voice is {expected} bytes of finite numbers: {reason}")]
    VoiceInvalid { expected: usize, reason: String },
    #[error("the blend is not valid: {0}")]
    BlendInvalid(#[source] BlendFault),
    #[error("the phrase has {symbols} symbols, at most {limit} are spoken at once")]
    PhraseTooLong { symbols: usize, limit: usize },
    #[error("the phrase holds nothing that can be spoken")]
    NothingToSpeak,
    #[error("the speed {0} is not between 0.25 and 4")]
    SpeedOutOfRange(f32),
    #[error("the model {model} failed: {reason}")]
    ModelFailed { model: &'static str, reason: String },
}

/// What is wrong with a blend such as `af_heart*0.6+bm_george*0.4`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlendFault {
    #[error("{0:?} is not the name of a voice")]
    Name(String),
    #[error("{0:?} is not a weight above 0 and at most 1000")]
    Weight(String),
    #[error("the voice {0} is named twice")]
    Repeated(String),
    #[error("at most {0} voices are blended")]
    TooMany(usize),
    #[error("there is no voice in it")]
    Empty,
}

impl SynthError {
    /// A stable code for clients and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ModelInvalid { .. } => "MODEL_INVALID",
            Self::VocabularyInvalid(_) => "VOCABULARY_INVALID",
            Self::VoiceInvalid { .. } => "VOICE_INVALID",
            Self::BlendInvalid(_) => "BLEND_INVALID",
            Self::PhraseTooLong { .. } => "PHRASE_TOO_LONG",
            Self::NothingToSpeak => "NOTHING_TO_SPEAK",
            Self::SpeedOutOfRange(_) => "SPEED_OUT_OF_RANGE",
            Self::ModelFailed { .. } => "MODEL_FAILED",
        }
    }
}
