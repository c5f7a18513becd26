//! What happens to sessions every few seconds: they are written down, they end, and those of dead
//! processes are cleared away.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

use sori_db::DbError;
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Sessions,
    session::{Session, Status},
};

/// Also what a crash may lose of the counters.
const EVERY: Duration = Duration::from_secs(5);
/// Whoever was cut off and does not come back is gone. A seek comes back at once, a train leaves its
/// tunnel later, and then a new session begins.
const GONE_AFTER_MS: i64 = 10_000;
/// Nothing was asked for, nothing left, nothing was heard: longer than a player plays out of its buffer.
const IDLE_AFTER_MS: i64 = 90_000;
/// A player that said it paused.
const PAUSED_FOR_MS: i64 = 15 * 60_000;
/// What somebody without an account listened to is nobody's history.
const UNNAMED_KEPT_MS: i64 = 30 * 86_400_000;

impl Sessions {
    /// Once now.
    ///
    /// # Errors
    /// When the database cannot be reached; the counters wait for the next time.
    pub async fn tend(&self) -> Result<(), DbError> {
        self.0.tend().await
    }

    /// Again and again until `stop`; then everything that is open here ends, and its slots are free.
    pub async fn keep_tending(&self, stop: CancellationToken) {
        let inner = Arc::downgrade(&self.0);
        loop {
            let Some(strong) = Weak::upgrade(&inner) else { return };
            if let Err(error) = strong.tend().await {
                tracing::warn!(%error, "streaming sessions were not written down; they will be");
            }
            drop(strong);
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                break;
            }
        }
        if let Err(error) = self.close().await {
            tracing::warn!(%error, "open streaming sessions were left to their leases");
        }
    }

    /// Ends everything that is open here.
    ///
    /// # Errors
    /// When the database cannot be reached; then the leases run out.
    pub async fn close(&self) -> Result<(), DbError> {
        self.0.finish(self.0.take(|_| true)).await.map(drop)
    }
}

impl Inner {
    async fn tend(&self) -> Result<(), DbError> {
        let sessions: Vec<_> = self.open().by_id.values().cloned().collect();
        sessions.iter().for_each(|session| session.look());
        self.flush(&sessions).await?;
        let now_ms = self.clock.now_ms();
        self.finish(self.take(|session| is_over(session, now_ms))).await?;
        self.announce_ends(self.slots.reap(now_ms).await?);
        self.slots
            .db()
            .query("DELETE FROM streaming_session WHERE account_id IS NULL AND ended_at_ms < $1")
            .bind(now_ms - UNNAMED_KEPT_MS)
            .execute()
            .await?;
        Ok(())
    }

    /// Writes down what the sessions did. What ended elsewhere is forgotten here.
    pub(super) async fn flush(&self, sessions: &[Arc<Session>]) -> Result<(), DbError> {
        let _writing = self.writing.lock().await;
        let counted: Vec<_> = sessions.iter().map(|session| (session, session.unstored())).collect();
        let rows: Vec<(&Session, u64)> = counted.iter().map(|(s, (new, _))| (&***s, *new)).collect();
        let still_open = self.slots.renew(&rows, self.clock.now_ms()).await?;
        let still_open: HashSet<_> = still_open.into_iter().collect();
        for (session, (_, all)) in counted {
            session.set_stored(all);
            if !still_open.contains(&session.id) {
                self.open().remove(session.id);
            }
        }
        Ok(())
    }

    /// Ends sessions that were taken out, with all that is known of them, and answers how many that were.
    /// One that another process serves too stays open there.
    pub(super) async fn finish(&self, sessions: Vec<Arc<Session>>) -> Result<usize, DbError> {
        if sessions.is_empty() {
            return Ok(0);
        }
        self.flush(&sessions).await?;
        let ends: Vec<_> = sessions
            .iter()
            .map(|session| {
                let status = if session.status() == Status::Error { Status::Error } else { Status::Stopped };
                (session.id, session.active_at_ms(), status)
            })
            .collect();
        let ended = self.slots.end(&ends, self.clock.now_ms()).await?;
        let count = ended.len();
        self.announce_ends(ended);
        Ok(count)
    }
}

fn is_over(session: &Session, now_ms: i64) -> bool {
    let silent_ms = now_ms - session.active_at_ms();
    let patience_ms = match session.is_paused() {
        true => PAUSED_FOR_MS,
        false if session.is_cut_off() => GONE_AFTER_MS,
        false => IDLE_AFTER_MS,
    };
    // A connection that takes nothing is cut off by itself.
    !session.is_in_flight() && silent_ms >= patience_ms
}
