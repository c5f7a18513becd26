//! The user's own pronunciations: words or phrases with phonemes or with a respelling.

use std::collections::HashMap;
use std::ops::Range;

use crate::alphabet;
use crate::error::{LexiconFault, TextError};
use crate::spoken::Accent;

/// Most entries one lexicon holds.
pub const MAX_ENTRIES: usize = 20_000;
const MAX_WORD: usize = 100;

/// How an entry is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Phonemes as written, without slashes; they are checked when the entry is made.
    Phonemes(String),
    /// Other text, read in place of the word: `Seoul = soul`.
    Alias(String),
}

/// Words and phrases whose reading the user has fixed; they win over every built-in rule and lexicon.
///
/// A word written in lower case matches in any case; one with capitals matches only as it is written. A phrase
/// matches across any white space. The possessive ending is added by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lexicon {
    entries: Vec<(String, Entry)>,
    /// Lower-cased first run of letters and digits to indices into `entries`, longest word first.
    by_start: HashMap<String, Vec<usize>>,
}

/// A place in a text where an entry applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    pub(crate) source: Range<usize>,
    pub(crate) entry: &'a Entry,
}

impl Lexicon {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one entry a line: `word = /phonemes/` or `word = other words`; a tab also separates. Empty lines
    /// and lines that start with `#` are skipped. `entry` of an error is the line number, from 1.
    pub fn from_lines(lines: &str) -> Result<Self, TextError> {
        let mut lexicon = Self::new();
        for (index, line) in lines.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fail = |fault| TextError::LexiconInvalid { entry: index + 1, fault };
            let (word, reading) = line
                .split_once('\t')
                .or_else(|| line.split_once('='))
                .ok_or(fail(LexiconFault::NoReading))?;
            lexicon.add(word, reading).map_err(fail)?;
        }
        Ok(lexicon)
    }

    /// Builds a lexicon from pairs of word and reading, as they come from JSON or a database. `entry` of an
    /// error counts the pairs from 1.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, TextError> {
        let mut lexicon = Self::new();
        for (index, (word, reading)) in pairs.into_iter().enumerate() {
            lexicon
                .add(word, reading)
                .map_err(|fault| TextError::LexiconInvalid { entry: index + 1, fault })?;
        }
        Ok(lexicon)
    }

    /// Adds or replaces one entry. A reading between slashes is phonemes, anything else is an alias.
    pub fn add(&mut self, word: &str, reading: &str) -> Result<(), LexiconFault> {
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
        let reading = reading.trim();
        if word.is_empty() {
            return Err(LexiconFault::NoWord);
        }
        if word.chars().count() > MAX_WORD {
            return Err(LexiconFault::WordTooLong(MAX_WORD));
        }
        if reading.is_empty() {
            return Err(LexiconFault::NoReading);
        }
        let entry = if reading.len() > 1 && reading.starts_with('/') && reading.ends_with('/') {
            let bare = reading.trim_matches('/').trim().to_owned();
            alphabet::pronunciation(&bare, Accent::American).map_err(LexiconFault::Pronunciation)?;
            Entry::Phonemes(bare)
        } else {
            Entry::Alias(reading.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let start = start_of(&word);
        let known =
            self.by_start.get(&start).into_iter().flatten().find(|&&known| self.entries[known].0 == word);
        if let Some(&known) = known {
            self.entries[known].1 = entry;
            return Ok(());
        }
        if self.entries.len() == MAX_ENTRIES {
            return Err(LexiconFault::TooMany(MAX_ENTRIES));
        }
        let indices = self.by_start.entry(start).or_default();
        let place = indices.partition_point(|&other| self.entries[other].0.len() >= word.len());
        indices.insert(place, self.entries.len());
        self.entries.push((word, entry));
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// All entries in the order they were added.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(word, entry)| (word.as_str(), entry))
    }

    /// The entries that apply somewhere in the text, sorted by word and without repeats: what a cache key of
    /// the spoken text must contain. Changing any other entry leaves it alone.
    pub fn entries_used_in(&self, text: &str) -> Vec<(String, String)> {
        let mut used: Vec<_> = self
            .matches(text)
            .into_iter()
            .filter_map(|found| self.entries.iter().find(|(_, entry)| std::ptr::eq(entry, found.entry)))
            .map(|(word, entry)| match entry {
                Entry::Phonemes(phonemes) => (word.clone(), format!("/{phonemes}/")),
                Entry::Alias(alias) => (word.clone(), alias.clone()),
            })
            .collect();
        used.sort();
        used.dedup();
        used
    }

    /// Where entries apply, from left to right, longest first and without overlap.
    pub(crate) fn matches(&self, text: &str) -> Vec<Match<'_>> {
        let mut found: Vec<Match<'_>> = Vec::new();
        if self.is_empty() {
            return found;
        }
        let mut free_from = 0;
        let mut previous = None;
        for (at, c) in text.char_indices() {
            let starts_word = is_word(c) && !previous.is_some_and(is_word);
            let starts_symbol = !is_word(c) && !c.is_whitespace();
            previous = Some(c);
            if at < free_from || !(starts_word || starts_symbol) {
                continue;
            }
            let rest = &text[at..];
            let Some(candidates) = self.by_start.get(&start_of(rest)) else { continue };
            let hit = candidates.iter().find_map(|&index| {
                let (word, entry) = &self.entries[index];
                matched_length(rest, word).map(|length| Match { source: at..at + length, entry })
            });
            if let Some(hit) = hit {
                free_from = hit.source.end;
                found.push(hit);
            }
        }
        found
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// The key under which an entry is found: its first run of letters and digits, or its first symbol.
fn start_of(text: &str) -> String {
    let run: String = text.chars().take(MAX_WORD).take_while(|&c| is_word(c)).collect();
    if run.is_empty() { text.chars().take(1).collect() } else { run.to_lowercase() }
}

/// Length in bytes of `word` at the start of `rest` when it stands there as a whole word.
fn matched_length(rest: &str, word: &str) -> Option<usize> {
    let any_case = !word.chars().any(char::is_uppercase);
    let mut source = rest.char_indices().peekable();
    let mut end = 0;
    for expected in word.chars() {
        if expected == ' ' {
            let before = end;
            while let Some(&(at, c)) = source.peek().filter(|(_, c)| c.is_whitespace()) {
                end = at + c.len_utf8();
                source.next();
            }
            if end == before {
                return None;
            }
            continue;
        }
        let (at, c) = source.next()?;
        let expected = if expected == '\'' && c == '’' { c } else { expected };
        if c != expected && !(any_case && c.to_lowercase().eq(expected.to_lowercase())) {
            return None;
        }
        end = at + c.len_utf8();
    }
    let ends_in_word = word.chars().next_back().is_some_and(is_word);
    match source.next() {
        Some((_, next)) if ends_in_word && is_word(next) => None,
        _ => Some(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PronunciationFault;

    fn found<'t>(lexicon: &Lexicon, text: &'t str) -> Vec<&'t str> {
        lexicon.matches(text).into_iter().map(|found| &text[found.source]).collect()
    }

    #[test]
    fn lines_hold_phonemes_or_other_words() {
        let lexicon =
            Lexicon::from_lines("# names\nSori = /sˈɔɹi/\n\nSeoul\tsoul\nC++ = see plus plus").unwrap();
        assert_eq!(lexicon.len(), 3);
        let entries: Vec<_> = lexicon.entries().collect();
        assert_eq!(entries[0], ("Sori", &Entry::Phonemes("sˈɔɹi".into())));
        assert_eq!(entries[1], ("Seoul", &Entry::Alias("soul".into())));
    }

    #[test]
    fn a_bad_line_is_named_with_its_fault() {
        let fault = |lines| Lexicon::from_lines(lines).unwrap_err();
        assert_eq!(
            fault("a = b\nnothing"),
            TextError::LexiconInvalid { entry: 2, fault: LexiconFault::NoReading }
        );
        assert_eq!(fault(" = b"), TextError::LexiconInvalid { entry: 1, fault: LexiconFault::NoWord });
        assert_eq!(
            fault("a = /9/"),
            TextError::LexiconInvalid {
                entry: 1,
                fault: LexiconFault::Pronunciation(PronunciationFault::UnknownSymbol('9'))
            }
        );
    }

    #[test]
    fn whole_words_match_the_longest_first() {
        let lexicon =
            Lexicon::from_lines("york = /jˈɔɹk/\nnew york = /nˈu jˈɔɹk/\nReading = /ɹˈɛdɪŋ/").unwrap();
        assert_eq!(found(&lexicon, "New  York, Yorkshire and York's end"), ["New  York", "York"]);
        assert_eq!(found(&lexicon, "reading in Reading."), ["Reading"]);
    }

    #[test]
    fn symbols_match_too() {
        let lexicon = Lexicon::from_lines("C++ = see plus plus\n& = and also\n민호 = /mˈinhO/").unwrap();
        assert_eq!(found(&lexicon, "C++, c & 민호!"), ["C++", "&", "민호"]);
    }

    #[test]
    fn only_the_entries_of_the_text_are_listed_in_a_stable_order() {
        let lexicon = Lexicon::from_lines("zeta = zed\nalpha = /ˈælfə/\nother = x").unwrap();
        assert_eq!(
            lexicon.entries_used_in("Zeta, alpha and ALPHA"),
            [("alpha".to_owned(), "/ˈælfə/".to_owned()), ("zeta".to_owned(), "zed".to_owned())]
        );
    }
}
