//! Sentences to phrases: pieces of phonemes, cut where a sentence is too long for one call of the voice.

use crate::normal::NormalToken;
use crate::spoken::{Phrase, PhraseEnd, Piece};

/// The smallest limit a caller may set for a phrase.
pub const LEAST_PHONEMES: usize = 20;

/// Builds the phrases of one sentence. `first_word` is the index of the first token among all words; `end`
/// says what follows the sentence. No phrase is longer than `max_phonemes` characters.
pub(crate) fn phrases(
    tokens: &[NormalToken],
    phonemes: Vec<String>,
    first_word: usize,
    end: PhraseEnd,
    max_phonemes: usize,
) -> Vec<Phrase> {
    let quotes = Quotes::new(tokens);
    let mut units: Vec<Unit> = Vec::with_capacity(tokens.len());
    for (index, (token, sounds)) in tokens.iter().zip(phonemes).enumerate() {
        let lead = quotes.lead(index, &token.lead);
        let trail = quotes.trail(index, &token.trail);
        for (at, part) in hard_split(sounds, max_phonemes - 8).into_iter().enumerate() {
            units.push(Unit {
                token: index,
                lead: if at == 0 { lead.clone() } else { String::new() },
                sounds: part,
                trail: String::new(),
                space: !token.joined,
            });
        }
        if let Some(last) = units.last_mut() {
            last.trail = trail;
        }
    }

    let mut phrases = Vec::new();
    let mut rest = units.as_slice();
    while !rest.is_empty() {
        let count = fitting(rest, max_phonemes);
        let (now, later) = rest.split_at(count);
        let end = if later.is_empty() { end } else { PhraseEnd::Clause };
        phrases.push(phrase(now, tokens, first_word, end));
        rest = later;
    }
    phrases
}

/// What is spoken for one token, or for a part of one that is longer than a phrase.
struct Unit {
    token: usize,
    lead: String,
    sounds: String,
    trail: String,
    space: bool,
}

impl Unit {
    fn length(&self) -> usize {
        let characters = |text: &str| text.chars().count();
        characters(&self.lead) + characters(&self.sounds) + characters(&self.trail) + usize::from(self.space)
    }

    fn ends_clause(&self) -> bool {
        self.trail.contains([',', ';', ':', '—', '…', '.', '!', '?', ')'])
    }
}

/// How many units go into the next phrase: all that fit, back to the last clause in the second half.
fn fitting(units: &[Unit], max_phonemes: usize) -> usize {
    let mut length = 0;
    let mut count = 0;
    let mut clause = None;
    for unit in units {
        // The space after the last unit is not spoken.
        if length + unit.length() - usize::from(unit.space) > max_phonemes {
            break;
        }
        length += unit.length();
        count += 1;
        if unit.ends_clause() && length * 3 > max_phonemes {
            clause = Some(count);
        }
    }
    if count == units.len() { count } else { clause.unwrap_or(count).max(1) }
}

fn phrase(units: &[Unit], tokens: &[NormalToken], first_word: usize, end: PhraseEnd) -> Phrase {
    let mut pieces: Vec<Piece> = Vec::with_capacity(units.len() * 2);
    let mut push = |phonemes: &str, word: Option<usize>| {
        if !phonemes.is_empty() {
            pieces.push(Piece { phonemes: phonemes.to_owned(), word });
        }
    };
    for (at, unit) in units.iter().enumerate() {
        push(&unit.lead, None);
        push(&unit.sounds, Some(first_word + unit.token));
        push(&unit.trail, None);
        if unit.space && at + 1 < units.len() {
            push(" ", None);
        }
    }
    let first = units.first().map_or(0, |unit| tokens[unit.token].source.start);
    let last = units.last().map_or(0, |unit| tokens[unit.token].source.end);
    Phrase { source: first..last, pieces, end }
}

/// Cuts phonemes into parts of at most `longest` characters, at spaces where there are some, and never between
/// a stress mark and its sound.
fn hard_split(sounds: String, longest: usize) -> Vec<String> {
    if sounds.chars().count() <= longest {
        return vec![sounds];
    }
    let symbols: Vec<char> = sounds.chars().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    while start < symbols.len() {
        let mut end = (start + longest).min(symbols.len());
        if end < symbols.len() {
            if let Some(space) = (start + 1..end).rev().find(|&at| symbols[at] == ' ') {
                end = space;
            } else if end > start + 1 && matches!(symbols[end - 1], 'ˈ' | 'ˌ') {
                end -= 1;
            }
        }
        let part: String = symbols[start..end].iter().collect();
        if !part.trim().is_empty() {
            parts.push(part.trim().to_owned());
        }
        start = end;
    }
    parts
}

/// Which single quotes are quotation marks: those that open and close within the sentence. Others are
/// apostrophes and not heard.
struct Quotes {
    single_from: Option<usize>,
    single_to: Option<usize>,
}

impl Quotes {
    fn new(tokens: &[NormalToken]) -> Self {
        let single = ['\'', '‘', '’'];
        let single_from = tokens.iter().position(|token| token.lead.contains(single));
        let single_to = tokens
            .iter()
            .rposition(|token| token.trail.contains(single))
            .filter(|to| single_from.is_some_and(|from| from <= *to));
        Self { single_from: single_from.filter(|_| single_to.is_some()), single_to }
    }

    fn lead(&self, index: usize, marks: &str) -> String {
        marks
            .chars()
            .filter_map(|mark| match mark {
                '"' | '“' | '”' => Some('“'),
                '\'' | '‘' | '’' => {
                    (self.single_from <= Some(index) && self.single_from.is_some()).then_some('“')
                }
                '(' => Some('('),
                '—' | '…' if index > 0 => Some(mark),
                _ => None,
            })
            .collect()
    }

    fn trail(&self, index: usize, marks: &str) -> String {
        marks
            .chars()
            .filter_map(|mark| match mark {
                '"' | '”' | '“' => Some('”'),
                '\'' | '’' | '‘' => self.single_to.filter(|to| index <= *to).map(|_| '”'),
                _ => Some(mark),
            })
            .collect()
    }
}
