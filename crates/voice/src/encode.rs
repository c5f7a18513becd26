//! The seam to whatever writes audio files: FFmpeg in the product, given by the server or the CLI.

use std::path::Path;

use sori_audio::Format;
use sori_contracts::MediaFault;

/// One audio file to be written.
#[derive(Clone, Debug)]
pub struct FileOrder {
    pub format: Format,
    pub sample_rate_hz: u32,
    pub title: String,
    pub lang: String,
    pub chapters: Vec<ChapterMark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChapterMark {
    pub start_ms: u64,
    pub end_ms: u64,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFile {
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

pub trait Encoders: Send + Sync {
    /// Begins a file. It appears at `path` only when it is finished.
    fn begin(&self, order: &FileOrder, path: &Path) -> Result<Box<dyn FileEncoder>, MediaFault>;

    /// The true peak that a player will really put out, in dBTP, after decoding a finished file.
    fn decoded_peak_dbtp(&self, path: &Path) -> Result<f64, MediaFault>;
}

/// Takes mono samples. Dropping it unfinished leaves nothing behind.
pub trait FileEncoder: Send {
    fn write(&mut self, samples: &[f32]) -> Result<(), MediaFault>;

    fn finish(self: Box<Self>) -> Result<EncodedFile, MediaFault>;
}
