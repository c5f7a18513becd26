//! misaki's way from a sentence to phonemes, over the lexicons, tokenizer and tagger of `misaki-rs`.
//!
//! `misaki_rs::G2P` does the same and also reads numbers, currencies and links, which never get this far here,
//! and it loads a second tagger that nothing uses: 0.1 s of every start. What is left of its way: words as spaCy
//! cuts and tags them, cut again where the case changes, each part resolved from the right (what follows decides
//! how "the" and "to" sound), parts joined into words, and what depends on whole words resolved once more.

use std::ops::Range;

use fancy_regex::Regex;
use misaki_rs::lexicon::{Lexicon, TokenContext};
use misaki_rs::spacy_tagger::{Tagger, hash_string};
use misaki_rs::spacy_tokenizer::SpacyTokenizer;
use misaki_rs::{Language, abbrev, data, norms};

/// A word with its reading; punctuation is a word, too.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) tag: String,
    /// White space follows.
    pub(super) is_spaced: bool,
    /// `None` when nobody knows the word.
    pub(super) phonemes: Option<String>,
    /// A "2" between letters, which is read as "to".
    is_to: bool,
}

/// Phonemes that are given for a part of the text.
pub(super) struct Fixed {
    pub(super) place: Range<usize>,
    pub(super) phonemes: String,
}

pub(super) struct Rules {
    pub(super) lexicon: Lexicon,
    tagger: Tagger,
    tokenizer: SpacyTokenizer,
    part: Regex,
}

/// Tags whose tokens are punctuation, unless they are letters after all.
const PUNCTUATION_TAGS: [&str; 11] = [".", ",", "-LRB-", "-RRB-", "``", "\"\"", "''", ":", "$", "#", "NFP"];
/// What is silent inside a word.
const SILENT: &str = "',-._‘’/";
const VOWELS: &str = "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ";
const CONSONANTS: &str = "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ";
/// Signs after which nothing is spoken on in one breath.
const BREAKS: &str = "!,.:;?—…";
/// Sounds that weigh twice when stress is taken from the lighter parts of a word.
const LONG: &str = "AIOQWYʤʧ";
const PRIMARY: char = 'ˈ';

impl Rules {
    /// Reads the lexicons over three threads: about 0.06 s.
    pub(super) fn load(language: Language) -> Self {
        let is_british = language == Language::EnglishGB;
        std::thread::scope(|scope| {
            let golds =
                scope.spawn(move || if is_british { data::load_gb_gold() } else { data::load_us_gold() });
            let silvers =
                scope.spawn(move || if is_british { data::load_gb_silver() } else { data::load_us_silver() });
            let (tagger, tokenizer) = (Tagger::load(), SpacyTokenizer::new());
            // misaki's own pattern, in its order: the first alternative that fits wins.
            let part = Regex::new(concat!(
                r"^['‘’]+",
                r"|\p{Lu}(?=\p{Lu}\p{Ll})",
                r"|(?:^-)?(?:\d?[,.]?\d)+",
                r"|[-_]+",
                r"|['‘’]{2,}",
                r"|\p{L}*?(?:['‘’]\p{L})*?\p{Ll}(?=\p{Lu})",
                r"|\p{L}+(?:['‘’]\p{L})*",
                r"|[^-_\p{L}'‘’\d]",
                r"|['‘’]+$",
            ))
            .expect("the pattern is constant");
            let read = "the lexicons are part of the binary";
            Self {
                lexicon: Lexicon {
                    lang: language,
                    // misaki's stress of capitalised words and of words in capitals.
                    cap_stresses: (0.5, 2.0),
                    golds: golds.join().expect(read),
                    silvers: silvers.join().expect(read),
                },
                tagger,
                tokenizer,
                part,
            }
        })
    }

    /// The words of a text in order, with their readings. `unknown` is asked for words in no lexicon.
    pub(super) fn read(
        &self,
        text: &str,
        fixed: &[Fixed],
        unknown: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Token> {
        let mut tokens = self.parts(text, fixed);
        for token in &mut tokens {
            if token.phonemes.is_none() {
                token.phonemes = punctuation(token);
            }
        }
        let words = words(&tokens);
        let mut is_joined = vec![false; tokens.len()];
        for word in words.iter().filter(|word| word.len() > 1) {
            is_joined[word.clone()].fill(true);
        }
        let mut contexts = vec![TokenContext::default(); tokens.len()];
        for index in (0..tokens.len()).rev() {
            if tokens[index].phonemes.is_none() {
                tokens[index].phonemes =
                    self.resolve(&tokens[index], &contexts[index], is_joined[index], unknown);
            }
            if index > 0 {
                contexts[index - 1] = before(&contexts[index], &tokens[index]);
            }
        }
        let mut tokens = words
            .into_iter()
            .map(|word| match word.len() {
                1 => tokens[word.start].clone(),
                _ => self.join(&tokens[word.clone()], &contexts[word], unknown),
            })
            .collect::<Vec<_>>();
        self.hear_whole_words(&mut tokens);
        for phonemes in tokens.iter_mut().filter_map(|token| token.phonemes.as_mut()) {
            // The lexicons write flap and glottal stop; the voices know them as T and t.
            *phonemes = phonemes.replace('ɾ', "T").replace('ʔ', "t");
        }
        tokens
    }

    /// spaCy's tokens with their tags, cut where misaki cuts them.
    fn parts(&self, text: &str, fixed: &[Fixed]) -> Vec<Token> {
        let cut = self.tokenizer.tokenize(text);
        let tagged: Vec<_> = cut
            .iter()
            .map(|token| {
                let norm = token.norm.clone();
                let norm = norm.unwrap_or_else(|| norms::norm_of(&token.text, hash_string));
                (token.text.clone(), norm, !token.whitespace.is_empty())
            })
            .collect();
        let tags = self.tagger.tag(&tagged);
        let mut tokens = Vec::with_capacity(cut.len());
        let mut at = 0;
        for (whole, tag) in cut.iter().zip(tags) {
            let mut parts: Vec<&str> =
                self.part.find_iter(&whole.text).flatten().map(|part| part.as_str()).collect();
            if parts.is_empty() {
                parts.push(&whole.text);
            }
            let mut given = vec![false; fixed.len()];
            for (number, part) in parts.iter().enumerate() {
                let place = at..at + part.len();
                at = place.end;
                let is_last = number + 1 == parts.len();
                let near = |index: usize, end: fn(&str) -> Option<char>| {
                    parts.get(index).and_then(|part| end(part)).is_some_and(char::is_alphabetic)
                };
                let is_to = *part == "2"
                    && number > 0
                    && near(number - 1, |part| part.chars().last())
                    && near(number + 1, |part| part.chars().next());
                let mut phonemes = None;
                for (index, one) in fixed.iter().enumerate() {
                    if place.start >= one.place.start && place.end <= one.place.end {
                        phonemes = Some(if given[index] { String::new() } else { one.phonemes.clone() });
                        given[index] = true;
                    }
                }
                tokens.push(Token {
                    text: (*part).to_owned(),
                    tag: tag.to_owned(),
                    is_spaced: is_last && !whole.whitespace.is_empty(),
                    phonemes,
                    is_to,
                });
            }
            at += whole.whitespace.len();
        }
        tokens
    }

    fn resolve(
        &self,
        token: &Token,
        context: &TokenContext,
        is_joined: bool,
        unknown: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let word = if token.is_to { "to".to_owned() } else { straight(&token.text) };
        let known = self.lexicon.get_word(&word, &token.tag, self.stress(&word), Some(context));
        if let Some((phonemes, _)) = known {
            return Some(phonemes);
        }
        if word.len() > 1 && word.contains('-') {
            return Some(String::new());
        }
        let stems = [Lexicon::stem_s, Lexicon::stem_ed, Lexicon::stem_ing];
        let stemmed = stems.iter().find_map(|stem| stem(&self.lexicon, &word, &token.tag, None, None));
        if let Some((phonemes, _)) = stemmed {
            return Some(phonemes);
        }
        // Of a word in parts the whole is asked for, when all of it is known.
        if word.chars().count() > 1 && !is_joined { unknown(&word) } else { None }
    }

    /// The stress that its capitals give a word.
    fn stress(&self, word: &str) -> Option<f64> {
        if word == word.to_lowercase() {
            None
        } else if word == word.to_uppercase() {
            Some(self.lexicon.cap_stresses.1)
        } else {
            Some(self.lexicon.cap_stresses.0)
        }
    }

    /// One word of several parts: the longest runs of them that the lexicon knows, from the right.
    fn join(
        &self,
        parts: &[Token],
        contexts: &[TokenContext],
        unknown: &dyn Fn(&str) -> Option<String>,
    ) -> Token {
        let mut whole = merged(parts);
        let readings = self.runs(parts, contexts);
        let is_lost = |(part, reading): (&Token, &Option<String>)| {
            reading.is_none() && !part.text.is_empty() && !is_silent(&part.text)
        };
        if parts.iter().zip(&readings).any(is_lost)
            && let Some(phonemes) = unknown(&whole.text)
        {
            whole.phonemes = Some(phonemes);
            return whole;
        }
        let mut sounds: Vec<String> = parts
            .iter()
            .zip(readings)
            .map(|(part, reading)| match reading {
                Some(reading) => reading,
                None if is_silent(&part.text) => String::new(),
                None => part.phonemes.clone().unwrap_or_else(|| super::UNKNOWN.to_string()),
            })
            .collect();
        if is_mixed(&whole.text) {
            sounds.retain(|sound| !sound.is_empty());
            whole.phonemes = Some(sounds.join(" "));
        } else {
            self.balance(parts, &mut sounds);
            whole.phonemes = Some(sounds.concat());
        }
        whole
    }

    fn runs(&self, parts: &[Token], contexts: &[TokenContext]) -> Vec<Option<String>> {
        let mut readings: Vec<Option<String>> = vec![None; parts.len()];
        let (mut left, mut right) = (0, parts.len());
        while left < right {
            let is_free = readings[left..right].iter().all(Option::is_none);
            let known = is_free.then(|| merged(&parts[left..right])).and_then(|run| {
                let key = straight(&run.text);
                self.lexicon.get_word(&key, &run.tag, self.stress(&key), Some(&contexts[left]))
            });
            if let Some((phonemes, _)) = known {
                readings[left] = Some(phonemes);
                readings[left + 1..right].fill(Some(String::new()));
                right = left;
                left = 0;
            } else if left + 1 < right {
                left += 1;
            } else {
                right -= 1;
                if readings[right].is_none() && is_silent(&parts[right].text) {
                    readings[right] = Some(String::new());
                }
                left = 0;
            }
        }
        readings
    }

    /// A compound has one main stress: the lighter parts lose theirs.
    fn balance(&self, parts: &[Token], sounds: &mut [String]) {
        let weight =
            |sound: &str| -> usize { sound.chars().map(|c| 1 + usize::from(LONG.contains(c))).sum() };
        let mut heard: Vec<_> = sounds
            .iter()
            .enumerate()
            .filter(|(_, sound)| !sound.is_empty())
            .map(|(index, sound)| (sound.contains(PRIMARY), weight(sound), index))
            .collect();
        let stressed = heard.iter().filter(|(is_stressed, ..)| *is_stressed).count();
        let weaker: Vec<usize> = if heard.len() == 2 && parts[heard[0].2].text.chars().count() == 1 {
            vec![heard[1].2]
        } else if heard.len() >= 2 && stressed > heard.len().div_ceil(2) {
            heard.sort_unstable();
            heard[..heard.len() / 2].iter().map(|(.., index)| *index).collect()
        } else {
            Vec::new()
        };
        for index in weaker {
            sounds[index] = self.lexicon.apply_stress(&sounds[index], Some(-0.5));
        }
    }

    /// The parts of a word may begin otherwise than the word: what depends on the next word is read again.
    fn hear_whole_words(&self, tokens: &mut [Token]) {
        let mut contexts = vec![TokenContext::default(); tokens.len()];
        for index in (1..tokens.len()).rev() {
            contexts[index - 1] = before(&contexts[index], &tokens[index]);
        }
        for (token, context) in tokens.iter_mut().zip(&contexts) {
            let is_word = !token.text.is_empty() && token.text.chars().all(char::is_alphabetic);
            if token.is_to || !is_word || token.phonemes.as_deref().is_none_or(str::is_empty) {
                continue;
            }
            let stress = self.stress(&token.text);
            if let Some((phonemes, _)) = self.lexicon.get_word(&token.text, &token.tag, stress, Some(context))
            {
                token.phonemes = Some(phonemes);
            }
        }
    }
}

fn is_punctuation(token: &Token) -> bool {
    PUNCTUATION_TAGS.contains(&token.tag.as_str())
        && !token.text.chars().all(|c| c.to_lowercase().next().is_some_and(|c| c.is_ascii_lowercase()))
}

/// What the voice is given for punctuation; `None` for words.
fn punctuation(token: &Token) -> Option<String> {
    if token.text.is_empty() {
        return None;
    }
    if token.tag == ":" && matches!(token.text.as_str(), "-" | "–") {
        return Some("—".into());
    }
    if !is_punctuation(token) {
        return None;
    }
    Some(match token.tag.as_str() {
        "-LRB-" => "(".into(),
        "-RRB-" => ")".into(),
        "``" => "“".into(),
        "''" | "\"\"" => "”".into(),
        _ => token.text.chars().filter(|c| ";:,.!?—…\"“”".contains(*c)).collect(),
    })
}

/// Parts without white space between them are one word; punctuation stands alone, but for the full stop of an
/// abbreviation.
fn words(tokens: &[Token]) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut is_open = false;
    for (index, token) in tokens.iter().enumerate() {
        let last = words.last_mut().filter(|_| is_open);
        if token.is_to || is_punctuation(token) {
            if let Some(last) = last
                && token.text == "."
                && abbrev::is_period_abbreviation(&(merged(&tokens[last.clone()]).text + "."))
            {
                last.end = index + 1;
                is_open = !token.is_spaced;
                continue;
            }
            words.push(index..index + 1);
            is_open = false;
            continue;
        }
        match last {
            Some(last) if !tokens[last.end - 1].is_spaced => last.end = index + 1,
            _ => {
                words.push(index..index + 1);
                is_open = !token.is_spaced;
            }
        }
    }
    words
}

/// The parts as one, with the tag of the heaviest; capitals weigh twice.
fn merged(parts: &[Token]) -> Token {
    let weight = |token: &&Token| -> usize {
        token.text.chars().map(|c| if c.to_lowercase().next() == Some(c) { 1 } else { 2 }).sum()
    };
    Token {
        text: parts.iter().map(|part| part.text.as_str()).collect(),
        tag: parts.iter().max_by_key(weight).map(|part| part.tag.clone()).unwrap_or_default(),
        is_spaced: parts.last().is_some_and(|part| part.is_spaced),
        phonemes: None,
        is_to: parts.first().is_some_and(|part| part.is_to),
    }
}

/// What the word to the left of this one has to know about it.
fn before(after: &TokenContext, token: &Token) -> TokenContext {
    let told = token.phonemes.as_deref().unwrap_or_default().chars().find_map(|c| {
        if BREAKS.contains(c) {
            Some(None)
        } else if VOWELS.contains(c) {
            Some(Some(true))
        } else if CONSONANTS.contains(c) {
            Some(Some(false))
        } else {
            None
        }
    });
    let is_upper_to = token.text == "TO" && matches!(token.tag.as_str(), "TO" | "IN");
    TokenContext {
        future_vowel: told.unwrap_or(after.future_vowel),
        future_to: matches!(token.text.as_str(), "to" | "To") || is_upper_to,
    }
}

/// The lexicons are keyed with straight apostrophes.
fn straight(word: &str) -> String {
    word.replace(['‘', '’'], "'")
}

fn is_silent(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| SILENT.contains(c))
}

/// Letters beside digits or other signs are read apart.
fn is_mixed(text: &str) -> bool {
    let kind = |c: char| if c.is_alphabetic() { 0 } else { 1 + u8::from(!c.is_ascii_digit()) };
    let mut kinds = text.chars().filter(|c| !SILENT.contains(*c)).map(kind);
    let first = kinds.next();
    text.contains('/') || kinds.any(|kind| Some(kind) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts without digits, currencies and links: for those `misaki_rs::G2P` has ways that are left out here.
    #[track_caller]
    fn agrees(language: Language, texts: &str, every: usize) {
        let theirs = misaki_rs::G2P::new(language);
        let ours = Rules::load(language);
        let is_plain =
            |text: &&str| text.is_ascii() && !text.contains(|c: char| c.is_ascii_digit() || c == '$');
        let texts: Vec<_> =
            texts.lines().filter_map(|line| line.split('\t').next()).filter(is_plain).collect();
        assert!(texts.len() > 40, "{}", texts.len());
        for text in texts.into_iter().step_by(every) {
            let expected = theirs.g2p(text).unwrap().1;
            let read = ours.read(text, &[], &|_| None);
            assert_eq!(
                read.iter().map(|one| (one.text.as_str(), one.phonemes.as_deref())).collect::<Vec<_>>(),
                expected.iter().map(|one| (one.text.as_str(), one.phonemes.as_deref())).collect::<Vec<_>>(),
                "{text}"
            );
        }
    }

    #[test]
    fn sentences_are_read_as_misaki_reads_them() {
        agrees(Language::EnglishUS, include_str!("../../tests/fixtures/g2p_reference.tsv"), 12);
    }

    #[test]
    fn british_sentences_are_read_as_misaki_reads_them() {
        agrees(Language::EnglishGB, include_str!("../../tests/fixtures/g2p_reference_gb.tsv"), 3);
    }

    /// Words of several parts, where most of the rules are.
    #[test]
    fn words_in_parts_are_read_as_misaki_reads_them() {
        let texts = "It's a five-storied out-of-the-way house; Mr. Smith's, no?\n\
            \"Shhh!\" iPhone and PDFs, CEOs and DOGS.\nThe dogs' bowls -- and/or Austen's rock-n-roll.\n\
            He used to go to Ohio, vs. the FBI, e.g. in the U.S.A. at a.m. hours...\n\
            (Well-known) 'single quotes' -- don't y'all would've?\nTO BE OR NOT to an LP, To the end.\n";
        agrees(Language::EnglishUS, &texts.repeat(8), 1);
    }
}
