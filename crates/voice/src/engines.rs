//! The engines of this process, found by a voice's name.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use sori_text::{Accent, Reader};

use crate::{
    engine::{Engine, EngineError, hibari::HibariEngine, kokoro::KokoroEngine, tone::Tone},
    voices::{VoiceInfo, VoiceName},
};

#[derive(Clone)]
pub struct Engines {
    by_id: Arc<BTreeMap<&'static str, Arc<dyn Engine>>>,
}

impl Engines {
    /// The bundled engines over the model files in `assets`. Nothing is loaded before the first
    /// line is spoken, and nothing has to be there yet.
    #[must_use]
    pub fn bundled(assets: &Path) -> Self {
        let text = Arc::new(TextReader::new(assets.to_owned()));
        Self::of([
            Arc::new(KokoroEngine::new(assets, Arc::clone(&text))) as Arc<dyn Engine>,
            Arc::new(HibariEngine::new(assets, text)),
            Arc::new(Tone::default()),
        ])
    }

    #[must_use]
    pub fn of(engines: impl IntoIterator<Item = Arc<dyn Engine>>) -> Self {
        let by_id = engines.into_iter().map(|engine| (engine.capabilities().id, engine)).collect();
        Self { by_id: Arc::new(by_id) }
    }

    /// The engine that speaks with this voice.
    pub fn for_voice(&self, voice: &VoiceName) -> Result<&Arc<dyn Engine>, EngineError> {
        self.by_id.get(voice.engine.as_str()).ok_or_else(|| EngineError::VoiceUnknown(voice.to_string()))
    }

    /// All voices: Kokoro's first, then the others, the test tone last.
    #[must_use]
    pub fn voices(&self) -> Vec<VoiceInfo> {
        let mut voices: Vec<_> = self.by_id.values().flat_map(|engine| engine.voices()).collect();
        voices.sort_by_key(|voice| (voice.engine != "kokoro", voice.engine == "tone"));
        voices
    }
}

/// The reader of texts, built at the first use: its lexicons take a moment to unpack.
pub struct TextReader {
    assets: PathBuf,
    reader: OnceLock<Reader>,
    /// American, British: somebody loads it or has loaded it.
    begun: [AtomicBool; 2],
}

impl TextReader {
    fn new(assets: PathBuf) -> Self {
        Self { assets, reader: OnceLock::new(), begun: Default::default() }
    }

    /// Begins to load the lexicons of an accent and returns at once; whoever reads next waits for them.
    pub(crate) fn warm(self: &Arc<Self>, accent: Accent) {
        if !self.begun[usize::from(accent == Accent::British)].swap(true, Ordering::Relaxed) {
            let text = Arc::clone(self);
            std::thread::spawn(move || text.get().warm(accent));
        }
    }

    /// Words in no lexicon are sounded out by the `oov` network, where it is installed.
    pub(crate) fn get(&self) -> &Reader {
        self.reader.get_or_init(|| {
            let folder = self.assets.join("hibari");
            let network = std::fs::read(folder.join("oov.onnx")).ok().and_then(|american| {
                let british = std::fs::read(folder.join("oov_gb.onnx")).ok();
                sori_synth::OovNetwork::load(american, british)
                    .inspect_err(
                        |error| tracing::warn!(%error, "the network for unknown words cannot be loaded"),
                    )
                    .ok()
            });
            match network {
                Some(network) => Reader::new().with_unknown(Box::new(network)),
                None => Reader::new(),
            }
        })
    }
}
