//! The voice source: one pulse for each turn of the vocal folds.

use super::vocoder::HOP;
use crate::SAMPLE_RATE_HZ;

/// Below this the network means "unvoiced".
const VOICED_HZ: f32 = 40.0;
/// Harmonics end here, just under the half of the sample rate.
const HIGHEST_HARMONIC_HZ: f32 = 11_000.0;

/// A pulse train that follows `f0_hz`, given at the middle of each hop: all harmonics up to 11 kHz with
/// amplitude one, silence where nothing is voiced. [`HOP`] samples for each value.
///
/// The sum of the cosines of 1 to *n* times *t* is sin((*n* + ½) *t*) / (2 sin(*t*/2)) − ½ (Dirichlet's kernel).
pub(super) fn pulses(f0_hz: &[f32]) -> Vec<f32> {
    let mut sum_hz = 0.0_f64;
    frequencies(f0_hz)
        .map(|hz| {
            let pitch_hz = hz.max(VOICED_HZ);
            sum_hz += f64::from(pitch_hz);
            if hz <= VOICED_HZ {
                return 0.0;
            }
            let turns = (sum_hz / f64::from(SAMPLE_RATE_HZ)).fract();
            let phase = (turns * std::f64::consts::TAU) as f32;
            let half_odd = (HIGHEST_HARMONIC_HZ / pitch_hz).floor() + 0.5;
            let below = 2.0 * (phase * 0.5).sin();
            // The limit at the peak of the pulse.
            let kernel = if below.abs() <= 2e-3 { half_odd } else { (half_odd * phase).sin() / below };
            kernel - 0.5
        })
        .collect()
}

/// The frequency at each sample, linear between the middles of the hops, level outside the first and last.
fn frequencies(f0_hz: &[f32]) -> impl Iterator<Item = f32> {
    (0..f0_hz.len() * HOP).map(|sample| {
        let (hop, within) = (sample / HOP, sample % HOP);
        let share = (within as f32 + 0.5) / HOP as f32 - 0.5;
        let here = f0_hz[hop];
        if share < 0.0 {
            let before = f0_hz[hop.saturating_sub(1)];
            here + (before - here) * -share
        } else {
            let after = f0_hz[(hop + 1).min(f0_hz.len() - 1)];
            here + (after - here) * share
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_pitch_gives_one_pulse_for_each_period() {
        let samples = pulses(&[200.0; 80]);
        assert_eq!(samples.len(), 24_000);
        let peaks: Vec<_> = (0..samples.len()).filter(|&at| samples[at] > 50.0).collect();
        assert!((199..=200).contains(&peaks.len()), "{}", peaks.len());
        assert!(peaks.windows(2).all(|pair| pair[1] - pair[0] == 120), "{peaks:?}");
    }

    #[test]
    fn harmonics_have_amplitude_one_and_end_at_11_khz() {
        let samples = pulses(&[250.0; 80]);
        let amplitude = |hz: f64| {
            let turn = std::f64::consts::TAU * hz / 24_000.0;
            let sum = |part: &dyn Fn(f64) -> f64| {
                samples.iter().enumerate().map(|(n, &s)| f64::from(s) * part(turn * n as f64)).sum::<f64>()
            };
            2.0 / 24_000.0 * sum(&f64::cos).hypot(sum(&f64::sin))
        };
        for hz in [250.0, 500.0, 5_000.0, 11_000.0] {
            assert!((amplitude(hz) - 1.0).abs() < 0.01, "{hz} Hz: {}", amplitude(hz));
        }
        for hz in [300.0, 11_250.0, 11_750.0] {
            assert!(amplitude(hz) < 0.01, "{hz} Hz: {}", amplitude(hz));
        }
    }

    #[test]
    fn what_is_not_voiced_is_silent() {
        let samples = pulses(&[0.0, 0.0, 20.0, 150.0, 150.0, 150.0]);
        assert!(samples[..2 * HOP].iter().all(|&sample| sample == 0.0));
        assert!(samples[4 * HOP..].iter().any(|&sample| sample > 50.0));
        assert!(pulses(&[]).is_empty());
    }

    #[test]
    fn the_pitch_glides_between_the_middles_of_hops() {
        let found: Vec<_> = frequencies(&[100.0, 200.0]).collect();
        for (sample, expected) in
            [(0, 100.0), (149, 100.0), (299, 149.833), (300, 150.166), (450, 200.0), (599, 200.0)]
        {
            assert!((found[sample] - expected).abs() < 0.4, "{sample}: {}", found[sample]);
        }
    }
}
