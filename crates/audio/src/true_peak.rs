//! True peak: the highest value between the samples, where a converter will go.
//!
//! ITU-R BS.1770-4, annex 2, asks for at least fourfold oversampling, which can read 0.7 dB too
//! low at the Nyquist frequency. Eightfold reads at most 0.17 dB too low there, and costs little
//! because quiet stretches are skipped by a bound instead of being interpolated.

/// Values between two neighbouring samples, plus one.
const PHASES: usize = 8;
/// Samples that one value between two samples is made of.
pub(crate) const TAPS: usize = 24;
/// Samples left of the interval that is looked into; as many, plus one, lie right of it.
pub(crate) const LEFT: usize = TAPS / 2 - 1;
/// Samples right of the first sample of the interval.
pub(crate) const RIGHT: usize = TAPS / 2;
/// Intervals handled at once: a fixed number lets the compiler use vector instructions, and one
/// far shorter than a pitch period lets the quiet part of each period be skipped.
const CHUNK: usize = 32;
/// Shape of the Kaiser window: about 60 dB of stop band.
const KAISER_BETA: f64 = 5.65;

/// A polyphase interpolator.
#[derive(Clone, Debug)]
pub(crate) struct Interpolator {
    /// `[phase - 1][tap]`: phase 0 is the sample itself.
    taps: [[f32; TAPS]; PHASES - 1],
    /// No interpolated value is larger than the largest sample times this.
    bound: f32,
}

impl Interpolator {
    pub(crate) fn new() -> Self {
        let mut taps = [[0.0_f32; TAPS]; PHASES - 1];
        let mut bound = 1.0_f32;
        for (phase, row) in taps.iter_mut().enumerate() {
            let fraction = (phase + 1) as f64 / PHASES as f64;
            let mut exact = [0.0_f64; TAPS];
            for (tap, value) in exact.iter_mut().enumerate() {
                let distance = tap as f64 - LEFT as f64 - fraction;
                *value = sinc(distance) * kaiser(distance / (TAPS as f64 / 2.0));
            }
            let gain: f64 = exact.iter().sum();
            for (tap, value) in row.iter_mut().zip(exact) {
                *tap = (value / gain) as f32;
            }
            bound = bound.max(row.iter().map(|tap| tap.abs()).sum());
        }
        Self { taps, bound }
    }

    /// For every interval `n`, the largest magnitude at sample `n + LEFT` and up to, but without,
    /// the sample after it. `samples` holds `peaks.len() + TAPS - 1` values.
    ///
    /// Where nothing can exceed `worth` only the samples themselves are looked at.
    pub(crate) fn peaks(&self, samples: &[f32], peaks: &mut [f32], worth: f32) {
        debug_assert_eq!(samples.len(), peaks.len() + TAPS - 1);
        for (index, out) in peaks.chunks_mut(CHUNK).enumerate() {
            let window = &samples[index * CHUNK..index * CHUNK + out.len() + TAPS - 1];
            for (peak, sample) in out.iter_mut().zip(&window[LEFT..]) {
                *peak = sample.abs();
            }
            let loudest = window.iter().fold(0.0_f32, |max, sample| max.max(sample.abs()));
            if loudest * self.bound <= worth {
                continue;
            }
            match <&mut [f32; CHUNK]>::try_from(&mut *out) {
                Ok(out) => self.interpolate(window, out),
                Err(_) => {
                    let mut padded_window = [0.0; CHUNK + TAPS - 1];
                    padded_window[..window.len()].copy_from_slice(window);
                    let mut padded = [0.0; CHUNK];
                    padded[..out.len()].copy_from_slice(out);
                    self.interpolate(&padded_window, &mut padded);
                    out.copy_from_slice(&padded[..out.len()]);
                }
            }
        }
    }

    fn interpolate(&self, window: &[f32], peaks: &mut [f32; CHUNK]) {
        for row in &self.taps {
            let mut values = [0.0_f32; CHUNK];
            for (tap, &factor) in row.iter().enumerate() {
                for (value, sample) in values.iter_mut().zip(&window[tap..tap + CHUNK]) {
                    *value += factor * sample;
                }
            }
            for (peak, value) in peaks.iter_mut().zip(values) {
                *peak = peak.max(value.abs());
            }
        }
    }
}

fn sinc(x: f64) -> f64 {
    let x = std::f64::consts::PI * x;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// Kaiser window at `x` in -1 to 1.
fn kaiser(x: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

/// Measures the true peak of a stream of mono samples.
#[derive(Clone, Debug)]
pub struct TruePeakMeter {
    interpolator: Interpolator,
    /// The last samples, then the new ones.
    pending: Vec<f32>,
    peaks: Vec<f32>,
    peak: f32,
}

impl Default for TruePeakMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl TruePeakMeter {
    #[must_use]
    pub fn new() -> Self {
        Self {
            interpolator: Interpolator::new(),
            // Silence before the first sample: it can overshoot there too.
            pending: vec![0.0; TAPS - 1],
            peaks: Vec::new(),
            peak: 0.0,
        }
    }

    pub fn add(&mut self, samples: &[f32]) {
        self.pending.extend_from_slice(samples);
        let intervals = self.pending.len() - (TAPS - 1);
        self.peaks.resize(intervals, 0.0);
        self.interpolator.peaks(&self.pending, &mut self.peaks, self.peak);
        self.peak = self.peaks.iter().fold(self.peak, |max, &peak| max.max(peak));
        self.pending.drain(..intervals);
    }

    /// The highest magnitude, as a factor of full scale. Ends the stream.
    #[must_use]
    pub fn finish(mut self) -> f32 {
        self.add(&[0.0; TAPS]);
        self.peak
    }
}

/// The true peak of a whole piece, as a factor of full scale.
#[must_use]
pub fn true_peak_of(samples: &[f32]) -> f32 {
    let mut meter = TruePeakMeter::new();
    for block in samples.chunks(8_192) {
        meter.add(block);
    }
    meter.finish()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{PI, TAU};

    use proptest::prelude::*;

    use super::*;
    use crate::factor_to_db;

    fn sine(cycles_per_sample: f64, phase: f64) -> Vec<f32> {
        (0..4_000)
            .map(|n| {
                // Faded in and out: a hard start of a sine overshoots by itself.
                let fade = (f64::from(n.min(3_999 - n)) / 400.0).min(1.0);
                (fade * (TAU * cycles_per_sample * f64::from(n) + phase).sin()) as f32
            })
            .collect()
    }

    #[test]
    fn a_quarter_rate_sine_between_the_samples_reads_full_scale() {
        // The textbook case of BS.1770: every sample is at 0.707, the wave goes to 1.
        let samples = sine(0.25, PI / 4.0);
        let sample_peak = samples.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        assert!((factor_to_db(f64::from(sample_peak)) + 3.01).abs() < 0.01);
        assert!(factor_to_db(f64::from(true_peak_of(&samples))).abs() < 0.02);
    }

    #[test]
    fn sines_up_to_nine_tenths_of_nyquist_read_within_a_quarter_decibel() {
        for step in 1..=45 {
            for phase in 0..8 {
                let cycles = f64::from(step) / 100.0;
                let read_db = factor_to_db(f64::from(true_peak_of(&sine(cycles, f64::from(phase) * 0.4))));
                assert!((-0.25..0.1).contains(&read_db), "{cycles} cycles per sample: {read_db} dB");
            }
        }
    }

    #[test]
    fn silence_and_a_single_sample_are_defined() {
        assert_eq!(true_peak_of(&[]), 0.0);
        assert_eq!(true_peak_of(&[0.0; 100]), 0.0);
        assert!((true_peak_of(&[0.5]) - 0.5).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_way_the_stream_is_cut_does_not_matter(
            samples in prop::collection::vec(-1.0_f32..1.0, 0..700), cut in 1_usize..99
        ) {
            let mut meter = TruePeakMeter::new();
            samples.chunks(cut).for_each(|block| meter.add(block));
            let peak = meter.finish();
            prop_assert!((peak - true_peak_of(&samples)).abs() < 1e-6);
            prop_assert!(samples.iter().all(|x| x.abs() <= peak));
        }
    }
}
