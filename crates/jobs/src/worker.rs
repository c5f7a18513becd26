//! One wake-up: claim the job, let its handler work, write down how it ended.

use std::{sync::Arc, time::Duration};

use riverqueue::{Job, WorkContext, WorkError, WorkOutcome, Worker, jiff::Timestamp};
use sori_contracts::{JobError, JobHandler, JobId, JobState, ProgressReport, RunningJob};
use sori_db::{DbError, now_ms};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    JobsError,
    jobs::Inner,
    progress::{self, Reporter},
    record::JobRecord,
    running::Attempt,
    settle::{self, Circumstances, End, outcome_of},
    store::{Outcome, Store},
    wake::{self, Wake},
};

/// Between two tries to write down an end while the database is away.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to read a job while the database is away.
const REDELIVERY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct WakeWorker(pub(crate) Arc<Inner>);

impl Worker<Wake> for WakeWorker {
    type Error = JobsError;

    fn next_retry(&self, _job: &Job<Wake>, _error: &WorkError, _now: Timestamp) -> Option<Duration> {
        Some(REDELIVERY_PAUSE)
    }

    async fn work(&self, _context: WorkContext, job: Job<Wake>) -> Result<WorkOutcome, JobsError> {
        let wake = job.id();
        self.0.look_at(JobId(job.args.job), wake).await
    }
}

impl Inner {
    async fn look_at(self: &Arc<Self>, id: JobId, wake: i64) -> Result<WorkOutcome, JobsError> {
        let Some(waiting) = self.store.find(id).await?.filter(|record| record.state() == JobState::Queued)
        else {
            return Ok(WorkOutcome::Complete);
        };
        // The clock that scheduled the wake-up may run ahead of this one.
        if let Ok(early_ms @ 1..) = u64::try_from(waiting.run_after_ms - now_ms()) {
            return Ok(WorkOutcome::Snooze(Duration::from_millis(early_ms)));
        }
        let handler = match self.handler_for(&waiting) {
            Ok(handler) => handler,
            Err(refusal) => {
                tracing::error!(job = %id, kind = waiting.kind, error = %refusal, "a job is given up");
                if let Some(failed) = self.store.refuse(id, &settle::texts_of(&refusal)).await? {
                    self.announce(failed);
                }
                return Ok(WorkOutcome::Complete);
            }
        };
        let entry = self.running.enter(id);
        let Some((record, payload)) = self.store.claim(id, entry.attempt.lease, self.node).await? else {
            return Ok(WorkOutcome::Complete);
        };
        entry.attempt.set_claimed();
        self.announce(record.clone());
        let (reporter, reports) = Reporter::new();
        let passing_on = AbortOnDropHandle::new(tokio::spawn(progress::pass_on(
            reports,
            record.clone(),
            entry.attempt.lease,
            self.store.clone(),
            self.changes.clone(),
        )));
        let end = self.run(Arc::clone(&handler), &record, payload, &entry.attempt, &reporter).await;
        // Ended before the last word, so that no late progress follows it.
        passing_on.abort();
        let _cancelled = passing_on.await;
        let outcome = outcome_of(
            end,
            Circumstances {
                attempt: record.attempt(),
                max_attempts: handler.max_attempts(),
                cancelled: entry.attempt.is_cancelled_for_good(),
                progress: reporter.latest(),
                now_ms: now_ms(),
                config: &self.config,
            },
        );
        self.settle_for_sure(id, wake, &entry.attempt, &outcome).await;
        Ok(WorkOutcome::Complete)
    }

    fn handler_for(&self, waiting: &JobRecord) -> Result<Arc<dyn JobHandler>, JobsError> {
        let handler =
            self.handler(&waiting.kind).ok_or_else(|| JobsError::UnknownKind(waiting.kind.clone()))?;
        match settle::refusal(waiting.attempt(), handler.max_attempts()) {
            Some(refusal) => Err(refusal),
            None => Ok(handler),
        }
    }

    async fn run(
        &self,
        handler: Arc<dyn JobHandler>,
        record: &JobRecord,
        payload: String,
        attempt: &Attempt,
        reporter: &Arc<Reporter>,
    ) -> End {
        let job = RunningJob {
            id: record.job_id(),
            payload: serde_json::from_str(&payload).unwrap_or_default(),
            owner: record.owner(),
            attempt: record.attempt(),
            progress: Arc::clone(reporter) as Arc<dyn ProgressReport>,
            cancel: attempt.cancel.clone(),
        };
        tracing::info!(job = %job.id, kind = record.kind, attempt = job.attempt, "a job begins");
        let timeout = handler.timeout();
        let mut work = AbortOnDropHandle::new(tokio::spawn(async move { handler.run(job).await }));
        let unheard = tokio::select! {
            answer = &mut work => return end_of(answer),
            () = tokio::time::sleep(timeout) => End::Failed(JobsError::TimedOut(timeout).into()),
            () = attempt.cancelled_for_good() => End::GivenUp,
            () = self.stopping.cancelled() => End::Interrupted,
        };
        attempt.cancel.cancel();
        match (tokio::time::timeout(self.config.yield_within, &mut work).await, unheard) {
            (Ok(answer), unheard) => match (end_of(answer), unheard) {
                (done @ End::Done(_), _) => done,
                // That it was told to stop says less than why.
                (_, End::Failed(timed_out)) => End::Failed(timed_out),
                (_, End::Interrupted) => End::Interrupted,
                (told, _) => told,
            },
            (Err(_), unheard) => {
                tracing::warn!(job = %record.id, kind = record.kind, "a job does not stop and is given up");
                unheard
            }
        }
    }

    /// The end of an attempt must be written down, or the job would seem to run for ever. While
    /// the database is away this waits; if the process ends meanwhile, another takes the job.
    async fn settle_for_sure(&self, id: JobId, wake: i64, attempt: &Attempt, outcome: &Outcome) {
        loop {
            match self.settle(id, wake, attempt, outcome).await {
                Ok(Some(record)) => {
                    let error = record.error_code.as_deref();
                    tracing::info!(job = %id, kind = record.kind, state = record.state, error, "a job's attempt ended");
                    self.announce(record);
                    return;
                }
                Ok(None) => {
                    tracing::warn!(job = %id, "an attempt ended after its job was given to another worker");
                    return;
                }
                Err(error) => tracing::warn!(job = %id, %error, "the end of a job is not written yet"),
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    /// Row, next wake-up and delivered wake-up change together.
    async fn settle(
        &self,
        id: JobId,
        wake: i64,
        attempt: &Attempt,
        outcome: &Outcome,
    ) -> Result<Option<JobRecord>, DbError> {
        let mut tx = self.store.db.begin().await?;
        let Some(record) = Store::settle(&mut tx, id, attempt.lease, outcome).await? else { return Ok(None) };
        if record.state() == JobState::Queued {
            wake::wake(&self.sender, &mut tx, &record).await?;
        }
        wake::delivered(&self.sender, &mut tx, wake).await?;
        tx.commit().await?;
        Ok(Some(record))
    }
}

fn end_of(answer: Result<Result<serde_json::Value, JobError>, tokio::task::JoinError>) -> End {
    match answer {
        Ok(Ok(result)) => End::Done(result),
        Ok(Err(error)) => {
            if let JobError::Fault(fault) = &error {
                tracing::warn!(error = %fault, code = fault.code(), "a job's attempt failed");
            }
            End::Failed(error)
        }
        Err(panic) => End::Failed(JobsError::Panicked(panic.to_string()).into()),
    }
}
