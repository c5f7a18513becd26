//! The test engine: every word is a tone burst whose place is known to the sample.
//!
//! It needs no model, so captions, timelines, codecs and caches are tested with exact times.
//! `tone:440` speaks at 440 Hz. Words are what white space separates.

use std::f64::consts::TAU;

use sori_contracts::Cancel;

use super::{Capabilities, Engine, EngineError, LineRequest, Reading, SpokenLine, SpokenWord, Timestamps};
use crate::voices::{Gender, VoiceInfo, VoiceName};

const SAMPLE_RATE_HZ: u32 = 24_000;
/// Silence before the first, between, and after the last word: 50 ms.
const GAP: u64 = 1_200;
/// A word lasts as long as it has letters: 40 ms each.
const PER_CHAR: u64 = 960;

pub struct Tone {
    capabilities: Capabilities,
}

impl Default for Tone {
    fn default() -> Self {
        Self {
            capabilities: Capabilities {
                id: "tone",
                sample_rate_hz: SAMPLE_RATE_HZ,
                max_text_chars: 5_000,
                speed: 0.25..=4.0,
                timestamps: Timestamps::Word,
                is_deterministic: true,
            },
        }
    }
}

fn frequency_hz(voice: &VoiceName) -> Result<f64, EngineError> {
    match voice.name.parse::<u32>() {
        Ok(hz @ 50..=8_000) => Ok(f64::from(hz)),
        _ => Err(EngineError::VoiceUnknown(voice.to_string())),
    }
}

impl Engine for Tone {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn version(&self, voice: &VoiceName) -> Result<String, EngineError> {
        frequency_hz(voice).map(|hz| format!("tone-1@{hz}"))
    }

    fn voices(&self) -> Vec<VoiceInfo> {
        vec![VoiceInfo {
            id: "tone:440".into(),
            engine: "tone".into(),
            name: "Test tone".into(),
            gender: Gender::None,
            lang: "und".into(),
            grade: None,
            available: true,
        }]
    }

    fn find(&self, voice: &VoiceName) -> Result<(), EngineError> {
        frequency_hz(voice).map(drop)
    }

    fn read(&self, line: &LineRequest<'_>) -> Result<Reading, EngineError> {
        frequency_hz(line.voice)?;
        if line.text.split_whitespace().next().is_none() {
            return Err(EngineError::BadText {
                code: "TEXT_NOTHING_TO_SPEAK",
                en: "There is nothing to speak in this line.".into(),
                ko: "이 대사에는 읽을 내용이 없습니다.".into(),
                at: None,
            });
        }
        Ok(Reading::default())
    }

    fn synth(
        &self,
        line: &LineRequest<'_>,
        _reading: &Reading,
        cancel: &Cancel,
    ) -> Result<SpokenLine, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let hz = frequency_hz(line.voice)?;
        let scaled = |samples: u64| ((samples as f64) / f64::from(line.speed)).round().max(1.0) as u64;
        let mut at = scaled(GAP);
        let mut words = Vec::new();
        for word in line.text.split_whitespace() {
            let source = word.as_ptr() as usize - line.text.as_ptr() as usize;
            let end = at + scaled(PER_CHAR * word.chars().count() as u64);
            words.push(SpokenWord {
                text: word.to_owned(),
                source: source..source + word.len(),
                start: at,
                end,
            });
            at = end + scaled(GAP);
        }
        let mut samples = vec![0.0_f32; at as usize];
        for word in &words {
            for n in word.start..word.end {
                let seconds = (n - word.start) as f64 / f64::from(SAMPLE_RATE_HZ);
                // A cosine starts at its peak, so that an onset is one sample wide.
                samples[n as usize] = (0.4 * (TAU * hz * seconds).cos()) as f32;
            }
        }
        Ok(SpokenLine { sample_rate_hz: SAMPLE_RATE_HZ, samples, words, phones: Vec::new() })
    }
}
