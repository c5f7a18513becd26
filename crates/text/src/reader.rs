//! The reader: text in, words and phrases out.

use std::sync::{Arc, OnceLock};

use crate::chunks;
use crate::engine::{Engine, UnknownWord};
use crate::error::TextError;
use crate::lexicon::Lexicon;
use crate::normal;
use crate::phrases::{self, LEAST_PHONEMES};
use crate::spoken::{Accent, PhraseEnd, Spoken, Word};

/// The longest text read at once: about four hours of speech.
pub const MAX_TEXT_BYTES: usize = 200_000;

/// The usual limit of a phrase. The largest voice takes 510 ids with padding; long phrases lose prosody first.
pub const DEFAULT_PHONEMES: usize = 400;

/// Reads texts aloud on paper: loads the lexicons of an accent at its first use and keeps them.
///
/// Share it in an `Arc`; reading needs no lock. A sentence takes a few milliseconds.
pub struct Reader {
    american: OnceLock<Engine>,
    british: OnceLock<Engine>,
    unknown: Option<Arc<dyn UnknownWord>>,
}

impl Reader {
    pub fn new() -> Self {
        Self { american: OnceLock::new(), british: OnceLock::new(), unknown: None }
    }

    /// Uses this for words that are in no lexicon; without it they are spelled. Must be set before reading.
    pub fn with_unknown(self, unknown: Box<dyn UnknownWord>) -> Self {
        Self { american: OnceLock::new(), british: OnceLock::new(), unknown: Some(Arc::from(unknown)) }
    }

    /// Loads an accent now rather than at its first sentence.
    pub fn warm(&self, accent: Accent) {
        self.engine(accent);
    }

    /// Reads a text of any length up to [`MAX_TEXT_BYTES`].
    ///
    /// No phrase is longer than `max_phonemes` characters: long sentences are cut at clauses, then between
    /// words. Linear in the length of the text.
    pub fn read(
        &self,
        text: &str,
        accent: Accent,
        lexicon: &Lexicon,
        max_phonemes: usize,
    ) -> Result<Spoken, TextError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(TextError::TooLong { size_bytes: text.len(), limit_bytes: MAX_TEXT_BYTES });
        }
        if max_phonemes < LEAST_PHONEMES {
            return Err(TextError::PhraseLimitTooSmall { max_phonemes, least: LEAST_PHONEMES });
        }
        let chunks = chunks::chunks(text, accent, lexicon)?;
        let tokens = normal::read_chunks(&chunks, accent);
        if tokens.is_empty() {
            return Err(TextError::NothingToSpeak);
        }
        let engine = self.engine(accent);
        let mut spoken = Spoken::default();
        for sentence in tokens.split_inclusive(|token| token.end.is_some()) {
            let end = sentence.last().and_then(|token| token.end).unwrap_or(PhraseEnd::Paragraph);
            let phonemes = engine.pronounce(sentence);
            let first_word = spoken.words.len();
            spoken.phrases.extend(phrases::phrases(sentence, phonemes, first_word, end, max_phonemes));
            spoken.words.extend(
                sentence.iter().map(|token| Word { source: token.source.clone(), text: token.text.clone() }),
            );
        }
        Ok(spoken)
    }

    fn engine(&self, accent: Accent) -> &Engine {
        let slot = match accent {
            Accent::American => &self.american,
            Accent::British => &self.british,
        };
        slot.get_or_init(|| Engine::load(accent, self.unknown.clone()))
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}
