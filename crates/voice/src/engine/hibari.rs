//! The fast tier: one voice, "heart", about fifty times cheaper than Kokoro.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use sori_contracts::Cancel;
use sori_synth::Hibari;
use sori_text::Accent;

use super::{
    Capabilities, Engine, EngineError, LineRequest, Reading, SpokenLine, Timestamps, model_file::ModelFile,
    neural,
};
use crate::{
    engines::TextReader,
    voices::{Gender, VoiceInfo, VoiceName},
};

const ID: &str = "hibari";

pub struct HibariEngine {
    capabilities: Capabilities,
    model: ModelFile,
    text: Arc<TextReader>,
    loaded: Mutex<Option<Arc<Loaded>>>,
}

struct Loaded {
    network: Hibari,
    fingerprint: String,
}

impl HibariEngine {
    pub fn new(assets: &Path, text: Arc<TextReader>) -> Self {
        Self {
            capabilities: Capabilities {
                id: ID,
                sample_rate_hz: 24_000,
                max_text_chars: 5_000,
                speed: 0.5..=2.0,
                timestamps: Timestamps::Phone,
                is_deterministic: true,
            },
            model: ModelFile::new(assets.join("hibari/hibari.onnx")),
            text,
            loaded: Mutex::new(None),
        }
    }

    /// The network, and beside it on another core the lexicons, which take longer.
    fn load(&self) -> Result<Arc<Loaded>, EngineError> {
        let mut slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &*slot {
            return Ok(Arc::clone(loaded));
        }
        self.text.warm(Accent::American);
        let (bytes, fingerprint) = self.model.read().map_err(|_| missing())?;
        let network = Hibari::load(bytes, crate::default_lanes()).map_err(neural::failed(ID))?;
        Ok(Arc::clone(slot.insert(Arc::new(Loaded { network, fingerprint }))))
    }
}

fn missing() -> EngineError {
    EngineError::ModelMissing { engine: ID, what: "hibari/hibari.onnx".into() }
}

fn is_known(voice: &VoiceName) -> Result<(), EngineError> {
    if voice.name == "heart" { Ok(()) } else { Err(EngineError::VoiceUnknown(voice.to_string())) }
}

impl Engine for HibariEngine {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn version(&self, voice: &VoiceName) -> Result<String, EngineError> {
        is_known(voice)?;
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fingerprint = match loaded {
            Some(loaded) => loaded.fingerprint.clone(),
            None => self.model.fingerprint().map_err(|_| missing())?,
        };
        Ok(format!("{}/{fingerprint}", sori_synth::ENGINE_VERSION))
    }

    fn voices(&self) -> Vec<VoiceInfo> {
        vec![VoiceInfo {
            id: "hibari:heart".into(),
            engine: ID.into(),
            name: "Heart (fast)".into(),
            gender: Gender::Female,
            lang: "en-US".into(),
            grade: None,
            available: self.model.path.is_file(),
        }]
    }

    fn find(&self, voice: &VoiceName) -> Result<(), EngineError> {
        is_known(voice)?;
        if self.model.path.is_file() { Ok(()) } else { Err(missing()) }
    }

    fn read(&self, line: &LineRequest<'_>) -> Result<Reading, EngineError> {
        is_known(line.voice)?;
        self.load()?;
        neural::read(&self.text, line, Accent::American)
    }

    fn synth(
        &self,
        line: &LineRequest<'_>,
        reading: &Reading,
        cancel: &Cancel,
    ) -> Result<SpokenLine, EngineError> {
        is_known(line.voice)?;
        let loaded = self.load()?;
        neural::speak(neural::phrases(ID, reading)?, line, cancel, |phrase| {
            loaded.network.speak(phrase, line.speed, line.seed).map_err(neural::failed(ID))
        })
    }
}
