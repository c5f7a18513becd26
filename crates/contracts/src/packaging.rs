//! Packaging: a media file becomes fragmented MP4 files that are streamed in pieces.

use std::{fs::File, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Cancel, MediaFault};

/// What is in a media file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFacts {
    pub duration_ms: Option<u64>,
    pub sound: Option<SoundFacts>,
    /// A picture that moves; the cover of a song is none.
    pub picture: Option<PictureFacts>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundFacts {
    /// As FFmpeg names it, such as `aac`.
    pub codec: String,
    pub channels: u32,
    pub sample_rate_hz: u32,
    pub bitrate_bps: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    pub codec: String,
    pub width: u32,
    pub height: u32,
    pub bitrate_bps: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// As it is in the source.
    Copied,
    Aac {
        bitrate_bps: u32,
        channels: u32,
        sample_rate_hz: u32,
    },
}

/// One file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionOrder {
    pub path: PathBuf,
    /// The picture of the source goes in as it is.
    pub has_picture: bool,
    pub sound: Option<Sound>,
}

/// All renditions of one source, written in one pass.
#[derive(Debug)]
pub struct PackagingOrder {
    /// A whole file; it is read from its beginning, wherever this handle stands.
    pub source: File,
    pub renditions: Vec<RenditionOrder>,
    /// How long a fragment lasts; with a picture, at least so long, up to the next key frame.
    pub fragment_ms: u32,
    /// Go on behind what is damaged.
    pub is_tolerant: bool,
    /// For all of it.
    pub timeout: Duration,
}

/// Implementation: FFmpeg. Both methods block.
pub trait Packager: Send + Sync {
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what is no media.
    fn inspect(&self, source: &File) -> Result<MediaFacts, MediaFault>;

    /// Writes the files from their beginning to their end and never goes back: what is there of a file
    /// stays as it is. Tells between two pieces how much of the source is done.
    ///
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what cannot be read or takes too long, [`MediaFault::Cancelled`].
    fn package(
        &self,
        order: &PackagingOrder,
        done_ms: &mut dyn FnMut(u64),
        cancel: &Cancel,
    ) -> Result<(), MediaFault>;
}
