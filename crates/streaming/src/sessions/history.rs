//! Sessions as rows: what is open anywhere, and what was listened to before.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use sori_contracts::{AccountId, ContentId, Fault, Moment, OpenStream, PersonalData, StreamId};
use sori_db::DbError;
use sori_http::{Page, PageQuery, Problem};
use uuid::Uuid;

use super::{Inner, SessionFault, Sessions, Status, named, slots::LEASE};

/// A session that is open now.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StreamView {
    pub session_id: StreamId,
    pub user_id: Option<AccountId>,
    pub content_id: ContentId,
    pub title: String,
    /// `audio` or `video`.
    #[schema(example = "audio")]
    pub kind: String,
    /// What the player called itself.
    pub device_id: Option<String>,
    pub status: Status,
    /// `ssd` or `nas`.
    #[schema(example = "ssd")]
    pub source: String,
    pub cache_hit: bool,
    pub bytes_transferred: u64,
    pub started_at: Moment,
    pub last_activity: Moment,
}

/// A session of the past, or one that still goes on.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct HistoryView {
    pub session_id: StreamId,
    pub content_id: ContentId,
    /// What it was called then.
    pub title: String,
    /// `audio` or `video`.
    #[schema(example = "audio")]
    pub kind: String,
    pub device_id: Option<String>,
    pub status: Status,
    pub bytes_transferred: u64,
    pub started_at: Moment,
    /// Absent while it goes on.
    pub ended_at: Option<Moment>,
    #[schema(example = 754.5)]
    pub duration_seconds: f64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    account_id: Option<Uuid>,
    content_id: Uuid,
    device: String,
    kind: String,
    title: String,
    status: String,
    source: String,
    cache_hit: bool,
    bytes_sent: i64,
    started_at_ms: i64,
    active_at_ms: i64,
    ended_at_ms: Option<i64>,
}

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, account_id, content_id, device, kind, title, status, source, cache_hit, bytes_sent,
                started_at_ms, active_at_ms, ended_at_ms FROM streaming_session WHERE ",
            $($rest),+
        )
    };
}

impl Row {
    fn status(&self) -> Status {
        Status::parse(&self.status).unwrap_or(Status::Stopped)
    }

    fn into_stream(self) -> StreamView {
        StreamView {
            session_id: StreamId(self.id),
            user_id: self.account_id.map(AccountId),
            content_id: ContentId(self.content_id),
            status: self.status(),
            title: self.title,
            kind: self.kind,
            device_id: named(&self.device),
            source: self.source,
            cache_hit: self.cache_hit,
            bytes_transferred: u64::try_from(self.bytes_sent).unwrap_or_default(),
            started_at: Moment(self.started_at_ms),
            last_activity: Moment(self.active_at_ms),
        }
    }

    fn into_history(self) -> HistoryView {
        let until_ms = self.ended_at_ms.unwrap_or(self.active_at_ms);
        HistoryView {
            session_id: StreamId(self.id),
            content_id: ContentId(self.content_id),
            status: self.status(),
            title: self.title,
            kind: self.kind,
            device_id: named(&self.device),
            bytes_transferred: u64::try_from(self.bytes_sent).unwrap_or_default(),
            started_at: Moment(self.started_at_ms),
            ended_at: self.ended_at_ms.map(Moment),
            duration_seconds: (until_ms - self.started_at_ms).max(0) as f64 / 1000.0,
        }
    }
}

impl Sessions {
    /// What is open on all servers that share the database, newest first; of one account, or everybody's.
    pub(crate) async fn streams(
        &self,
        of: Option<AccountId>,
        page: &PageQuery,
    ) -> Result<Page<StreamView>, Problem> {
        let rows = self.0.rows(
            select!(
                "ended_at_ms IS NULL AND ($1 IS NULL OR account_id = $1) AND ($2 IS NULL OR id < $2)
                 ORDER BY id DESC LIMIT $3"
            ),
            of,
            page,
        );
        let mut streams: Vec<_> = rows.await?.into_iter().map(Row::into_stream).collect();
        let open = self.0.open();
        for stream in &mut streams {
            // The row is some seconds behind.
            if let Some(session) = open.by_id.get(&stream.session_id) {
                stream.bytes_transferred += session.unstored().0;
                stream.status = session.status();
                stream.last_activity = stream.last_activity.max(Moment(session.active_at_ms()));
            }
        }
        Ok(Page::cut(streams, page.limit()?, |stream| stream.session_id.to_string()))
    }

    /// What an account listened to and watched, newest first. Of what ended, only that of which something
    /// was sent.
    pub(crate) async fn history(
        &self,
        of: AccountId,
        page: &PageQuery,
    ) -> Result<Page<HistoryView>, Problem> {
        let sql = select!(
            "account_id = $1 AND (bytes_sent > 0 OR ended_at_ms IS NULL) AND ($2 IS NULL OR id < $2)
             ORDER BY id DESC LIMIT $3"
        );
        let rows = self.0.rows(sql, Some(of), page).await?;
        let rows = rows.into_iter().map(Row::into_history).collect();
        Ok(Page::cut(rows, page.limit()?, |row: &HistoryView| row.session_id.to_string()))
    }

    /// Forgets what an account listened to. What is open stays.
    pub(crate) async fn clear_history(&self, of: AccountId) -> Result<(), DbError> {
        let sql = "DELETE FROM streaming_session WHERE account_id = $1 AND ended_at_ms IS NOT NULL";
        self.0.slots.db().query(sql).bind(of).execute().await.map(drop)
    }
}

impl Inner {
    async fn rows(
        &self,
        sql: &'static str,
        of: Option<AccountId>,
        page: &PageQuery,
    ) -> Result<Vec<Row>, Problem> {
        let query = self.slots.db().query(sql).bind(of).bind(page.after::<StreamId>()?);
        Ok(query.bind(i64::from(page.limit()?) + 1).fetch_all().await?)
    }

    pub(super) async fn find_row(
        &self,
        id: StreamId,
    ) -> Result<Option<(Option<AccountId>, OpenStream)>, DbError> {
        let row: Option<Row> = self
            .slots
            .db()
            .query(select!("id = $1 AND ended_at_ms IS NULL"))
            .bind(id)
            .fetch_optional()
            .await?;
        Ok(row.map(|row| {
            let stream = OpenStream { id, content: ContentId(row.content_id), device: named(&row.device) };
            (row.account_id.map(AccountId), stream)
        }))
    }

    /// Something was heard of a session that another process serves.
    pub(super) async fn touch_row(&self, id: StreamId, playing: Option<bool>) -> Result<(), SessionFault> {
        let now_ms = self.clock.now_ms();
        let status = playing.map(|playing| if playing { Status::Streaming } else { Status::Paused });
        let changed = self
            .slots
            .db()
            .query(
                "UPDATE streaming_session SET active_at_ms = $2, lease_until_ms = $3,
                    status = COALESCE($4, status) WHERE id = $1 AND ended_at_ms IS NULL",
            )
            .bind(id)
            .bind(now_ms)
            .bind(now_ms + LEASE.as_millis() as i64)
            .bind(status.map(Status::as_str))
            .execute()
            .await?;
        if changed == 0 { Err(SessionFault::NotFound(id)) } else { Ok(()) }
    }
}

#[async_trait]
impl PersonalData for Sessions {
    fn name(&self) -> &'static str {
        "streams"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        let rows: Result<Vec<Row>, DbError> =
            self.0.slots.db().query(select!("account_id = $1 ORDER BY id")).bind(account).fetch_all().await;
        let rows = rows.map_err(|error| Box::new(error) as Box<dyn Fault>)?;
        Ok(json!(rows.into_iter().map(Row::into_history).collect::<Vec<_>>()))
    }

    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        // What is under way goes on to its end and is counted for nobody.
        drop(self.0.take(|session| session.viewer.account() == Some(account)));
        let sql = "DELETE FROM streaming_session WHERE account_id = $1";
        let forgotten = self.0.slots.db().query(sql).bind(account).execute().await;
        forgotten.map(drop).map_err(|error| Box::new(error) as _)
    }
}
