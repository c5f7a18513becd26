//! Rows of positions and of their log.

use sori_contracts::{AccountId, ContentId};
use sori_db::{Db, DbError, Tx, now_ms};
use uuid::Uuid;

use super::{Progress, percent};
use crate::{
    device::DeviceId,
    rule::{Base, Reason, Standing, Update, Verdict, When, judge},
};

/// Entries of the log that are kept for each content: what came last, and …
const KEPT: i64 = 200;
/// … what something can be taken back from.
const NOTABLE_KEPT: i64 = 50;
/// A shorter jump than this is no loss.
const JUMP_MS: u64 = 60_000;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    content_id: Uuid,
    version: i64,
    position_ms: i64,
    duration_ms: Option<i64>,
    device_id: String,
    device_time_ms: Option<i64>,
    heard_at_ms: i64,
    updated_at_ms: i64,
    log_number: i64,
    notable_number: i64,
}

impl Row {
    /// `None` while the row only holds its place.
    pub(super) fn standing(&self) -> Option<Standing> {
        (self.version > 0).then(|| Standing {
            version: self.version,
            position_ms: self.position_ms as u64,
            duration_ms: self.duration_ms.map(|duration| duration as u64),
            device: self.device_id.clone(),
            device_time_ms: self.device_time_ms,
            heard_at_ms: self.heard_at_ms,
        })
    }

    pub(super) fn progress(&self) -> Progress {
        let (position_ms, duration_ms) = (self.position_ms as u64, self.duration_ms.map(|ms| ms as u64));
        Progress {
            content_id: ContentId(self.content_id),
            position_ms,
            duration_ms,
            progress_percent: percent(position_ms, duration_ms),
            version: self.version,
            device_id: self.device_id.clone(),
            heard_at_ms: self.heard_at_ms,
            updated_at_ms: self.updated_at_ms,
        }
    }
}

/// An update on its way into the rows.
pub(super) struct Entry<'a> {
    pub(super) account: AccountId,
    pub(super) content: ContentId,
    pub(super) update: &'a Update,
    pub(super) received_at_ms: i64,
    /// By which its device knows it, so that it counts once.
    pub(super) entry_id: Option<Uuid>,
}

/// What stands after an update.
pub(super) struct Applied {
    pub(super) verdict: Verdict,
    pub(super) progress: Progress,
}

impl Applied {
    pub(super) fn lost(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Loses(reason) => Some(reason),
            Verdict::Wins(_) | Verdict::Known => None,
        }
    }
}

/// Locks the row of a content, which is made if need be: until `tx` ends nobody else changes it.
/// The next number of its log is taken with it.
pub(super) async fn take(tx: &mut Tx, account: AccountId, content: ContentId) -> Result<Row, DbError> {
    tx.query(
        "INSERT INTO listening_progress (account_id, content_id, version, position_ms, device_id, heard_at_ms,
            updated_at_ms, log_number, notable_number)
         VALUES ($1, $2, 0, 0, '', 0, 0, 1, 0)
         ON CONFLICT (account_id, content_id) DO UPDATE SET log_number = listening_progress.log_number + 1
         RETURNING content_id, version, position_ms, duration_ms, device_id, device_time_ms, heard_at_ms,
            updated_at_ms, log_number, notable_number",
    )
    .bind(account)
    .bind(content)
    .fetch_one()
    .await
}

/// Judges an update against the row that was taken, and writes what follows.
pub(super) async fn apply(tx: &mut Tx, row: &Row, entry: &Entry<'_>) -> Result<Applied, DbError> {
    let verdict = judge(row.standing().as_ref(), entry.update);
    let (next, reason) = match verdict {
        Verdict::Known => return Ok(Applied { verdict, progress: row.progress() }),
        Verdict::Loses(reason) => (row.clone(), reason),
        Verdict::Wins(reason) => (after(row, entry), reason),
    };
    let is_notable = is_notable(row, entry.update, verdict);
    let next = write(tx, next, is_notable, matches!(verdict, Verdict::Wins(_)), entry.account).await?;
    note(tx, row, &next, entry, reason.as_str(), is_notable).await?;
    Ok(Applied { verdict, progress: next.progress() })
}

/// The row as a winning update makes it.
fn after(row: &Row, entry: &Entry<'_>) -> Row {
    let update = entry.update;
    Row {
        version: row.version + 1,
        position_ms: update.position_ms as i64,
        duration_ms: update.duration_ms.map(|ms| ms as i64).or(row.duration_ms),
        device_id: update.device.clone(),
        device_time_ms: update.when.device_time_ms(),
        heard_at_ms: heard_at_ms(entry),
        updated_at_ms: entry.received_at_ms,
        ..row.clone()
    }
}

fn heard_at_ms(entry: &Entry<'_>) -> i64 {
    match entry.update.when {
        When::Now { .. } => entry.received_at_ms,
        When::Earlier { heard_at_ms, .. } => heard_at_ms,
    }
}

/// Whether listening was replaced, or did not come through, that somebody may want back.
fn is_notable(row: &Row, update: &Update, verdict: Verdict) -> bool {
    let is_far = (row.position_ms as u64).abs_diff(update.position_ms) >= JUMP_MS;
    match verdict {
        Verdict::Wins(reason) => is_far && reason != Reason::First,
        Verdict::Loses(reason) => is_far && matches!(reason, Reason::Older | Reason::Stale),
        Verdict::Known => false,
    }
}

async fn write(
    tx: &mut Tx,
    mut next: Row,
    is_notable: bool,
    is_changed: bool,
    account: AccountId,
) -> Result<Row, DbError> {
    next.notable_number += i64::from(is_notable);
    if !is_notable && !is_changed {
        return Ok(next);
    }
    tx.query(
        "UPDATE listening_progress SET version = $3, position_ms = $4, duration_ms = $5, device_id = $6,
            device_time_ms = $7, heard_at_ms = $8, updated_at_ms = $9, notable_number = $10
         WHERE account_id = $1 AND content_id = $2",
    )
    .bind(account)
    .bind(next.content_id)
    .bind(next.version)
    .bind(next.position_ms)
    .bind(next.duration_ms)
    .bind(next.device_id.as_str())
    .bind(next.device_time_ms)
    .bind(next.heard_at_ms)
    .bind(next.updated_at_ms)
    .bind(next.notable_number)
    .execute()
    .await?;
    Ok(next)
}

/// Writes the log, and takes its oldest entries off.
async fn note(
    tx: &mut Tx,
    before: &Row,
    next: &Row,
    entry: &Entry<'_>,
    outcome: &str,
    is_notable: bool,
) -> Result<(), DbError> {
    let base_version = match entry.update.base {
        Base::Version(version) => Some(version),
        Base::Unsaid { .. } => None,
    };
    tx.query(
        "INSERT INTO listening_log (account_id, content_id, number, notable, outcome, position_ms, device_id,
            device_time_ms, base_version, heard_at_ms, received_at_ms, replaced_version, replaced_position_ms, entry_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(entry.account)
    .bind(entry.content)
    .bind(before.log_number)
    .bind(is_notable.then_some(next.notable_number))
    .bind(outcome)
    .bind(entry.update.position_ms as i64)
    .bind(entry.update.device.as_str())
    .bind(entry.update.when.device_time_ms())
    .bind(base_version)
    .bind(heard_at_ms(entry))
    .bind(entry.received_at_ms)
    .bind(before.version)
    .bind(before.position_ms)
    .bind(entry.entry_id)
    .execute()
    .await?;
    tx.query(
        "DELETE FROM listening_log WHERE account_id = $1 AND content_id = $2
         AND ((notable IS NULL AND number <= $3) OR notable <= $4)",
    )
    .bind(entry.account)
    .bind(entry.content)
    .bind(before.log_number - KEPT)
    .bind(next.notable_number - NOTABLE_KEPT)
    .execute()
    .await?;
    Ok(())
}

/// Puts an update through that the listener asked for by name, whatever stands.
pub(super) async fn overrule(
    tx: &mut Tx,
    row: &Row,
    entry: &Entry<'_>,
    outcome: &str,
) -> Result<Progress, DbError> {
    let next = write(tx, after(row, entry), true, true, entry.account).await?;
    note(tx, row, &next, entry, outcome, true).await?;
    Ok(next.progress())
}

/// What a device that names no version builds on.
pub(super) async fn told(
    tx: &mut Tx,
    account: AccountId,
    content: ContentId,
    device: &DeviceId,
) -> Result<Base, DbError> {
    let told: Option<(i64, Option<i64>)> = tx
        .query(
            "SELECT version, position_ms FROM listening_told
             WHERE account_id = $1 AND content_id = $2 AND device_id = $3",
        )
        .bind(account)
        .bind(content)
        .bind(device.as_str())
        .fetch_optional()
        .await?;
    Ok(match told {
        Some((version, position)) => {
            Base::Unsaid { told: Some(version), last_position_ms: position.map(|ms| ms as u64) }
        }
        None => Base::Unsaid { told: None, last_position_ms: None },
    })
}

/// The device of an update hears what stands, and we remember where it was.
pub(super) async fn tell(tx: &mut Tx, entry: &Entry<'_>, version: i64) -> Result<(), DbError> {
    tx.query(
        "INSERT INTO listening_told (account_id, content_id, device_id, version, position_ms)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_id, content_id, device_id)
         DO UPDATE SET version = excluded.version, position_ms = excluded.position_ms",
    )
    .bind(entry.account)
    .bind(entry.content)
    .bind(entry.update.device.as_str())
    .bind(version)
    .bind(entry.update.position_ms as i64)
    .execute()
    .await?;
    Ok(())
}

/// The same for a device that asked. Writes only what is new.
pub(super) async fn told_by_asking(
    db: &Db,
    account: AccountId,
    progress: &Progress,
    device: &DeviceId,
) -> Result<(), DbError> {
    let known: Option<(i64,)> = db
        .query(
            "SELECT version FROM listening_told
             WHERE account_id = $1 AND content_id = $2 AND device_id = $3 AND version >= $4",
        )
        .bind(account)
        .bind(progress.content_id)
        .bind(device.as_str())
        .bind(progress.version)
        .fetch_optional()
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    tx.query(
        "INSERT INTO listening_told (account_id, content_id, device_id, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, content_id, device_id) DO UPDATE SET version = excluded.version",
    )
    .bind(account)
    .bind(progress.content_id)
    .bind(device.as_str())
    .bind(progress.version)
    .execute()
    .await?;
    // It is a device from now on: of those an account has so many.
    crate::devices::heard_from(&mut tx, account, device, None, now_ms()).await?;
    tx.commit().await
}

pub(super) async fn find(
    db: &Db,
    account: AccountId,
    content: ContentId,
) -> Result<Option<Progress>, DbError> {
    let row: Option<Row> = db
        .query(
            "SELECT content_id, version, position_ms, duration_ms, device_id, device_time_ms, heard_at_ms,
                updated_at_ms, log_number, notable_number
             FROM listening_progress WHERE account_id = $1 AND content_id = $2 AND version > 0",
        )
        .bind(account)
        .bind(content)
        .fetch_optional()
        .await?;
    Ok(row.map(|row| row.progress()))
}

pub(super) async fn recent(
    db: &Db,
    account: AccountId,
    before: Option<(i64, ContentId)>,
    limit: u32,
) -> Result<Vec<Progress>, DbError> {
    let (before_ms, before_id) = before.unwrap_or((i64::MAX, ContentId(Uuid::max())));
    let rows: Vec<Row> = db
        .query(
            "SELECT content_id, version, position_ms, duration_ms, device_id, device_time_ms, heard_at_ms,
                updated_at_ms, log_number, notable_number
             FROM listening_progress
             WHERE account_id = $1 AND version > 0
                AND (updated_at_ms < $2 OR (updated_at_ms = $2 AND content_id < $3))
             ORDER BY updated_at_ms DESC, content_id DESC LIMIT $4",
        )
        .bind(account)
        .bind(before_ms)
        .bind(before_id)
        .bind(limit)
        .fetch_all()
        .await?;
    Ok(rows.iter().map(Row::progress).collect())
}
