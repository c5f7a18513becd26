//! Voices: scripts become sound with captions.
//!
//! Per line an engine or the cache, then the timeline, the mix, the files and a transcript. The
//! whole of it runs without a server too: [`Renderer`] is what `sori render` calls.

pub mod cast;
pub mod encode;
pub mod engine;
pub mod engines;
pub mod fault;
pub mod line_cache;
mod personal;
pub mod placement;
pub mod render;
pub mod renderings;
pub mod routes;
pub mod saved;
pub mod synthesize;
pub mod testing;
pub mod transcript;
pub mod voices;
pub mod voicing;

use std::{path::PathBuf, sync::Arc};

use sori_contracts::{AccountId, Caller, JobHandler, MediaFault, MediaStore, NewJob, RenderingId, Role};
use sori_db::{Db, JobQueue, MigrationSet};

pub use encode::{ChapterMark, EncodedFile, Encoders, FileEncoder, FileOrder};
pub use engines::Engines;
pub use fault::RenderFault;
pub use line_cache::LineCache;
pub use render::{RenderOptions, Rendered, Renderer};
pub use renderings::{Rendering, RenderingFault, Renderings};
pub use saved::SavedScripts;
pub use synthesize::{RenderScript, RenderingListener, ScriptRendered};
pub use transcript::Transcript;
pub use voices::VoiceName;

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("voice", "0001_rendering", "0002_owner");

/// What the block needs from the others.
pub struct VoiceParts {
    pub db: Db,
    pub engines: Engines,
    pub cache: LineCache,
    pub encoders: Arc<dyn Encoders>,
    pub media: Arc<dyn MediaStore>,
    pub queue: Arc<dyn JobQueue>,
    pub listener: Arc<dyn RenderingListener>,
    pub scripts: Arc<dyn SavedScripts>,
    /// Where files are written before they are stored; on the same disk as the media.
    pub scratch: PathBuf,
    /// How many threads speak at once.
    pub lanes: usize,
}

#[derive(Clone)]
pub struct Voice(Arc<Inner>);

pub struct Inner {
    pub(crate) renderings: Renderings,
    pub(crate) engines: Engines,
    pub(crate) cache: LineCache,
    pub(crate) encoders: Arc<dyn Encoders>,
    pub(crate) media: Arc<dyn MediaStore>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) listener: Arc<dyn RenderingListener>,
    pub(crate) scripts: Arc<dyn SavedScripts>,
    pub(crate) scratch: PathBuf,
    pub(crate) lanes: usize,
    pub(crate) previews: tokio::sync::Semaphore,
}

impl std::ops::Deref for Voice {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Voice {
    #[must_use]
    pub fn new(parts: VoiceParts) -> Self {
        Self(Arc::new(Inner {
            renderings: Renderings::new(parts.db),
            engines: parts.engines,
            cache: parts.cache,
            encoders: parts.encoders,
            media: parts.media,
            queue: parts.queue,
            listener: parts.listener,
            scripts: parts.scripts,
            scratch: parts.scratch,
            lanes: parts.lanes,
            previews: tokio::sync::Semaphore::new(1),
        }))
    }

    #[must_use]
    pub fn handlers(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![
            Arc::new(synthesize::RenderScriptHandler(self.clone())),
            Arc::new(synthesize::ForgetScriptHandler(self.clone())),
        ]
    }

    /// Checks an order and puts it into the queue, once. The job and what it makes are the owner's.
    pub async fn order(
        &self,
        order: RenderScript,
        owner: Option<AccountId>,
        priority: sori_contracts::Priority,
        once: sori_http::Once,
    ) -> Result<sori_contracts::JobId, sori_http::Problem> {
        routes::check_order(self, &order)?;
        let job = NewJob { id: once.0.map(sori_contracts::JobId), owner, ..order.into_job(priority) };
        Ok(self.queue.enqueue_now(job).await?)
    }

    /// A rendering, if it exists for this caller: what was voiced for a script is for those who may
    /// see the script, anything else for whoever ordered it.
    pub async fn rendering_for(
        &self,
        caller: &Caller,
        id: RenderingId,
    ) -> Result<Rendering, sori_http::Problem> {
        let rendering = self.renderings.get(id).await?;
        let is_theirs = match rendering.script_id {
            Some(script) => {
                let right = self.scripts.right(caller, script).await;
                right.map_err(sori_http::Problem::from_boxed)?.is_some()
            }
            None => {
                let is_owner = rendering.owner.is_some() && rendering.owner == caller.account();
                is_owner || caller.is_at_least(Role::Admin)
            }
        };
        if is_theirs { Ok(rendering) } else { Err(RenderingFault::NotFound(id).into()) }
    }

    /// How long a rendering is, and its files. Asks nobody's rights.
    pub async fn sound(&self, id: RenderingId) -> Result<renderings::RenderingSound, RenderingFault> {
        self.renderings.sound(id).await
    }

    /// Removes a rendering with its files, and tells the script that had it.
    pub async fn remove(&self, id: RenderingId) -> Result<(), sori_contracts::JobError> {
        let rendering = self.renderings.get(id).await?;
        if let Some(script) = rendering.script_id {
            self.listener.removed(script, id).await.map_err(sori_contracts::JobError::Fault)?;
        }
        for media in self.renderings.remove(id).await? {
            self.media.delete(media).await?;
        }
        Ok(())
    }

    /// Whether any voice of a person can speak now.
    #[must_use]
    pub fn has_neural_voice(&self) -> bool {
        self.engines.voices().iter().any(|voice| voice.available && voice.gender != voices::Gender::None)
    }

    fn scratch_folder(&self) -> Result<tempfile::TempDir, MediaFault> {
        std::fs::create_dir_all(&self.scratch)
            .and_then(|()| tempfile::Builder::new().prefix("render-").tempdir_in(&self.scratch))
            .map_err(|e| MediaFault::from_io("making a folder to render in", e))
    }
}

/// How many threads speak when nothing is configured: all cores.
#[must_use]
pub fn default_lanes() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
