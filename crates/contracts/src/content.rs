//! Content: anything that is listened to or watched, whatever it was made of.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Caller, ContentId, Fault, MediaId, RenderingId, ScriptId, ShowId};

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    Audio,
    Video,
}

/// A script with a finished rendering, or an upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub id: ContentId,
    pub kind: ContentKind,
    pub title: String,
    pub owner: Option<AccountId>,
    pub duration_ms: Option<u64>,
    /// At least one. The first is the one to play when nothing is said.
    pub files: Vec<ContentFile>,
    pub script: Option<ScriptId>,
    /// Whose captions belong to it.
    pub rendering: Option<RenderingId>,
    pub show: Option<ShowId>,
    /// What to play when its own files are gone.
    pub alternative: Option<ContentId>,
}

/// One file that holds all of a content.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentFile {
    pub media: MediaId,
    /// Its name among the files of the content, such as `mp3` or `original`.
    pub format: String,
    pub content_type: String,
    pub size_bytes: u64,
    /// As FFmpeg names it, such as `aac`.
    pub audio_codec: Option<String>,
    pub channels: Option<u32>,
    pub sample_rate_hz: Option<u32>,
    pub video_codec: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Of everything in the file, on average.
    pub bitrate_bps: Option<u64>,
}

/// Finds content for a caller. Asked for every range of every stream: it has to be quick.
#[async_trait]
pub trait Contents: Send + Sync {
    /// A fault of the kind `NotFound` when it does not exist for this caller.
    async fn content(&self, caller: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>>;

    /// What follows it in its show.
    async fn next(&self, caller: &Caller, id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>>;
}
