//! Sounds to measure with.

use std::f64::consts::TAU;

use sori_audio::{AudioError, ClipSource, PlanOptions, PlannedLine, Timeline, plan};

/// Syllables of a harmonic voice with the crest factor of speech.
pub(crate) fn voice(sample_rate_hz: u32, length: usize, pitch_hz: f64) -> Vec<f32> {
    let rate = f64::from(sample_rate_hz);
    let harmonics: Vec<f64> = (1..30).map(f64::from).filter(|h| h * pitch_hz * 1.2 < rate / 2.0).collect();
    (0..length)
        .map(|n| {
            let t = n as f64 / rate;
            let syllable = (t * 4.3).fract();
            let envelope =
                (syllable * 12.0).min(1.0) * (-3.5 * syllable).exp() * (0.6 + 0.4 * (t * 2.1).sin());
            let phase = TAU * (pitch_hz * t + 1.5 * (t * 3.0).sin());
            let sum: f64 = harmonics.iter().map(|h| (phase * h + 0.9 * h * h).sin() / h).sum();
            (0.25 * envelope * sum) as f32
        })
        .collect()
}

/// Uniform white noise, always the same.
pub(crate) fn noise(length: usize, level: f32) -> Vec<f32> {
    let mut state = 1_u64;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * level
        })
        .collect()
}

/// A script of 4-second lines by four voices.
pub(crate) struct Script {
    lines: Vec<Vec<f32>>,
    pub(crate) timeline: Timeline,
}

impl Script {
    pub(crate) fn new(sample_rate_hz: u32, minutes: usize) -> Result<Self, AudioError> {
        let length = 4 * sample_rate_hz as usize;
        let lines: Vec<_> =
            [95.0, 130.0, 190.0, 240.0].iter().map(|&hz| voice(sample_rate_hz, length, hz)).collect();
        let line = PlannedLine {
            length: length as u64,
            pause_after: u64::from(sample_rate_hz / 2),
            ..PlannedLine::default()
        };
        let timeline = plan(&vec![line; minutes * 60 * 2 / 9], &PlanOptions::new(sample_rate_hz))?;
        Ok(Self { lines, timeline })
    }
}

impl ClipSource for Script {
    fn samples(&mut self, clip: usize) -> Result<Vec<f32>, AudioError> {
        Ok(self.lines[clip % self.lines.len()].clone())
    }
}
