//! Every statement on open sessions.
//!
//! An open session is a lease: the process that serves it renews it, and when that process dies
//! whoever looks next ends it. The clocks of processes that share a database may differ by less than
//! a lease lasts. A viewer whom two processes serve has one row; both renew it and add their bytes.

use std::time::Duration;

use sori_contracts::{AccountId, ContentId, ContentKind, StreamId, StreamStopped};
use sori_db::{Db, DbError, Query, Tx};
use uuid::Uuid;

use super::{
    SessionFault, StreamLimits,
    session::{Session, Status},
};

/// A dead process gives its slots back after this time.
pub(crate) const LEASE: Duration = Duration::from_secs(45);
/// Rows of one statement: seven values each, of which SQLite takes 32766.
const ROWS: usize = 500;

/// A session that is about to begin.
pub(crate) struct Claim<'a> {
    pub(crate) session: &'a Session,
    pub(crate) now_ms: i64,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// Another one when the viewer had a session already, which goes on.
    pub(crate) id: StreamId,
}

#[derive(sqlx::FromRow)]
struct EndedRow {
    id: Uuid,
    account_id: Option<Uuid>,
    content_id: Uuid,
    bytes_sent: i64,
    started_at_ms: i64,
    ended_at_ms: i64,
}

impl EndedRow {
    fn into_event(self) -> StreamStopped {
        StreamStopped {
            session_id: StreamId(self.id),
            user_id: self.account_id.map(AccountId),
            content_id: ContentId(self.content_id),
            duration_seconds: (self.ended_at_ms - self.started_at_ms).max(0) as f64 / 1000.0,
            bytes_transferred: u64::try_from(self.bytes_sent).unwrap_or_default(),
            at_ms: self.ended_at_ms,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Slots {
    db: Db,
    limits: StreamLimits,
}

pub(crate) fn kind_name(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Audio => "audio",
        ContentKind::Video => "video",
    }
}

impl Slots {
    pub(crate) fn new(db: Db, limits: StreamLimits) -> Self {
        Self { db, limits }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// How many of a kind there are on all servers; 0 is no limit.
    pub(crate) fn most(&self, kind: ContentKind) -> u32 {
        self.limits.of(kind).0
    }

    /// Whether sessions of this kind are counted.
    pub(crate) fn is_limited(&self, kind: ContentKind) -> bool {
        self.limits.of(kind) != (0, 0)
    }

    /// Sessions that need no slot, all in one statement. No two of them may be of one viewer at one
    /// content on one device.
    pub(crate) async fn open(&self, claims: &[Claim<'_>]) -> Result<Vec<Claimed>, DbError> {
        let rows: Vec<(Uuid, String, Uuid, String)> =
            insert(self.db.query_dynamic(insert_sql(claims.len())), claims).fetch_all().await?;
        let find = |session: &Session| {
            let viewer = session.viewer.to_string();
            let row = rows.iter().find(|(_, of, content, device)| {
                *of == viewer && *content == session.what.content.0 && *device == session.device
            });
            row.map(|(id, ..)| Claimed { id: StreamId(*id) }).ok_or(DbError::RowMissing)
        };
        claims.iter().map(|claim| find(claim.session)).collect()
    }

    /// A session that takes a slot, and those that dead processes left behind meanwhile.
    pub(crate) async fn claim(
        &self,
        claim: &Claim<'_>,
    ) -> Result<(Claimed, Vec<StreamStopped>), SessionFault> {
        let session = claim.session;
        let kind = kind_name(session.what.kind);
        let mut tx = self.db.begin().await?;
        // Everybody else who wants one of this kind waits here until this is decided.
        tx.query("UPDATE streaming_slot SET claims = claims + 1 WHERE kind = $1")
            .bind(kind)
            .execute()
            .await?;
        let ended = reap(tx.query(REAP), claim.now_ms).await?;
        let insert = insert(tx.query_dynamic(insert_sql(1)), std::slice::from_ref(claim));
        let (id, ..): (Uuid, String, Uuid, String) = insert.fetch_one().await?;
        let claimed = Claimed { id: StreamId(id) };
        if claimed.id == session.id {
            self.check(&mut tx, session).await?;
        }
        tx.commit().await?;
        Ok((claimed, ended))
    }

    /// With the session that is about to begin.
    async fn check(&self, tx: &mut Tx, session: &Session) -> Result<(), SessionFault> {
        let (all, of_viewer): (i64, i64) = tx
            .query(
                "SELECT count(*), count(CASE WHEN viewer = $2 THEN 1 END) FROM streaming_session
                 WHERE kind = $1 AND ended_at_ms IS NULL",
            )
            .bind(kind_name(session.what.kind))
            .bind(session.viewer.to_string())
            .fetch_one()
            .await?;
        let is_over = |count: i64, most: u32| most > 0 && count > i64::from(most);
        let (most, most_of_one) = self.limits.of(session.what.kind);
        if is_over(of_viewer, most_of_one) {
            return Err(SessionFault::TooManyOfOne { most: most_of_one });
        }
        if is_over(all, most) {
            return Err(SessionFault::AllTaken { most });
        }
        Ok(())
    }

    /// Writes down what these sessions did and renews their leases. Answers with the ids of those that
    /// are still open; whoever ended the others did it elsewhere.
    pub(crate) async fn renew(
        &self,
        sessions: &[(&Session, u64)],
        now_ms: i64,
    ) -> Result<Vec<StreamId>, DbError> {
        let mut open = Vec::with_capacity(sessions.len());
        for sessions in sessions.chunks(ROWS) {
            let sql = format!(
                "WITH seen (session, sent, active, state) AS (VALUES {})
                 UPDATE streaming_session SET bytes_sent = bytes_sent + seen.sent, status = seen.state,
                    active_at_ms = CASE WHEN seen.active > active_at_ms THEN seen.active ELSE active_at_ms END,
                    lease_until_ms = $1
                 FROM seen WHERE id = seen.session AND ended_at_ms IS NULL RETURNING id",
                tuples(sessions.len(), 4, 1)
            );
            let query = self.db.query_dynamic(sql).bind(lease_until(now_ms));
            let query = sessions.iter().fold(query, |query, (session, sent)| {
                query
                    .bind(session.id)
                    .bind(i64::try_from(*sent).unwrap_or(i64::MAX))
                    .bind(session.active_at_ms())
                    .bind(session.status().as_str())
            });
            let ids: Vec<(Uuid,)> = query.fetch_all().await?;
            open.extend(ids.into_iter().map(|(id,)| StreamId(id)));
        }
        Ok(open)
    }

    /// Ends sessions that were not active since the times given here. One that another process saw
    /// later stays open.
    pub(crate) async fn end(
        &self,
        sessions: &[(StreamId, i64, Status)],
        now_ms: i64,
    ) -> Result<Vec<StreamStopped>, DbError> {
        let mut ended = Vec::with_capacity(sessions.len());
        for sessions in sessions.chunks(ROWS) {
            let sql = format!(
                "WITH idle (session, active, state) AS (VALUES {})
                 UPDATE streaming_session SET status = idle.state, ended_at_ms = $1,
                    viewer = CASE WHEN account_id IS NULL THEN '' ELSE viewer END
                 FROM idle WHERE id = idle.session AND ended_at_ms IS NULL AND active_at_ms <= idle.active
                 RETURNING id, account_id, content_id, bytes_sent, started_at_ms, ended_at_ms",
                tuples(sessions.len(), 3, 1)
            );
            let query = self.db.query_dynamic(sql).bind(now_ms);
            let query = sessions.iter().fold(query, |query, (id, active_at_ms, status)| {
                query.bind(*id).bind(*active_at_ms).bind(status.as_str())
            });
            let rows: Vec<EndedRow> = query.fetch_all().await?;
            ended.extend(rows.into_iter().map(EndedRow::into_event));
        }
        Ok(ended)
    }

    /// Ends what dead processes left behind.
    pub(crate) async fn reap(&self, now_ms: i64) -> Result<Vec<StreamStopped>, DbError> {
        reap(self.db.query(REAP), now_ms).await
    }
}

fn lease_until(now_ms: i64) -> i64 {
    now_ms + LEASE.as_millis() as i64
}

const REAP: &str = "UPDATE streaming_session SET ended_at_ms = $1,
        status = CASE WHEN status = 'error' THEN 'error' ELSE 'stopped' END,
        viewer = CASE WHEN account_id IS NULL THEN '' ELSE viewer END
     WHERE ended_at_ms IS NULL AND lease_until_ms <= $1
     RETURNING id, account_id, content_id, bytes_sent, started_at_ms, ended_at_ms";

async fn reap(query: Query<'_>, now_ms: i64) -> Result<Vec<StreamStopped>, DbError> {
    let rows: Vec<EndedRow> = query.bind(now_ms).fetch_all().await?;
    Ok(rows.into_iter().map(EndedRow::into_event).collect())
}

/// A viewer who has an open session at that content on that device already goes on with it.
fn insert_sql(rows: usize) -> String {
    format!(
        "INSERT INTO streaming_session (id, viewer, account_id, content_id, device, kind, title, status, source,
            cache_hit, bytes_sent, started_at_ms, active_at_ms, lease_until_ms)
         VALUES {}
         ON CONFLICT (viewer, content_id, device) WHERE ended_at_ms IS NULL
         DO UPDATE SET lease_until_ms = excluded.lease_until_ms, active_at_ms = excluded.active_at_ms
         RETURNING id, viewer, content_id, device",
        tuples(rows, 14, 0)
    )
}

fn insert<'a>(query: Query<'a>, claims: &[Claim<'_>]) -> Query<'a> {
    claims.iter().fold(query, |query, Claim { session, now_ms }| {
        query
            .bind(session.id)
            .bind(session.viewer.to_string())
            .bind(session.viewer.account())
            .bind(session.what.content)
            .bind(session.device.as_str())
            .bind(kind_name(session.what.kind))
            .bind(session.what.title.as_str())
            .bind(Status::Streaming.as_str())
            .bind(session.what.place.source.as_str())
            .bind(session.what.place.cache_hit)
            .bind(0_i64)
            .bind(*now_ms)
            .bind(*now_ms)
            .bind(lease_until(*now_ms))
    })
}

/// `($2, $3), ($4, $5)`: places for values behind the first `before`.
fn tuples(rows: usize, columns: usize, before: usize) -> String {
    let row = |row: usize| {
        let places: Vec<_> =
            (1..=columns).map(|column| format!("${}", before + row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
