//! How many jobs there are in each state that is not an end, for whoever watches the queue.

use sori_contracts::JobState;
use sori_db::DbError;

use crate::Jobs;

impl Jobs {
    /// Jobs of all processes that wait or run.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn counts(&self) -> Result<Vec<(JobState, u64)>, DbError> {
        let rows: Vec<(String, i64)> = self
            .0
            .store
            .db
            .query("SELECT state, COUNT(*) FROM jobs_job WHERE state IN ('queued', 'running') GROUP BY state")
            .fetch_all()
            .await?;
        let count =
            |state: JobState| rows.iter().find(|(name, _)| name == state.as_str()).map_or(0, |row| row.1);
        let states = [JobState::Queued, JobState::Running];
        Ok(states.map(|state| (state, u64::try_from(count(state)).unwrap_or_default())).into())
    }
}
