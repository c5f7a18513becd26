//! Spoken words to phonemes, on `misaki-rs`: its lexicons, tagger and stress rules for one accent.
//!
//! The words of a sentence go through it as one text, because tags and weak forms depend on neighbours. Only
//! plain letters and simple punctuation are handed over, readings that are already phonemes stand in it as a
//! made-up word with a fixed pronunciation, and its tokens are mapped back by their place in that text.

use std::ops::Range;
use std::sync::Arc;

use misaki_rs::Language;
use misaki_rs::lexicon::PhonemeEntry;

use crate::alphabet::{is_phoneme, is_punctuation, is_sound, with_s};
use crate::normal::NormalToken;
use crate::spoken::Accent;

mod overlay;
mod rules;

use rules::{Fixed, Rules};

/// Pronounces words that are in no lexicon.
pub trait UnknownWord: Send + Sync {
    /// Phonemes of one word of ASCII letters, perhaps with an apostrophe; `None` when it cannot say it, then
    /// the word is spelled.
    fn pronounce(&self, word: &str, accent: Accent) -> Option<String>;
}

/// Marks, in the output of the lexicon, a word it does not know.
const UNKNOWN: char = '❓';
/// Stands for words whose phonemes are fixed. It is in no lexicon, so the lexicon keeps its hands off it.
const PLACEHOLDER: &str = "Xqzv";

pub(crate) struct Engine {
    rules: Rules,
    unknown: Option<Arc<dyn UnknownWord>>,
    accent: Accent,
}

impl Engine {
    /// Loads the lexicons of an accent.
    pub(crate) fn load(accent: Accent, unknown: Option<Arc<dyn UnknownWord>>) -> Self {
        let language = match accent {
            Accent::American => Language::EnglishUS,
            Accent::British => Language::EnglishGB,
        };
        let mut rules = Rules::load(language);
        for (word, phonemes) in overlay::entries(accent) {
            rules
                .lexicon
                .golds
                .entry((*word).to_owned())
                .or_insert(PhonemeEntry::Simple((*phonemes).to_owned()));
        }
        Self { rules, unknown, accent }
    }

    /// The phonemes of each token, without the punctuation around it. A token with letters or digits always
    /// gets some.
    pub(crate) fn pronounce(&self, tokens: &[NormalToken]) -> Vec<String> {
        // The tagger looks a few words around; longer runs gain nothing and cost memory.
        const MOST_TOKENS: usize = 150;
        let mut phonemes = Vec::with_capacity(tokens.len());
        for run in tokens.chunks(MOST_TOKENS) {
            self.pronounce_run(run, &mut phonemes);
        }
        phonemes
    }

    fn pronounce_run(&self, tokens: &[NormalToken], phonemes: &mut Vec<String>) {
        let script = self.script(tokens);
        let resolved = self.rules.read(&script.plain, &script.fixed, &|word| self.sound_out(word));
        let mut readings = vec![String::new(); tokens.len()];
        let mut spaced = vec![false; tokens.len()];
        let mut at = 0;
        for part in &resolved {
            let text = part.text.as_str();
            let start =
                script.plain.get(at..).and_then(|rest| rest.find(text)).map_or(at, |offset| at + offset);
            at = (start + text.len()).min(script.plain.len());
            let Some(owner) = script.owner(start) else { continue };
            let known = part.phonemes.as_deref().unwrap_or("❓");
            let sounds = match known.contains(UNKNOWN) {
                true => self.unknown(text, &part.tag),
                false => clean(known),
            };
            let reading = &mut readings[owner];
            if spaced[owner]
                && !reading.is_empty()
                && !sounds.starts_with(is_punctuation)
                && !sounds.is_empty()
            {
                reading.push(' ');
            }
            reading.push_str(&sounds);
            spaced[owner] = part.is_spaced || script.spaced_after(at);
        }
        for (token, mut reading) in tokens.iter().zip(readings) {
            let outer = reading.trim_end_matches(is_punctuation).len();
            reading.truncate(outer);
            let reading = reading.trim_start_matches(is_punctuation).to_owned();
            let silent = !reading.chars().any(is_sound);
            phonemes.push(if silent { self.spell(&token.spoken) } else { reading });
        }
    }

    /// The text for the lexicon, what is fixed in it, and which part belongs to which token.
    fn script(&self, tokens: &[NormalToken]) -> Script {
        let mut script = Script::default();
        for token in tokens {
            script.punctuation(&token.lead);
            let start = script.plain.len();
            match &token.phonemes {
                Some(phonemes) => script.fix(phonemes),
                None => self.words(token, &mut script),
            }
            script.cores.push(start..script.plain.len());
            script.punctuation(&token.trail);
            script.space();
        }
        script
    }

    fn words(&self, token: &NormalToken, script: &mut Script) {
        let words: Vec<_> = token.spoken.split_whitespace().collect();
        let mut at = 0;
        while at < words.len() {
            if at > 0 {
                script.space();
            }
            let letters = words[at..].iter().take_while(|word| is_letter_name(word)).count();
            if token.rewritten && (letters > 1 || matches!(words[at], "A" | "I")) {
                script.fix(&self.letters(&words[at..at + letters].concat()));
                at += letters;
                continue;
            }
            self.word(words[at], script);
            at += 1;
        }
    }

    /// A hyphenated word with an unknown part is read part by part, so that the known ones stay right.
    fn word(&self, word: &str, script: &mut Script) {
        let plain: String = word.chars().filter_map(simple).collect();
        let known =
            |part: &str| part.is_empty() || self.rules.lexicon.get_word(part, "NN", None, None).is_some();
        if plain.contains('-') && !known(&plain) && !plain.split('-').all(known) {
            script.push(&plain.replace('-', " "));
        } else {
            script.push(&plain);
        }
    }

    /// A token the lexicon and the unknown-word reader have given up on, or know only in part.
    fn unknown(&self, text: &str, tag: &str) -> String {
        let parts =
            text.split(|c: char| !c.is_ascii_alphabetic() && c != '\'').filter(|part| !part.is_empty());
        let readings: Vec<_> = parts
            .map(|part| match self.rules.lexicon.get_word(part, tag, None, None) {
                Some((phonemes, _)) => clean(&phonemes.replace('ɾ', "T").replace('ʔ', "t")),
                None => self.spell(part),
            })
            .collect();
        readings.join(" ")
    }

    /// The names of the letters and digits of a word; at most a few, since nobody follows more.
    fn spell(&self, word: &str) -> String {
        const MOST_LETTERS: usize = 30;
        let letters: String = word.chars().filter(char::is_ascii_alphanumeric).take(MOST_LETTERS).collect();
        self.letters(&letters)
    }

    /// Letter names as one word, the last one stressed (misaki's rule for abbreviations).
    fn letters(&self, letters: &str) -> String {
        let names: String = letters
            .chars()
            .filter_map(|letter| {
                let key = letter.to_ascii_uppercase().to_string();
                match self.rules.lexicon.golds.get(&key) {
                    Some(PhonemeEntry::Simple(name)) => Some(name.clone()),
                    _ => overlay::digit_name(letter, self.accent).map(str::to_owned),
                }
            })
            .collect();
        let secondary = names.replace('ˈ', "ˌ");
        match secondary.rfind('ˌ') {
            Some(last) => {
                let mut stressed = secondary;
                stressed.replace_range(last..last + 'ˌ'.len_utf8(), "ˈ");
                clean(&stressed)
            }
            None => clean(&secondary),
        }
    }
}

/// A capital that stands alone in a written-out reading is the name of the letter.
fn is_letter_name(word: &str) -> bool {
    word.len() == 1 && word.as_bytes()[0].is_ascii_uppercase()
}

/// The lexicon's signs for flap and glottal stop in the voice's alphabet; everything else unknown is dropped.
fn clean(phonemes: &str) -> String {
    phonemes.chars().filter(|&symbol| is_phoneme(symbol)).collect()
}

/// What the lexicon may see of a word: ASCII letters, digits and the signs of `misaki`'s words.
fn simple(c: char) -> Option<char> {
    match c {
        '‘' | '’' => Some('\''),
        c if c.is_ascii_alphanumeric() || "'-,.".contains(c) => Some(c),
        _ => None,
    }
}

#[derive(Default)]
struct Script {
    /// The text as the lexicon sees it.
    plain: String,
    /// Readings that are phonemes already.
    fixed: Vec<Fixed>,
    /// Where the words of each token stand in `plain`.
    cores: Vec<Range<usize>>,
}

impl Script {
    fn push(&mut self, text: &str) {
        self.plain.push_str(text);
    }

    fn space(&mut self) {
        if !self.plain.is_empty() && !self.plain.ends_with(' ') {
            self.push(" ");
        }
    }

    fn fix(&mut self, phonemes: &str) {
        let start = self.plain.len();
        self.plain.push_str(PLACEHOLDER);
        self.fixed.push(Fixed { place: start..self.plain.len(), phonemes: phonemes.to_owned() });
    }

    /// Punctuation only gives context here; the voice gets it from the token itself.
    fn punctuation(&mut self, marks: &str) {
        for mark in marks.chars() {
            match mark {
                '“' | '”' | '"' => self.push("\""),
                '‘' | '’' | '\'' => self.push("'"),
                '…' => self.push("..."),
                '—' => {
                    self.space();
                    self.push("— ");
                }
                '(' | ')' | '.' | ',' | ';' | ':' | '!' | '?' => self.push(mark.encode_utf8(&mut [0; 4])),
                _ => {}
            }
        }
    }

    fn owner(&self, position: usize) -> Option<usize> {
        let after = self.cores.partition_point(|core| core.end <= position);
        self.cores.get(after).filter(|core| core.contains(&position)).map(|_| after)
    }

    fn spaced_after(&self, position: usize) -> bool {
        self.plain.as_bytes().get(position) == Some(&b' ')
    }
}

impl Engine {
    /// Hands words without an entry to the reader of unknown words, part by part.
    fn sound_out(&self, word: &str) -> Option<String> {
        let unknown = self.unknown.as_ref()?;
        let mut readings = Vec::new();
        for part in
            word.split(|c: char| !c.is_ascii_alphabetic() && c != '\'').filter(|part| !part.is_empty())
        {
            let stem = part.strip_suffix("'s").filter(|stem| !stem.is_empty());
            let sounds = clean(&unknown.pronounce(stem.unwrap_or(part).trim_matches('\''), self.accent)?);
            if !sounds.chars().any(is_sound) {
                return None;
            }
            readings.push(if stem.is_some() { with_s(&sounds, self.accent) } else { sounds });
        }
        (!readings.is_empty()).then(|| readings.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::{abbreviations, units};

    const OTHERS: &str = "hashtag underscore tilde colon equals slash dash dot hash cents pence euros yen won rupees \
        rubles yuan Swiss francs Australian Canadian Singapore zeroth first second third fifth eighth ninth twelfth \
        twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth thousandth millionth \
        billionth trillion quadrillion quintillion halves quarters sixteenths nineties eighties seventies sixties \
        fifties forties thirties twenties teens hundreds thousands degrees Celsius Fahrenheit percent per mille \
        squared cubed alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma \
        tau upsilon phi chi psi omega infinity copyright midnight o'clock";

    #[track_caller]
    fn check(accent: Accent) {
        let engine = Engine::load(accent, None);
        let others = OTHERS.split_whitespace().map(str::to_owned);
        let words = units::vocabulary(accent).into_iter().chain(abbreviations::vocabulary()).chain(others);
        let missing: Vec<_> = words
            .filter(|word| {
                let tag = if word.starts_with(|c: char| c.is_ascii_uppercase()) { "NNP" } else { "NN" };
                word.len() > 1 && engine.rules.lexicon.get_word(word, tag, None, None).is_none()
            })
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(engine.rules.lexicon.get_word(PLACEHOLDER, "NNP", None, None).is_none());
    }

    #[test]
    fn the_lexicons_know_every_word_the_normaliser_writes() {
        check(Accent::American);
    }

    #[test]
    fn the_british_lexicons_know_them_too() {
        check(Accent::British);
    }
}
