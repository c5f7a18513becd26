//! Packages whose source is gone, or that nobody has used for long, are removed with their files.

use std::{sync::Weak, time::Duration};

use sori_contracts::{Fault, Kind, MediaId};
use sori_db::now_ms;

use super::{Hls, HlsFault, Inner, packages::PackageId};

const SWEEP_EVERY: Duration = Duration::from_secs(300);
/// Long enough that nobody waits for it any more.
const FORGOTTEN_AFTER_MS: i64 = 86_400_000;

pub(crate) async fn keep_swept(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(fault) = Hls(inner).sweep().await {
            tracing::warn!(%fault, "packages could not be swept");
        }
    }
}

impl Hls {
    /// Removes what nobody needs; says how many.
    ///
    /// # Errors
    /// Those of the database and of the store.
    pub async fn sweep(&self) -> Result<usize, HlsFault> {
        let oldest_ms = now_ms() - i64::try_from(self.0.keep_unused.as_millis()).unwrap_or(i64::MAX);
        let mut removed = 0;
        for (id, source, used_at_ms) in self.0.packages.ready().await? {
            if used_at_ms < oldest_ms || self.is_gone(source).await {
                // The row first: nobody is sent to objects that are about to go.
                self.0.packages.remove(id).await?;
                self.0.ready.invalidate(&id);
                removed += 1;
            }
        }
        self.0.packages.forget_over(now_ms() - FORGOTTEN_AFTER_MS).await?;
        for id in self.0.packages.left_over().await? {
            self.discard(id).await?;
        }
        self.sweep_folders().await?;
        Ok(removed)
    }

    async fn is_gone(&self, source: MediaId) -> bool {
        // A store that cannot be asked now is no reason to throw anything away.
        matches!(self.0.media.stat(source).await, Err(fault) if fault.kind() == Kind::NotFound)
    }

    /// The objects of a package that is not there any more, or not ready.
    pub(crate) async fn discard(&self, id: PackageId) -> Result<(), HlsFault> {
        for media in self.0.packages.media(id).await? {
            self.0.media.delete(media).await?;
        }
        Ok(self.0.packages.remove_renditions(id).await?)
    }

    /// What processes that died left behind.
    async fn sweep_folders(&self) -> Result<(), HlsFault> {
        for id in self.0.growing.packages().await? {
            if self.0.packages.get(id).await?.is_none_or(|row| row.is_over(now_ms())) {
                self.0.growing.remove(id).await?;
            }
        }
        Ok(())
    }
}
