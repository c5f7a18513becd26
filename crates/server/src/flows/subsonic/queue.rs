//! What an account wants to hear next: one queue for all of its players.

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{AccountId, ContentId, Fault, Moment, PersonalData};
use sori_db::{Db, DbError, now_ms};
use uuid::Uuid;

#[derive(Clone)]
pub struct PlayQueues(Db);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlayQueue {
    pub(super) entries: Vec<ContentId>,
    pub(super) current: Option<ContentId>,
    pub(super) position_ms: i64,
    pub(super) changed_by: String,
    pub(super) changed_at_ms: i64,
}

impl PlayQueues {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    /// One without entries is none.
    pub(super) async fn save(
        &self,
        account: AccountId,
        entries: &[ContentId],
        current: Option<ContentId>,
        position_ms: i64,
        by: &str,
    ) -> Result<(), DbError> {
        if entries.is_empty() {
            return self.remove(account).await;
        }
        self.0
            .query(
                "INSERT INTO server_play_queue (account_id, entries, current_id, position_ms, changed_by, changed_at_ms)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (account_id) DO UPDATE SET entries = excluded.entries, current_id = excluded.current_id,
                    position_ms = excluded.position_ms, changed_by = excluded.changed_by,
                    changed_at_ms = excluded.changed_at_ms",
            )
            .bind(account)
            .bind(json!(entries))
            .bind(current)
            .bind(position_ms)
            .bind(by)
            .bind(now_ms())
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn find(&self, account: AccountId) -> Result<Option<PlayQueue>, DbError> {
        let row: Option<(String, Option<Uuid>, i64, String, i64)> = self
            .0
            .query(
                "SELECT entries, current_id, position_ms, changed_by, changed_at_ms FROM server_play_queue
                 WHERE account_id = $1",
            )
            .bind(account)
            .fetch_optional()
            .await?;
        Ok(row.map(|(entries, current, position_ms, changed_by, changed_at_ms)| PlayQueue {
            entries: serde_json::from_str(&entries).unwrap_or_default(),
            current: current.map(ContentId),
            position_ms,
            changed_by,
            changed_at_ms,
        }))
    }

    async fn remove(&self, account: AccountId) -> Result<(), DbError> {
        let sql = "DELETE FROM server_play_queue WHERE account_id = $1";
        self.0.query(sql).bind(account).execute().await.map(drop)
    }
}

#[async_trait]
impl PersonalData for PlayQueues {
    fn name(&self) -> &'static str {
        "play_queue"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        let queue = self.find(account).await.map_err(|error| Box::new(error) as Box<dyn Fault>)?;
        Ok(queue.map_or(Value::Null, |queue| {
            json!({"entries": queue.entries, "current": queue.current, "position_ms": queue.position_ms,
                "changed_by": queue.changed_by, "changed_at": Moment(queue.changed_at_ms)})
        }))
    }

    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        self.remove(account).await.map_err(|error| Box::new(error) as _)
    }
}
