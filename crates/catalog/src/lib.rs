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
mod export;
mod fault;
mod fields;
mod fold;
mod import;
mod library;
mod lines;
mod ownership;
mod personal;
mod problems;
mod renderings;
mod routes;
mod scripts;
mod select;
mod shares;
mod shows;
mod words;

use std::sync::Arc;

use sori_contracts::Accounts;
use sori_db::{Db, DbError, JobQueue, MigrationSet};

pub use actors::{ActorChange, ActorView, NewActor};
pub use fault::CatalogFault;
pub use library::{ScriptFilter, ScriptSort, ScriptSummary};
pub use lines::{LineChange, LineFilter, LineView};
pub use ownership::{Library, Ownedness, Visibility};
pub use problems::Remark;
pub use renderings::{HeardScript, RenderedLine, RenderedWord};
pub use scripts::{Document, NewScript, ScriptChange, ScriptDocument, ScriptView};
pub use shares::ShareView;
pub use shows::{NewShow, ShowChange, ShowFilter, ShowRef, ShowView};
pub use words::WordView;

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("catalog", "0001_catalog", "0002_owner");

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    db: Db,
    queue: Option<Arc<dyn JobQueue>>,
    accounts: Option<Arc<dyn Accounts>>,
}

impl Catalog {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, queue: None, accounts: None }
    }

    /// With a queue, deleting a script orders [`sori_contracts::jobs::FORGET_SCRIPT`] in the same transaction.
    #[must_use]
    pub fn with_queue(self, queue: Arc<dyn JobQueue>) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// Whom scripts can be shared with; without it nobody is found.
    #[must_use]
    pub fn with_accounts(self, accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts: Some(accounts), ..self }
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
