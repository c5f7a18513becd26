//! Which processes live, and what becomes of the jobs of those that do not.
//!
//! A process says that it lives from a thread of its own: a runtime that is kept busy by a job
//! must not look like a dead process. Times are the database's, so wrong clocks do no harm.

use std::{
    collections::HashSet,
    fs::{File, TryLockError},
    sync::Arc,
    time::Duration,
};

use sori_db::{Backend, Db, DbError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    JobsError,
    jobs::Inner,
    store::{Lease, Store},
    wake,
};

fn now(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        Backend::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

pub(crate) async fn beat(db: &Db, node: Uuid) -> Result<(), DbError> {
    let now = now(db.backend());
    let sql = format!(
        "INSERT INTO jobs_node (id, seen_at_ms) VALUES ($1, {now})
         ON CONFLICT (id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms"
    );
    db.query_dynamic(sql).bind(node).execute().await.map(drop)
}

/// Beats until `stop`.
pub(crate) fn spawn_heart(
    db: &Db,
    node: Uuid,
    every: Duration,
    stop: CancellationToken,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let db = db.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("sori-heartbeat".into()).spawn(move || {
        runtime.block_on(async {
            let db = db.on_its_own();
            while tokio::time::timeout(every, stop.cancelled()).await.is_err() {
                if let Err(error) = beat(&db, node).await {
                    tracing::warn!(%error, "this process could not say that it lives");
                }
            }
            db.close().await;
        });
    })
}

pub(crate) async fn leave(db: &Db, node: Uuid) -> Result<(), DbError> {
    db.query("DELETE FROM jobs_node WHERE id = $1").bind(node).execute().await.map(drop)
}

/// SQLite serves one machine, where a lock tells at once what a heartbeat tells after a while:
/// every process shares it for as long as it lives, and whoever gets it alone knows that all
/// processes before it are gone. The lock ends with its holder.
pub(crate) async fn join(db: &Db) -> Result<Option<File>, JobsError> {
    let Some(mut path) = db.file().map(std::path::PathBuf::into_os_string) else { return Ok(None) };
    path.push("-workers.lock");
    let queue = |error: std::io::Error| JobsError::Queue(Box::new(error));
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(queue)?;
    match file.try_lock() {
        Ok(()) => drop(db.query("DELETE FROM jobs_node").execute().await?),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(queue(error)),
    }
    let shared = tokio::task::spawn_blocking(move || file.lock_shared().map(|()| file)).await;
    shared.map_err(|error| JobsError::Queue(Box::new(error)))?.map(Some).map_err(queue)
}

async fn living(db: &Db, dead_after: Duration) -> Result<HashSet<Uuid>, DbError> {
    let sql = format!("SELECT id FROM jobs_node WHERE seen_at_ms > {} - $1", now(db.backend()));
    let dead_after = i64::try_from(dead_after.as_millis()).unwrap_or(i64::MAX);
    let ids: Vec<(Uuid,)> = db.query_dynamic(sql).bind(dead_after).fetch_all().await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

impl Inner {
    /// Gives the jobs of dead processes to the living. Safe to do by several at once: of those who
    /// try, the transaction of one finds the row as it was.
    pub(crate) async fn rescue(&self) -> Result<(), JobsError> {
        let leases = self.store.running().await?;
        let under_way = wake::under_way(&self.sender).await?;
        // Read last: who began since then is alive.
        let mut living = living(&self.store.db, self.config.dead_after).await?;
        living.insert(self.node);
        let is_dead = |node: Option<Uuid>| node.is_none_or(|node| !living.contains(&node));
        for lease in leases.iter().filter(|lease| is_dead(lease.node_id)) {
            self.take_back(lease).await?;
        }
        for lost in under_way.iter().filter(|wake| is_dead(wake.node)) {
            let mut tx = self.store.db.begin().await?;
            // It died between taking the wake-up and claiming the job, or after writing its end.
            if wake::delivered(&self.sender, &mut tx, lost.wake).await? {
                if let Some(waiting) = Store::queued(&mut tx, lost.job).await? {
                    wake::wake(&self.sender, &mut tx, &waiting).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn take_back(&self, lease: &Lease) -> Result<(), JobsError> {
        let mut tx = self.store.db.begin().await?;
        let Some(record) = Store::take_back(&mut tx, lease).await? else { return Ok(()) };
        if !record.state().is_final() {
            wake::wake(&self.sender, &mut tx, &record).await?;
        }
        tx.commit().await?;
        tracing::warn!(job = %lease.id, state = record.state, "a job was taken from a worker that is gone");
        self.announce(record);
        Ok(())
    }

    /// Looks for wishes to cancel from other processes, and for leases that came apart from their
    /// attempts.
    pub(crate) async fn watch(&self) -> Result<(), JobsError> {
        // Read first: what is claimed now stands in the rows read next.
        let attempts = self.running.claimed();
        let leases = self.store.running().await?;
        let held: HashSet<Uuid> = leases.iter().filter_map(|lease| lease.lease_id).collect();
        for attempt in attempts.iter().filter(|attempt| !held.contains(&attempt.lease)) {
            attempt.cancel_for_good();
        }
        for lease in leases.iter().filter(|lease| lease.node_id == Some(self.node)) {
            let is_held = lease.lease_id.is_some_and(|id| self.running.holds(id));
            if !is_held {
                self.take_back(lease).await?;
            } else if lease.cancel_requested {
                self.running.cancel(sori_contracts::JobId(lease.id));
            }
        }
        Ok(())
    }
}

/// Repeats `rescue` and `watch` until `stop`.
pub(crate) async fn keep_order(jobs: Arc<Inner>, stop: CancellationToken) {
    let mut rescue = tokio::time::interval(jobs.config.heartbeat);
    let mut watch = tokio::time::interval(jobs.config.watch_every);
    for interval in [&mut rescue, &mut watch] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            _ = rescue.tick() => jobs.rescue().await,
            _ = watch.tick() => jobs.watch().await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "jobs of dead workers could not be looked for");
        }
    }
}
