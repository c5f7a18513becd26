//! One open session in the memory of this process: counters that requests touch without waiting.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};
use sori_contracts::{Announce, Content, ContentId, ContentKind, Event, Place, Role, StreamError, StreamId};
use sori_db::Clock;

use super::{Listener, viewer::Viewer};
use crate::Meter;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Streaming,
    Paused,
    Stopped,
    Error,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }

    /// The inverse of [`Status::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Streaming, Self::Paused, Self::Stopped, Self::Error].into_iter().find(|s| s.as_str() == text)
    }
}

/// What a session is at.
#[derive(Clone, Debug)]
pub(crate) struct What {
    pub(crate) content: ContentId,
    pub(crate) kind: ContentKind,
    pub(crate) title: String,
    pub(crate) size_bytes: u64,
    pub(crate) place: Place,
}

pub(crate) struct Session {
    pub(crate) id: StreamId,
    pub(crate) viewer: Viewer,
    pub(crate) device: String,
    pub(crate) what: What,
    pub(crate) meter: Arc<Meter>,
    clock: Clock,
    announce: Arc<dyn Announce>,
    /// Answers whose bodies are under way.
    in_flight: AtomicU32,
    active_at_ms: AtomicI64,
    is_paused: AtomicBool,
    /// The last body that went away did so before its end: whoever listened is gone, or seeks.
    is_cut_off: AtomicBool,
    has_failed: AtomicBool,
    /// Bytes of [`Self::meter`] that the database knows, and those that were there at the last look.
    stored_bytes: AtomicU64,
    seen_bytes: AtomicU64,
    known: Mutex<Option<Known>>,
}

/// What was answered about the content a moment ago.
struct Known {
    role: Option<Role>,
    content: Arc<Content>,
    until_ms: i64,
}

impl Session {
    pub(crate) fn new(
        id: StreamId,
        listener: &Listener,
        what: What,
        clock: Clock,
        announce: Arc<dyn Announce>,
    ) -> Self {
        Self {
            id,
            viewer: listener.viewer,
            device: listener.device.clone(),
            what,
            meter: Arc::default(),
            active_at_ms: clock.now_ms().into(),
            clock,
            announce,
            in_flight: AtomicU32::new(0),
            is_paused: AtomicBool::new(false),
            is_cut_off: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            stored_bytes: AtomicU64::new(0),
            seen_bytes: AtomicU64::new(0),
            known: Mutex::new(None),
        }
    }

    /// Notes that the viewer is there.
    pub(crate) fn touch(&self) {
        self.active_at_ms.fetch_max(self.clock.now_ms(), Relaxed);
        self.is_cut_off.store(false, Relaxed);
    }

    pub(crate) fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Relaxed);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Relaxed)
    }

    pub(crate) fn status(&self) -> Status {
        match (self.has_failed.load(Relaxed), self.is_paused()) {
            (true, _) => Status::Error,
            (false, true) => Status::Paused,
            (false, false) => Status::Streaming,
        }
    }

    pub(crate) fn active_at_ms(&self) -> i64 {
        self.active_at_ms.load(Relaxed)
    }

    /// Bytes that left count as a sign of life.
    pub(crate) fn look(&self) {
        let sent = self.meter.sent_bytes();
        if self.seen_bytes.swap(sent, Relaxed) != sent {
            self.active_at_ms.fetch_max(self.clock.now_ms(), Relaxed);
        }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight.load(Relaxed) > 0
    }

    /// Nothing is under way, and what was last went away before its end.
    pub(crate) fn is_cut_off(&self) -> bool {
        !self.is_in_flight() && self.is_cut_off.load(Relaxed)
    }

    /// How many bytes the database does not know, and the count that it knows with them.
    pub(crate) fn unstored(&self) -> (u64, u64) {
        let sent = self.meter.sent_bytes();
        (sent - self.stored_bytes.load(Relaxed), sent)
    }

    pub(crate) fn set_stored(&self, bytes: u64) {
        self.stored_bytes.store(bytes, Relaxed);
    }

    /// What the content was a moment ago for somebody of this role.
    pub(crate) fn known(&self, role: Option<Role>) -> Option<Arc<Content>> {
        let now_ms = self.clock.now_ms();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|known| known.role == role && known.until_ms > now_ms)
            .map(|k| Arc::clone(&k.content))
    }

    pub(crate) fn remember(&self, role: Option<Role>, content: &Arc<Content>, for_ms: i64) {
        let known = Known { role, content: Arc::clone(content), until_ms: self.clock.now_ms() + for_ms };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    pub(crate) fn fail(&self, code: &str, message: &str) {
        self.has_failed.store(true, Relaxed);
        self.announce.announce(Event::StreamError(StreamError {
            session_id: Some(self.id),
            user_id: self.viewer.account(),
            content_id: self.what.content,
            error_code: code.to_owned(),
            error_message: message.to_owned(),
            at_ms: self.clock.now_ms(),
        }));
    }
}

/// Holds a session open for one answer: it rides in the body, and goes with it.
pub struct Watching {
    session: Arc<Session>,
    /// Of a body that was begun: whether bytes of it are left.
    is_unfinished: AtomicBool,
}

impl Watching {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        session.in_flight.fetch_add(1, Relaxed);
        session.touch();
        Self { session, is_unfinished: AtomicBool::new(false) }
    }

    /// Of the session.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.session.id
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Where its bytes are counted.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.session.meter)
    }

    pub(crate) fn begins(&self) {
        self.is_unfinished.store(true, Relaxed);
        self.session.has_failed.store(false, Relaxed);
    }

    pub(crate) fn is_whole(&self) {
        self.is_unfinished.store(false, Relaxed);
    }

    pub(crate) fn breaks(&self) {
        self.session.fail("STREAM_FILE_UNAVAILABLE", "the file could not be read to its end");
    }
}

impl std::fmt::Debug for Watching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watching({})", self.session.id)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.session.touch();
        self.session.is_cut_off.store(self.is_unfinished.load(Relaxed), Relaxed);
        self.session.in_flight.fetch_sub(1, Relaxed);
    }
}
