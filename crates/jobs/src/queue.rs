//! The seam that other blocks order through.

use async_trait::async_trait;
use sori_contracts::{JobId, NewJob};
use sori_db::{DbError, JobQueue, Tx, now_ms};

use crate::{Jobs, store::Store, wake};

#[async_trait]
impl JobQueue for Jobs {
    async fn enqueue(&self, tx: &mut Tx, job: NewJob) -> Result<JobId, DbError> {
        let id = job.id.unwrap_or_else(JobId::generate);
        if Store::insert(tx, id, &job).await? {
            wake::wake_at(&self.0.sender, tx, id, job.priority, now_ms()).await?;
        }
        Ok(id)
    }

    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError> {
        self.0.together.enqueue(job).await
    }
}
