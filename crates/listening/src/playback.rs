//! How an account listens to a content: its speed, and the span it repeats.

use serde::Serialize;
use sori_contracts::{AccountId, Caller, ContentId, Member};
use sori_db::{Db, Tx, now_ms};
use uuid::Uuid;

use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    routes::input,
    sync::{Envelope, Push},
};

/// Contents whose settings are kept; beyond that the oldest go.
const MOST: i64 = 5_000;

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct PlaybackView {
    pub(crate) content_id: ContentId,
    /// 1 when nothing is remembered.
    pub(crate) speed: f64,
    /// A-B repeat.
    #[serde(rename = "loop")]
    pub(crate) repeat: Option<Span>,
    pub(crate) updated_at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub(crate) struct Span {
    #[schema(example = 61_000)]
    pub(crate) start_ms: u64,
    #[schema(example = 64_500)]
    pub(crate) end_ms: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    content_id: Uuid,
    speed: f64,
    loop_start_ms: Option<i64>,
    loop_end_ms: Option<i64>,
    updated_at_ms: i64,
}

impl From<Row> for PlaybackView {
    fn from(row: Row) -> Self {
        let repeat = row.loop_start_ms.zip(row.loop_end_ms);
        Self {
            content_id: ContentId(row.content_id),
            speed: row.speed,
            repeat: repeat.map(|(start, end)| Span { start_ms: start as u64, end_ms: end as u64 }),
            updated_at_ms: Some(row.updated_at_ms),
        }
    }
}

impl Listening {
    pub(crate) async fn playback(
        &self,
        account: AccountId,
        content: ContentId,
    ) -> Result<PlaybackView, ListeningFault> {
        let row: Option<Row> = self
            .0
            .db
            .query(
                "SELECT content_id, speed, loop_start_ms, loop_end_ms, updated_at_ms
                 FROM listening_playback WHERE account_id = $1 AND content_id = $2",
            )
            .bind(account)
            .bind(content)
            .fetch_optional()
            .await?;
        let nothing = PlaybackView { content_id: content, speed: 1.0, repeat: None, updated_at_ms: None };
        Ok(row.map_or(nothing, PlaybackView::from))
    }

    pub(crate) async fn set_playback(
        &self,
        member: Member,
        device: &DeviceId,
        content: ContentId,
        speed: f64,
        repeat: Option<Span>,
    ) -> Result<PlaybackView, ListeningFault> {
        let found = self.0.contents.content(&Caller::Account(member), content).await?;
        let speed = input::speed(speed)?;
        if let Some(span) = repeat {
            input::span("loop", span, found.duration_ms)?;
        }
        let now_ms = now_ms();
        let mut tx = self.0.db.begin().await?;
        tx.query(
            "INSERT INTO listening_playback (account_id, content_id, speed, loop_start_ms, loop_end_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (account_id, content_id) DO UPDATE SET speed = excluded.speed,
                loop_start_ms = excluded.loop_start_ms, loop_end_ms = excluded.loop_end_ms,
                updated_at_ms = excluded.updated_at_ms",
        )
        .bind(member.account)
        .bind(content)
        .bind(speed)
        .bind(repeat.map(|span| span.start_ms as i64))
        .bind(repeat.map(|span| span.end_ms as i64))
        .bind(now_ms)
        .execute()
        .await?;
        drop_oldest(&mut tx, member.account).await?;
        let playback = PlaybackView { content_id: content, speed, repeat, updated_at_ms: Some(now_ms) };
        let news = Envelope::but(member.account, device, &Push::Playback { playback: playback.clone() });
        self.0.sync.commit(tx, vec![news]).await?;
        Ok(playback)
    }
}

/// Newest first.
pub(crate) async fn all(db: &Db, account: AccountId) -> Result<Vec<PlaybackView>, ListeningFault> {
    let rows: Vec<Row> = db
        .query(
            "SELECT content_id, speed, loop_start_ms, loop_end_ms, updated_at_ms FROM listening_playback
             WHERE account_id = $1 ORDER BY updated_at_ms DESC, content_id",
        )
        .bind(account)
        .fetch_all()
        .await?;
    Ok(rows.into_iter().map(PlaybackView::from).collect())
}

async fn drop_oldest(tx: &mut Tx, account: AccountId) -> Result<(), ListeningFault> {
    tx.query(
        "DELETE FROM listening_playback WHERE account_id = $1 AND content_id IN (
            SELECT content_id FROM listening_playback WHERE account_id = $1
            ORDER BY updated_at_ms DESC, content_id LIMIT 1000 OFFSET $2)",
    )
    .bind(account)
    .bind(MOST)
    .execute()
    .await?;
    Ok(())
}
