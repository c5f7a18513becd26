//! Programme loudness (ITU-R BS.1770-4, EBU R128).

use ebur128::{EbuR128, Mode};

use crate::AudioError;

/// More than this is never added: what is 36 dB below the target is a mistake or background
/// noise, and amplifying it helps nobody.
pub const MAX_GAIN_DB: f64 = 20.0;

/// A gating block of BS.1770-4.
const BLOCK_MS: usize = 400;

/// Measures the integrated loudness of a mono stream as one channel, which is how players and
/// `ffmpeg -af ebur128` read a mono file. Memory: 8 bytes per 100 ms.
pub struct LoudnessMeter {
    meter: EbuR128,
    /// The beginning, as long as it is too short for one gating block.
    beginning: Vec<f32>,
    block_frames: usize,
    sample_rate_hz: u32,
}

impl LoudnessMeter {
    /// # Errors
    /// [`AudioError::Meter`] for a sample rate that cannot be measured.
    pub fn new(sample_rate_hz: u32) -> Result<Self, AudioError> {
        Ok(Self {
            meter: EbuR128::new(1, sample_rate_hz, Mode::I).map_err(failed)?,
            beginning: Vec::new(),
            block_frames: sample_rate_hz as usize * BLOCK_MS / 1000,
            sample_rate_hz,
        })
    }

    /// # Errors
    /// [`AudioError::Meter`] when the meter runs out of memory.
    pub fn add(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        if self.beginning.len() <= self.block_frames {
            let missing = self.block_frames + 1 - self.beginning.len();
            self.beginning.extend(samples.iter().take(missing));
        }
        self.meter.add_frames_f32(samples).map_err(failed)
    }

    /// Integrated loudness in LUFS; `None` when there is nothing above the absolute gate of
    /// -70 LUFS.
    ///
    /// Pieces shorter than one gating block (400 ms) have no loudness by the standard: they are
    /// measured as if they went on, repeated.
    ///
    /// # Errors
    /// [`AudioError::Meter`] when the meter fails.
    pub fn integrated_lufs(&self) -> Result<Option<f64>, AudioError> {
        let lufs = if self.beginning.len() > self.block_frames {
            self.meter.loudness_global().map_err(failed)?
        } else if self.beginning.is_empty() {
            f64::NEG_INFINITY
        } else {
            let mut repeated = EbuR128::new(1, self.sample_rate_hz, Mode::I).map_err(failed)?;
            for _ in 0..(2 * self.block_frames).div_ceil(self.beginning.len()).min(64) {
                repeated.add_frames_f32(&self.beginning).map_err(failed)?;
            }
            repeated.loudness_global().map_err(failed)?
        };
        Ok(lufs.is_finite().then_some(lufs))
    }
}

/// The loudness of a whole piece in LUFS.
///
/// # Errors
/// As [`LoudnessMeter`].
pub fn loudness_of(samples: &[f32], sample_rate_hz: u32) -> Result<Option<f64>, AudioError> {
    let mut meter = LoudnessMeter::new(sample_rate_hz)?;
    meter.add(samples)?;
    meter.integrated_lufs()
}

/// The gain in dB that brings what was measured to the target: at most [`MAX_GAIN_DB`], and 0
/// for silence.
#[must_use]
pub fn gain_to(target_lufs: f64, measured_lufs: Option<f64>) -> f64 {
    measured_lufs.map_or(0.0, |measured| (target_lufs - measured).min(MAX_GAIN_DB))
}

fn failed(error: ebur128::Error) -> AudioError {
    AudioError::Meter(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(sample_rate_hz: u32, seconds: f64, peak_db: f64) -> Vec<f32> {
        let peak = crate::db_to_factor(peak_db);
        (0..(seconds * f64::from(sample_rate_hz)) as usize)
            .map(|n| (peak * (TAU * 1_000.0 * n as f64 / f64::from(sample_rate_hz)).sin()) as f32)
            .collect()
    }

    #[test]
    fn a_one_kilohertz_tone_reads_three_decibels_below_its_peak() {
        // BS.1770-4: a 0 dBFS, 997 Hz sine in one front channel reads -3.01 LKFS.
        for sample_rate_hz in crate::SAMPLE_RATES_HZ {
            let lufs = loudness_of(&tone(sample_rate_hz, 3.0, -20.0), sample_rate_hz).unwrap().unwrap();
            assert!((lufs + 23.0).abs() < 0.1, "{sample_rate_hz}: {lufs}");
        }
    }

    #[test]
    fn silence_has_no_loudness_and_gets_no_gain() {
        for samples in [vec![], vec![0.0], vec![0.0; 48_000]] {
            assert_eq!(loudness_of(&samples, 24_000).unwrap(), None);
        }
        assert_eq!(gain_to(-16.0, None), 0.0);
    }

    #[test]
    fn a_piece_shorter_than_a_gating_block_reads_as_if_it_went_on() {
        for seconds in [0.05, 0.2, 0.399, 0.4] {
            let lufs = loudness_of(&tone(24_000, seconds, -20.0), 24_000).unwrap().unwrap();
            assert!((lufs + 23.0).abs() < 0.3, "{seconds} s: {lufs}");
        }
    }

    #[test]
    fn gain_is_limited_upwards_only() {
        assert_eq!(gain_to(-16.0, Some(-20.0)), 4.0);
        assert_eq!(gain_to(-16.0, Some(-60.0)), MAX_GAIN_DB);
        assert_eq!(gain_to(-16.0, Some(10.0)), -26.0);
    }
}
