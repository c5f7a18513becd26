//! Kokoro-82M: one network, as many speakers as there are voice vectors.

use rten::{NodeId, ValueView};
use sori_text::Phrase;

use crate::{
    SAMPLE_RATE_HZ,
    error::SynthError,
    network::Network,
    speech::{PhoneMark, Speech, checked_length, checked_speed, heard_earlier, marks},
    symbols::{Symbols, padded},
    vectors::{COLUMNS, ROWS, VoiceVectors},
};

/// Durations are counted in frames of 25 ms.
const FRAME_SAMPLES: usize = 600;

/// The network with its phoneme table. Speaking borrows it, so that one copy serves every thread.
pub struct Kokoro {
    network: Network,
    symbols: Symbols,
    nodes: Nodes,
}

#[derive(Clone, Copy)]
struct Nodes {
    tokens: NodeId,
    style: NodeId,
    speed: NodeId,
    audio: NodeId,
    durations: NodeId,
}

impl Kokoro {
    /// Loads the int8 graph (`tokens`, `style`, `speed` to `audio`; about 0.3 s) and its `vocab.json`. A call of
    /// [`speak`](Self::speak) that is alone uses up to `threads` threads, calls at once share them; the samples
    /// are the same for any number.
    pub fn load(model: Vec<u8>, vocab_json: &[u8], threads: usize) -> Result<Self, SynthError> {
        let symbols = Symbols::from_json(vocab_json)?;
        let network = Network::load("kokoro", model, threads)?;
        let nodes = Nodes {
            tokens: network.node("tokens")?,
            style: network.node("style")?,
            speed: network.node("speed")?,
            audio: network.node("audio")?,
            // The rounded durations that the graph itself stretches its features by.
            durations: network.node("/encoder/Clip_output_0")?,
        };
        Ok(Self { network, symbols, nodes })
    }

    /// Speaks a phrase of at most 510 symbols at 24 kHz. `speed` divides the durations, 1 is the voice's own pace.
    ///
    /// The graph draws no random numbers: the same phrase always gives the same samples, whatever the `seed`,
    /// which is there because other voices have one.
    pub fn speak(
        &self,
        phrase: &Phrase,
        voice: &VoiceVectors,
        speed: f32,
        _seed: u64,
    ) -> Result<Speech, SynthError> {
        let speed = [checked_speed(speed)?];
        let symbols = self.symbols.of(phrase);
        checked_length(&symbols, ROWS)?;
        let ids = padded(&symbols);
        let invalid = |error: &dyn std::fmt::Display| self.network.failed(error.to_string());
        let inputs = vec![
            (self.nodes.tokens, ValueView::from_shape([1, ids.len()], &ids).map_err(|e| invalid(&e))?.into()),
            (
                self.nodes.style,
                ValueView::from_shape([1, COLUMNS], voice.style(symbols.len()))
                    .map_err(|e| invalid(&e))?
                    .into(),
            ),
            (self.nodes.speed, ValueView::from_shape([1], &speed).map_err(|e| invalid(&e))?.into()),
        ];
        let [audio, durations] = self.network.run(inputs, [self.nodes.audio, self.nodes.durations])?;
        let mut samples = self.network.numbers(audio)?;
        let durations = self.network.numbers(durations)?;
        let mut phones = marks(&symbols, &durations, FRAME_SAMPLES);
        heard_earlier(&mut phones, speed[0], SAMPLE_RATE_HZ);
        let frames: f32 = durations.iter().sum();
        if durations.len() != ids.len() || samples.len() != frames as usize * FRAME_SAMPLES {
            return Err(self.network.failed(format!("{} samples for {frames} frames", samples.len())));
        }
        if !samples.iter().all(|sample| sample.is_finite()) {
            return Err(self.network.failed("some samples are not finite".into()));
        }
        quieten_edges(&mut samples, &phones);
        Ok(Speech { samples, sample_rate_hz: SAMPLE_RATE_HZ, phones })
    }
}

/// This runtime disturbs the first and last frames of the graph (onnxruntime has silence there): up to 30 times full
/// scale in the first ten samples, a rustle of up to -15 dB for 15 ms after, a tick of up to -40 dB from 55 to 70 ms,
/// and one of -40 dB in the last 6 ms. Speech keeps 100 ms or more from both ends at the voice's own pace, so they
/// are simply taken out; fast speech, which is nearer, keeps 30 ms before its first mark.
fn quieten_edges(samples: &mut [f32], phones: &[PhoneMark]) {
    const HEAD_SAMPLES: usize = 1_800;
    const TAIL_SAMPLES: usize = 240;
    const SPARED_SAMPLES: usize = 720;
    let tail = samples.len().saturating_sub(TAIL_SAMPLES);
    samples[tail..].fill(0.0);
    let speech = phones.first().map_or(0, |phone| phone.start);
    let head = HEAD_SAMPLES.min(speech.saturating_sub(SPARED_SAMPLES)).min(samples.len());
    samples[..head].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: usize, speech_start: usize, expected: std::ops::Range<usize>) {
        let mut samples = vec![1.0; length];
        let phone = PhoneMark { phoneme: 'a', piece: 0, start: speech_start, end: length };
        quieten_edges(&mut samples, &[phone]);
        let kept: Vec<_> = (0..length).filter(|&at| samples[at] != 0.0).collect();
        assert_eq!(kept, expected.collect::<Vec<_>>(), "{length} samples, speech from {speech_start}");
    }

    #[test]
    fn the_disturbed_ends_are_silent_and_speech_is_spared() {
        check(24_000, 8_000, 1_800..23_760);
        // The pad is short when speech is fast.
        check(6_000, 1_400, 680..5_760);
        check(100, 0, 0..0);
    }
}
