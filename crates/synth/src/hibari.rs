//! hibari "heart": a small network predicts spectra, a vocoder on our side makes sound of them.

mod noise;
mod pulses;
mod vocoder;

use rten::{NodeId, ValueView};
use sori_text::Phrase;

use crate::{
    SAMPLE_RATE_HZ,
    error::SynthError,
    network::Network,
    speech::{Speech, checked_length, checked_speed, heard_earlier, marks},
    symbols::{Symbols, padded},
};
use noise::Noise;
use vocoder::{BINS, HOP, Spectra, Vocoder};

/// Durations are counted in frames of 25 ms, spectra in hops of half of that.
const FRAME_SAMPLES: usize = 2 * HOP;
/// As for Kokoro; the positions of the network are relative, so that it knows no limit of its own.
const MAX_SYMBOLS: usize = 510;

/// The network with its vocoder. Speaking borrows it, so that one copy serves every thread.
pub struct Hibari {
    network: Network,
    symbols: Symbols,
    vocoder: Vocoder,
    ids: NodeId,
    speed: NodeId,
    /// `lh`, `theta`, `ln`, `lr`, `phi`, `f0`, and the rounded durations that the graph itself works with.
    outputs: [NodeId; 7],
}

impl Hibari {
    /// Loads the graph of hibari-tts 0.2 (`ids`, `speed` to spectra). A call of [`speak`](Self::speak) that is
    /// alone uses up to `threads` threads, calls at once share them.
    pub fn load(model: Vec<u8>, threads: usize) -> Result<Self, SynthError> {
        let network = Network::load("hibari", model, threads)?;
        let node = |name| network.node(name);
        let (ids, speed) = (node("ids")?, node("speed")?);
        let outputs = [
            node("lh")?,
            node("theta")?,
            node("ln")?,
            node("lr")?,
            node("phi")?,
            node("f0")?,
            node("/Clip_output_0")?,
        ];
        Ok(Self { network, symbols: Symbols::published(), vocoder: Vocoder::new(), ids, speed, outputs })
    }

    /// Speaks a phrase of at most 510 symbols at 24 kHz. `speed` divides the durations, 1 is the voice's own pace;
    /// `seed` decides the breath noise.
    pub fn speak(&self, phrase: &Phrase, speed: f32, seed: u64) -> Result<Speech, SynthError> {
        let speed = [checked_speed(speed)?];
        let symbols = self.symbols.of(phrase);
        checked_length(&symbols, MAX_SYMBOLS)?;
        let ids = padded(&symbols);
        let invalid = |error: &dyn std::fmt::Display| self.network.failed(error.to_string());
        let inputs = vec![
            (self.ids, ValueView::from_shape([1, ids.len()], &ids).map_err(|e| invalid(&e))?.into()),
            (self.speed, ValueView::from_shape([1], &speed).map_err(|e| invalid(&e))?.into()),
        ];
        let [lh, theta, ln, lr, phi, f0, durations] = self.network.run(inputs, self.outputs)?;
        let numbers = |value| self.network.numbers(value);
        let durations = numbers(durations)?;
        let spectra = Spectra {
            harmonic: numbers(lh)?,
            harmonic_turn: numbers(theta)?,
            noise: numbers(ln)?,
            free: numbers(lr)?,
            free_phase: numbers(phi)?,
            f0_hz: numbers(f0)?,
        };
        let frames: f32 = durations.iter().sum();
        let hops = spectra.f0_hz.len();
        if durations.len() != ids.len()
            || hops * HOP != frames as usize * FRAME_SAMPLES
            || !spectra.is_whole()
        {
            return Err(self.network.failed(format!("{hops} spectra of {BINS} bins for {frames} frames")));
        }
        let mut noise = Noise::new(seed, &ids);
        let samples = self.vocoder.sound(&spectra, || noise.next());
        if !samples.iter().all(|sample| sample.is_finite()) {
            return Err(self.network.failed("some samples are not finite".into()));
        }
        let mut phones = marks(&symbols, &durations, FRAME_SAMPLES);
        heard_earlier(&mut phones, speed[0], SAMPLE_RATE_HZ);
        Ok(Speech { samples, sample_rate_hz: SAMPLE_RATE_HZ, phones })
    }
}
