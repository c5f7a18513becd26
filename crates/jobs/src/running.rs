//! The jobs that this process is working on.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sori_contracts::{Cancel, JobId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One attempt in this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) lease: Uuid,
    /// What the handler asks.
    pub(crate) cancel: Cancel,
    cancelled_for_good: CancellationToken,
    /// The row names this lease.
    claimed: Arc<AtomicBool>,
}

impl Attempt {
    fn new() -> Self {
        Self {
            lease: Uuid::now_v7(),
            cancel: Cancel::new(),
            cancelled_for_good: CancellationToken::new(),
            claimed: Arc::default(),
        }
    }

    /// Told to stop, and to stay stopped.
    pub(crate) fn cancel_for_good(&self) {
        self.cancelled_for_good.cancel();
        self.cancel.cancel();
    }

    pub(crate) fn is_cancelled_for_good(&self) -> bool {
        self.cancelled_for_good.is_cancelled()
    }

    /// Resolves when somebody wants the job gone.
    pub(crate) async fn cancelled_for_good(&self) {
        self.cancelled_for_good.cancelled().await;
    }

    pub(crate) fn set_claimed(&self) {
        self.claimed.store(true, Ordering::Release);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashMap<JobId, Vec<Attempt>>>);

impl Running {
    /// Entered before the row says so: whoever compares the two never takes a fresh attempt for a
    /// lost one.
    pub(crate) fn enter(self: &Arc<Self>, job: JobId) -> Entry {
        let attempt = Attempt::new();
        self.with(|jobs| jobs.entry(job).or_default().push(attempt.clone()));
        Entry { job, attempt, running: Arc::clone(self) }
    }

    pub(crate) fn cancel(&self, job: JobId) {
        self.with(|jobs| jobs.get(&job).into_iter().flatten().for_each(Attempt::cancel_for_good));
    }

    pub(crate) fn holds(&self, lease: Uuid) -> bool {
        self.with(|jobs| jobs.values().flatten().any(|attempt| attempt.lease == lease))
    }

    /// Attempts whose lease stands in their row, unless somebody took it from there.
    pub(crate) fn claimed(&self) -> Vec<Attempt> {
        let is_claimed = |attempt: &&Attempt| attempt.claimed.load(Ordering::Acquire);
        self.with(|jobs| jobs.values().flatten().filter(is_claimed).cloned().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<JobId, Vec<Attempt>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An attempt for as long as it lasts.
pub(crate) struct Entry {
    job: JobId,
    pub(crate) attempt: Attempt,
    running: Arc<Running>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.with(|jobs| {
            if let Some(list) = jobs.get_mut(&self.job) {
                list.retain(|attempt| attempt.lease != self.attempt.lease);
                if list.is_empty() {
                    jobs.remove(&self.job);
                }
            }
        });
    }
}
