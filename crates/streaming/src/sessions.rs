//! Streaming sessions: one viewer at one content, however many connections and seeks.
//!
//! A session lives in the memory of the process that serves it. A request for a range finds it there
//! and touches nothing else; the database hears of it when it begins, every few seconds ([`tend`]) for all sessions
//! in one statement, and when it ends. A crash loses at most what happened since the last of these.
//! The row is a lease ([`slots`]): what a dead process held comes back by itself.

mod fault;
mod history;
mod opening;
mod session;
mod slots;
mod taken;
mod tend;
mod viewer;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sori_contracts::{
    Announce, Caller, Content, ContentFile, ContentId, ContentKind, Contents, Event, Fault, OpenStream, Role,
    StreamId, StreamSessions, StreamStarted, StreamStopped,
};
use sori_db::{Clock, Db};
use tracing::Instrument as _;

pub use fault::SessionFault;
pub use history::{HistoryView, StreamView};
use opening::Opening;
use session::{Session, What};
pub use session::{Status, Watching};
use slots::{Claim, Slots};
pub use taken::SlotsTaken;

pub use viewer::Listener;
use viewer::Viewer;

use crate::Streaming;

/// The settings `limits.streams.*`: how many sessions may be open at a time. 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamLimits {
    /// Of video, on all servers that share the database.
    pub video: u32,
    /// Of video, by one account (or by one address, of visitors).
    pub video_per_user: u32,
    pub audio: u32,
    pub audio_per_user: u32,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { video: 20, video_per_user: 3, audio: 0, audio_per_user: 0 }
    }
}

impl StreamLimits {
    fn of(self, kind: ContentKind) -> (u32, u32) {
        match kind {
            ContentKind::Audio => (self.audio, self.audio_per_user),
            ContentKind::Video => (self.video, self.video_per_user),
        }
    }
}

/// What the sessions need from the others.
pub struct SessionParts {
    pub db: Db,
    pub streaming: Streaming,
    pub contents: Arc<dyn Contents>,
    pub announce: Arc<dyn Announce>,
    pub limits: StreamLimits,
    pub clock: Clock,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) streaming: Streaming,
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) announce: Arc<dyn Announce>,
    pub(crate) clock: Clock,
    slots: Slots,
    opening: Opening,
    open: Mutex<Open>,
    /// Counters are written down by one at a time, so that no byte counts twice.
    writing: tokio::sync::Mutex<()>,
    /// Requests of one viewer that come together open one session: the second waits for the first.
    turns: [tokio::sync::Mutex<()>; TURNS],
    hasher: RandomState,
}

const TURNS: usize = 64;

#[derive(Default)]
struct Open {
    /// The sessions of one viewer at one content, on different devices.
    by_viewer: HashMap<(Viewer, ContentId), Vec<Arc<Session>>>,
    by_id: HashMap<StreamId, Arc<Session>>,
}

impl Open {
    /// A player that does not name its device is taken for the one that came last.
    fn find(&self, listener: &Listener, content: ContentId) -> Option<&Arc<Session>> {
        let sessions = self.by_viewer.get(&(listener.viewer, content))?;
        let named = sessions.iter().find(|session| session.device == listener.device);
        named.or_else(|| sessions.last().filter(|_| listener.device.is_empty()))
    }

    fn insert(&mut self, session: &Arc<Session>) {
        let key = (session.viewer, session.what.content);
        self.by_viewer.entry(key).or_default().push(Arc::clone(session));
        self.by_id.insert(session.id, Arc::clone(session));
    }

    fn remove(&mut self, id: StreamId) -> Option<Arc<Session>> {
        let session = self.by_id.remove(&id)?;
        let key = (session.viewer, session.what.content);
        if let Some(sessions) = self.by_viewer.get_mut(&key) {
            sessions.retain(|other| other.id != id);
            if sessions.is_empty() {
                self.by_viewer.remove(&key);
            }
        }
        Some(session)
    }
}

impl Sessions {
    /// Within a runtime. Nothing ends by itself before [`Sessions::keep_tending`] runs.
    #[must_use]
    pub fn new(parts: SessionParts) -> Self {
        let SessionParts { db, streaming, contents, announce, limits, clock } = parts;
        let slots = Slots::new(db, limits);
        Self(Arc::new(Inner {
            streaming,
            contents,
            announce,
            clock,
            opening: Opening::new(slots.clone()),
            slots,
            open: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            hasher: RandomState::new(),
        }))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Holds the session of this listener at this content, which begins if it is not open yet.
    ///
    /// # Errors
    /// [`SessionFault::TooManyOfOne`] and [`SessionFault::AllTaken`] when no slot is free.
    pub async fn watch(
        &self,
        listener: &Listener,
        content: &Content,
        file: &ContentFile,
    ) -> Result<Watching, SessionFault> {
        if let Some(watching) = self.0.watching(listener, content.id) {
            return Ok(watching);
        }
        let what = What {
            content: content.id,
            kind: content.kind,
            title: content.title.clone(),
            size_bytes: file.size_bytes,
            place: self.0.streaming.place(file.media).await,
        };
        // Goes on when the client is gone, so that no claim is left half-made.
        let (inner, listener) = (Arc::clone(&self.0), listener.clone());
        let begun = async move { inner.begin(&listener, what).await }.in_current_span();
        let begun = tokio::spawn(begun).await;
        Ok(Watching::new(begun.map_err(|_| SessionFault::Closed)??))
    }

    /// Ends a session of the caller; an admin's call ends anybody's.
    ///
    /// # Errors
    /// [`SessionFault::NotFound`].
    pub async fn end(&self, caller: &Caller, id: StreamId) -> Result<(), SessionFault> {
        self.0.require(caller, id).await?;
        let local = self.0.open().remove(id);
        if let Some(session) = local {
            self.0.flush(&[session]).await?;
        }
        let ended = self.0.slots.end(&[(id, i64::MAX, Status::Stopped)], self.0.clock.now_ms()).await?;
        if ended.is_empty() {
            return Err(SessionFault::NotFound(id));
        }
        self.0.announce_ends(ended);
        Ok(())
    }

    /// How many sessions this process serves.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.open().by_id.len()
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a session that is open here. Once held it does not end by itself.
    pub(crate) fn watching(&self, listener: &Listener, content: ContentId) -> Option<Watching> {
        self.open().find(listener, content).map(|session| Watching::new(Arc::clone(session)))
    }

    /// Takes out the sessions of which this is true; no request finds them any more.
    fn take(&self, is_over: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut open = self.open();
        let over: Vec<_> = open.by_id.values().filter(|session| is_over(session)).map(|s| s.id).collect();
        over.into_iter().filter_map(|id| open.remove(id)).collect()
    }

    async fn begin(&self, listener: &Listener, what: What) -> Result<Arc<Session>, SessionFault> {
        let turn = self.hasher.hash_one((listener.viewer, what.content)) as usize % TURNS;
        let _turn = self.turns[turn].lock().await;
        if let Some(session) = self.open().find(listener, what.content) {
            return Ok(Arc::clone(session));
        }
        let session = |id| {
            let (clock, announce) = (self.clock.clone(), Arc::clone(&self.announce));
            Arc::new(Session::new(id, listener, what.clone(), clock, announce))
        };
        let mut new = session(StreamId::generate());
        let id = self.claim(&new).await?;
        if id == new.id {
            self.announce_start(&new);
        } else {
            new = session(id);
        }
        self.open().insert(&new);
        Ok(new)
    }

    async fn claim(&self, session: &Arc<Session>) -> Result<StreamId, SessionFault> {
        let now_ms = self.clock.now_ms();
        if !self.slots.is_limited(session.what.kind) {
            return Ok(self.opening.open(Arc::clone(session), now_ms).await?.id);
        }
        let claim = Claim { session, now_ms };
        let claimed = match self.slots.claim(&claim).await {
            // What the viewer went away from a moment ago gives its slot to what they want now.
            Err(SessionFault::TooManyOfOne { .. } | SessionFault::AllTaken { .. })
                if self.let_go(session.viewer).await? =>
            {
                self.slots.claim(&claim).await
            }
            claimed => claimed,
        };
        let (claimed, ended) = claimed?;
        self.announce_ends(ended);
        Ok(claimed.id)
    }

    /// Whether sessions ended that the viewer was cut off from.
    async fn let_go(&self, viewer: Viewer) -> Result<bool, SessionFault> {
        let left = self.take(|session| session.viewer == viewer && session.is_cut_off());
        Ok(self.finish(left).await? > 0)
    }

    /// An open session that the caller may speak of, here or in another process.
    async fn require(&self, caller: &Caller, id: StreamId) -> Result<OpenStream, SessionFault> {
        let not_found = || SessionFault::NotFound(id);
        let local = self.open().by_id.get(&id).cloned();
        let (account, stream) = match local {
            Some(session) => (
                session.viewer.account(),
                OpenStream { id, content: session.what.content, device: named(&session.device) },
            ),
            None => self.find_row(id).await?.ok_or_else(not_found)?,
        };
        // Of a visitor nothing is known but the id, which nobody guesses.
        let is_theirs = account == caller.account() || caller.is_at_least(Role::Admin);
        if is_theirs { Ok(stream) } else { Err(not_found()) }
    }

    fn announce_start(&self, session: &Session) {
        let What { content, place, size_bytes, .. } = session.what;
        let (source, user) = (place.source.as_str(), session.viewer.account());
        tracing::info!(
            service = "stream",
            action = "stream_started",
            user_id = user.map(tracing::field::display),
            content_id = %content,
            session_id = %session.id,
            source,
            cache_hit = place.cache_hit,
            file_size = size_bytes,
            "a stream began"
        );
        self.announce.announce(Event::StreamStarted(StreamStarted {
            session_id: session.id,
            user_id: user,
            content_id: content,
            source: source.to_owned(),
            at_ms: self.clock.now_ms(),
        }));
    }

    fn announce_ends(&self, ended: Vec<StreamStopped>) {
        for stopped in ended {
            self.announce.announce(Event::StreamStopped(stopped));
        }
    }
}

fn named(device: &str) -> Option<String> {
    (!device.is_empty()).then(|| device.to_owned())
}

#[async_trait]
impl StreamSessions for Sessions {
    async fn heard_from(
        &self,
        caller: &Caller,
        id: StreamId,
        playing: Option<bool>,
    ) -> Result<OpenStream, Box<dyn Fault>> {
        self.hear(caller, id, playing).await.map_err(|fault| Box::new(fault) as _)
    }
}

impl Sessions {
    /// A player says that it is there, and whether it plays.
    pub(crate) async fn hear(
        &self,
        caller: &Caller,
        id: StreamId,
        playing: Option<bool>,
    ) -> Result<OpenStream, SessionFault> {
        let stream = self.0.require(caller, id).await?;
        let local = self.0.open().by_id.get(&id).cloned();
        match local {
            Some(session) => {
                session.touch();
                if let Some(playing) = playing {
                    session.set_paused(!playing);
                }
            }
            // Another process has it: that one notices by the row.
            None => self.0.touch_row(id, playing).await?,
        }
        Ok(stream)
    }
}
