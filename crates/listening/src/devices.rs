//! The devices of an account: what they are called, whether they are there, and what they play.

use serde::Serialize;
use sori_contracts::{AccountId, ContentId};
use sori_db::{Db, DbError, Tx, now_ms};
use uuid::Uuid;

use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    sync::{Envelope, Push},
};

/// Beyond that the one that was not heard from for the longest time is forgotten.
const MOST: i64 = 50;
/// A player that says nothing for this long is not playing: it tells its position every few seconds.
const SILENT_MS: i64 = 60_000;
/// How long a socket counts without being renewed.
pub(crate) const CONNECTED_MS: i64 = 150_000;

/// A player of the account.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct DeviceView {
    pub(crate) id: String,
    /// What the listener called it.
    pub(crate) name: Option<String>,
    /// `phone`, `web`, …: as the player says.
    pub(crate) kind: Option<String>,
    /// It holds a socket, and hears commands.
    pub(crate) online: bool,
    pub(crate) last_seen_at_ms: i64,
    pub(crate) now_playing: Option<NowPlayingView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct NowPlayingView {
    pub(crate) content_id: ContentId,
    /// Where it was at `at_ms`.
    pub(crate) position_ms: u64,
    /// By the server's clock.
    pub(crate) at_ms: i64,
    pub(crate) playing: bool,
    pub(crate) speed: f64,
}

pub(crate) struct NowPlaying {
    pub(crate) content: ContentId,
    pub(crate) position_ms: u64,
    pub(crate) playing: bool,
    pub(crate) speed: Option<f64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: Option<String>,
    kind: Option<String>,
    seen_at_ms: i64,
    connected_until_ms: i64,
    content_id: Option<Uuid>,
    position_ms: i64,
    playing: bool,
    told_at_ms: i64,
    speed: f64,
}

impl Row {
    fn view(self, now_ms: i64) -> DeviceView {
        let is_heard = self.told_at_ms > now_ms - SILENT_MS;
        DeviceView {
            id: self.id,
            name: self.name,
            kind: self.kind,
            online: self.connected_until_ms > now_ms,
            last_seen_at_ms: self.seen_at_ms,
            now_playing: self.content_id.map(|content| NowPlayingView {
                content_id: ContentId(content),
                position_ms: self.position_ms as u64,
                at_ms: self.told_at_ms,
                playing: self.playing && is_heard,
                speed: self.speed,
            }),
        }
    }
}

/// Notes that a device is there and what it plays. Answers with it when others want to know: it plays
/// something else now, or began, or stopped, or is new.
pub(crate) async fn heard_from(
    tx: &mut Tx,
    account: AccountId,
    device: &DeviceId,
    playing: Option<&NowPlaying>,
    now_ms: i64,
) -> Result<Option<DeviceView>, DbError> {
    let before = find(tx, account, device).await?;
    let is_new = before.is_none();
    if is_new {
        make_room(tx, account).await?;
    }
    let before = before.map(|row| row.view(now_ms));
    tx.query(
        "INSERT INTO listening_device (account_id, id, created_at_ms, seen_at_ms, connected_until_ms, position_ms,
            playing, told_at_ms, speed)
         VALUES ($1, $2, $3, $3, 0, 0, FALSE, 0, 1.0)
         ON CONFLICT (account_id, id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms",
    )
    .bind(account)
    .bind(device.as_str())
    .bind(now_ms)
    .execute()
    .await?;
    let Some(playing) = playing else { return Ok(None) };
    tx.query(
        "UPDATE listening_device SET content_id = $3, position_ms = $4, playing = $5, speed = COALESCE($6, speed),
            told_at_ms = $7
         WHERE account_id = $1 AND id = $2",
    )
    .bind(account)
    .bind(device.as_str())
    .bind(playing.content)
    .bind(playing.position_ms as i64)
    .bind(playing.playing)
    .bind(playing.speed)
    .bind(now_ms)
    .execute()
    .await?;
    let known = before.and_then(|view| view.now_playing);
    let is_same = known.is_some_and(|known| {
        known.content_id == playing.content
            && known.playing == playing.playing
            && playing.speed.is_none_or(|speed| speed == known.speed)
    });
    if is_same {
        return Ok(None);
    }
    Ok(find(tx, account, device).await?.map(|row| row.view(now_ms)))
}

async fn find(tx: &mut Tx, account: AccountId, device: &DeviceId) -> Result<Option<Row>, DbError> {
    tx.query(
        "SELECT id, name, kind, seen_at_ms, connected_until_ms, content_id, position_ms, playing, told_at_ms, speed
         FROM listening_device WHERE account_id = $1 AND id = $2",
    )
    .bind(account)
    .bind(device.as_str())
    .fetch_optional()
    .await
}

/// For one more.
async fn make_room(tx: &mut Tx, account: AccountId) -> Result<(), DbError> {
    let surplus: Vec<(String,)> = tx
        .query(
            "SELECT id FROM listening_device WHERE account_id = $1
             ORDER BY seen_at_ms DESC, id LIMIT 1000 OFFSET $2",
        )
        .bind(account)
        .bind(MOST - 1)
        .fetch_all()
        .await?;
    for (id,) in surplus {
        remove(tx, account, &id).await?;
    }
    Ok(())
}

async fn remove(tx: &mut Tx, account: AccountId, id: &str) -> Result<u64, DbError> {
    tx.query("DELETE FROM listening_told WHERE account_id = $1 AND device_id = $2")
        .bind(account)
        .bind(id)
        .execute()
        .await?;
    tx.query("DELETE FROM listening_device WHERE account_id = $1 AND id = $2")
        .bind(account)
        .bind(id)
        .execute()
        .await
}

pub(crate) async fn list(db: &Db, account: AccountId) -> Result<Vec<DeviceView>, DbError> {
    let rows: Vec<Row> = db
        .query(
            "SELECT id, name, kind, seen_at_ms, connected_until_ms, content_id, position_ms, playing, told_at_ms, speed
             FROM listening_device WHERE account_id = $1 ORDER BY seen_at_ms DESC, id",
        )
        .bind(account)
        .fetch_all()
        .await?;
    let now_ms = now_ms();
    Ok(rows.into_iter().map(|row| row.view(now_ms)).collect())
}

/// How a socket introduces its device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Introduction {
    pub(crate) name: Option<String>,
    pub(crate) kind: Option<String>,
}

impl Listening {
    pub(crate) async fn devices(&self, account: AccountId) -> Result<Vec<DeviceView>, ListeningFault> {
        Ok(list(&self.0.db, account).await?)
    }

    /// A socket of the device was opened, is still there (`for_ms` from now on), or closed (0). The others
    /// are told when `is_news`.
    pub(crate) async fn connected(
        &self,
        account: AccountId,
        device: &DeviceId,
        introduction: &Introduction,
        for_ms: i64,
        is_news: bool,
    ) -> Result<(), ListeningFault> {
        let now_ms = now_ms();
        let mut tx = self.0.db.begin().await?;
        heard_from(&mut tx, account, device, None, now_ms).await?;
        tx.query(
            "UPDATE listening_device SET connected_until_ms = $3, name = COALESCE(name, $4), kind = COALESCE($5, kind)
             WHERE account_id = $1 AND id = $2",
        )
        .bind(account)
        .bind(device.as_str())
        .bind(now_ms + for_ms)
        .bind(introduction.name.as_deref())
        .bind(introduction.kind.as_deref())
        .execute()
        .await?;
        let view = find(&mut tx, account, device).await?.map(|row| row.view(now_ms));
        let news = view
            .filter(|_| is_news)
            .map(|view| Envelope::but(account, device, &Push::Device { device: view }));
        self.0.sync.commit(tx, news.into_iter().collect()).await?;
        Ok(())
    }

    pub(crate) async fn rename_device(
        &self,
        account: AccountId,
        device: &DeviceId,
        name: Option<String>,
    ) -> Result<DeviceView, ListeningFault> {
        let mut tx = self.0.db.begin().await?;
        tx.query("UPDATE listening_device SET name = $3 WHERE account_id = $1 AND id = $2")
            .bind(account)
            .bind(device.as_str())
            .bind(name)
            .execute()
            .await?;
        let view =
            find(&mut tx, account, device).await?.ok_or(ListeningFault::DeviceNotFound)?.view(now_ms());
        let news = Envelope::all(account, &Push::Device { device: view.clone() });
        self.0.sync.commit(tx, vec![news]).await?;
        Ok(view)
    }

    /// Forgets a device. One that is used again comes back.
    pub(crate) async fn remove_device(
        &self,
        account: AccountId,
        device: &DeviceId,
    ) -> Result<(), ListeningFault> {
        let mut tx = self.0.db.begin().await?;
        if remove(&mut tx, account, device.as_str()).await? == 0 {
            return Err(ListeningFault::DeviceNotFound);
        }
        let news = Envelope::all(account, &Push::DeviceRemoved { device_id: device.to_string() });
        self.0.sync.commit(tx, vec![news]).await?;
        Ok(())
    }
}
