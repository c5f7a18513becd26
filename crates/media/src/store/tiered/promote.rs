//! What is used much becomes a whole local file.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{cache::Cache, entry::Entry};

impl Cache {
    /// Once half of an object was asked for, the rest will be: it is fetched when nobody else promotes.
    /// What would take more than a quarter of the cache stays in blocks.
    pub(super) fn promote_if_used(self: &Arc<Self>, entry: &Arc<Entry>) {
        if entry.media.size_bytes > self.limit_bytes() / 4 {
            return;
        }
        let missing = entry.missing().len();
        {
            let mut state = entry.lock();
            let is_used = missing * 2 <= Entry::blocks_of(entry.media.size_bytes);
            if state.is_whole || state.is_promoting || !is_used {
                return;
            }
            state.is_promoting = true;
        }
        let (cache, entry) = (Arc::clone(self), Arc::clone(entry));
        tokio::spawn(async move {
            let is_whole = cache.promote(&entry).await;
            if is_whole {
                cache.count_promoted();
            }
            // One that failed is tried again when somebody reads it again.
            entry.lock().is_promoting = false;
        });
    }

    async fn promote(self: &Arc<Self>, entry: &Arc<Entry>) -> bool {
        let Ok(_turn) = self.promoting.acquire().await else { return false };
        for block in entry.missing() {
            let flight = {
                let mut state = entry.lock();
                state.flights.entry(block).or_insert_with(|| self.fetch(entry, block)).clone()
            };
            if flight.await.is_err() {
                return false;
            }
        }
        if !entry.is_complete() {
            return false;
        }
        let making = Arc::clone(entry);
        match spawn_blocking(move || making.make_whole()).await {
            Ok(Ok(true)) => true,
            Ok(Ok(false)) if entry.is_complete() => {
                tracing::error!(id = %entry.media.id, "the origin has other bytes than were stored");
                let _ = self.drop_entry(Arc::clone(entry)).await;
                false
            }
            Ok(Ok(false)) => false,
            failed => {
                tracing::warn!(id = %entry.media.id, ?failed, "an object cannot be made whole");
                false
            }
        }
    }
}
