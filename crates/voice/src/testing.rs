//! Doubles for tests of this block and of the product.

use std::sync::atomic::{AtomicUsize, Ordering};

use sori_contracts::Cancel;

use crate::{
    engine::{Capabilities, Engine, EngineError, LineRequest, Reading, SpokenLine, tone::Tone},
    voices::{VoiceInfo, VoiceName},
};

/// Tones, with a count of the lines that were read and spoken; on request it cancels its work from
/// inside.
#[derive(Default)]
pub struct CountingTone {
    tone: Tone,
    read: AtomicUsize,
    spoken: AtomicUsize,
    cancel_at: Option<(usize, Cancel)>,
}

impl CountingTone {
    /// One that cancels when it begins the line of this number, counted from 1.
    #[must_use]
    pub fn cancelling_at(line: usize, cancel: Cancel) -> Self {
        Self { cancel_at: Some((line, cancel)), ..Self::default() }
    }

    #[must_use]
    pub fn lines_read(&self) -> usize {
        self.read.load(Ordering::SeqCst)
    }

    #[must_use]
    pub fn lines_spoken(&self) -> usize {
        self.spoken.load(Ordering::SeqCst)
    }
}

impl Engine for CountingTone {
    fn capabilities(&self) -> &Capabilities {
        self.tone.capabilities()
    }

    fn version(&self, voice: &VoiceName) -> Result<String, EngineError> {
        self.tone.version(voice)
    }

    fn voices(&self) -> Vec<VoiceInfo> {
        self.tone.voices()
    }

    fn find(&self, voice: &VoiceName) -> Result<(), EngineError> {
        self.tone.find(voice)
    }

    fn read(&self, line: &LineRequest<'_>) -> Result<Reading, EngineError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        self.tone.read(line)
    }

    fn synth(
        &self,
        line: &LineRequest<'_>,
        reading: &Reading,
        cancel: &Cancel,
    ) -> Result<SpokenLine, EngineError> {
        let spoken = self.spoken.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((last, cancel)) = &self.cancel_at
            && spoken >= *last
        {
            cancel.cancel();
        }
        self.tone.synth(line, reading, cancel)
    }
}
