//! Where the words of a cue stand in its text.

use std::ops::Range;

use crate::Cue;

/// For each word of the cue its byte range in `text`, if it is found there after the word before.
///
/// Words usually come without punctuation, and now and then as they are spoken rather than
/// written (`three thirty` for `3:30`): such a word has no place, and the next one is looked for
/// from the same point. A match that would skip more than [`WINDOW`] bytes is taken for a chance
/// hit and ignored. Linear in the length of the text and the number of words.
pub(crate) fn places(cue: &Cue, text: &str) -> Vec<Option<Range<usize>>> {
    let mut from = 0;
    cue.words
        .iter()
        .map(|word| {
            let wanted = word.text.trim();
            if wanted.is_empty() {
                return None;
            }
            let window = clip(&text[from..], WINDOW + wanted.len());
            let start = from + window.find(wanted)?;
            from = start + wanted.len();
            Some(start..from)
        })
        .collect()
}

const WINDOW: usize = 160;

fn clip(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[..end]
}

/// Pieces of text that start with a word's time: the marks of karaoke. The first piece may come
/// before any word. Times rise strictly and lie strictly inside of the cue; a word without a place
/// or with a time out of order belongs to the piece before it.
pub(crate) fn timed_pieces<'a>(cue: &Cue, text: &'a str) -> Vec<(Option<u64>, &'a str)> {
    let mut cuts: Vec<(u64, usize)> = Vec::new();
    let mut last_ms = cue.start_ms;
    for (word, place) in cue.words.iter().zip(places(cue, text)) {
        let Some(place) = place else { continue };
        if word.start_ms > last_ms && word.start_ms < cue.end_ms {
            cuts.push((word.start_ms, place.start));
            last_ms = word.start_ms;
        }
    }
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let first = cuts.first().map_or(text.len(), |cut| cut.1);
    if first > 0 {
        pieces.push((None, &text[..first]));
    }
    for (index, &(ms, start)) in cuts.iter().enumerate() {
        let end = cuts.get(index + 1).map_or(text.len(), |cut| cut.1);
        pieces.push((Some(ms), &text[start..end]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{places, timed_pieces};
    use crate::{Cue, CueWord, TimeSource};

    fn cue(text: &str, words: &[(&str, u64)]) -> Cue {
        let word = |&(text, start_ms): &(&str, u64)| CueWord {
            text: text.to_owned(),
            start_ms,
            end_ms: start_ms + 50,
            source: TimeSource::Engine,
        };
        Cue {
            start_ms: 100,
            end_ms: 1_000,
            text: text.into(),
            words: words.iter().map(word).collect(),
            ..Cue::default()
        }
    }

    #[test]
    fn a_word_is_found_after_the_one_before_it() {
        let cue = cue("no, no! At 3:30, no.", &[("no", 100), ("no", 200), ("three", 300), ("no", 400)]);
        assert_eq!(places(&cue, &cue.text), [Some(0..2), Some(4..6), None, Some(17..19)]);
    }

    #[test]
    fn pieces_cover_the_text_and_their_times_rise() {
        let cue = cue("\"Well, hi there", &[("Well", 100), ("hi", 300), ("there", 250)]);
        assert_eq!(timed_pieces(&cue, &cue.text), [(None, "\"Well, "), (Some(300), "hi there")]);
    }
}
