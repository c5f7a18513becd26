//! Phrases for the voices.

use sori_text::{Phrase, PhraseEnd, Piece};

/// "I have been learning English for a little over two years."
pub(crate) const SENTENCE: &str = "ˌI hæv bɪn lˈɜɹnɪŋ ˈɪŋɡlɪʃ fɔɹ ɐ lˈɪtᵊl ˈOvəɹ tˈu jˈɪɹz.";

/// A sentence whose words are its pieces.
pub(crate) fn phrase(phonemes: &str) -> Phrase {
    let piece = |(word, phonemes): (usize, &str)| Piece { phonemes: phonemes.to_owned(), word: Some(word) };
    let pieces = phonemes.split_inclusive(' ').enumerate().map(piece).collect();
    Phrase { source: 0..0, pieces, end: PhraseEnd::Sentence }
}
