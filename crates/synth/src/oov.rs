//! Words that are in no lexicon: a small network reads their letters.
//!
//! The networks are CTC-style (Graves et al. 2006): four slots for each letter, repeats collapse, blanks drop
//! out. Their alphabets are those of `oov.json` and `oov_gb.json` in hibari-tts 0.2.1.

use rten::{NodeId, Value, ValueView};
use sori_text::{Accent, UnknownWord};

use crate::{error::SynthError, network::Network};

/// Reads unknown words as an American or a British speaker would.
pub struct OovNetwork {
    american: Speller,
    british: Option<Speller>,
}

impl OovNetwork {
    /// Loads `oov.onnx` and, when there is one, `oov_gb.onnx`; without it British words are read as American ones.
    pub fn load(american: Vec<u8>, british: Option<Vec<u8>>) -> Result<Self, SynthError> {
        Ok(Self {
            american: Speller::load("oov", american, &AMERICAN)?,
            british: british.map(|model| Speller::load("oov_gb", model, &BRITISH)).transpose()?,
        })
    }
}

impl UnknownWord for OovNetwork {
    fn pronounce(&self, word: &str, accent: Accent) -> Option<String> {
        match (accent, &self.british) {
            (Accent::British, Some(british)) => british.spell(word),
            _ => self.american.spell(word),
        }
    }
}

/// What the numbers of one network mean. Both know accented and other letters too, which the text step has
/// folded before.
struct Alphabet {
    upper_a: u8,
    lower_a: u8,
    /// Number 1 is the first of them.
    sounds: &'static str,
}

const AMERICAN: Alphabet =
    Alphabet {
        upper_a: 1, lower_a: 28, sounds: " ()-1AIOTWYabdfhijklmnpstuvwyzæðŋɑɔəɛɜɡɪɹʀʃʊʌʒʤʧˈˌθᵊᵻ"
    };
const BRITISH: Alphabet =
    Alphabet {
        upper_a: 1, lower_a: 27, sounds: " ()AIQWYabdfhijklmnpstuvwyzðŋɑɒɔəɛɜɡɪɹʀʃʊʌʒʤʧˈˌːθᵊ"
    };

impl Alphabet {
    fn letter(&self, letter: char) -> Option<i32> {
        match u8::try_from(letter).ok()? {
            upper @ b'A'..=b'Z' => Some(i32::from(upper - b'A' + self.upper_a)),
            lower @ b'a'..=b'z' => Some(i32::from(lower - b'a' + self.lower_a)),
            _ => None,
        }
    }

    /// The sounds of the network's slots, without the marks for another language (`(fr)`) that its teacher left.
    fn sounds(&self, slots: &[i32]) -> String {
        let sounds: Vec<char> = self.sounds.chars().collect();
        let mut spoken = String::new();
        let mut in_mark = false;
        let mut previous = 0;
        for &slot in slots {
            let is_new = std::mem::replace(&mut previous, slot) != slot;
            let sound = usize::try_from(slot - 1).ok().and_then(|index| sounds.get(index));
            match sound.filter(|_| is_new) {
                Some('(') => in_mark = true,
                Some(')') => in_mark = false,
                Some('-' | '1') | None => {}
                // The uvular r of loan words; the voices know it as the English one.
                Some('ʀ') if !in_mark => spoken.push('ɹ'),
                Some(&sound) if !in_mark => spoken.push(sound),
                Some(_) => {}
            }
        }
        spoken.trim().to_owned()
    }
}

/// The longest word the networks were trained with.
const MAX_LETTERS: usize = 24;

struct Speller {
    network: Network,
    alphabet: &'static Alphabet,
    letters: NodeId,
    slots: NodeId,
}

impl Speller {
    fn load(name: &'static str, model: Vec<u8>, alphabet: &'static Alphabet) -> Result<Self, SynthError> {
        let network = Network::load(name, model, 1)?;
        let (letters, slots) = (network.node("chars")?, network.node("ids")?);
        Ok(Self { network, alphabet, letters, slots })
    }

    /// Phonemes of a word, `None` when it has no letters or the network fails. Longer words than the network
    /// knows are read in parts of even length.
    fn spell(&self, word: &str) -> Option<String> {
        let letters: Vec<i32> = word.chars().filter_map(|letter| self.alphabet.letter(letter)).collect();
        let parts = letters.len().div_ceil(MAX_LETTERS).max(1);
        let spoken = letters
            .chunks(letters.len().div_ceil(parts).max(1))
            .map(|part| self.slots(part).map(|slots| self.alphabet.sounds(&slots)))
            .collect::<Option<String>>()?;
        (!spoken.is_empty()).then_some(spoken)
    }

    fn slots(&self, letters: &[i32]) -> Option<Vec<i32>> {
        let input = ValueView::from_shape([1, letters.len()], letters).ok()?;
        match self.network.run(vec![(self.letters, input.into())], [self.slots]).ok()? {
            [Value::Int32Tensor(slots)] => Some(slots.into_data()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slots that a network gives for sounds written with `_` for a blank.
    fn slots(alphabet: &Alphabet, written: &str) -> Vec<i32> {
        written
            .chars()
            .map(|sound| {
                alphabet.sounds.chars().position(|known| known == sound).map_or(0, |index| index as i32 + 1)
            })
            .collect()
    }

    #[track_caller]
    fn check(written: &str, expected: &str) {
        assert_eq!(AMERICAN.sounds(&slots(&AMERICAN, written)), expected, "{written}");
    }

    #[test]
    fn repeats_collapse_and_blanks_drop_out() {
        check("__ʤʤ_ˈˈˈɪ_w__u___", "ʤˈɪwu");
        check("n_nn_n", "nnn");
        check("____", "");
    }

    #[test]
    fn what_the_voices_cannot_say_is_left_out() {
        check("(en)ˈʀa(fr)-1b", "ˈɹab");
    }

    #[test]
    fn letters_have_the_numbers_of_the_published_tables() {
        for (alphabet, upper_z, lower_a, lower_z) in [(&AMERICAN, 26, 28, 53), (&BRITISH, 26, 27, 52)] {
            let found = ['A', 'Z', 'a', 'z', '\'', 'é'].map(|letter| alphabet.letter(letter));
            assert_eq!(found, [Some(1), Some(upper_z), Some(lower_a), Some(lower_z), None, None]);
        }
    }
}
