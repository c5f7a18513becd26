//! The captions of a span.

use sori_captions::{Captions, Cue};

/// What is said between two times, counted from the first of them. A word belongs to the span when most
/// of it lies within; a cue without word times when any of it does.
pub(super) fn cut(captions: &Captions, start_ms: u64, end_ms: u64, title: &str) -> Captions {
    let cues = captions.cues.iter().filter_map(|cue| cut_cue(cue, start_ms, end_ms)).collect();
    Captions {
        title: title.to_owned(),
        lang: captions.lang.clone(),
        duration_ms: end_ms.saturating_sub(start_ms),
        cues,
    }
}

fn cut_cue(cue: &Cue, start_ms: u64, end_ms: u64) -> Option<Cue> {
    let shifted = |ms: u64| ms.clamp(start_ms, end_ms) - start_ms;
    if cue.end_ms <= start_ms || cue.start_ms >= end_ms {
        return None;
    }
    let mut cut = cue.clone();
    cut.start_ms = shifted(cue.start_ms);
    cut.end_ms = shifted(cue.end_ms);
    cut.words.retain(|word| {
        let middle_ms = word.start_ms.midpoint(word.end_ms);
        (start_ms..end_ms).contains(&middle_ms)
    });
    if cut.words.len() < cue.words.len() {
        let first = cue.words.iter().position(|word| Some(word) == cut.words.first())?;
        cut.text = text_of(cue, first, cut.words.len());
    }
    for word in &mut cut.words {
        word.start_ms = shifted(word.start_ms);
        word.end_ms = shifted(word.end_ms);
    }
    Some(cut)
}

/// The text from one word to another, with what stands between them: not every script has blanks there.
fn text_of(cue: &Cue, first: usize, count: usize) -> String {
    let kept = &cue.words[first..first + count];
    let mut from = 0;
    let mut span: Option<(usize, usize)> = None;
    for (index, word) in cue.words[..first + count].iter().enumerate() {
        let Some(at) = cue.text[from..].find(&word.text) else {
            // The text is written otherwise than it is said.
            return kept.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        };
        let (start, end) = (from + at, from + at + word.text.len());
        if index >= first {
            span = Some((span.map_or(start, |(begin, _)| begin), end));
        }
        from = end;
    }
    span.map_or_else(String::new, |(start, end)| cue.text[start..end].to_owned())
}

#[cfg(test)]
mod tests {
    use sori_captions::{CueWord, TimeSource};

    use super::*;

    fn cue(start_ms: u64, text: &str, words: &[(&str, u64, u64)]) -> Cue {
        let words: Vec<CueWord> = words
            .iter()
            .map(|(text, start_ms, end_ms)| CueWord {
                text: (*text).into(),
                start_ms: *start_ms,
                end_ms: *end_ms,
                source: TimeSource::Engine,
            })
            .collect();
        let end_ms = words.last().map_or(start_ms + 1_000, |word| word.end_ms);
        Cue { start_ms, end_ms, text: text.into(), words, ..Cue::default() }
    }

    fn captions() -> Captions {
        Captions {
            title: "Whole".into(),
            lang: "en".into(),
            duration_ms: 10_000,
            cues: vec![
                cue(0, "Before it.", &[("Before", 0, 400), ("it", 400, 900)]),
                cue(
                    1_000,
                    "Well, hello there!",
                    &[("Well", 1_000, 1_400), ("hello", 1_500, 2_000), ("there", 2_000, 2_600)],
                ),
                cue(3_000, "사랑해요", &[("사랑", 3_000, 3_400), ("해요", 3_400, 3_800)]),
                cue(5_000, "No times.", &[]),
            ],
        }
    }

    #[track_caller]
    fn check(start_ms: u64, end_ms: u64, expected: &[(u64, u64, &str, usize)]) {
        let cut = cut(&captions(), start_ms, end_ms, "Clip");
        let cues: Vec<_> = cut
            .cues
            .iter()
            .map(|cue| (cue.start_ms, cue.end_ms, cue.text.as_str(), cue.words.len()))
            .collect();
        assert_eq!(cues, expected);
        assert_eq!((cut.duration_ms, cut.title.as_str()), (end_ms - start_ms, "Clip"));
        let is_within = |cue: &Cue| {
            cue.words.iter().all(|word| word.start_ms <= word.end_ms && word.end_ms <= cue.end_ms)
        };
        assert!(cut.cues.iter().all(is_within));
    }

    #[test]
    fn whole_cues_keep_their_text_and_begin_at_the_clip() {
        check(1_000, 2_600, &[(0, 1_600, "Well, hello there!", 3)]);
        check(
            500,
            5_500,
            &[
                (0, 400, "it", 1),
                (500, 2_100, "Well, hello there!", 3),
                (2_500, 3_300, "사랑해요", 2),
                (4_500, 5_000, "No times.", 0),
            ],
        );
    }

    #[test]
    fn a_cue_that_is_cut_through_keeps_the_words_within() {
        check(1_450, 2_100, &[(0, 650, "hello", 1)]);
        check(
            1_100,
            2_400,
            &[(0, 1_300, "Well, hello there", 3)].map(|(a, b, _, d)| (a, b, "Well, hello there!", d)),
        );
        check(3_300, 3_800, &[(0, 500, "해요", 1)]);
    }

    #[test]
    fn a_cue_of_which_no_word_is_left_is_gone() {
        check(2_500, 2_550, &[]);
        check(900, 1_000, &[]);
    }
}
