//! Where sentences end.
//!
//! Decided between chunks, so that a boundary never falls into a word, a web address or a pronunciation mark.
//! A full stop ends a sentence unless it belongs to a title, an initial or an abbreviation, or a small letter
//! follows; single line breaks of wrapped prose are white space, those of lists and titles are ends.

use std::ops::Range;

use crate::chunks::{Chunk, Gap, lenient_chunks};
use crate::normal::abbreviations;
use crate::spoken::{Accent, PhraseEnd};

/// The sentences of a text as ascending, disjoint byte ranges; white space between them is in none.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let chunks = lenient_chunks(text, Accent::American);
    let mut found = Vec::new();
    let mut first = 0;
    for (last, _) in ends(&chunks) {
        found.push(chunks[first].source.start..chunks[last].source.end);
        first = last + 1;
    }
    found
}

/// The index of the last chunk of every sentence, and what kind of end it is. The last chunk always ends one.
pub(crate) fn ends(chunks: &[Chunk]) -> Vec<(usize, PhraseEnd)> {
    let mut found = Vec::new();
    let mut first = 0;
    let mut line_start = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        let Some(next) = chunks.get(index + 1) else {
            found.push((index, PhraseEnd::Paragraph));
            break;
        };
        let end = match chunk.gap {
            Gap::Paragraph => Some(PhraseEnd::Paragraph),
            Gap::Joined => None,
            Gap::Line => {
                let line_bytes = chunk.source.end.saturating_sub(chunks[line_start].source.start);
                line_start = index + 1;
                let ends = closes(chunk, next, index == first) || breaks_line(line_bytes, chunk, next);
                ends.then_some(PhraseEnd::Sentence)
            }
            Gap::Space => closes(chunk, next, index == first).then_some(PhraseEnd::Sentence),
        };
        if let Some(end) = end {
            found.push((index, end));
            first = index + 1;
        }
    }
    found
}

/// A short line before a line with a fresh start is a title or a list item; wrapped prose runs on.
fn breaks_line(line_bytes: usize, chunk: &Chunk, next: &Chunk) -> bool {
    // Text is wrapped at 60 columns or more (e-mail 72, Project Gutenberg about 70).
    const SHORTEST_WRAP: usize = 50;
    let fresh = next.plain().starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
        || next.lead.contains(['•', '·', '*', '-', '–', '—', '“', '"']);
    fresh && line_bytes < SHORTEST_WRAP && !chunk.trail.ends_with([',', ';', '-'])
}

fn closes(chunk: &Chunk, next: &Chunk, alone: bool) -> bool {
    let trail = chunk.trail.trim_end_matches(['"', '”', '\'', '’', ')', ']', '}', '>', '*', '_', '`']);
    let next_word = next.plain();
    let next_small = next_word.starts_with(|c: char| c.is_lowercase());
    let Some(mark) = trail.chars().next_back() else { return false };
    match mark {
        '!' | '?' => !next_small,
        '…' => !next_small && next_word != "I",
        '.' if trail.ends_with("..") => !next_small && next_word != "I",
        '.' => !next_small && !is_abbreviated(chunk, next_word, alone),
        ':' => chunk.gap == Gap::Line,
        _ => false,
    }
}

/// Does the full stop belong to the word, so that the sentence goes on?
fn is_abbreviated(chunk: &Chunk, next: &str, alone: bool) -> bool {
    let word = chunk.plain();
    let next_number = next.starts_with(|c: char| c.is_ascii_digit());
    if alone && chunk.lead.is_empty() && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        // The number of a list item.
        return true;
    }
    if chunk.trail.starts_with('.') && chunk.trail.len() > 1 {
        // A closing quote or bracket after the stop: "... et al.)" is rare, "... home.'" is not.
        return false;
    }
    if abbreviations::never_ends(word) {
        return true;
    }
    if abbreviations::before_number(word) {
        return next_number;
    }
    let initial = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase()) && word != "I";
    let dotted = word.contains('.') && word.split('.').all(|part| part.len() <= 2 && !part.is_empty());
    if initial || dotted || abbreviations::may_end(word) {
        return !STARTERS.contains(&next);
    }
    false
}

/// Words that open sentences far more often than they are names.
const STARTERS: [&str; 62] = [
    "A", "About", "After", "All", "Also", "An", "And", "Another", "Are", "As", "At", "Because", "Before",
    "But", "By", "Can", "Did", "Do", "Does", "Even", "Every", "For", "From", "He", "Her", "Here", "His",
    "How", "However", "I", "If", "In", "Is", "It", "It's", "Its", "Just", "Many", "My", "No", "Not", "Now",
    "On", "One", "Or", "Our", "She", "Since", "So", "Some", "That", "The", "Their", "Then", "There", "They",
    "This", "To", "We", "What", "When", "You",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_stop_ends_a_sentence() {
        check("One. Two! Three? Four… Five", &["One.", "Two!", "Three?", "Four…", "Five"]);
        check("“Go.” (He went.) Then—nothing.", &["“Go.”", "(He went.)", "Then—nothing."]);
    }

    #[test]
    fn titles_initials_and_abbreviations_do_not() {
        check(
            "Dr. Kim met Mr. J. K. Lee at 5 p.m. Monday.",
            &["Dr. Kim met Mr. J. K. Lee at 5 p.m. Monday."],
        );
        check(
            "See No. 5, Fig. 3 and e.g. Smith et al. there.",
            &["See No. 5, Fig. 3 and e.g. Smith et al. there."],
        );
        check("He lives in the U.S. The rest is history.", &["He lives in the U.S.", "The rest is history."]);
        check("Apples, pears, etc. They were ripe.", &["Apples, pears, etc.", "They were ripe."]);
        check("No. I will not.", &["No.", "I will not."]);
    }

    #[test]
    fn numbers_addresses_and_small_letters_do_not() {
        check("Pi is 3.14 at a.com. Yes.", &["Pi is 3.14 at a.com.", "Yes."]);
        check("“Stop!” he cried. Well… i guess.", &["“Stop!” he cried.", "Well… i guess."]);
    }

    #[test]
    fn wrapped_lines_run_on_and_short_lines_end() {
        check("Chapter One\nIt was late.", &["Chapter One", "It was late."]);
        check(
            "The old harbour lay quiet under the rain that night, and\nNora waited.",
            &["The old harbour lay quiet under the rain that night, and\nNora waited."],
        );
        check("One\n\ntwo", &["One", "two"]);
    }

    #[test]
    fn empty_and_symbol_texts_have_no_words() {
        check("", &[]);
        check(" \n ", &[]);
    }
}
