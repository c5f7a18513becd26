//! Finished jobs do not stay for ever.
//!
//! What a job made for a script stays with the script. What it made for nobody but whoever ordered
//! it goes with the job, since nothing else leads to it.

use std::time::Duration;

use sori_db::now_ms;
use tokio_util::sync::CancellationToken;

use crate::{Jobs, JobsError, record::JobRecord};

/// Few enough that a sweep never holds up a request.
const BATCH: u32 = 100;

/// Sweeps until `stop`.
pub(crate) async fn keep_swept(jobs: Jobs, stop: CancellationToken) {
    let Some(keep_for) = jobs.0.config.keep_finished_for else { return };
    let mut look = tokio::time::interval(jobs.0.config.sweep_every);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let swept = tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => jobs.sweep(keep_for),
        };
        tokio::select! {
            () = stop.cancelled() => return,
            swept = swept => match swept {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "old finished jobs were removed"),
                Err(error) => tracing::warn!(%error, "old finished jobs could not be removed"),
            },
        }
    }
}

impl Jobs {
    /// Removes jobs that ended longer ago than `keep_for`, and answers how many.
    pub async fn sweep(&self, keep_for: Duration) -> Result<usize, JobsError> {
        let keep_ms = i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX);
        let before_ms = now_ms().saturating_sub(keep_ms);
        let mut removed = 0;
        loop {
            let batch = self.0.store.finished_before(before_ms, BATCH).await?;
            let mut gone = 0;
            for record in &batch {
                gone += usize::from(self.sweep_one(record).await?);
            }
            removed += gone;
            // A batch of which nothing could go would come again and again.
            if batch.len() < BATCH as usize || gone == 0 {
                return Ok(removed);
            }
        }
    }

    async fn sweep_one(&self, record: &JobRecord) -> Result<bool, JobsError> {
        let id = record.job_id();
        if record.script_id.is_some() {
            return Ok(self.0.store.remove(id).await?);
        }
        match self.discard(id).await {
            Ok(is_gone) => Ok(is_gone),
            Err(problem) => {
                tracing::warn!(job = %id, error = %problem.fault(), "what an old job made cannot be removed yet");
                Ok(false)
            }
        }
    }
}
