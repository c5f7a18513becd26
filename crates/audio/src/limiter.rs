//! A look-ahead limiter for true peaks.
//!
//! The gain that every place needs is known in advance, held over the look-ahead, allowed to
//! rise slowly, and smoothed by a window that never lets it exceed what was needed. What comes
//! out is as long as what went in and every sample stays at its place.

use std::collections::VecDeque;

use crate::{
    db_to_factor,
    true_peak::{Interpolator, RIGHT, TAPS},
};

/// Time to bring the gain down before a peak: shorter is heard as a crackle, longer as pumping.
const LOOK_AHEAD_MS: f64 = 3.0;
/// At low rates the gain must still move slowly against the interpolation, or limiting itself
/// makes new peaks between the samples.
const LOOK_AHEAD_SAMPLES: f64 = 96.0;
/// Time constant of the way back up.
const RELEASE_MS: f64 = 60.0;
/// Kept below the ceiling. Two meters with different interpolation filters differ by 0.3 dB on
/// white noise up to the Nyquist frequency (this crate's and `ebur128`'s, measured).
const MARGIN_DB: f64 = 0.35;

/// Holds the true peak of a stream below a ceiling. O(1) per sample, memory O(look-ahead).
#[derive(Clone, Debug)]
pub struct Limiter {
    ceiling: f32,
    release: f64,
    interpolator: Interpolator,
    /// The last samples whose peaks are not known yet, and those before that they need.
    pending: Vec<f32>,
    peaks: Vec<f32>,
    /// Input that waits for its gain.
    delayed: VecDeque<f32>,
    held: SlidingMinimum,
    rising: f64,
    smooth: [RunningMean; 2],
    /// Gains that are computed before the first sample has its own.
    skip: usize,
}

impl Limiter {
    /// `ceiling_dbtp`: what the true peak must not exceed, such as -1.0.
    #[must_use]
    pub fn new(sample_rate_hz: u32, ceiling_dbtp: f64) -> Self {
        let per_ms = f64::from(sample_rate_hz) / 1000.0;
        // Two equal means in a row are a triangle of twice their length, less one.
        let mean_length = ((LOOK_AHEAD_MS * per_ms).max(LOOK_AHEAD_SAMPLES) / 2.0).ceil() as usize;
        let smoothing = 2 * mean_length - 1;
        Self {
            ceiling: db_to_factor(ceiling_dbtp - MARGIN_DB) as f32,
            release: 1.0 - (-1.0 / (RELEASE_MS * per_ms)).exp(),
            interpolator: Interpolator::new(),
            // Silence before the first sample: it can overshoot there too.
            pending: vec![0.0; TAPS - 1],
            peaks: Vec::new(),
            delayed: VecDeque::new(),
            // Every sample that a peak is interpolated from gets the whole of its gain.
            held: SlidingMinimum::new(smoothing + 1 + 2 * RIGHT),
            rising: 1.0,
            smooth: [RunningMean::new(mean_length), RunningMean::new(mean_length)],
            skip: smoothing - 1 + 2 * RIGHT,
        }
    }

    /// Takes `input` and appends what is finished to `output`: fewer samples at first, all of
    /// them after [`Limiter::finish`].
    pub fn process(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.delayed.extend(input);
        self.advance(input, output);
    }

    /// Appends the rest.
    pub fn finish(mut self, output: &mut Vec<f32>) {
        let silence = vec![0.0; TAPS + self.held.window];
        self.advance(&silence, output);
        debug_assert!(self.delayed.is_empty());
    }

    fn advance(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.pending.extend_from_slice(input);
        let known = self.pending.len().saturating_sub(TAPS - 1);
        self.peaks.resize(known, 0.0);
        if known > 0 {
            self.interpolator.peaks(&self.pending, &mut self.peaks, self.ceiling);
            self.pending.drain(..known);
        }
        for index in 0..known {
            let peak = self.peaks[index];
            let needed = if peak > self.ceiling { f64::from(self.ceiling / peak) } else { 1.0 };
            let held = self.held.push(needed);
            self.rising = held.min(self.rising + (1.0 - self.rising) * self.release);
            let gain = self.smooth[0].push(self.rising);
            let gain = self.smooth[1].push(gain);
            if self.skip > 0 {
                self.skip -= 1;
            } else if let Some(sample) = self.delayed.pop_front() {
                output.push(sample * gain as f32);
            }
        }
    }
}

/// The smallest of the last `window` values, in amortised constant time.
#[derive(Clone, Debug)]
struct SlidingMinimum {
    window: usize,
    position: u64,
    /// Positions and values that may still become the smallest, values ascending.
    candidates: VecDeque<(u64, f64)>,
}

impl SlidingMinimum {
    fn new(window: usize) -> Self {
        Self { window, position: 0, candidates: VecDeque::new() }
    }

    fn push(&mut self, value: f64) -> f64 {
        while self.candidates.back().is_some_and(|&(_, last)| last >= value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.position, value));
        self.position += 1;
        let oldest = self.position.saturating_sub(self.window as u64);
        while self.candidates.front().is_some_and(|&(position, _)| position < oldest) {
            self.candidates.pop_front();
        }
        self.candidates.front().map_or(value, |&(_, smallest)| smallest)
    }
}

/// The mean of the last values; all are 1 before the first.
#[derive(Clone, Debug)]
struct RunningMean {
    values: Box<[f64]>,
    oldest: usize,
    sum: f64,
    factor: f64,
}

impl RunningMean {
    fn new(length: usize) -> Self {
        let values = vec![1.0; length].into_boxed_slice();
        Self { values, oldest: 0, sum: length as f64, factor: 1.0 / length as f64 }
    }

    fn push(&mut self, value: f64) -> f64 {
        self.sum += value - std::mem::replace(&mut self.values[self.oldest], value);
        self.oldest += 1;
        if self.oldest == self.values.len() {
            self.oldest = 0;
        }
        self.sum * self.factor
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{factor_to_db, true_peak_of};

    fn limit(samples: &[f32], sample_rate_hz: u32, ceiling_dbtp: f64, block: usize) -> Vec<f32> {
        let mut limiter = Limiter::new(sample_rate_hz, ceiling_dbtp);
        let mut output = Vec::new();
        for block in samples.chunks(block) {
            limiter.process(block, &mut output);
        }
        limiter.finish(&mut output);
        output
    }

    /// Uniform noise from a linear congruential generator, the worst case for interpolation.
    fn noise(length: usize, level: f32) -> Vec<f32> {
        let mut state = 1_u64;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * level
            })
            .collect()
    }

    #[test]
    fn what_is_below_the_ceiling_passes_untouched_and_in_place() {
        let quiet = noise(10_000, 0.2);
        let limited = limit(&quiet, 24_000, -1.0, 777);
        assert_eq!(limited.len(), quiet.len());
        for (a, b) in limited.iter().zip(&quiet) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn white_noise_far_above_full_scale_comes_out_below_the_ceiling() {
        for (sample_rate_hz, ceiling) in [(8_000, -1.0), (44_100, -1.0), (48_000, -3.0)] {
            let limited = limit(&noise(60_000, 4.0), sample_rate_hz, ceiling, 8_192);
            let peak = factor_to_db(f64::from(true_peak_of(&limited)));
            assert!(peak <= ceiling, "{sample_rate_hz} Hz: {peak} dBTP");
            // An independent meter agrees.
            let mut meter = ebur128::EbuR128::new(1, sample_rate_hz, ebur128::Mode::TRUE_PEAK).unwrap();
            meter.add_frames_f32(&limited).unwrap();
            let peak = factor_to_db(meter.true_peak(0).unwrap());
            assert!(peak <= ceiling, "{sample_rate_hz} Hz: {peak} dBTP");
        }
    }

    #[test]
    fn a_peak_is_brought_down_where_it_is_and_not_beside_it() {
        let mut samples = vec![0.1_f32; 57_000];
        samples[9_000] = 3.0;
        let limited = limit(&samples, 48_000, -1.0, 100);
        let loudest = (0..limited.len()).max_by(|&a, &b| limited[a].total_cmp(&limited[b])).unwrap();
        assert_eq!(loudest, 9_000);
        assert!((0.80..0.891).contains(&limited[9_000]), "{}", limited[9_000]);
        // Nothing happens before the look-ahead, and a second later all is as it was.
        assert!((limited[8_800] - 0.1).abs() < 1e-6);
        assert!((limited[56_999] - 0.1).abs() < 1e-3);
    }

    #[test]
    fn the_shortest_pieces_keep_their_length() {
        for length in 0..50 {
            assert_eq!(limit(&noise(length, 2.0), 8_000, -1.0, 7).len(), length);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whatever_comes_in_the_true_peak_stays_below(
            samples in prop::collection::vec(prop_oneof![-9.0_f32..9.0, Just(0.0), Just(1.0), Just(-1.0)], 1..3_000),
            cut in 1_usize..500
        ) {
            let limited = limit(&samples, 22_050, -1.0, cut);
            prop_assert_eq!(limited.len(), samples.len());
            let peak = factor_to_db(f64::from(true_peak_of(&limited)));
            prop_assert!(peak <= -1.0, "{} dBTP", peak);
        }
    }
}
