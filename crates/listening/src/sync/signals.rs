//! Between processes that share one database. PostgreSQL tells them at once (`NOTIFY`, at the commit of
//! what it is about). SQLite has nothing of the kind: its signals are rows, and whoever holds a socket
//! looks for new ones a few times a second. Within one process neither is waited for.

use std::time::Duration;

use sori_db::{Db, DbError, Tx};
use sqlx::postgres::PgListener;
use uuid::Uuid;

use super::{Envelope, Sync};

const CHANNEL: &str = "sori_listening";
/// One short read of a table that is in memory.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Read long ago by everybody who reads.
const KEPT: i64 = 1_000;
const PRUNED_EVERY: i64 = 64;
const BATCH: u32 = 500;
/// When the database was away.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Goes out when `tx` commits.
pub(super) async fn send(tx: &mut Tx, origin: Uuid, envelope: &Envelope) -> Result<(), DbError> {
    let body = serde_json::to_string(envelope).expect("an envelope can be written as JSON");
    match tx {
        Tx::Postgres(_) => {
            // PostgreSQL takes 8000 bytes; a push has some hundred.
            tx.query("SELECT pg_notify('sori_listening', $1)")
                .bind(format!("{origin} {body}"))
                .execute()
                .await?;
        }
        Tx::Sqlite(_) => {
            let number: i64 = tx
                .query("INSERT INTO listening_signal (origin, body) VALUES ($1, $2) RETURNING number")
                .bind(origin)
                .bind(body)
                .scalar()
                .await?;
            if number % PRUNED_EVERY == 0 {
                let old = number - KEPT;
                tx.query("DELETE FROM listening_signal WHERE number <= $1").bind(old).execute().await?;
            }
        }
    }
    Ok(())
}

/// Passes on what other processes say, until the block closes.
pub(super) async fn hear(sync: Sync) {
    let closing = sync.closing.clone();
    tokio::select! {
        () = closing.cancelled() => {}
        () = async {
            match &sync.db {
                Db::Sqlite { .. } => look(&sync).await,
                Db::Postgres(_) => listen(&sync).await,
            }
        } => {}
    }
}

fn pass_on(sync: &Sync, origin: Uuid, body: &str) {
    if origin == sync.origin {
        return;
    }
    match serde_json::from_str(body) {
        Ok(envelope) => sync.hub.tell(&envelope),
        Err(error) => tracing::warn!(%error, "a signal of another version was not understood"),
    }
}

async fn listen(sync: &Sync) {
    loop {
        // A connection of its own: it would be missing in the pool.
        let alone = sync.db.on_its_own();
        if let Db::Postgres(pool) = &alone
            && let Err(error) = listen_on(sync, pool).await
        {
            tracing::warn!(%error, "signals of other processes are not heard");
        }
        sync.close_ears();
        alone.close().await;
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn listen_on(sync: &Sync, pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    sync.open_ears();
    // `None` says that the connection was lost meanwhile, and signals with it.
    while let Some(signal) = listener.try_recv().await? {
        if let Some((origin, body)) = signal.payload().split_once(' ')
            && let Ok(origin) = origin.parse()
        {
            pass_on(sync, origin, body);
        }
    }
    Ok(())
}

async fn look(sync: &Sync) {
    let mut last = loop {
        let newest = sync.db.query("SELECT COALESCE(MAX(number), 0) FROM listening_signal").scalar::<i64>();
        match newest.await {
            Ok(newest) => break newest,
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    };
    sync.open_ears();
    loop {
        if sync.hub.is_empty() {
            sync.hub.woken.notified().await;
        }
        match new_since(sync, last).await {
            Ok(signals) => {
                for (number, origin, body) in signals {
                    last = number;
                    pass_on(sync, origin, &body);
                }
            }
            Err(error) => tracing::debug!(%error, "signals of other processes are not read"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn new_since(sync: &Sync, last: i64) -> Result<Vec<(i64, Uuid, String)>, DbError> {
    sync.db
        .query("SELECT number, origin, body FROM listening_signal WHERE number > $1 ORDER BY number LIMIT $2")
        .bind(last)
        .bind(BATCH)
        .fetch_all()
        .await
}
