//! One file per command, and what they share: engines, cache, input and output.

pub(crate) mod config;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod openapi;
pub(crate) mod render;
pub(crate) mod say;
pub(crate) mod serve;
pub(crate) mod user;
pub(crate) mod voices;

use std::{
    io::{Read as _, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use sori_contracts::{Cancel, MediaFault};
use sori_server::encoders::FfmpegEncoders;
use sori_text::Lexicon;
use sori_voice::{Engines, LineCache, RenderFault, RenderOptions, Rendered, Renderer, voices::VoiceName};

use crate::{failure::Failure, progress::Bar};

/// What every command that speaks understands.
#[derive(Args)]
pub(crate) struct Speaking {
    /// Folder of the voice models (default: where `make assets` puts them).
    #[arg(long, env = "SORI_ASSETS_DIR", value_name = "DIR")]
    assets_dir: Option<PathBuf>,
    /// Folder of spoken lines, so that only changed lines are spoken again.
    #[arg(long, env = "SORI_CACHE_DIR", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// 8000, 16000, 22050, 24000, 44100 or 48000.
    #[arg(long, default_value_t = 24_000, value_name = "HZ")]
    sample_rate: u32,
    /// Loudness in LUFS.
    #[arg(long, default_value_t = sori_voice::render::TARGET_LUFS, allow_negative_numbers = true, value_name = "LUFS")]
    loudness: f64,
    /// The same seed gives the same sound.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Pronunciations: lines of `word = /phonemes/` or `word = other words`.
    #[arg(long, value_name = "FILE")]
    lexicon: Option<PathBuf>,
    /// Threads that speak at once (default: all cores).
    #[arg(long, value_name = "N")]
    lanes: Option<usize>,
}

impl Speaking {
    pub(crate) fn engines(&self) -> Engines {
        let assets = self.assets_dir.clone().unwrap_or_else(sori_server::config::default_assets_dir);
        Engines::bundled(&assets)
    }

    fn cache(&self) -> Result<LineCache, MediaFault> {
        let beside_assets = || sori_server::config::default_assets_dir().with_file_name("lines");
        LineCache::open(self.cache_dir.clone().unwrap_or_else(beside_assets))
    }

    pub(crate) fn options(
        &self,
        formats: Vec<sori_audio::Format>,
        default_voice: Option<VoiceName>,
    ) -> Result<RenderOptions, Failure> {
        if !sori_audio::SAMPLE_RATES_HZ.contains(&self.sample_rate) {
            return Err(Failure::Usage(format!(
                "--sample-rate must be one of {:?}",
                sori_audio::SAMPLE_RATES_HZ
            )));
        }
        if !(-30.0..=-9.0).contains(&self.loudness) {
            return Err(Failure::Usage("--loudness must lie between -30 and -9".into()));
        }
        let lexicon = match &self.lexicon {
            None => Lexicon::default(),
            Some(path) => Lexicon::from_lines(&String::from_utf8_lossy(&read_input(path)?))
                .map_err(|error| Failure::Usage(format!("{}: {}", path.display(), error)))?,
        };
        Ok(RenderOptions {
            formats,
            sample_rate_hz: self.sample_rate,
            target_lufs: self.loudness,
            seed: self.seed,
            lexicon,
            default_voice,
        })
    }

    /// Renders with a bar on the terminal.
    pub(crate) fn render(
        &self,
        script: &sori_script::Script,
        options: &RenderOptions,
        folder: &Path,
        stem: &str,
    ) -> Result<Rendered, Failure> {
        let bar = Bar::new();
        let (engines, cache) = (self.engines(), self.cache()?);
        let renderer = Renderer {
            engines: &engines,
            cache: &cache,
            encoders: &FfmpegEncoders,
            lanes: self.lanes.unwrap_or_else(sori_voice::default_lanes).clamp(1, 256),
            progress: &bar,
            cancel: &Cancel::new(),
        };
        let rendered = renderer.render(script, options, folder, stem);
        bar.finish();
        // The process is about to end: taking lexicons and networks apart would cost 0.1 s.
        std::mem::forget(engines);
        rendered.map_err(|fault: RenderFault| fault.into())
    }
}

/// Larger input is a mistake; the readers have finer limits.
const MAX_INPUT_BYTES: u64 = 64 << 20;

/// A file, or standard input for `-`.
pub(crate) fn read_input(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) if bytes.len() as u64 > MAX_INPUT_BYTES => {
            Err(Failure::Usage(format!("{}: larger than 64 MB", path.display())))
        }
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::NotFound(format!("{}: no such file", path.display())))
        }
        Err(error) => Err(Failure::Other(format!("{}: {error}", path.display()))),
    }
}

/// A file, or standard output for `-`. A file appears whole or not at all.
pub(crate) fn write_output(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path == Path::new("-") {
        let mut out = std::io::stdout().lock();
        return out.write_all(bytes).and_then(|()| out.flush()).map_err(output_failed);
    }
    let folder = folder_of(path);
    let written = tempfile::Builder::new().suffix(".part").tempfile_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| Failure::from(MediaFault::from_io("writing the output", error)))
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(crate) fn output_failed(error: std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        Failure::OutputClosed
    } else {
        Failure::Other(format!("standard output: {error}"))
    }
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| Failure::Other(error.to_string()))?;
    text.push(b'\n');
    write_output(Path::new("-"), &text)
}

pub(crate) fn write_line(text: &str) -> Result<(), Failure> {
    write_output(Path::new("-"), format!("{text}\n").as_bytes())
}

/// For commands that ask a server or a database.
pub(crate) fn run_async(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failure::Other(error.to_string()))?.block_on(work)
}
