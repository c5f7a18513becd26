//! Every statement on alerts.

use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

use super::{
    Alert, Change, Facts, Notice, Phase,
    rule::State,
    rules::{ERROR_WINDOW_MS, HIT_WINDOW_MS, INCIDENT_KEPT_MS},
};
use crate::metrics::News;

/// Two processes that look every five seconds do not both look within this time.
const TURN_MS: i64 = 4_000;
/// A clock was set back: nobody waits until it is there again.
const CLOCK_JUMP_MS: i64 = 60_000;
const SAMPLE_KEPT_MS: i64 = 3_600_000;
const CHANGE_KEPT_MS: i64 = 90 * 86_400_000;
/// Ids in the detail of an alert.
const NAMED: i64 = 5;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AlertRow {
    pub(crate) name: String,
    pub(crate) phase: String,
    pub(crate) since_ms: i64,
    pub(crate) fired_at_ms: Option<i64>,
    pub(crate) resolved_at_ms: Option<i64>,
    pub(crate) measure: Option<f64>,
    pub(crate) detail: Option<String>,
    pub(crate) looked_at_ms: i64,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ChangeRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) change: String,
    pub(crate) measure: Option<f64>,
    pub(crate) detail: Option<String>,
    pub(crate) at_ms: i64,
}

/// Whether nobody looked a moment ago. The row is held until the end of the transaction.
pub(super) async fn take_turn(tx: &mut Tx, now_ms: i64) -> Result<bool, DbError> {
    let taken = tx
        .query("UPDATE metering_turn SET looked_at_ms = $1 WHERE id = 1 AND (looked_at_ms <= $2 OR looked_at_ms > $3)")
        .bind(now_ms)
        .bind(now_ms - TURN_MS)
        .bind(now_ms + CLOCK_JUMP_MS)
        .execute()
        .await?;
    Ok(taken > 0)
}

pub(super) async fn tell(tx: &mut Tx, node: Uuid, news: &News, now_ms: i64) -> Result<(), DbError> {
    tx.query(
        "INSERT INTO metering_sample (node, at_ms, errors, hits, misses) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (node, at_ms) DO UPDATE SET errors = metering_sample.errors + excluded.errors,
            hits = metering_sample.hits + excluded.hits, misses = metering_sample.misses + excluded.misses",
    )
    .bind(node)
    .bind(now_ms)
    .bind(news.errors)
    .bind(news.looks.hits)
    .bind(news.looks.misses)
    .execute()
    .await?;
    for incident in &news.incidents {
        tx.query(
            "INSERT INTO metering_incident (alert, subject_id, media_id, content_id, first_at_ms, last_at_ms)
             VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (alert, subject_id) DO UPDATE SET last_at_ms = excluded.last_at_ms,
                media_id = COALESCE(excluded.media_id, metering_incident.media_id)",
        )
        .bind(incident.alert.name())
        .bind(incident.subject())
        .bind(incident.media)
        .bind(incident.content)
        .bind(incident.at_ms)
        .execute()
        .await?;
    }
    Ok(())
}

pub(super) async fn facts(tx: &mut Tx, now_ms: i64, slots_percent: Option<f64>) -> Result<Facts, DbError> {
    let errors = tx
        .query("SELECT CAST(COALESCE(SUM(errors), 0) AS BIGINT) FROM metering_sample WHERE at_ms > $1")
        .bind(now_ms - ERROR_WINDOW_MS)
        .scalar()
        .await?;
    let (hits, misses) = tx
        .query(
            "SELECT CAST(COALESCE(SUM(hits), 0) AS BIGINT), CAST(COALESCE(SUM(misses), 0) AS BIGINT)
             FROM metering_sample WHERE at_ms > $1",
        )
        .bind(now_ms - HIT_WINDOW_MS)
        .fetch_one()
        .await?;
    let missing_files = incidents(tx, Alert::FileMissing, now_ms).await?;
    let damaged_files = incidents(tx, Alert::FileDamaged, now_ms).await?;
    Ok(Facts { slots_percent, errors, hits, misses, missing_files, damaged_files })
}

async fn incidents(tx: &mut Tx, alert: Alert, now_ms: i64) -> Result<i64, DbError> {
    tx.query("SELECT COUNT(*) FROM metering_incident WHERE alert = $1 AND last_at_ms > $2")
        .bind(alert.name())
        .bind(now_ms - INCIDENT_KEPT_MS)
        .scalar()
        .await
}

/// Which files they are.
pub(super) async fn detail(tx: &mut Tx, alert: Alert, now_ms: i64) -> Result<Option<String>, DbError> {
    let rows: Vec<(Option<Uuid>, Option<Uuid>)> = tx
        .query(
            "SELECT media_id, content_id FROM metering_incident WHERE alert = $1 AND last_at_ms > $2
             ORDER BY last_at_ms DESC, subject_id LIMIT $3",
        )
        .bind(alert.name())
        .bind(now_ms - INCIDENT_KEPT_MS)
        .bind(NAMED)
        .fetch_all()
        .await?;
    let named: Vec<String> = rows
        .into_iter()
        .map(|(media, content)| match (media, content) {
            (Some(media), Some(content)) => format!("content {content} (media {media})"),
            (Some(media), None) => format!("media {media}"),
            (None, content) => format!("content {}", content.unwrap_or_default()),
        })
        .collect();
    Ok((!named.is_empty()).then(|| named.join(", ")))
}

pub(super) async fn state(tx: &mut Tx, alert: Alert) -> Result<State, DbError> {
    let row: Option<(String, i64)> = tx
        .query("SELECT phase, since_ms FROM metering_alert WHERE name = $1")
        .bind(alert.name())
        .fetch_optional()
        .await?;
    Ok(row.map_or_else(State::default, |(phase, since_ms)| State {
        phase: Phase::parse(&phase).unwrap_or_default(),
        since_ms,
    }))
}

pub(super) async fn save(
    tx: &mut Tx,
    alert: Alert,
    state: State,
    change: Option<Change>,
    measure: Option<f64>,
    detail: Option<&str>,
    now_ms: i64,
) -> Result<(), DbError> {
    let at = |wanted: Change| change.filter(|change| *change == wanted).map(|_| now_ms);
    tx.query(
        "INSERT INTO metering_alert (name, phase, since_ms, fired_at_ms, resolved_at_ms, measure, detail, looked_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (name) DO UPDATE SET phase = excluded.phase, since_ms = excluded.since_ms,
            fired_at_ms = COALESCE(excluded.fired_at_ms, metering_alert.fired_at_ms),
            resolved_at_ms = COALESCE(excluded.resolved_at_ms, metering_alert.resolved_at_ms),
            measure = excluded.measure, detail = excluded.detail, looked_at_ms = excluded.looked_at_ms",
    )
    .bind(alert.name())
    .bind(state.phase.as_str())
    .bind(state.since_ms)
    .bind(at(Change::Firing))
    .bind(at(Change::Resolved))
    .bind(measure)
    .bind(detail)
    .bind(now_ms)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn note(tx: &mut Tx, notice: &Notice) -> Result<(), DbError> {
    tx.query(
        "INSERT INTO metering_alert_change (id, name, change, measure, detail, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(notice.id)
    .bind(notice.alert.as_str())
    .bind(notice.change.as_str())
    .bind(notice.measure)
    .bind(notice.detail.as_deref())
    .bind(notice.at_ms)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn sweep(tx: &mut Tx, now_ms: i64) -> Result<(), DbError> {
    for (sql, before_ms) in [
        ("DELETE FROM metering_sample WHERE at_ms < $1", now_ms - SAMPLE_KEPT_MS),
        ("DELETE FROM metering_incident WHERE last_at_ms < $1", now_ms - INCIDENT_KEPT_MS),
        ("DELETE FROM metering_alert_change WHERE at_ms < $1", now_ms - CHANGE_KEPT_MS),
    ] {
        tx.query(sql).bind(before_ms).execute().await?;
    }
    Ok(())
}

pub(crate) async fn standing(db: &Db) -> Result<Vec<AlertRow>, DbError> {
    db.query(
        "SELECT name, phase, since_ms, fired_at_ms, resolved_at_ms, measure, detail, looked_at_ms FROM metering_alert",
    )
    .fetch_all()
    .await
}

/// The newest first.
pub(crate) async fn changes(db: &Db, after: Option<Uuid>, limit: u32) -> Result<Vec<ChangeRow>, DbError> {
    db.query(
        "SELECT id, name, change, measure, detail, at_ms FROM metering_alert_change
         WHERE id < $1 OR $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(after.unwrap_or_default())
    .bind(after.is_none())
    .bind(i64::from(limit))
    .fetch_all()
    .await
}
