//! HTTP Live Streaming (RFC 8216) out of one fragmented MP4 file a rendition.
//!
//! FFmpeg encodes once; the playlists are written here from the fragments that really are in the files
//! ([`index`], [`playlist`]), so that a playlist never promises a cut that is not there. Every segment is
//! a byte range of one immutable object, and goes out the way all objects do ([`Streaming::answer`]).
//! While FFmpeg is still writing, the index grows with the file and what is whole of it is played
//! ([`growing`]); whoever listens first begins the packaging ([`packing`]), or a job does ahead of time
//! ([`prepare`]). What cannot be packaged is played as it is, by range.

mod fault;
mod growing;
mod index;
mod ladder;
mod packages;
mod packing;
mod playlist;
mod prepare;
mod routes;
mod shown;
mod sweep;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use moka::sync::Cache;
use sori_contracts::{
    Announce, Caller, Cancel, Content, ContentId, Contents, Fault, JobHandler, MediaFiles, MediaId,
    MediaStore, Packager,
};
use sori_db::{Db, JobQueue};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

use crate::{Sessions, Streaming};
use growing::Growing;
use packages::{PackageId, Packages};
use shown::Shown;

pub use fault::HlsFault;
pub use ladder::Source;
pub use prepare::{PrepareState, PrepareStatus};
pub use shown::Quality;

/// Packages whose playlists are written again without a look into the database.
const READY_KEPT: u64 = 200;
/// What follows a content is prepared once in this time.
const PREFETCHED_FOR: Duration = Duration::from_secs(600);

/// How long the addresses of a content's parts are good: for whoever stops in between and goes on.
#[must_use]
pub fn lasting(content: &Content) -> Duration {
    const LONGEST: Duration = Duration::from_secs(24 * 3_600);
    let once = Duration::from_millis(content.duration_ms.unwrap_or(0));
    (once.saturating_mul(2) + Duration::from_secs(3_600)).min(LONGEST)
}

/// Captions that are shown while something plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionTrack {
    /// BCP 47.
    pub language: String,
    /// For the listener's menu.
    pub name: String,
    pub webvtt: String,
}

/// Knows the captions of contents.
#[async_trait]
pub trait CaptionTracks: Send + Sync {
    async fn track(&self, caller: &Caller, content: &Content)
    -> Result<Option<CaptionTrack>, Box<dyn Fault>>;
}

/// What packaging needs from others.
pub struct HlsParts {
    pub db: Db,
    pub streaming: Streaming,
    pub sessions: Sessions,
    pub media: Arc<dyn MediaStore>,
    pub files: Arc<dyn MediaFiles>,
    pub packager: Arc<dyn Packager>,
    pub contents: Arc<dyn Contents>,
    pub captions: Arc<dyn CaptionTracks>,
    pub queue: Arc<dyn JobQueue>,
    pub announce: Arc<dyn Announce>,
    /// Where files grow; on the same disk as the media, and seen by every process of the installation.
    pub folder: PathBuf,
    /// How many are packaged at once for listeners who wait; one more is for jobs.
    pub workers: usize,
    /// A package that nobody used for so long is removed; it can be made again.
    pub keep_unused: Duration,
}

/// Playlists and packages. Cheap to clone.
#[derive(Clone)]
pub struct Hls(Arc<Inner>);

struct Inner {
    packages: Packages,
    growing: Growing,
    streaming: Streaming,
    sessions: Sessions,
    media: Arc<dyn MediaStore>,
    files: Arc<dyn MediaFiles>,
    packager: Arc<dyn Packager>,
    contents: Arc<dyn Contents>,
    captions: Arc<dyn CaptionTracks>,
    queue: Arc<dyn JobQueue>,
    announce: Arc<dyn Announce>,
    /// For listeners who wait, and for work ahead of time, which must not keep them waiting.
    live: Semaphore,
    quiet: Semaphore,
    /// What this process packages for listeners.
    under_way: Mutex<HashMap<MediaId, Cancel>>,
    ready: Cache<PackageId, Arc<Shown>>,
    prefetched: Cache<ContentId, ()>,
    keep_unused: Duration,
}

impl Hls {
    /// Within a runtime: a task removes packages that nobody needs.
    #[must_use]
    pub fn new(parts: HlsParts) -> Self {
        let hls = Self(Arc::new(Inner {
            packages: Packages { db: parts.db },
            growing: Growing::new(parts.folder),
            streaming: parts.streaming,
            sessions: parts.sessions,
            media: parts.media,
            files: parts.files,
            packager: parts.packager,
            contents: parts.contents,
            captions: parts.captions,
            queue: parts.queue,
            announce: parts.announce,
            live: Semaphore::new(parts.workers.max(1)),
            quiet: Semaphore::new(1),
            under_way: Mutex::default(),
            ready: Cache::new(READY_KEPT),
            prefetched: Cache::builder().max_capacity(10_000).time_to_live(PREFETCHED_FOR).build(),
            keep_unused: parts.keep_unused,
        }));
        tokio::spawn(sweep::keep_swept(Arc::downgrade(&hls.0)));
        hls
    }

    pub fn routes(&self) -> OpenApiRouter {
        routes::routes(self.clone()).merge(prepare::routes(self.clone()))
    }

    #[must_use]
    pub fn handlers(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(prepare::PackageContentHandler(self.clone()))]
    }

    /// Ends what is packaged for listeners; the next one begins it anew.
    pub fn stop(&self) {
        self.under_way().values().for_each(Cancel::cancel);
    }

    /// The address of the multivariant playlist.
    #[must_use]
    pub fn path(content: ContentId) -> String {
        format!("/api/stream/{content}/hls/master.m3u8")
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<MediaId, Cancel>> {
        self.0.under_way.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
