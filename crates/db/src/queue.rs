//! The seam to the jobs block: an order joins the transaction of whoever gives it.

use async_trait::async_trait;
use sori_contracts::{JobId, NewJob};

use crate::{DbError, Tx};

#[async_trait]
pub trait JobQueue: Send + Sync {
    /// The job exists when, and only when, `tx` commits.
    async fn enqueue(&self, tx: &mut Tx, job: NewJob) -> Result<JobId, DbError>;

    /// The same in a transaction of its own.
    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError>;
}
