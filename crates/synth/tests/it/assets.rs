//! Where the models are, and phrases for them.

use std::path::PathBuf;

use sori_text::{Phrase, PhraseEnd, Piece};

/// A file of the assets folder. `None` after a loud line when it is not there and need not be.
#[expect(clippy::print_stderr, reason = "a skipped test must not go unseen")]
pub(crate) fn asset(member: &str) -> Option<Vec<u8>> {
    let path = folder().join(member);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if std::env::var_os("SORI_REQUIRE_ASSETS").is_some_and(|value| value == "1") => {
            panic!("{member} is required: {error}; run `make assets`")
        }
        Err(_) => {
            eprintln!("SKIPPED: {member} is not installed; run `make assets`");
            None
        }
    }
}

fn folder() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || {
        let caches = variable("XDG_CACHE_HOME");
        caches.or_else(|| Some(variable("HOME")?.join(".cache"))).unwrap_or_default().join("sori/assets")
    };
    variable("SORI_ASSETS_DIR").unwrap_or_else(cache)
}

/// A sentence whose words are its pieces.
pub(crate) fn phrase(phonemes: &str) -> Phrase {
    let piece = |(word, phonemes): (usize, &str)| Piece { phonemes: phonemes.to_owned(), word: Some(word) };
    let pieces = phonemes.split_inclusive(' ').enumerate().map(piece).collect();
    Phrase { source: 0..0, pieces, end: PhraseEnd::Sentence }
}

/// "I have been learning English for a little over two years."
pub(crate) const SENTENCE: &str = "ˌI hæv bɪn lˈɜɹnɪŋ ˈɪŋɡlɪʃ fɔɹ ɐ lˈɪtᵊl ˈOvəɹ tˈu jˈɪɹz.";
