//! What has to be done while nobody asks: unfinished uploads expire, those that a crash left behind are
//! finished, and objects that nothing names are deleted.

use std::{
    sync::Weak,
    time::{Duration, SystemTime},
};

use sori_contracts::{ContentId, Fault, MediaFault, MediaId};
use sori_db::now_ms;
use uuid::Uuid;

use super::{Inner, Library, LibraryFault, remove_file};

const EVERY: Duration = Duration::from_secs(60);
/// Files without a row may belong to another process that is making the row.
const ORPHAN: Duration = Duration::from_secs(86_400);

/// Until the library is gone.
pub(super) async fn run(library: Weak<Inner>) {
    while let Some(inner) = library.upgrade() {
        if let Err(fault) = Library(inner).keep(now_ms()).await {
            tracing::warn!(%fault, "uploads could not be looked through");
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Library {
    pub(super) async fn keep(&self, now_ms: i64) -> Result<(), LibraryFault> {
        for row in self.all_uploads().await? {
            let is_whole = self.length_on_disk(&row).await? == row.length();
            let is_over = row.expires_at_ms <= now_ms;
            if is_whole || is_over {
                let outcome = self.settle(row.id(), now_ms).await;
                if let Err(fault) = outcome
                    && fault.kind() != sori_contracts::Kind::NotFound
                {
                    tracing::warn!(id = %row.id, %fault, "an upload could not be settled");
                }
            }
        }
        self.bury().await?;
        self.remove_orphans().await
    }

    /// Finishes or removes one upload, as it stands when its turn has come.
    async fn settle(&self, id: ContentId, now_ms: i64) -> Result<(), LibraryFault> {
        let _held = self.0.turns.take(id).await;
        let Some(row) = self.upload(id).await? else { return Ok(()) };
        let is_whole = self.length_on_disk(&row).await? == row.length();
        if row.expires_at_ms <= now_ms {
            tracing::info!(%id, "an unfinished upload expired");
            self.discard(&row).await
        } else if is_whole {
            self.finish(id).await
        } else {
            Ok(())
        }
    }

    /// Deletes objects that nothing names. One that cannot be deleted now stays for the next time.
    pub(super) async fn bury(&self) -> Result<(), LibraryFault> {
        let graves: Vec<(Uuid,)> = self
            .0
            .db
            .query("SELECT media_id FROM media_grave ORDER BY created_at_ms LIMIT 1000")
            .fetch_all()
            .await?;
        for (media,) in graves {
            match self.0.store.delete(MediaId(media)).await {
                Ok(()) => {
                    let done = self.0.db.query("DELETE FROM media_grave WHERE media_id = $1");
                    done.bind(media).execute().await?;
                }
                Err(fault) => tracing::warn!(%media, %fault, "an object could not be deleted"),
            }
        }
        Ok(())
    }

    async fn remove_orphans(&self) -> Result<(), LibraryFault> {
        let io = |error| MediaFault::from_io("looking through uploads", error);
        let mut entries = tokio::fs::read_dir(&self.0.folder).await.map_err(io)?;
        while let Some(entry) = entries.next_entry().await.map_err(io)? {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".part")?.parse::<ContentId>().ok());
            let written = entry.metadata().await.and_then(|file| file.modified()).ok();
            let age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
            if let Some(id) = id
                && age.is_some_and(|age| age > ORPHAN)
                && self.upload(id).await?.is_none()
            {
                remove_file(&entry.path()).await?;
            }
        }
        Ok(())
    }
}
