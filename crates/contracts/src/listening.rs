//! Listening: where somebody stopped, and the streaming session they listen through.

use async_trait::async_trait;

use crate::{AccountId, Caller, ContentId, Fault, StreamId};

/// A streaming session, as far as others need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStream {
    pub id: StreamId,
    pub content: ContentId,
    /// What its player called itself.
    pub device: Option<String>,
}

/// Knows the streaming sessions; the block `streaming` is behind it.
#[async_trait]
pub trait StreamSessions: Send + Sync {
    /// A player says that it is there: the session stays open, and is playing or paused from now on
    /// when that is said. A fault of the kind `NotFound` when the caller has no such open session.
    async fn heard_from(
        &self,
        caller: &Caller,
        id: StreamId,
        playing: Option<bool>,
    ) -> Result<OpenStream, Box<dyn Fault>>;
}

/// How to go on with a content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resume {
    pub position_ms: u64,
    /// The number that the next update of the position names as its base; 0 when there is no position.
    pub version: i64,
    /// 1.0 when nothing is remembered.
    pub speed: f64,
}

/// Tells where somebody stopped; the block `listening` is behind it.
#[async_trait]
pub trait Resumes: Send + Sync {
    async fn resume(&self, account: AccountId, content: ContentId) -> Result<Resume, Box<dyn Fault>>;
}
