//! Listening: where everybody stopped, on every device, and what they marked.
//!
//! [`rule`] says who is right about a position; it is pure. [`progress`] keeps positions with a log of every
//! update that came, so that what was lost can be had back. [`sync`] tells an account's devices at once.
//!
//! Not in here: sending sound (the streaming block) and knowing what exists for whom
//! ([`sori_contracts::Contents`]).

mod bookmarks;
mod clips;
mod device;
mod devices;
mod elsewhere;
mod fault;
mod personal;
mod playback;
mod progress;
mod routes;
mod rule;
mod sync;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sori_contracts::{AccountId, ContentId, Contents, Fault, JobHandler, Resume, Resumes, StreamSessions};
use sori_db::{Db, JobQueue, MigrationSet};

pub use bookmarks::{LineSpan, Lines};
pub use clips::{Clip, Clips, Cut, Cutter};
pub use elsewhere::{PlaceMark, Told};
pub use fault::ListeningFault;

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("listening", "0001_listening");

/// What the block needs from the others.
pub struct ListeningParts {
    pub db: Db,
    pub contents: Arc<dyn Contents>,
    pub sessions: Arc<dyn StreamSessions>,
    pub lines: Arc<dyn Lines>,
    pub cutter: Arc<dyn Cutter>,
    pub queue: Arc<dyn JobQueue>,
    /// How soon a socket notices that its credential was taken back. [`CHECK_EVERY`] is good.
    pub check_every: Duration,
}

/// Each check is one look into what the process knows, and one write that the device is there.
pub const CHECK_EVERY: Duration = Duration::from_secs(30);

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Listening(Arc<Inner>);

struct Inner {
    db: Db,
    contents: Arc<dyn Contents>,
    sessions: Arc<dyn StreamSessions>,
    lines: Arc<dyn Lines>,
    clips: Clips,
    cutter: Arc<dyn Cutter>,
    queue: Arc<dyn JobQueue>,
    check_every: Duration,
    sync: sync::Sync,
}

impl Listening {
    /// Within a runtime: a task hears other processes that share the database until
    /// [`Listening::close_sockets`].
    #[must_use]
    pub fn new(parts: ListeningParts) -> Self {
        let ListeningParts { db, contents, sessions, lines, cutter, queue, check_every } = parts;
        let (sync, clips) = (sync::Sync::new(db.clone()), Clips::new(db.clone()));
        Self(Arc::new(Inner { db, contents, sessions, lines, clips, cutter, queue, check_every, sync }))
    }

    #[must_use]
    pub fn handlers(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(clips::CutClip(self.clone()))]
    }

    /// Ends all sockets; the server stops.
    pub fn close_sockets(&self) {
        self.0.sync.close();
    }
}

#[async_trait]
impl Resumes for Listening {
    async fn resume(&self, account: AccountId, content: ContentId) -> Result<Resume, Box<dyn Fault>> {
        let boxed = |fault: ListeningFault| Box::new(fault) as Box<dyn Fault>;
        let (position_ms, version) = match self.progress_of(account, content).await {
            Ok(progress) => (progress.position_ms, progress.version),
            Err(ListeningFault::NoProgress(_)) => (0, 0),
            Err(fault) => return Err(boxed(fault)),
        };
        let speed = self.playback(account, content).await.map_err(boxed)?.speed;
        Ok(Resume { position_ms, version, speed })
    }
}
