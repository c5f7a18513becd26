//! When everything is heard: whole sample positions, from which sound and captions both follow.

use crate::AudioError;

/// The longest timeline, in seconds: a day. Longer is a mistake in a script, not a wish.
pub const MAX_TIMELINE_S: u64 = 24 * 3_600;

/// The plan of one finished piece of sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    pub sample_rate_hz: u32,
    /// Length of the whole piece in samples.
    pub total: u64,
    /// In the order of the lines, which need not be the order of their starts.
    pub clips: Vec<Clip>,
}

/// One line at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// The caller's index of the line.
    pub id: usize,
    /// First sample.
    pub start: u64,
    /// In samples.
    pub length: u64,
    pub gain_db: f32,
    /// Samples over which it rises from silence.
    pub fade_in: u32,
    /// Samples over which it falls to silence.
    pub fade_out: u32,
}

impl Clip {
    /// The first sample after the clip.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start + self.length
    }
}

impl Timeline {
    /// A sample position in milliseconds, rounded half up in whole numbers: the error is at
    /// most half a millisecond at any length and does not add up.
    #[must_use]
    pub fn to_ms(&self, sample: u64) -> u64 {
        let rate = u128::from(self.sample_rate_hz.max(1));
        u64::try_from((u128::from(sample) * 1000 + rate / 2) / rate).unwrap_or(u64::MAX)
    }

    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.to_ms(self.total)
    }
}

/// One line before it has a place. Lengths are in samples of the timeline's rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlannedLine {
    pub length: u64,
    /// Silence before it, on top of the silence after the line before.
    pub pause_before: u64,
    pub pause_after: u64,
    /// When not 0: starts this much before the sound so far ends, instead of after the pauses.
    /// Never earlier than the line before it.
    pub overlap: u64,
    /// A fixed first sample (timed input); everything else about its place is ignored then.
    pub at: Option<u64>,
    pub gain_db: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlanOptions {
    pub sample_rate_hz: u32,
    /// Silence after the last sound, in samples.
    pub lead_out: u64,
    /// In samples; shortened in clips that are too short for both fades.
    pub fade_in: u32,
    pub fade_out: u32,
}

impl PlanOptions {
    /// 1 ms in and 5 ms out: enough that no clip starts or ends with a click, and so short at
    /// the start that an onset is not heard (or measured) late by more than half a millisecond.
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        let per_ms = |ms: u32| sample_rate_hz.saturating_mul(ms) / 1000;
        Self { sample_rate_hz, lead_out: 0, fade_in: per_ms(1), fade_out: per_ms(5) }
    }
}

/// Gives every line its place. The first clip's `id` is 0. Time O(n).
///
/// A line starts when everything before it has ended and both pauses have passed. The pause
/// before the first line is kept. A pause after the last line counts into the total.
///
/// # Errors
/// [`AudioError::TimelineTooLong`] beyond [`MAX_TIMELINE_S`].
pub fn plan(lines: &[PlannedLine], options: &PlanOptions) -> Result<Timeline, AudioError> {
    let limit = MAX_TIMELINE_S * u64::from(options.sample_rate_hz);
    let mut clips: Vec<Clip> = Vec::with_capacity(lines.len());
    let mut sound_end = 0_u64;
    let mut silence_end = 0_u64;
    for (id, line) in lines.iter().enumerate() {
        let start = match (line.at, line.overlap) {
            (Some(at), _) => at,
            (None, 0) => silence_end.saturating_add(line.pause_before),
            (None, overlap) => {
                let previous_start = clips.last().map_or(0, |clip| clip.start);
                sound_end.saturating_sub(overlap).max(previous_start)
            }
        };
        let end = start.saturating_add(line.length);
        sound_end = sound_end.max(end);
        silence_end = silence_end.max(end.saturating_add(line.pause_after));
        if silence_end > limit {
            return Err(AudioError::TimelineTooLong { limit_s: MAX_TIMELINE_S });
        }
        let half = u32::try_from(line.length / 2).unwrap_or(u32::MAX);
        clips.push(Clip {
            id,
            start,
            length: line.length,
            gain_db: line.gain_db,
            fade_in: options.fade_in.min(half),
            fade_out: options.fade_out.min(half),
        });
    }
    let total = silence_end.saturating_add(options.lead_out);
    if total > limit {
        return Err(AudioError::TimelineTooLong { limit_s: MAX_TIMELINE_S });
    }
    Ok(Timeline { sample_rate_hz: options.sample_rate_hz, total, clips })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(length: u64) -> PlannedLine {
        PlannedLine { length, ..PlannedLine::default() }
    }

    #[track_caller]
    fn check(lines: &[PlannedLine], starts: &[u64], total: u64) {
        let timeline = plan(lines, &PlanOptions::new(1_000)).unwrap();
        assert_eq!(timeline.clips.iter().map(|c| c.start).collect::<Vec<_>>(), starts);
        assert_eq!(timeline.total, total);
    }

    #[test]
    fn lines_follow_each_other_with_their_pauses() {
        check(&[], &[], 0);
        check(&[line(10), line(20)], &[0, 10], 30);
        let paused = PlannedLine { pause_before: 3, pause_after: 4, ..line(10) };
        check(&[paused.clone(), paused], &[3, 20], 34);
    }

    #[test]
    fn an_overlap_takes_the_place_of_the_pauses() {
        let first = PlannedLine { pause_after: 50, ..line(100) };
        let interjection = PlannedLine { overlap: 30, pause_before: 9, ..line(10) };
        check(&[first, interjection, line(5)], &[0, 70, 150], 155);
    }

    #[test]
    fn an_overlap_longer_than_the_line_starts_with_it_and_not_before() {
        let wild = PlannedLine { overlap: u64::MAX, ..line(10) };
        check(&[line(40), line(20), wild], &[0, 40, 40], 60);
        check(&[PlannedLine { overlap: 7, ..line(3) }], &[0], 3);
    }

    #[test]
    fn the_line_after_a_short_interjection_waits_for_the_long_one() {
        let interjection = PlannedLine { overlap: 90, ..line(10) };
        check(&[line(100), interjection, line(5)], &[0, 10, 100], 105);
    }

    #[test]
    fn a_fixed_start_wins_and_later_lines_follow_it() {
        let timed = |at| PlannedLine { at: Some(at), pause_before: 99, overlap: 99, ..line(10) };
        check(&[timed(500), line(5)], &[500, 510], 515);
        check(&[timed(500), timed(200)], &[500, 200], 510);
    }

    #[test]
    fn a_day_is_enough() {
        let day = PlannedLine { at: Some(MAX_TIMELINE_S * 1_000 - 10), ..line(10) };
        assert_eq!(plan(std::slice::from_ref(&day), &PlanOptions::new(1_000)).unwrap().total, 86_400_000);
        for too_long in [
            PlannedLine { length: 11, ..day.clone() },
            PlannedLine { at: Some(u64::MAX), ..day.clone() },
            PlannedLine { pause_after: u64::MAX, ..line(1) },
            PlannedLine { pause_before: u64::MAX, ..line(1) },
        ] {
            assert!(matches!(
                plan(&[too_long], &PlanOptions::new(1_000)),
                Err(AudioError::TimelineTooLong { .. })
            ));
        }
        let lead_out = PlanOptions { lead_out: 1, ..PlanOptions::new(1_000) };
        assert!(plan(&[day], &lead_out).is_err());
    }

    #[test]
    fn fades_fit_into_the_shortest_clips() {
        for length in 0..30 {
            let timeline = plan(&[line(length)], &PlanOptions::new(4_000)).unwrap();
            let clip = &timeline.clips[0];
            assert!(u64::from(clip.fade_in) + u64::from(clip.fade_out) <= length);
        }
    }

    #[test]
    fn milliseconds_are_rounded_and_do_not_drift() {
        let timeline = Timeline { sample_rate_hz: 22_050, ..Timeline::default() };
        assert_eq!(timeline.to_ms(11), 0);
        assert_eq!(timeline.to_ms(12), 1);
        assert_eq!(timeline.to_ms(22_050 * 14_400), 14_400_000);
        assert_eq!(timeline.to_ms(u64::MAX), 836_587_032_821_294_858);
    }

    proptest! {
        #[test]
        fn without_overlaps_no_two_lines_sound_at_once(
            lines in prop::collection::vec((0_u64..5_000, 0_u64..500, 0_u64..500), 0..60)
        ) {
            let lines: Vec<_> = lines.into_iter()
                .map(|(length, pause_before, pause_after)| PlannedLine { length, pause_before, pause_after, ..PlannedLine::default() })
                .collect();
            let timeline = plan(&lines, &PlanOptions::new(8_000)).unwrap();
            for pair in timeline.clips.windows(2) {
                prop_assert!(pair[0].end() <= pair[1].start);
            }
            let expected: u64 = lines.iter().map(|l| l.length + l.pause_before + l.pause_after).sum();
            prop_assert_eq!(timeline.total, expected);
        }
    }
}
