//! From text to what a voice is given: words as displayed, phrases, and the phonemes that belong to each word.
//!
//! The way of a text through this crate, one module a step:
//!
//! 1. `glyphs`: each character of the source becomes a glyph that keeps its byte range; tags are hidden,
//!    diacritics folded, emoji silent, scripts that cannot be read marked.
//! 2. `chunks`: glyphs become chunks, the words as displayed, with punctuation taken apart; pronunciations
//!    written inline as `[Sori](/sˈɔɹi/)` or fixed in the user's [`Lexicon`] make chunks of their own.
//! 3. `sentences`: chunks become sentences.
//! 4. `normal`: each chunk gets its spoken words: "7:05" is "seven oh five".
//! 5. `engine`: spoken words become phonemes by the lexicons, tagger and rules of `misaki-rs`, unknown words by
//!    an [`UnknownWord`] or, without one, letter by letter; the result is mapped back to the chunks.
//! 6. `phrases`: sentences that are too long for one call of the voice are cut at clauses.
//!
//! Everything is a function of its arguments; [`Reader`] only keeps the loaded lexicons.

mod alphabet;
mod chunks;
mod engine;
mod error;
mod glyphs;
mod lexicon;
mod normal;
mod phrases;
mod reader;
mod sentences;
mod spoken;

pub use alphabet::{MAX_PRONUNCIATION, is_phoneme, is_sound, pronunciation};
pub use engine::UnknownWord;
pub use error::{LexiconFault, PronunciationFault, TextError};
pub use lexicon::{Entry, Lexicon, MAX_ENTRIES};
pub use normal::{NormalToken, normalise, normalise_for};
pub use phrases::LEAST_PHONEMES;
pub use reader::{DEFAULT_PHONEMES, MAX_TEXT_BYTES, Reader};
pub use sentences::sentences;
pub use spoken::{Accent, Phrase, PhraseEnd, Piece, Spoken, Word};

/// Part of every key under which spoken lines are kept: raise it when the same text may get other words or phonemes.
pub const VERSION: &str = "1";
