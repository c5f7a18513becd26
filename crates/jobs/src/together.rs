//! Orders that arrive at the same time share one transaction.
//!
//! A commit waits for the disk, and a disk can be waited for some hundred times a second only. While
//! one transaction is being committed the next orders gather, and all of them go into the next one:
//! nobody waits on purpose, and each is answered when what they ordered is durable.

use sori_contracts::{JobId, NewJob};
use sori_db::{Db, DbError};
use tokio::sync::{mpsc, oneshot};

use crate::{JobsError, store::Store, wake};

/// More in one transaction would only hold up whoever wants to write between two of them.
const MOST: usize = 64;
/// Orders that wait; beyond that those who order wait to be allowed to.
const WAITING: usize = 1_024;

struct Waiting {
    job: NewJob,
    answer: oneshot::Sender<Result<JobId, DbError>>,
}

/// Cheap to clone. The task behind it ends with the last clone.
#[derive(Clone)]
pub(crate) struct Together(mpsc::Sender<Waiting>);

impl Together {
    pub(crate) fn new(db: Db) -> Result<Self, JobsError> {
        let client = wake::sender(&db)?;
        let (orders, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(MOST);
            while waiting.recv_many(&mut batch, MOST).await > 0 {
                write(&db, &client, std::mem::take(&mut batch)).await;
            }
        });
        Ok(Self(orders))
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> Result<JobId, DbError> {
        let ended = || DbError::Unreachable(sqlx::Error::PoolClosed);
        let (answer, answered) = oneshot::channel();
        self.0.send(Waiting { job, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

async fn write(db: &Db, client: &riverqueue::Client, batch: Vec<Waiting>) {
    let jobs: Vec<&NewJob> = batch.iter().map(|waiting| &waiting.job).collect();
    match insert(db, client, &jobs).await {
        Ok(ids) => {
            for (waiting, id) in batch.into_iter().zip(ids) {
                let _gone = waiting.answer.send(Ok(id));
            }
        }
        // One that cannot be stored must not take the others with it: each alone.
        Err(error) if batch.len() > 1 => {
            tracing::warn!(%error, "orders could not be stored together");
            for waiting in batch {
                let outcome = insert(db, client, &[&waiting.job]).await.map(|ids| ids[0]);
                let _gone = waiting.answer.send(outcome);
            }
        }
        Err(error) => {
            if let Some(waiting) = batch.into_iter().next() {
                let _gone = waiting.answer.send(Err(error));
            }
        }
    }
}

/// All of them or none.
async fn insert(db: &Db, client: &riverqueue::Client, jobs: &[&NewJob]) -> Result<Vec<JobId>, DbError> {
    let mut tx = db.begin().await?;
    let mut ids = Vec::with_capacity(jobs.len());
    let mut new = Vec::with_capacity(jobs.len());
    for job in jobs {
        let id = job.id.unwrap_or_else(JobId::generate);
        if Store::insert(&mut tx, id, job).await? {
            new.push((id, job.priority));
        }
        ids.push(id);
    }
    if !new.is_empty() {
        wake::wake_all(client, &mut tx, new.into_iter()).await?;
    }
    tx.commit().await?;
    Ok(ids)
}
