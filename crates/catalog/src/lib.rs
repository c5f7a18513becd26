//! The catalog: shows, scripts, their lines and words, and the actors who speak them.
//!
//! It keeps the canonical script exactly and gives every line an id that survives edits, so that
//! renderings, takes and bookmarks keep their lines. It knows nothing of voices or of audio: a
//! flow of the server tells it the times of a finished rendering ([`Catalog::attach_rendering`]).
//!
//! Not in here: reading formats (`sori_script`) and rendering (the voices block).

mod actors;
mod align;
mod compat;
mod document;
mod fault;
mod fields;
mod fold;
mod import;
mod library;
mod lines;
mod problems;
mod renderings;
mod routes;
mod scripts;
mod select;
mod shows;
mod words;

use std::sync::Arc;

use sori_db::{Db, DbError, JobQueue, MigrationSet};

pub use actors::{ActorChange, ActorView, NewActor};
pub use fault::CatalogFault;
pub use library::{ScriptFilter, ScriptSort, ScriptSummary};
pub use lines::{LineChange, LineFilter, LineView};
pub use problems::Remark;
pub use renderings::{RenderedLine, RenderedWord};
pub use scripts::{Document, NewScript, ScriptChange, ScriptDocument, ScriptView};
pub use shows::{NewShow, ShowChange, ShowRef, ShowView};
pub use words::WordView;

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("catalog", "0001_catalog");

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    db: Db,
    queue: Option<Arc<dyn JobQueue>>,
}

impl Catalog {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, queue: None }
    }

    /// With a queue, deleting a script orders [`sori_contracts::jobs::FORGET_SCRIPT`] in the same transaction.
    #[must_use]
    pub fn with_queue(self, queue: Arc<dyn JobQueue>) -> Self {
        Self { queue: Some(queue), ..self }
    }

    #[must_use]
    pub fn migrations() -> MigrationSet {
        MIGRATIONS
    }

    /// Whether there is no script yet.
    pub async fn is_empty(&self) -> Result<bool, DbError> {
        let any: Option<(uuid::Uuid,)> =
            self.db.query("SELECT id FROM catalog_script LIMIT 1").fetch_optional().await?;
        Ok(any.is_none())
    }
}
