//! Spectra to samples: pulses shaped by the harmonic part, shaped noise, and a part with its own phase.
//!
//! For each hop *S* = e^lh · e^(iπ tanh θ) · STFT(pulses) + e^ln · noise + e^lr · e^(iφ), then the inverse STFT:
//! the method of hibari-tts (its `dsp.py`), written anew. STFTs are centred, with a periodic Hann window of 50 ms.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::pulses::pulses;

/// Samples from one spectrum to the next, 12.5 ms.
pub(super) const HOP: usize = 300;
/// Numbers in one spectrum.
pub(super) const BINS: usize = WINDOW / 2 + 1;
/// Samples in one spectrum.
const WINDOW: usize = 4 * HOP;
/// Louder is never meant; keeps a slip of the network from becoming a bang.
const LOUDEST: f32 = 7.0;

/// What the network predicts: [`BINS`] rows with one column for each hop, one F0 for each hop.
pub(super) struct Spectra {
    /// Logarithm of the magnitude of the harmonics.
    pub(super) harmonic: Vec<f32>,
    /// Its hyperbolic tangent, in half turns, is added to the phase of the pulses.
    pub(super) harmonic_turn: Vec<f32>,
    /// Logarithm of the magnitude of the noise.
    pub(super) noise: Vec<f32>,
    /// Logarithm of the magnitude of the part with its own phase.
    pub(super) free: Vec<f32>,
    /// In radians.
    pub(super) free_phase: Vec<f32>,
    pub(super) f0_hz: Vec<f32>,
}

impl Spectra {
    /// Is there a number for every bin of every hop?
    pub(super) fn is_whole(&self) -> bool {
        let size = BINS * self.f0_hz.len();
        [&self.harmonic, &self.harmonic_turn, &self.noise, &self.free, &self.free_phase]
            .iter()
            .all(|part| part.len() == size)
    }
}

pub(super) struct Vocoder {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
}

impl Vocoder {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let hann = |sample| 0.5 - 0.5 * (std::f64::consts::TAU * sample as f64 / WINDOW as f64).cos();
        Self {
            forward: planner.plan_fft_forward(WINDOW),
            inverse: planner.plan_fft_inverse(WINDOW),
            window: (0..WINDOW).map(|sample| hann(sample) as f32).collect(),
        }
    }

    /// [`HOP`] samples for each hop of `spectra`. `noise` gives complex numbers with variance one in both parts.
    pub(super) fn sound(&self, spectra: &Spectra, mut noise: impl FnMut() -> Complex<f32>) -> Vec<f32> {
        let hops = spectra.f0_hz.len();
        let source = pulses(&spectra.f0_hz);
        // Half a window before the first sample and after the last.
        let mut line = vec![0.0_f32; (hops + 3) * HOP];
        let mut frame = self.forward.make_input_vec();
        let mut bins = self.forward.make_output_vec();
        let mut forward_scratch = self.forward.make_scratch_vec();
        let mut inverse_scratch = self.inverse.make_scratch_vec();
        for hop in 0..hops {
            self.take(&source, hop, &mut frame);
            let done = self.forward.process_with_scratch(&mut frame, &mut bins, &mut forward_scratch);
            done.expect("the buffers were made for this transform");
            for (bin, value) in bins.iter_mut().enumerate() {
                *value = mixed(spectra, bin * hops + hop, *value, noise());
            }
            // The spectrum of a real signal has no imaginary part at both ends.
            bins[0].im = 0.0;
            bins[BINS - 1].im = 0.0;
            let done = self.inverse.process_with_scratch(&mut bins, &mut frame, &mut inverse_scratch);
            done.expect("the buffers were made for this transform");
            let sums = &mut line[hop * HOP..][..WINDOW];
            for ((sum, sample), weight) in sums.iter_mut().zip(&frame).zip(&self.window) {
                *sum += sample * weight;
            }
        }
        self.level(&mut line, hops);
        line.truncate(WINDOW / 2 + hops * HOP);
        line.drain(..WINDOW / 2);
        line
    }

    /// One windowed frame around the beginning of a hop; before the first and after the last sample the source
    /// is mirrored. A cosine of amplitude one gets the magnitude one in the spectrum.
    fn take(&self, source: &[f32], hop: usize, frame: &mut [f32]) {
        const LEVEL: f32 = 4.0 / WINDOW as f32;
        let first = (hop * HOP) as isize - (WINDOW / 2) as isize;
        let last = source.len() as isize - 1;
        for (offset, (slot, weight)) in frame.iter_mut().zip(&self.window).enumerate() {
            let at = (first + offset as isize).abs();
            let at = if at > last { (2 * last - at).max(0) } else { at };
            *slot = source[at as usize] * weight * LEVEL;
        }
    }

    /// Divides by what the overlapping windows sum to, and by the gain of the inverse transform.
    fn level(&self, line: &mut [f32], hops: usize) {
        for (block, samples) in line.chunks_mut(HOP).enumerate() {
            // The hops whose window covers this block.
            let covering = block.saturating_sub(3)..hops.min(block + 1);
            for (offset, sample) in samples.iter_mut().enumerate() {
                let sum: f32 =
                    covering.clone().map(|hop| self.window[(block - hop) * HOP + offset].powi(2)).sum();
                *sample /= sum.max(1e-11) * WINDOW as f32;
            }
        }
    }
}

/// One bin of one hop, see the formula of this module.
fn mixed(spectra: &Spectra, index: usize, source: Complex<f32>, noise: Complex<f32>) -> Complex<f32> {
    let magnitude = |logarithm: f32| logarithm.min(LOUDEST).exp();
    let turn = std::f32::consts::PI * spectra.harmonic_turn[index].tanh();
    source * Complex::from_polar(magnitude(spectra.harmonic[index]), turn)
        + noise * magnitude(spectra.noise[index])
        + Complex::from_polar(magnitude(spectra.free[index]), spectra.free_phase[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real spectra and what the reference makes of them without noise (bench/synth/vocoder_fixture.py).
    #[derive(serde::Deserialize)]
    struct Fixture {
        harmonic: Vec<f32>,
        harmonic_turn: Vec<f32>,
        noise: Vec<f32>,
        free: Vec<f32>,
        free_phase: Vec<f32>,
        f0_hz: Vec<f32>,
        samples: Vec<f32>,
    }

    fn silence() -> Complex<f32> {
        Complex::default()
    }

    /// Nothing but the part that `change` adds, for a steady 200 Hz.
    fn spectra(hops: usize, change: impl Fn(&mut Spectra)) -> Spectra {
        let none = || vec![f32::NEG_INFINITY; BINS * hops];
        let zero = || vec![0.0; BINS * hops];
        let mut spectra = Spectra {
            harmonic: none(),
            harmonic_turn: zero(),
            noise: none(),
            free: none(),
            free_phase: zero(),
            f0_hz: vec![200.0; hops],
        };
        change(&mut spectra);
        spectra
    }

    #[test]
    fn real_spectra_sound_as_by_the_reference() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../tests/fixtures/vocoder.json")).unwrap();
        let spectra = Spectra {
            harmonic: fixture.harmonic,
            harmonic_turn: fixture.harmonic_turn,
            noise: fixture.noise,
            free: fixture.free,
            free_phase: fixture.free_phase,
            f0_hz: fixture.f0_hz,
        };
        assert!(spectra.is_whole());
        let samples = Vocoder::new().sound(&spectra, silence);
        assert_eq!(samples.len(), fixture.samples.len());
        let worst = samples.iter().zip(&fixture.samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let peak = fixture.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak > 0.05, "{peak}");
        assert!(worst < 2e-5, "{worst} of {peak}");
    }

    #[test]
    fn an_unshaped_source_comes_back_with_its_own_magnitude() {
        let spectra = spectra(40, |spectra| spectra.harmonic.fill((WINDOW as f32 / 4.0).ln()));
        let source = pulses(&spectra.f0_hz);
        let samples = Vocoder::new().sound(&spectra, silence);
        // The mirrored ends are not the source.
        for at in WINDOW..source.len() - WINDOW {
            assert!((samples[at] - source[at]).abs() < 1e-3 * 55.0, "{at}: {} {}", samples[at], source[at]);
        }
    }

    #[test]
    fn a_half_turn_is_the_opposite_wave() {
        let level = |spectra: &mut Spectra| spectra.harmonic.fill(0.0);
        let plain = Vocoder::new().sound(&spectra(10, level), silence);
        let turned = |spectra: &mut Spectra| {
            level(spectra);
            spectra.harmonic_turn.fill(20.0);
        };
        let turned = Vocoder::new().sound(&spectra(10, turned), silence);
        assert!(plain.iter().zip(&turned).all(|(a, b)| (a + b).abs() < 1e-4));
        assert!(plain.iter().any(|sample| sample.abs() > 0.1));
    }

    #[test]
    fn white_noise_of_level_one_has_the_power_of_its_transform() {
        let spectra = spectra(200, |spectra| spectra.noise.fill(0.0));
        let mut noise = super::super::noise::Noise::new(3, &[]);
        let samples = Vocoder::new().sound(&spectra, || noise.next());
        let inner = &samples[WINDOW..samples.len() - WINDOW];
        let power = inner.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / inner.len() as f64;
        // One frame has the power 2 · WINDOW / WINDOW²; overlap-add averages windows: divided by Σ w² = 3/2.
        let expected = 2.0 / WINDOW as f64 / 1.5;
        assert!((power / expected - 1.0).abs() < 0.05, "{power} {expected}");
    }

    #[test]
    fn a_phrase_shorter_than_a_window_still_sounds() {
        for hops in 0..4 {
            let spectra = spectra(hops, |spectra| spectra.free.fill(0.0));
            let samples = Vocoder::new().sound(&spectra, silence);
            assert_eq!(samples.len(), hops * HOP);
            assert!(samples.iter().all(|sample| sample.is_finite()));
        }
    }

    #[test]
    fn a_slip_of_the_network_is_no_bang() {
        let level = |loudness: f32| {
            let spectra = spectra(8, |spectra| spectra.free.fill(loudness));
            Vocoder::new().sound(&spectra, silence)
        };
        assert_eq!(level(500.0), level(LOUDEST));
    }
}
