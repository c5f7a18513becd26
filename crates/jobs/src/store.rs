//! Every statement on `jobs_job`.
//!
//! A running job belongs to whoever holds its lease, a fresh id per attempt. Each write of a worker
//! names its lease, so that one who was thought dead cannot overwrite the work of its successor.

use serde_json::Value;
use sori_contracts::{AccountId, JobId, JobState, NewJob, Progress, ScriptId};
use sori_db::{Db, DbError, Tx, now_ms};
use uuid::Uuid;

use crate::record::{JobRecord, columns, name_of};

#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) db: Db,
}

/// What an attempt left behind.
pub(crate) struct Outcome {
    pub(crate) state: JobState,
    pub(crate) progress: Progress,
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<ErrorTexts>,
    /// For a job that goes back into the queue: not before this.
    pub(crate) run_after_ms: i64,
    /// The attempt does not count: it was interrupted by a stop of the server.
    pub(crate) give_attempt_back: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ErrorTexts {
    pub(crate) code: String,
    pub(crate) en: String,
    pub(crate) ko: String,
}

/// Which jobs to list; what is absent does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<JobState>,
    pub(crate) script: Option<ScriptId>,
    pub(crate) owner: Option<AccountId>,
}

/// A running job by the words of its row.
#[derive(sqlx::FromRow)]
pub(crate) struct Lease {
    pub(crate) id: Uuid,
    pub(crate) lease_id: Option<Uuid>,
    pub(crate) node_id: Option<Uuid>,
    pub(crate) cancel_requested: bool,
}

impl Store {
    /// Says whether the job is new; one with this id may be there already.
    pub(crate) async fn insert(tx: &mut Tx, id: JobId, job: &NewJob) -> Result<bool, DbError> {
        let now = now_ms();
        let made = tx.query(
            "INSERT INTO jobs_job (id, kind, state, priority, payload, script_id, owner_id, attempt, progress,
                 created_at_ms, run_after_ms, cancel_requested, version)
             VALUES ($1, $2, 'queued', $3, $4, $5, $6, 0, $7, $8, $8, FALSE, 1)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(job.kind)
        .bind(name_of(job.priority))
        .bind(job.payload.to_string())
        .bind(job.script_id)
        .bind(job.owner)
        .bind(text_of(&Progress::default()))
        .bind(now)
        .execute()
        .await?;
        Ok(made > 0)
    }

    pub(crate) async fn find(&self, id: JobId) -> Result<Option<JobRecord>, DbError> {
        self.db
            .query(concat!("SELECT ", columns!(), " FROM jobs_job WHERE id = $1"))
            .bind(id)
            .fetch_optional()
            .await
    }

    /// Newest first.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRecord>, DbError> {
        self.db
            .query(concat!(
                "SELECT ",
                columns!(),
                " FROM jobs_job WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR script_id = $2)
                  AND ($3 IS NULL OR owner_id = $3) AND ($4 IS NULL OR id < $4) ORDER BY id DESC LIMIT $5"
            ))
            .bind(filter.state.map(JobState::as_str))
            .bind(filter.script)
            .bind(filter.owner)
            .bind(after)
            .bind(limit)
            .fetch_all()
            .await
    }

    /// The job with its payload, if it is there to be begun and this call was the first to do so.
    pub(crate) async fn claim(
        &self,
        id: JobId,
        lease: Uuid,
        node: Uuid,
    ) -> Result<Option<(JobRecord, String)>, DbError> {
        let mut tx = self.db.begin().await?;
        let claimed: Option<JobRecord> = tx
            .query(concat!(
                "UPDATE jobs_job SET state = 'running', attempt = attempt + 1, lease_id = $2, node_id = $3,
                     started_at_ms = COALESCE(started_at_ms, $4), version = version + 1
                 WHERE id = $1 AND state = 'queued' AND run_after_ms <= $4 RETURNING ",
                columns!()
            ))
            .bind(id)
            .bind(lease)
            .bind(node)
            .bind(now_ms())
            .fetch_optional()
            .await?;
        let Some(record) = claimed else { return Ok(None) };
        let payload = tx.query("SELECT payload FROM jobs_job WHERE id = $1").bind(id).scalar().await?;
        tx.commit().await?;
        Ok(Some((record, payload)))
    }

    /// The row's new version; `None` when the lease is lost.
    pub(crate) async fn save_progress(
        &self,
        id: JobId,
        lease: Uuid,
        progress: &Progress,
    ) -> Result<Option<i64>, DbError> {
        let version: Option<(i64,)> = self
            .db
            .query(
                "UPDATE jobs_job SET progress = $3, version = version + 1
                 WHERE id = $1 AND state = 'running' AND lease_id = $2 RETURNING version",
            )
            .bind(id)
            .bind(lease)
            .bind(text_of(progress))
            .fetch_optional()
            .await?;
        Ok(version.map(|(version,)| version))
    }

    /// Ends an attempt. `None` when the lease is lost: the outcome is then nobody's. A wish to cancel
    /// that came too late for the attempt still keeps the job from being begun again.
    pub(crate) async fn settle(
        tx: &mut Tx,
        id: JobId,
        lease: Uuid,
        outcome: &Outcome,
    ) -> Result<Option<JobRecord>, DbError> {
        let error = outcome.error.as_ref();
        tx.query(concat!(
            "UPDATE jobs_job SET progress = $4, result = $5, error_code = $6, error_en = $7, error_ko = $8,
                 run_after_ms = $9, attempt = attempt - $10, lease_id = NULL, node_id = NULL,
                 version = version + 1,
                 state = CASE WHEN $3 = 'queued' AND cancel_requested THEN 'cancelled' ELSE $3 END,
                 finished_at_ms = CASE WHEN $3 = 'queued' AND NOT cancel_requested THEN NULL ELSE $11 END
             WHERE id = $1 AND state = 'running' AND lease_id = $2 RETURNING ",
            columns!()
        ))
        .bind(id)
        .bind(lease)
        .bind(outcome.state.as_str())
        .bind(text_of(&outcome.progress))
        .bind(outcome.result.as_ref().map(Value::to_string))
        .bind(error.map(|error| error.code.as_str()))
        .bind(error.map(|error| error.en.as_str()))
        .bind(error.map(|error| error.ko.as_str()))
        .bind(outcome.run_after_ms)
        .bind(i64::from(outcome.give_attempt_back))
        .bind(now_ms())
        .fetch_optional()
        .await
    }

    /// Fails a queued job that must not be begun any more.
    pub(crate) async fn refuse(&self, id: JobId, error: &ErrorTexts) -> Result<Option<JobRecord>, DbError> {
        self.db
            .query(concat!(
                "UPDATE jobs_job SET state = 'failed', error_code = $2, error_en = $3, error_ko = $4,
                     finished_at_ms = $5, version = version + 1
                 WHERE id = $1 AND state = 'queued' RETURNING ",
                columns!()
            ))
            .bind(id)
            .bind(error.code.as_str())
            .bind(error.en.as_str())
            .bind(error.ko.as_str())
            .bind(now_ms())
            .fetch_optional()
            .await
    }

    /// A queued job is cancelled at once; a running one is asked to stop. `None` when it is neither.
    pub(crate) async fn cancel(&self, id: JobId) -> Result<Option<JobRecord>, DbError> {
        self.db
            .query(concat!(
                "UPDATE jobs_job SET cancel_requested = TRUE, version = version + 1,
                     finished_at_ms = CASE WHEN state = 'queued' THEN $2 ELSE finished_at_ms END,
                     state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
                 WHERE id = $1 AND state IN ('queued', 'running') RETURNING ",
                columns!()
            ))
            .bind(id)
            .bind(now_ms())
            .fetch_optional()
            .await
    }

    /// Puts a failed or cancelled job back, as if it were new.
    pub(crate) async fn revive(tx: &mut Tx, id: JobId) -> Result<Option<JobRecord>, DbError> {
        tx.query(concat!(
            "UPDATE jobs_job SET state = 'queued', attempt = 0, progress = $2, result = NULL, error_code = NULL,
                 error_en = NULL, error_ko = NULL, run_after_ms = $3, started_at_ms = NULL,
                 finished_at_ms = NULL, cancel_requested = FALSE, version = version + 1
             WHERE id = $1 AND state IN ('failed', 'cancelled') RETURNING ",
            columns!()
        ))
        .bind(id)
        .bind(text_of(&Progress::default()))
        .bind(now_ms())
        .fetch_optional()
        .await
    }

    /// Removes a finished job.
    pub(crate) async fn remove(&self, id: JobId) -> Result<bool, DbError> {
        let removed = self
            .db
            .query("DELETE FROM jobs_job WHERE id = $1 AND state IN ('succeeded', 'failed', 'cancelled')")
            .bind(id)
            .execute()
            .await?;
        Ok(removed > 0)
    }

    /// The account's jobs become nobody's: those that are under way still end in order.
    pub(crate) async fn disown(&self, owner: AccountId) -> Result<(), DbError> {
        self.db
            .query("UPDATE jobs_job SET owner_id = NULL WHERE owner_id = $1")
            .bind(owner)
            .execute()
            .await?;
        Ok(())
    }

    /// Finished before `before_ms`, oldest first.
    pub(crate) async fn finished_before(
        &self,
        before_ms: i64,
        limit: u32,
    ) -> Result<Vec<JobRecord>, DbError> {
        self.db
            .query(concat!(
                "SELECT ",
                columns!(),
                " FROM jobs_job WHERE finished_at_ms < $1 ORDER BY finished_at_ms, id LIMIT $2"
            ))
            .bind(before_ms)
            .bind(limit)
            .fetch_all()
            .await
    }

    pub(crate) async fn running(&self) -> Result<Vec<Lease>, DbError> {
        self.db
            .query("SELECT id, lease_id, node_id, cancel_requested FROM jobs_job WHERE state = 'running'")
            .fetch_all()
            .await
    }

    /// Takes a running job from a worker that is gone: back into the queue, or cancelled if that
    /// was asked for. The attempt counts, so that a job that kills its worker ends.
    pub(crate) async fn take_back(tx: &mut Tx, lease: &Lease) -> Result<Option<JobRecord>, DbError> {
        tx.query(concat!(
            "UPDATE jobs_job SET lease_id = NULL, node_id = NULL, run_after_ms = $3, version = version + 1,
                 finished_at_ms = CASE WHEN cancel_requested THEN $3 ELSE NULL END,
                 state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END
             WHERE id = $1 AND state = 'running' AND lease_id = $2 RETURNING ",
            columns!()
        ))
        .bind(lease.id)
        .bind(lease.lease_id)
        .bind(now_ms())
        .fetch_optional()
        .await
    }

    /// The job, when it waits in the queue.
    pub(crate) async fn queued(tx: &mut Tx, id: JobId) -> Result<Option<JobRecord>, DbError> {
        tx.query(concat!("SELECT ", columns!(), " FROM jobs_job WHERE id = $1 AND state = 'queued'"))
            .bind(id)
            .fetch_optional()
            .await
    }
}

fn text_of(progress: &Progress) -> String {
    serde_json::to_string(progress).expect("numbers and a text can be written as JSON")
}
