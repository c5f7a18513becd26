//! Phrases to a line: their own silence taken off, natural pauses put between, no clicks, marks exact.

use std::ops::Range;

use sori_text::PhraseEnd;

use crate::{SAMPLE_RATE_HZ, speech::Speech};

/// A line of phrases.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    pub samples: Vec<f32>,
    pub sample_rate_hz: u32,
    /// Ascending; positions are in the samples of the line.
    pub phones: Vec<JoinedPhone>,
    /// Where each phrase is heard, without the pauses between.
    pub phrases: Vec<Range<usize>>,
}

/// When one symbol is heard in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedPhone {
    pub phoneme: char,
    /// Which of the joined phrases.
    pub phrase: usize,
    /// Index into the pieces of that phrase.
    pub piece: usize,
    pub start: usize,
    pub end: usize,
}

/// What is quieter than this part of the phrase's peak (-50 dB) is not speech.
const SILENCE: f32 = 0.003_16;
/// Silence is looked for in windows of 5 ms, shorter than the burst of a stop.
const WINDOW_MS: usize = 5;
/// Kept before the first and after the last window with speech, so that soft onsets and breath are not cut.
const LEAD_MS: usize = 30;
const TAIL_MS: usize = 60;
/// The ends of a phrase rise and fall over this time.
const FADE_MS: usize = 4;

/// From the end of speech to the next: a comma, a full stop, a paragraph. Chosen by us, not measured on narrators.
fn pause_ms(end: PhraseEnd) -> usize {
    match end {
        PhraseEnd::Clause => 180,
        PhraseEnd::Sentence => 450,
        PhraseEnd::Paragraph => 850,
    }
}

/// Joins the phrases of a line in order. What follows the last phrase is for the caller to decide, so its
/// [`PhraseEnd`] adds no pause. Linear in the number of samples.
pub fn join(parts: Vec<(Speech, PhraseEnd)>) -> Joined {
    let sample_rate_hz = parts.first().map_or(SAMPLE_RATE_HZ, |(speech, _)| speech.sample_rate_hz);
    let ms = |time_ms: usize| time_ms * sample_rate_hz as usize / 1000;
    let mut line = Joined { samples: Vec::new(), sample_rate_hz, phones: Vec::new(), phrases: Vec::new() };
    line.samples
        .reserve_exact(parts.iter().map(|(speech, end)| speech.samples.len() + ms(pause_ms(*end))).sum());
    let mut pause = 0;
    for (phrase, (speech, end)) in parts.into_iter().enumerate() {
        debug_assert_eq!(speech.sample_rate_hz, sample_rate_hz, "one voice speaks a line");
        let heard = heard(&speech.samples, ms(WINDOW_MS).max(1));
        let kept =
            heard.start.saturating_sub(ms(LEAD_MS))..(heard.end + ms(TAIL_MS)).min(speech.samples.len());
        // The margins that are kept are part of the pause.
        let margin = heard.start - kept.start;
        line.samples.resize(line.samples.len() + usize::saturating_sub(pause, margin), 0.0);
        let at = line.samples.len();
        line.samples.extend_from_slice(&speech.samples[kept.clone()]);
        fade_ends(&mut line.samples[at..], ms(FADE_MS));
        line.phones.extend(speech.phones.iter().map(|mark| {
            let moved = |position: usize| at + position.clamp(kept.start, kept.end) - kept.start;
            let (start, end) = (moved(mark.start), moved(mark.end));
            JoinedPhone { phoneme: mark.phoneme, phrase, piece: mark.piece, start, end }
        }));
        line.phrases.push(at..line.samples.len());
        pause = ms(pause_ms(end)).saturating_sub(kept.end - heard.end);
    }
    line
}

/// From the first to the last window that is loud enough to be speech; everything when nothing is.
fn heard(samples: &[f32], window: usize) -> Range<usize> {
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let is_speech = |window: &[f32]| window.iter().any(|sample| sample.abs() > peak * SILENCE);
    let first = samples.chunks(window).position(is_speech);
    let last = samples.chunks(window).rposition(is_speech);
    match (first, last) {
        (Some(first), Some(last)) => first * window..((last + 1) * window).min(samples.len()),
        _ => 0..samples.len(),
    }
}

/// A raised cosine at both ends: even a phrase that begins or ends in the middle of a wave does not click.
fn fade_ends(samples: &mut [f32], length: usize) {
    let length = length.min(samples.len() / 2);
    let gain = |step: usize| {
        let phase = std::f32::consts::PI * (step as f32 + 0.5) / length as f32;
        0.5 - 0.5 * phase.cos()
    };
    for (step, sample) in samples.iter_mut().take(length).enumerate() {
        *sample *= gain(step);
    }
    for (step, sample) in samples.iter_mut().rev().take(length).enumerate() {
        *sample *= gain(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::PhoneMark;

    const RATE: usize = 24_000;

    fn ms(time_ms: usize) -> usize {
        time_ms * RATE / 1000
    }

    /// A tone with silence around it and one mark exactly on the tone.
    fn tone(before_ms: usize, tone_ms: usize, after_ms: usize) -> Speech {
        let wave = |n: usize| 0.5 * (n as f32 * 0.3).sin();
        let samples: Vec<f32> = std::iter::repeat_n(0.0, ms(before_ms))
            .chain((0..ms(tone_ms)).map(wave))
            .chain(std::iter::repeat_n(0.0, ms(after_ms)))
            .collect();
        let mark = PhoneMark { phoneme: 'a', piece: 0, start: ms(before_ms), end: ms(before_ms + tone_ms) };
        Speech { samples, sample_rate_hz: RATE as u32, phones: vec![mark] }
    }

    fn onset(samples: &[f32]) -> usize {
        samples.iter().position(|sample| sample.abs() > 0.01).unwrap()
    }

    #[test]
    fn a_pause_lasts_from_speech_to_speech_whatever_silence_the_phrases_bring() {
        for (end, pause_ms) in
            [(PhraseEnd::Clause, 180), (PhraseEnd::Sentence, 450), (PhraseEnd::Paragraph, 850)]
        {
            for (after_ms, before_ms) in [(0, 0), (0, 400), (700, 10), (35, 35), (1000, 1000)] {
                let line = join(vec![(tone(50, 300, after_ms), end), (tone(before_ms, 200, 20), end)]);
                let gap = line.phones[1].start - line.phones[0].end;
                // Speech is found on a grid of 5 ms.
                assert!(gap.abs_diff(ms(pause_ms)) <= ms(10), "{end:?} {after_ms} {before_ms}: {gap}");
                let heard = line.phones[0].end + onset(&line.samples[line.phones[0].end..]);
                assert!(
                    heard.abs_diff(line.phones[1].start) <= ms(3),
                    "{end:?} {after_ms} {before_ms}: {heard}"
                );
            }
        }
    }

    #[test]
    fn marks_do_not_drift_over_a_thousand_phrases() {
        let line = join((0..1000).map(|n| (tone(n % 300, 100, n % 170), PhraseEnd::Clause)).collect());
        for phone in &line.phones {
            let heard = phone.start.saturating_sub(ms(10))
                + onset(&line.samples[phone.start.saturating_sub(ms(10))..]);
            assert!(
                heard.abs_diff(phone.start) <= ms(2),
                "phrase {}: {heard} for {}",
                phone.phrase,
                phone.start
            );
        }
    }

    #[test]
    fn a_line_ends_soon_after_its_last_phrase() {
        let line = join(vec![(tone(500, 300, 900), PhraseEnd::Paragraph)]);
        assert!(line.phones[0].start <= ms(35));
        assert!(line.samples.len() - line.phones[0].end <= ms(70));
        assert_eq!(line.phrases, vec![0..line.samples.len()]);
    }

    #[test]
    fn a_phrase_cut_in_the_middle_of_a_wave_does_not_click() {
        let loud = |_| Speech {
            samples: (0..ms(100)).map(|n| 0.9 * (n as f32 * 0.05 + 1.5).sin()).collect(),
            sample_rate_hz: RATE as u32,
            phones: Vec::new(),
        };
        let line = join((0..3).map(|n| (loud(n), PhraseEnd::Clause)).collect());
        let padded = [&[0.0][..], &line.samples, &[0.0]].concat();
        // The wave itself moves by at most 0.045 a sample.
        assert!(padded.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.06));
    }

    #[test]
    fn silence_and_nothing_are_joined_too() {
        assert!(join(Vec::new()).samples.is_empty());
        let silent = Speech { samples: vec![0.0; 100], sample_rate_hz: RATE as u32, phones: Vec::new() };
        assert_eq!(join(vec![(silent, PhraseEnd::Sentence)]).samples, vec![0.0; 100]);
        let empty = Speech { sample_rate_hz: RATE as u32, ..Speech::default() };
        assert!(join(vec![(empty.clone(), PhraseEnd::Clause)]).samples.is_empty());
    }
}
