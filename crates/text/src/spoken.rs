//! The result of reading a text: displayed words, and the phrases to be spoken that belong to them.

use std::ops::Range;

/// The variety of English a voice speaks; it decides the lexicon and how dates and numbers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accent {
    American,
    British,
}

/// What a voice speaks: the words of the source and the phonemes that belong to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    pub words: Vec<Word>,
    pub phrases: Vec<Phrase>,
}

/// A displayed word, exactly as it stands in the source, with attached punctuation: `"Hello,"`.
///
/// Ranges of successive words ascend and do not overlap. For `[Sori](/sˈɔɹi/)` the range covers the whole
/// mark and the text is `Sori`; tags such as `<i>` are left out of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range into the original text.
    pub source: Range<usize>,
    pub text: String,
}

/// One sentence, or a clause of a long one: what is handed to the voice in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Byte range into the original text.
    pub source: Range<usize>,
    pub pieces: Vec<Piece>,
    pub end: PhraseEnd,
}

/// What follows a phrase; it decides the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhraseEnd {
    Clause,
    Sentence,
    Paragraph,
}

/// A run of phonemes of one word, or the spaces and punctuation between words.
///
/// Concatenating the pieces of a phrase gives the phoneme string for the voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub phonemes: String,
    /// Index into [`Spoken::words`]; `None` for what stands between words.
    pub word: Option<usize>,
}

impl Phrase {
    /// The phoneme string for the voice.
    pub fn phonemes(&self) -> String {
        self.pieces.iter().map(|piece| piece.phonemes.as_str()).collect()
    }

    /// Length in phoneme characters, which is the number of ids of the voice without padding.
    pub fn length(&self) -> usize {
        self.pieces.iter().map(|piece| piece.phonemes.chars().count()).sum()
    }
}
