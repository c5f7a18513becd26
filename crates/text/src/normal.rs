//! From written to spoken words: numbers, dates, money, units, abbreviations, addresses, symbols.
//!
//! Each chunk of the source gets a reading of its own, so that every spoken word stays tied to the displayed
//! one; rules look at the neighbours and may read several chunks at once ("5 km/h", "$5 million", "Nov 21").
//! Ordinary words pass unchanged.

use std::ops::Range;

use crate::chunks::{Chunk, Core, Gap, lenient_chunks};
use crate::sentences;
use crate::spoken::{Accent, PhraseEnd};

pub(crate) mod abbreviations;
mod amounts;
mod clock;
mod compound;
mod dates;
mod line;
mod money;
mod numbers;
mod ranges;
mod roman;
mod symbols;
mod telephone;
pub(crate) mod units;
mod web;

use line::{Line, Reading};

/// A displayed word with what is said for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalToken {
    /// Byte range into the original text.
    pub source: Range<usize>,
    /// As displayed.
    pub text: String,
    /// Punctuation before the spoken words: quotes, brackets.
    pub lead: String,
    /// The spoken words; capitals that stand alone are names of letters.
    pub spoken: String,
    /// Punctuation after them.
    pub trail: String,
    /// Phonemes the user has fixed; `spoken` is then what is displayed.
    pub phonemes: Option<String>,
    /// Set on the last token of a sentence.
    pub end: Option<PhraseEnd>,
    /// Was the spoken form written by a rule, rather than by the author?
    pub(crate) rewritten: bool,
    /// No white space before the next token.
    pub(crate) joined: bool,
}

/// What is said for a text, token by token, in American English.
pub fn normalise(text: &str) -> Vec<NormalToken> {
    normalise_for(text, Accent::American)
}

/// What is said for a text in one accent: dates, "and" in numbers and some names differ.
pub fn normalise_for(text: &str, accent: Accent) -> Vec<NormalToken> {
    read_chunks(&lenient_chunks(text, accent), accent)
}

/// Chunks that are looked at together.
const LONGEST_SENTENCE: usize = 300;

pub(crate) fn read_chunks(chunks: &[Chunk], accent: Accent) -> Vec<NormalToken> {
    let mut tokens = Vec::with_capacity(chunks.len());
    let mut first = 0;
    for (last, end) in sentences::ends(chunks) {
        // Rules look along the sentence: its length is bounded so that a text without stops stays linear.
        for run in chunks[first..=last].chunks(LONGEST_SENTENCE) {
            read_sentence(run, accent, &mut tokens);
        }
        if let Some(token) = tokens.last_mut() {
            token.end = Some(end);
        }
        first = last + 1;
    }
    without_silent(tokens)
}

fn read_sentence(chunks: &[Chunk], accent: Accent, tokens: &mut Vec<NormalToken>) {
    let line = Line::new(chunks, accent);
    let mut index = 0;
    while index < chunks.len() {
        let chunk = &chunks[index];
        match &chunk.core {
            Core::Phonemes(phonemes) => {
                let mut token = token(chunk, chunk.shown.clone(), false);
                token.phonemes = Some(phonemes.clone());
                tokens.push(token);
                index += 1;
            }
            Core::Alias(alias) => {
                let inner: Vec<_> =
                    normalise_for(alias, accent).into_iter().map(|token| token.spoken).collect();
                tokens.push(token(chunk, inner.join(" "), false));
                index += 1;
            }
            Core::Plain(_) => match read_at(&line, index) {
                Some(reading) => {
                    for spoken in reading.cores {
                        let mut token = token(&chunks[index], spoken, true);
                        if reading.takes_stops && !line.is_last(index) {
                            token.trail = token.trail.strip_prefix('.').unwrap_or(&token.trail).to_owned();
                        }
                        tokens.push(token);
                        index += 1;
                    }
                }
                None => {
                    tokens.push(token(chunk, chunk.plain().to_owned(), false));
                    index += 1;
                }
            },
        }
    }
}

/// The rules in order of preference; the first that knows the chunk reads it.
const RULES: [fn(&Line, usize) -> Option<Reading>; 14] = [
    dates::read,
    web::read,
    clock::read,
    money::read,
    telephone::read,
    units::read,
    ranges::read,
    amounts::read_fraction,
    amounts::read_counted,
    amounts::read_number,
    abbreviations::read,
    roman::read,
    symbols::read,
    compound::read,
];

fn read_at(line: &Line, index: usize) -> Option<Reading> {
    // Most words are plain letters without a stop; only abbreviations and Roman numerals concern those.
    RULES.iter().find_map(|rule| rule(line, index)).filter(|reading| !reading.cores.is_empty())
}

fn token(chunk: &Chunk, spoken: String, rewritten: bool) -> NormalToken {
    NormalToken {
        source: chunk.source.clone(),
        text: chunk.shown.clone(),
        lead: voiced_punctuation(&chunk.lead),
        spoken,
        trail: voiced_punctuation(&chunk.trail),
        phonemes: None,
        end: None,
        rewritten,
        joined: chunk.gap == Gap::Joined,
    }
}

/// Keeps the punctuation a voice knows, in its simplest form: repeated marks once, dots as an ellipsis, dashes
/// between words as a long dash.
fn voiced_punctuation(marks: &str) -> String {
    let mut voiced = String::new();
    let mut rest = marks;
    while let Some(mark) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(mark).len();
        let count = run / mark.len_utf8();
        rest = &rest[run..];
        match mark {
            '.' if count > 1 => voiced.push('…'),
            '.' | ',' | ';' | ':' | '…' | '"' | '“' | '”' | '‘' | '’' | '\'' => voiced.push(mark),
            '!' | '?' if !voiced.ends_with(mark) => voiced.push(mark),
            '(' | ')' => voiced.push(mark),
            '[' | '{' => voiced.push('('),
            ']' | '}' => voiced.push(')'),
            '—' | '–' => voiced.push('—'),
            '-' if count > 1 || marks == " -" => voiced.push('—'),
            ' ' if !voiced.is_empty() => voiced.push(' '),
            _ => {}
        }
    }
    voiced.trim_end().to_owned()
}

/// A token without anything to say, such as a lone arrow, is shown with its neighbour.
fn without_silent(tokens: Vec<NormalToken>) -> Vec<NormalToken> {
    let says = |token: &NormalToken| {
        token.phonemes.is_some() || token.spoken.contains(|c: char| c.is_ascii_alphanumeric())
    };
    let mut kept: Vec<NormalToken> = Vec::with_capacity(tokens.len());
    let mut silent: Option<NormalToken> = None;
    for mut token in tokens {
        if !says(&token) {
            match kept.last_mut() {
                Some(last) => join_silent(last, &token),
                None => silent = Some(token),
            }
            continue;
        }
        if let Some(before) = silent.take() {
            token.source.start = before.source.start;
            token.text = format!("{} {}", before.text, token.text);
        }
        kept.push(token);
    }
    kept
}

fn join_silent(last: &mut NormalToken, token: &NormalToken) {
    if !last.joined {
        last.text.push(' ');
    }
    last.text.push_str(&token.text);
    last.source.end = token.source.end;
    last.trail.push_str(&token.trail);
    last.joined = token.joined;
    if token.end == Some(PhraseEnd::Paragraph) || last.end.is_none() {
        last.end = token.end;
    }
}
