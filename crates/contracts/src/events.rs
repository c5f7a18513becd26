//! Events: facts that others may want to hear of at once. A lost event only makes a screen late.

use serde::{Deserialize, Serialize};

use crate::{AccountId, ContentId, MediaId, StreamId};

/// What happened. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    StreamStarted(StreamStarted),
    StreamStopped(StreamStopped),
    StreamError(StreamError),
    /// A file that the store knows is not there, or not whole.
    FileMissing {
        media_id: MediaId,
        content_id: Option<ContentId>,
        at_ms: i64,
    },
    /// A file could not be made ready for streaming in pieces; it is played as it is.
    PackagingFailed {
        content_id: ContentId,
        media_id: MediaId,
        error_code: String,
        error_message: String,
        at_ms: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamStarted {
    pub session_id: StreamId,
    pub user_id: Option<AccountId>,
    pub content_id: ContentId,
    /// `ssd` or `nas`.
    pub source: String,
    pub at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamStopped {
    pub session_id: StreamId,
    pub user_id: Option<AccountId>,
    pub content_id: ContentId,
    pub duration_seconds: f64,
    pub bytes_transferred: u64,
    pub at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamError {
    pub session_id: Option<StreamId>,
    pub user_id: Option<AccountId>,
    pub content_id: ContentId,
    pub error_code: String,
    pub error_message: String,
    pub at_ms: i64,
}

/// Tells everybody who listens, at once and without waiting for anybody.
pub trait Announce: Send + Sync {
    fn announce(&self, event: Event);
}
