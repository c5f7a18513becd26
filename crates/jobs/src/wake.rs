//! River: durable wake-ups in the same database and the same transactions.

use std::time::Duration;

use riverqueue::{
    Client, ClientBuilder, InsertOpts, JobArgs, JobListParams, JobState, MaintenanceConfig, QueueConfig,
    Retention, Workers,
    jiff::Timestamp,
    migrate::{PostgresMigrator, SqliteMigrator},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{JobId, Priority};
use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

use crate::{JobsError, record::JobRecord};

/// "Look at this job."
#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "wake")]
pub(crate) struct Wake {
    pub(crate) job: Uuid,
}

/// A wake-up is never given up by River: the job's own row counts the attempts.
const WAKE_ATTEMPTS: i32 = 30_000;
/// The default of 100 ms would hold a worker down to ten jobs a second.
const FETCH_COOLDOWN: Duration = Duration::from_millis(10);
/// Delivered wake-ups say nothing any more.
const KEEP_DELIVERED: Duration = Duration::from_secs(600);
const MIGRATION_TRIES: u32 = 5;

/// Makes River's tables. Two processes that start at once collide, and the second tries again.
pub(crate) async fn migrate(db: &Db) -> Result<(), JobsError> {
    for attempt in 1.. {
        let outcome = match db {
            Db::Sqlite { write, .. } => SqliteMigrator::new(write.clone()).migrate_up().await,
            Db::Postgres(pool) => PostgresMigrator::new(pool.clone()).migrate_up().await,
        };
        match outcome {
            Ok(_) => return Ok(()),
            Err(error) if attempt >= MIGRATION_TRIES => return Err(JobsError::Queue(Box::new(error))),
            Err(_) => tokio::time::sleep(Duration::from_millis(100 * u64::from(attempt))).await,
        }
    }
    unreachable!("the last try returns")
}

/// A client that only puts wake-ups in.
pub(crate) fn sender(db: &Db) -> Result<Client, JobsError> {
    builder(db).allow_unregistered_job_kinds().build().map_err(queue_error)
}

/// A client that delivers them.
pub(crate) fn receiver(
    db: &Db,
    node: Uuid,
    workers: Workers,
    count: usize,
    longest_attempt: Duration,
) -> Result<Client, JobsError> {
    // Node heartbeats find lost wake-ups long before; this is River's own belt to those braces.
    let rescue_after = longest_attempt.saturating_add(Duration::from_secs(600));
    let maintenance = MaintenanceConfig::default()
        .with_rescue_after(rescue_after)
        .with_scheduler_interval(Duration::from_secs(1))
        .with_completed_job_retention(Retention::DeleteAfter(KEEP_DELIVERED));
    builder(db)
        .id(node.to_string())
        .workers(workers)
        .queue(riverqueue::QUEUE_DEFAULT, QueueConfig::new(count.max(1)))
        .maintenance(maintenance)
        .without_job_timeout()
        .build()
        .map_err(queue_error)
}

fn builder(db: &Db) -> ClientBuilder {
    let builder = match db {
        Db::Sqlite { write, .. } => Client::builder(write.clone()),
        Db::Postgres(pool) => Client::builder(pool.clone()),
    };
    builder.fetch_cooldown(FETCH_COOLDOWN)
}

/// Adds a wake-up to the transaction that puts the job into the queue.
pub(crate) async fn wake(client: &Client, tx: &mut Tx, record: &JobRecord) -> Result<(), DbError> {
    wake_at(client, tx, record.job_id(), record.priority(), record.run_after_ms).await
}

pub(crate) async fn wake_at(
    client: &Client,
    tx: &mut Tx,
    job: JobId,
    priority: Priority,
    at_ms: i64,
) -> Result<(), DbError> {
    let mut opts = options(priority);
    if at_ms > sori_db::now_ms() {
        let at = Timestamp::from_millisecond(at_ms).map_err(|error| unexpected(&error))?;
        opts = opts.with_scheduled_at(at);
    }
    let request = client.insert(Wake { job: job.0 }).opts(opts);
    let inserted = match tx {
        Tx::Sqlite(tx) => request.tx(tx).await,
        Tx::Postgres(tx) => request.tx(tx).await,
    };
    inserted.map(drop).map_err(db_error)
}

/// Wake-ups for several new jobs at once, in one statement.
pub(crate) async fn wake_all(
    client: &Client,
    tx: &mut Tx,
    jobs: impl Iterator<Item = (JobId, Priority)>,
) -> Result<(), DbError> {
    let request = client.insert_many(jobs.map(|(job, priority)| (Wake { job: job.0 }, options(priority))));
    let inserted = match tx {
        Tx::Sqlite(tx) => request.tx(tx).await,
        Tx::Postgres(tx) => request.tx(tx).await,
    };
    inserted.map(drop).map_err(db_error)
}

fn options(priority: Priority) -> InsertOpts {
    // River: 1 is served first, 4 last.
    let priority = match priority {
        Priority::High => 1,
        Priority::Normal => 2,
        Priority::Low => 3,
    };
    InsertOpts::default().with_priority(priority).with_max_attempts(WAKE_ATTEMPTS)
}

/// Marks a wake-up as delivered, in the transaction of what it led to. `false` when it was already.
pub(crate) async fn delivered(client: &Client, tx: &mut Tx, wake: i64) -> Result<bool, DbError> {
    let request = client.jobs().complete(wake);
    let completed = match tx {
        Tx::Sqlite(tx) => request.tx(tx).await,
        Tx::Postgres(tx) => request.tx(tx).await,
    };
    match completed {
        Ok(_) => Ok(true),
        Err(riverqueue::Error::JobNotRunning { .. } | riverqueue::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(db_error(error)),
    }
}

/// A wake-up in some worker's hands.
pub(crate) struct UnderWay {
    pub(crate) wake: i64,
    pub(crate) job: JobId,
    /// The node that took it, when its name can be read.
    pub(crate) node: Option<Uuid>,
}

/// All wake-ups being worked on, by any process.
pub(crate) async fn under_way(client: &Client) -> Result<Vec<UnderWay>, JobsError> {
    /// More than all workers of an installation together.
    const MANY: u32 = 10_000;
    let params = JobListParams::default().states([JobState::Running]).limit(MANY);
    let listed = client.jobs().list(params).await.map_err(queue_error)?;
    let under_way = listed.jobs.into_iter().filter_map(|row| {
        let job = JobId(row.decode_args::<Wake>().ok()?.job);
        let node = row.attempted_by.last().and_then(|node| node.parse().ok());
        Some(UnderWay { wake: row.id, job, node })
    });
    Ok(under_way.collect())
}

pub(crate) fn queue_error(error: riverqueue::Error) -> JobsError {
    match error {
        riverqueue::Error::Database(error) => JobsError::Db(error.into()),
        other => JobsError::Queue(Box::new(other)),
    }
}

fn db_error(error: riverqueue::Error) -> DbError {
    match error {
        riverqueue::Error::Database(error) => error.into(),
        other => unexpected(&other),
    }
}

fn unexpected(error: &dyn std::error::Error) -> DbError {
    DbError::Statement(sqlx::Error::Protocol(error.to_string()))
}
