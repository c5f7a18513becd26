//! The log of a content, and going back to what it holds.

use serde::Serialize;
use sori_contracts::{AccountId, Caller, ContentId, Member};
use sori_db::now_ms;
use uuid::Uuid;

use super::{Progress, store};
use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    rule::{Base, Reason, Update, When},
    sync::{Envelope, Push},
};

/// One update that came.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema, sqlx::FromRow)]
pub(crate) struct LogEntry {
    /// Counts the updates of this content.
    pub(crate) number: i64,
    /// Why it was taken (`first`, `informed`, `same_device`, `later`, `moved`, `undone`) or not
    /// (`starts_over`, `older`, `stale`, `still`).
    pub(crate) outcome: String,
    pub(crate) position_ms: i64,
    pub(crate) device_id: String,
    /// By the device's own clock, when it said so.
    pub(crate) device_time_ms: Option<i64>,
    pub(crate) base_version: Option<i64>,
    pub(crate) heard_at_ms: i64,
    pub(crate) received_at_ms: i64,
    /// What stood when it came.
    pub(crate) replaced_version: i64,
    pub(crate) replaced_position_ms: i64,
}

impl LogEntry {
    /// What was lost by it: what it replaced, or itself.
    fn lost_position_ms(&self) -> i64 {
        let was_refused = [Reason::Older, Reason::Stale].iter().any(|reason| reason.as_str() == self.outcome);
        if was_refused { self.position_ms } else { self.replaced_position_ms }
    }
}

/// How to go back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Undo {
    /// To where the last jump came from.
    LastJump,
    /// To where this entry of the log was.
    Entry(i64),
}

/// An entry for its owner, who reads of all contents at once.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(crate) struct OwnEntry {
    content_id: Uuid,
    number: i64,
    outcome: String,
    position_ms: i64,
    device_id: String,
    heard_at_ms: i64,
}

impl Listening {
    pub(crate) async fn whole_log(&self, account: AccountId) -> Result<Vec<OwnEntry>, ListeningFault> {
        let entries = self
            .0
            .db
            .query(
                "SELECT content_id, number, outcome, position_ms, device_id, heard_at_ms
                 FROM listening_log WHERE account_id = $1 ORDER BY content_id, number",
            )
            .bind(account)
            .fetch_all()
            .await?;
        Ok(entries)
    }

    /// The log of a content, newest first.
    pub(crate) async fn log(
        &self,
        member: Member,
        content: ContentId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, ListeningFault> {
        self.0.contents.content(&Caller::Account(member), content).await?;
        let entries = self
            .0
            .db
            .query(
                "SELECT number, outcome, position_ms, device_id, device_time_ms, base_version, heard_at_ms,
                    received_at_ms, replaced_version, replaced_position_ms
                 FROM listening_log WHERE account_id = $1 AND content_id = $2 AND number < $3
                 ORDER BY number DESC LIMIT $4",
            )
            .bind(member.account)
            .bind(content)
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all()
            .await?;
        Ok(entries)
    }

    /// Goes back to a position that was lost; a second time, to where it came from.
    pub(crate) async fn undo(
        &self,
        member: Member,
        content: ContentId,
        device: &DeviceId,
        undo: Undo,
    ) -> Result<Progress, ListeningFault> {
        self.0.contents.content(&Caller::Account(member), content).await?;
        let account = member.account;
        let received_at_ms = now_ms();
        let mut tx = self.0.db.begin().await?;
        let row = store::take(&mut tx, account, content).await?;
        let number = match undo {
            Undo::LastJump => None,
            Undo::Entry(number) => Some(number),
        };
        let found: Option<LogEntry> = tx
            .query(
                "SELECT number, outcome, position_ms, device_id, device_time_ms, base_version, heard_at_ms,
                    received_at_ms, replaced_version, replaced_position_ms
                 FROM listening_log WHERE account_id = $1 AND content_id = $2
                    AND ((CAST($3 AS BIGINT) IS NULL AND notable IS NOT NULL) OR number = $3)
                 ORDER BY number DESC LIMIT 1",
            )
            .bind(account)
            .bind(content)
            .bind(number)
            .fetch_optional()
            .await?;
        let (Some(entry), Some(standing)) = (found, row.standing()) else {
            return Err(ListeningFault::NothingLost(content));
        };
        let position_ms = match undo {
            Undo::LastJump => entry.lost_position_ms(),
            Undo::Entry(_) => entry.position_ms,
        };
        let update = Update {
            position_ms: position_ms as u64,
            duration_ms: standing.duration_ms,
            device: device.to_string(),
            base: Base::Version(standing.version),
            when: When::Now { device_time_ms: None },
            sought: true,
        };
        let entry = store::Entry { account, content, update: &update, received_at_ms, entry_id: None };
        let progress = store::overrule(&mut tx, &row, &entry, "undone").await?;
        store::tell(&mut tx, &entry, progress.version).await?;
        let news = Envelope::but(account, device, &Push::Progress { progress: progress.clone() });
        self.0.sync.commit(tx, vec![news]).await?;
        Ok(progress)
    }
}
