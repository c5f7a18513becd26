//! The phoneme alphabet of Kokoro and hibari, and the numbers their networks know it by.

use std::collections::HashMap;

use sori_text::Phrase;

use crate::{error::SynthError, speech::characters};

/// The id that stands before and after every phrase.
pub(crate) const PAD: i32 = 0;

/// One symbol of a phrase as the network gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) phoneme: char,
    /// Index into [`Phrase::pieces`].
    pub(crate) piece: usize,
    pub(crate) id: i32,
}

impl Symbol {
    /// A vowel or consonant, as opposed to a stress mark, space or punctuation.
    pub(crate) fn is_sound(self) -> bool {
        self.phoneme.is_alphabetic() && !"ˈˌːʰʲᵝ".contains(self.phoneme)
    }
}

/// Which number stands for which phoneme.
pub(crate) struct Symbols {
    ids: HashMap<char, i32>,
}

impl Symbols {
    /// Reads `{"ə": 83, …}` or `{"vocab": {"ə": 83, …}}`; both forms are in circulation.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, SynthError> {
        let invalid = |reason: String| SynthError::VocabularyInvalid(reason);
        let document: serde_json::Value =
            serde_json::from_slice(json).map_err(|error| invalid(error.to_string()))?;
        let table = document.get("vocab").unwrap_or(&document);
        let table = table.as_object().ok_or_else(|| invalid("it is not a JSON object".into()))?;
        let mut ids = HashMap::with_capacity(table.len());
        for (symbol, id) in table {
            let mut characters = symbol.chars();
            let (Some(phoneme), None) = (characters.next(), characters.next()) else {
                return Err(invalid(format!("{symbol:?} is not one character")));
            };
            let id = id.as_i64().and_then(|id| i32::try_from(id).ok()).filter(|&id| id > PAD);
            ids.insert(
                phoneme,
                id.ok_or_else(|| invalid(format!("the id of {symbol:?} is not a number above 0")))?,
            );
        }
        if ids.is_empty() {
            return Err(invalid("it is empty".into()));
        }
        Ok(Self { ids })
    }

    /// The alphabet both published networks were trained with (vocab.json of Kokoro-82M v1.0).
    pub(crate) fn published() -> Self {
        Self { ids: PUBLISHED.into_iter().flat_map(|(first, run)| run.chars().zip(first..)).collect() }
    }

    /// The symbols of a phrase in order; characters without an id are not spoken, as in the reference.
    pub(crate) fn of(&self, phrase: &Phrase) -> Vec<Symbol> {
        characters(phrase)
            .filter_map(|(piece, phoneme)| self.ids.get(&phoneme).map(|&id| Symbol { phoneme, piece, id }))
            .collect()
    }
}

/// The ids of a phrase between its two pads.
pub(crate) fn padded(symbols: &[Symbol]) -> Vec<i32> {
    let pad = std::iter::once(PAD);
    pad.clone().chain(symbols.iter().map(|symbol| symbol.id)).chain(pad).collect()
}

/// Runs of symbols with ascending ids: the id of the first, then the symbols.
const PUBLISHED: [(i32, &str); 30] = [
    (1, ";:,.!?"),
    (9, "—…\"()“” \u{303}ʣʥʦʨᵝꭧAI"),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
];

#[cfg(test)]
mod tests {
    use sori_text::{PhraseEnd, Piece};

    use super::*;

    #[test]
    fn both_forms_of_the_table_are_read() {
        for json in [r#"{"a": 1, "ˈ": 156}"#, r#"{"vocab": {"a": 1, "ˈ": 156}}"#] {
            let symbols = Symbols::from_json(json.as_bytes()).unwrap();
            assert_eq!(symbols.ids, HashMap::from([('a', 1), ('ˈ', 156)]), "{json}");
        }
    }

    #[test]
    fn a_wrong_table_is_refused() {
        for json in ["", "[]", "{}", r#"{"ab": 1}"#, r#"{"a": 0}"#, r#"{"a": "1"}"#, r#"{"vocab": 3}"#] {
            let error = Symbols::from_json(json.as_bytes()).err().unwrap();
            assert_eq!(error.code(), "VOCABULARY_INVALID", "{json}");
        }
    }

    #[test]
    fn symbols_keep_their_piece_and_unknown_ones_are_left_out() {
        let piece = |phonemes: &str| Piece { phonemes: phonemes.into(), word: None };
        let phrase = Phrase {
            source: 0..0,
            pieces: vec![piece("hˈI"), piece(" ❓"), piece("ju")],
            end: PhraseEnd::Sentence,
        };
        let symbols = Symbols::published().of(&phrase);
        let found: Vec<_> = symbols.iter().map(|symbol| (symbol.piece, symbol.phoneme, symbol.id)).collect();
        assert_eq!(
            found,
            [(0, 'h', 50), (0, 'ˈ', 156), (0, 'I', 25), (1, ' ', 16), (2, 'j', 52), (2, 'u', 63)]
        );
        assert_eq!(padded(&symbols), [0, 50, 156, 25, 16, 52, 63, 0]);
    }
}
