//! When each displayed word of a line is heard.

use sori_text::Spoken;

use crate::join::Joined;

/// When one word is heard, in samples of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordMark {
    /// Index into [`Spoken::words`].
    pub word: usize,
    pub start: usize,
    pub end: usize,
}

/// One mark for every word of the text, ascending and without overlap.
///
/// `line` must be the phrases of `spoken` joined in order. A word that is not heard (a lone dash) gets what lies
/// between its neighbours, which may be nothing.
pub fn word_marks(line: &Joined, spoken: &Spoken) -> Vec<WordMark> {
    let mut heard: Vec<Option<(usize, usize)>> = vec![None; spoken.words.len()];
    for phone in &line.phones {
        let piece = spoken.phrases.get(phone.phrase).and_then(|phrase| phrase.pieces.get(phone.piece));
        let Some(slot) = piece.and_then(|piece| piece.word).and_then(|word| heard.get_mut(word)) else {
            continue;
        };
        let (start, end) = slot.unwrap_or((phone.start, phone.end));
        *slot = Some((start.min(phone.start), end.max(phone.end)));
    }
    // From the back: where the next word that is heard begins.
    let mut next_start = line.samples.len();
    let mut limits = vec![0; heard.len()];
    for (limit, heard) in limits.iter_mut().zip(&heard).rev() {
        *limit = next_start;
        next_start = heard.map_or(next_start, |(start, _)| start.min(next_start));
    }
    let mut at = 0;
    heard
        .into_iter()
        .zip(limits)
        .enumerate()
        .map(|(word, (heard, limit))| {
            let (start, end) = heard.unwrap_or((at, limit));
            let start = start.max(at);
            at = end.min(limit).max(start);
            WordMark { word, start, end: at }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use sori_text::{Phrase, PhraseEnd, Piece, Word};

    use super::*;
    use crate::join::JoinedPhone;

    /// A text of `words` words, and phones given as (word, start, end).
    #[track_caller]
    fn check(words: usize, phones: &[(Option<usize>, usize, usize)], expected: &[(usize, usize)]) {
        let word = |_| Word { source: 0..0, text: String::new() };
        let pieces = phones.iter().map(|(word, ..)| Piece { phonemes: "a".into(), word: *word }).collect();
        let phrase = Phrase { source: 0..0, pieces, end: PhraseEnd::Sentence };
        let spoken = Spoken { words: (0..words).map(word).collect(), phrases: vec![phrase] };
        let phone = |(piece, &(_, start, end))| JoinedPhone { phoneme: 'a', phrase: 0, piece, start, end };
        let line = Joined {
            samples: vec![0.0; 1000],
            sample_rate_hz: 24_000,
            phones: phones.iter().enumerate().map(phone).collect(),
            phrases: vec![Range { start: 0, end: 1000 }],
        };
        let found: Vec<_> = word_marks(&line, &spoken).iter().map(|mark| (mark.start, mark.end)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_word_lasts_from_its_first_to_its_last_phone() {
        check(
            2,
            &[(Some(0), 100, 200), (Some(0), 200, 250), (None, 250, 300), (Some(1), 300, 500)],
            &[(100, 250), (300, 500)],
        );
    }

    #[test]
    fn a_word_that_is_not_heard_lies_between_its_neighbours() {
        check(3, &[(Some(0), 100, 200), (Some(2), 300, 500)], &[(100, 200), (200, 300), (300, 500)]);
        check(2, &[(Some(1), 300, 500)], &[(0, 300), (300, 500)]);
        check(2, &[(Some(0), 300, 500)], &[(300, 500), (500, 1000)]);
        check(1, &[], &[(0, 1000)]);
    }

    #[test]
    fn words_never_overlap() {
        check(2, &[(Some(0), 100, 400), (Some(1), 300, 500)], &[(100, 300), (300, 500)]);
    }
}
