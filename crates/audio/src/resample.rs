//! Sample rate conversion of a whole clip, keeping every event at its time.

use rubato::{Fft, FixedSync, Resampler, WindowFunction, audioadapter_buffers::direct::InterleavedSlice};

use crate::AudioError;

/// Rates outside of this are a mistake, and ratios of huge coprime rates would ask for huge
/// transforms.
const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=192_000;

/// About the number of input samples per transform: 1024 puts the edge of the anti-aliasing
/// filter at more than 97 % of the lower Nyquist frequency.
const BLOCK: usize = 1024;

/// How many samples `length` samples become: `ceil(length * to / from)`, in whole numbers, so
/// that a timeline can be planned before anything is resampled.
#[must_use]
pub fn resampled_length(length: u64, from_hz: u32, to_hz: u32) -> u64 {
    if from_hz == 0 {
        return 0;
    }
    let scaled = u128::from(length) * u128::from(to_hz);
    u64::try_from(scaled.div_ceil(u128::from(from_hz))).unwrap_or(u64::MAX)
}

/// Converts mono `samples` from one rate to another.
///
/// The result has exactly [`resampled_length`] samples and the filter's delay is cut off: what
/// was at second `t` stays at second `t`. Linear phase, band-limited below the lower of the two
/// Nyquist frequencies. Time O(n log block), memory O(n).
///
/// # Errors
/// [`AudioError::UnsupportedRates`] for rates outside of 1 to 192 kHz.
pub fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>, AudioError> {
    if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
        return Err(AudioError::UnsupportedRates { from_hz, to_hz });
    }
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let failed = |error: &dyn std::fmt::Display| AudioError::Resampler(error.to_string());
    let mut resampler = Fft::<f32>::new_custom(
        from_hz as usize,
        to_hz as usize,
        block_length(from_hz, to_hz),
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .map_err(|e| failed(&e))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| failed(&e))?;
    let mut resampled =
        resampler.process_all(&input, samples.len(), None).map_err(|e| failed(&e))?.take_data();
    // The library computes the length in floating point, which can come out one too long.
    let length = resampled_length(samples.len() as u64, from_hz, to_hz);
    resampled.resize(usize::try_from(length).unwrap_or(usize::MAX), 0.0);
    Ok(resampled)
}

/// An even number of the smallest blocks that both rates fill exactly: half a transform, which
/// is the delay that is cut off, is then a whole number of samples on both sides.
fn block_length(from_hz: u32, to_hz: u32) -> usize {
    let smallest = (from_hz / greatest_common_divisor(from_hz, to_hz)) as usize;
    smallest * BLOCK.div_ceil(smallest).next_multiple_of(2)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;
    use crate::SAMPLE_RATES_HZ;

    fn tone(frequency_hz: f64, sample_rate_hz: u32, length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| (0.5 * (TAU * frequency_hz * n as f64 / f64::from(sample_rate_hz)).sin()) as f32)
            .collect()
    }

    #[test]
    fn a_tone_keeps_its_phase_and_level_between_all_rates() {
        for from_hz in SAMPLE_RATES_HZ {
            for to_hz in SAMPLE_RATES_HZ {
                let resampled = resample(&tone(1_000.0, from_hz, from_hz as usize), from_hz, to_hz).unwrap();
                assert_eq!(resampled.len(), to_hz as usize, "{from_hz} to {to_hz}");
                let expected = tone(1_000.0, to_hz, to_hz as usize);
                // The edges ring, as every band-limited step does.
                let edge = to_hz as usize / 10;
                let worst = resampled[edge..to_hz as usize - edge]
                    .iter()
                    .zip(&expected[edge..])
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                assert!(worst < 1e-3, "{from_hz} to {to_hz}: {worst}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed_and_not_folded_back() {
        let resampled = resample(&tone(5_000.0, 48_000, 48_000), 48_000, 8_000).unwrap();
        let level = resampled[800..7_200].iter().map(|x| x.abs()).fold(0.0, f32::max);
        assert!(level < 0.5e-3, "{level}");
    }

    #[test]
    fn clips_of_a_few_samples_keep_their_exact_length() {
        for length in 1..40 {
            for (from_hz, to_hz) in [(24_000, 44_100), (24_000, 8_000), (22_050, 48_000), (48_000, 22_050)] {
                let resampled = resample(&vec![0.25; length], from_hz, to_hz).unwrap();
                assert_eq!(resampled.len() as u64, resampled_length(length as u64, from_hz, to_hz));
            }
        }
        assert_eq!(resample(&[], 24_000, 48_000).unwrap(), Vec::<f32>::new());
    }

    #[test]
    fn impossible_rates_are_refused() {
        for (from_hz, to_hz) in [(0, 48_000), (48_000, 0), (48_000, u32::MAX), (999, 8_000)] {
            assert!(matches!(resample(&[0.0], from_hz, to_hz), Err(AudioError::UnsupportedRates { .. })));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A click at any place comes out at the same time, to less than one sample of the
        /// coarser rate.
        #[test]
        fn a_click_stays_where_it_was(
            from in 0..SAMPLE_RATES_HZ.len(), to in 0..SAMPLE_RATES_HZ.len(), place in 0.1..0.9_f64
        ) {
            let (from_hz, to_hz) = (SAMPLE_RATES_HZ[from], SAMPLE_RATES_HZ[to]);
            let position = (place * f64::from(from_hz)) as usize;
            let mut samples = vec![0.0_f32; from_hz as usize];
            samples[position] = 1.0;
            let resampled = resample(&samples, from_hz, to_hz).unwrap();
            let loudest = (0..resampled.len()).max_by(|&a, &b| resampled[a].abs().total_cmp(&resampled[b].abs())).unwrap();
            let moved_s = loudest as f64 / f64::from(to_hz) - position as f64 / f64::from(from_hz);
            prop_assert!(moved_s.abs() <= 1.0 / f64::from(from_hz.min(to_hz)), "moved by {moved_s} s");
        }
    }
}
