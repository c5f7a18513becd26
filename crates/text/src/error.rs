//! What can be wrong with a text, each with a code that clients may rely on.

use thiserror::Error;

/// Why a text cannot be read aloud. Positions are byte offsets into the text that was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextError {
    #[error("the text is {size_bytes} bytes long, at most {limit_bytes} are read at once")]
    TooLong { size_bytes: usize, limit_bytes: usize },
    #[error("the text holds nothing that can be spoken")]
    NothingToSpeak,
    #[error(
        "the character {character:?} at byte {position} belongs to a script an English voice cannot read; \
         give its pronunciation as [text](/phonemes/) or in a lexicon"
    )]
    ScriptUnsupported { position: usize, character: char },
    #[error("the pronunciation at byte {position} is not valid: {fault}")]
    PronunciationInvalid { position: usize, fault: PronunciationFault },
    #[error("lexicon entry {entry} is not valid: {fault}")]
    LexiconInvalid { entry: usize, fault: LexiconFault },
    #[error("a phrase limit of {max_phonemes} phonemes is too small, at least {least} are needed")]
    PhraseLimitTooSmall { max_phonemes: usize, least: usize },
}

/// What is wrong with one phoneme string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PronunciationFault {
    #[error("it is empty")]
    Empty,
    #[error("the voices have no sound for {0:?}")]
    UnknownSymbol(char),
    #[error("it has no vowel or consonant")]
    Soundless,
    #[error("it is longer than {0} phonemes")]
    TooLong(usize),
}

/// What is wrong with one lexicon entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LexiconFault {
    #[error("there is no word before the separator")]
    NoWord,
    #[error("there is no '=' or tab between word and reading")]
    NoReading,
    #[error("the word is longer than {0} characters")]
    WordTooLong(usize),
    #[error("its pronunciation is not valid: {0}")]
    Pronunciation(PronunciationFault),
    #[error("there are more than {0} entries")]
    TooMany(usize),
}

impl TextError {
    /// A stable code for clients and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "TEXT_TOO_LONG",
            Self::NothingToSpeak => "TEXT_NOTHING_TO_SPEAK",
            Self::ScriptUnsupported { .. } => "TEXT_SCRIPT_UNSUPPORTED",
            Self::PronunciationInvalid { .. } => "PRONUNCIATION_INVALID",
            Self::LexiconInvalid { .. } => "LEXICON_INVALID",
            Self::PhraseLimitTooSmall { .. } => "PHRASE_LIMIT_TOO_SMALL",
        }
    }

    /// Where in the text it went wrong, in bytes, when it is about one place.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::ScriptUnsupported { position, .. } | Self::PronunciationInvalid { position, .. } => {
                Some(*position)
            }
            _ => None,
        }
    }
}
