//! Kokoro-82M: 28 English voices and any blend of them from one network.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use sori_contracts::Cancel;
use sori_synth::{Blend, Kokoro, VoiceVectors};
use sori_text::Accent;

use super::{
    Capabilities, Engine, EngineError, LineRequest, Reading, SpokenLine, Timestamps, model_file::ModelFile,
    neural,
};
use crate::{
    engines::TextReader,
    line_cache::hex,
    voices::{Gender, VoiceInfo, VoiceName},
};

const ID: &str = "kokoro";
const MODEL: &str = "model.onnx";

/// Name and the overall grade that the makers of Kokoro v1.0 publish for it.
const VOICES: [(&str, &str); 28] = [
    ("af_heart", "A"),
    ("af_bella", "A-"),
    ("af_nicole", "B-"),
    ("af_aoede", "C+"),
    ("af_kore", "C+"),
    ("af_sarah", "C+"),
    ("af_alloy", "C"),
    ("af_nova", "C"),
    ("af_sky", "C-"),
    ("af_jessica", "D"),
    ("af_river", "D"),
    ("am_fenrir", "C+"),
    ("am_michael", "C+"),
    ("am_puck", "C+"),
    ("am_echo", "D"),
    ("am_eric", "D"),
    ("am_liam", "D"),
    ("am_onyx", "D"),
    ("am_santa", "D-"),
    ("am_adam", "F+"),
    ("bf_emma", "B-"),
    ("bf_isabella", "C"),
    ("bf_alice", "D"),
    ("bf_lily", "D"),
    ("bm_fable", "C"),
    ("bm_george", "C"),
    ("bm_lewis", "D+"),
    ("bm_daniel", "D"),
];

pub struct KokoroEngine {
    capabilities: Capabilities,
    folder: PathBuf,
    model: ModelFile,
    text: Arc<TextReader>,
    network: Mutex<Option<Arc<Loaded>>>,
    voices: Mutex<HashMap<String, Arc<LoadedVoice>>>,
}

struct Loaded {
    network: Kokoro,
    fingerprint: String,
}

struct LoadedVoice {
    vectors: VoiceVectors,
    fingerprint: String,
    accent: Accent,
}

impl KokoroEngine {
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
            folder: assets.join("kokoro"),
            model: ModelFile::new(assets.join("kokoro").join(MODEL)),
            text,
            network: Mutex::new(None),
            voices: Mutex::new(HashMap::new()),
        }
    }

    fn read(&self, member: &str) -> Result<Vec<u8>, EngineError> {
        std::fs::read(self.folder.join(member)).map_err(|_| missing(member))
    }

    fn load(&self) -> Result<Arc<Loaded>, EngineError> {
        let mut slot = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &*slot {
            return Ok(Arc::clone(loaded));
        }
        let (model, fingerprint) = self.model.read().map_err(|_| missing(MODEL))?;
        let network = Kokoro::load(model, &self.read("vocab.json")?, crate::default_lanes())
            .map_err(neural::failed(ID))?;
        Ok(Arc::clone(slot.insert(Arc::new(Loaded { network, fingerprint }))))
    }

    /// A voice or a blend, kept once it is loaded. A blend speaks with the accent of its heaviest part.
    fn voice(&self, voice: &VoiceName) -> Result<Arc<LoadedVoice>, EngineError> {
        if let Some(loaded) = self.voices.lock().unwrap_or_else(PoisonError::into_inner).get(&voice.name) {
            return Ok(Arc::clone(loaded));
        }
        let blend = blend(voice)?;
        let mut vectors = Vec::new();
        let mut hash = Sha256::new();
        for (name, weight) in blend.parts() {
            let bytes = self.read(&format!("voices/{name}.bin"))?;
            hash.update(weight.to_bits().to_le_bytes());
            hash.update(&bytes);
            vectors.push((*weight, VoiceVectors::from_bytes(&bytes).map_err(neural::failed(ID))?));
        }
        let parts: Vec<_> = vectors.iter().map(|(weight, vectors)| (*weight, vectors)).collect();
        let heaviest = blend.parts().iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let loaded = Arc::new(LoadedVoice {
            vectors: VoiceVectors::blend(&parts).map_err(neural::failed(ID))?,
            fingerprint: hex(&hash.finalize()),
            accent: if heaviest.is_some_and(|(name, _)| name.starts_with('b')) {
                Accent::British
            } else {
                Accent::American
            },
        });
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        // Blends are free to invent: what is kept stays bounded (0.5 MB each).
        if voices.len() >= 64 {
            voices.clear();
        }
        voices.insert(voice.name.clone(), Arc::clone(&loaded));
        Ok(loaded)
    }
}

fn missing(member: &str) -> EngineError {
    EngineError::ModelMissing { engine: ID, what: format!("kokoro/{member}") }
}

/// A single name is a blend of one.
fn blend(voice: &VoiceName) -> Result<Blend, EngineError> {
    let unknown = || EngineError::VoiceUnknown(voice.to_string());
    let blend: Blend = voice.name.parse().map_err(|_| unknown())?;
    let all_known = blend.parts().iter().all(|(name, _)| VOICES.iter().any(|(known, _)| known == name));
    if all_known { Ok(blend) } else { Err(unknown()) }
}

impl Engine for KokoroEngine {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn version(&self, voice: &VoiceName) -> Result<String, EngineError> {
        let voice = self.voice(voice)?;
        let loaded = self.network.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fingerprint = match loaded {
            Some(loaded) => loaded.fingerprint.clone(),
            None => self.model.fingerprint().map_err(|_| missing(MODEL))?,
        };
        Ok(format!("{}/{fingerprint}/{}", sori_synth::ENGINE_VERSION, voice.fingerprint))
    }

    fn voices(&self) -> Vec<VoiceInfo> {
        let has_model = self.model.path.is_file();
        VOICES
            .iter()
            .map(|(id, grade)| VoiceInfo {
                id: (*id).to_owned(),
                engine: ID.into(),
                name: title_case(&id[3..]),
                gender: if id.as_bytes()[1] == b'f' { Gender::Female } else { Gender::Male },
                lang: if id.starts_with('b') { "en-GB" } else { "en-US" }.into(),
                grade: Some((*grade).to_owned()),
                available: has_model && self.folder.join(format!("voices/{id}.bin")).is_file(),
            })
            .collect()
    }

    fn find(&self, voice: &VoiceName) -> Result<(), EngineError> {
        let voices =
            blend(voice)?.parts().iter().map(|(name, _)| format!("voices/{name}.bin")).collect::<Vec<_>>();
        let needed = [MODEL, "vocab.json"].into_iter().chain(voices.iter().map(String::as_str));
        match needed.into_iter().find(|member| !self.folder.join(member).is_file()) {
            Some(member) => Err(missing(member)),
            None => Ok(()),
        }
    }

    fn read(&self, line: &LineRequest<'_>) -> Result<Reading, EngineError> {
        let voice = self.voice(line.voice)?;
        self.text.warm(voice.accent);
        self.load()?;
        neural::read(&self.text, line, voice.accent)
    }

    fn synth(
        &self,
        line: &LineRequest<'_>,
        reading: &Reading,
        cancel: &Cancel,
    ) -> Result<SpokenLine, EngineError> {
        let voice = self.voice(line.voice)?;
        let loaded = self.load()?;
        neural::speak(neural::phrases(ID, reading)?, line, cancel, |phrase| {
            loaded.network.speak(phrase, &voice.vectors, line.speed, line.seed).map_err(neural::failed(ID))
        })
    }
}

fn title_case(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
