//! Settings of media.

use std::{path::PathBuf, time::Duration};

use figment::{Provider, providers::Env};
use serde::{Deserialize, Serialize};
use sori_media::LibrarySettings;
use sori_streaming::SendMode;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSettings {
    /// How files reach a connection without TLS: `auto`, `mmap`, `sendfile` or `read`. The first is
    /// best on local disks; `read` is for a folder that others may write to in place.
    pub send: SendMode,
    /// The most that the kernel holds of one connection's answer, in bytes; it allows half as much again. A large body
    /// stays in the processor's cache on its way, and 1,000 slow listeners hold little memory. A connection carries at
    /// most this much for each round trip (40 Mbit/s at 100 ms); 0 lets the kernel decide, which is faster over long
    /// ways and dearer over short ones.
    pub send_buffer: u32,
    /// A large and slow folder, such as a network drive, where everything is stored from now on; the data
    /// folder when left out.
    pub origin: Option<PathBuf>,
    /// What is read of the origin is kept here, on a fast disk; in the data folder when left out.
    pub cache_dir: Option<PathBuf>,
    /// How much, in bytes; what was not used for longest goes first.
    pub cache_size: u64,
    /// The largest file that may be uploaded, in bytes.
    pub max_upload: u64,
    /// How many uploaded contents an account may have.
    pub max_contents: u32,
    /// Hours that an unfinished upload is kept after its last byte.
    pub keep_uploads_hours: u32,
    /// So many bytes of the disk stay free: uploads are refused before.
    pub keep_free: u64,
    /// How many files are packaged for HLS at once while somebody waits; half of the cores when 0.
    pub packagers: usize,
    /// Days that a package which nobody plays is kept; it is made again when somebody does.
    pub keep_packages_days: u32,
}

impl Default for MediaSettings {
    fn default() -> Self {
        let library = LibrarySettings::default();
        Self {
            send: SendMode::default(),
            send_buffer: 512 << 10,
            origin: None,
            cache_dir: None,
            cache_size: 50 << 30,
            max_upload: library.max_upload_bytes,
            max_contents: library.max_contents,
            keep_uploads_hours: 24,
            keep_free: library.keep_free_bytes,
            packagers: 0,
            keep_packages_days: 30,
        }
    }
}

/// Less would be full with what is on its way.
const LEAST_CACHE_BYTES: u64 = 256 << 20;

impl MediaSettings {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.cache_size < LEAST_CACHE_BYTES {
            return Err("media.cache_size must be at least 268435456 (256 MiB)");
        }
        Ok(())
    }

    #[must_use]
    pub fn library(&self) -> LibrarySettings {
        LibrarySettings {
            max_upload_bytes: self.max_upload,
            max_contents: self.max_contents,
            keep_unfinished: Duration::from_secs(u64::from(self.keep_uploads_hours) * 3_600),
            keep_free_bytes: self.keep_free,
            ..LibrarySettings::default()
        }
    }

    #[must_use]
    pub fn packagers(&self) -> usize {
        match self.packagers {
            0 => (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
            packagers => packagers,
        }
    }

    #[must_use]
    pub fn keep_packages(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_packages_days) * 86_400)
    }
}

/// `SORI_MEDIA_SEND=sendfile`.
pub(super) fn of_the_environment() -> impl Provider {
    Env::prefixed("SORI_MEDIA_").map(|name| format!("media.{}", name.as_str().to_ascii_lowercase()).into())
}
