//! Progress of a running job: to watchers at once, into its row twice a second at the most.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sori_contracts::{JobId, Progress, ProgressReport};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use crate::{record::JobRecord, store::Store};

const BETWEEN_EVENTS: Duration = Duration::from_millis(100);
const BETWEEN_WRITES: Duration = Duration::from_millis(500);

/// What handlers report to. Keeps the latest only, so it never blocks.
pub(crate) struct Reporter(watch::Sender<Progress>);

impl Reporter {
    pub(crate) fn new() -> (Arc<Self>, watch::Receiver<Progress>) {
        let (sender, receiver) = watch::channel(Progress::default());
        (Arc::new(Self(sender)), receiver)
    }

    pub(crate) fn latest(&self) -> Progress {
        self.0.borrow().clone()
    }
}

impl ProgressReport for Reporter {
    fn report(&self, progress: Progress) {
        self.0.send_replace(progress);
    }
}

/// Passes reports on until the reporter is gone or the lease is lost.
pub(crate) async fn pass_on(
    mut reports: watch::Receiver<Progress>,
    mut record: JobRecord,
    lease: Uuid,
    store: Store,
    changes: broadcast::Sender<Arc<JobRecord>>,
) {
    let mut written: Option<Instant> = None;
    while reports.changed().await.is_ok() {
        let progress = reports.borrow_and_update().clone();
        record.progress = serde_json::to_string(&progress).unwrap_or_default();
        if written.is_none_or(|at| at.elapsed() >= BETWEEN_WRITES) {
            written = Some(Instant::now());
            match store.save_progress(JobId(record.id), lease, &progress).await {
                Ok(Some(version)) => record.version = version,
                Ok(None) => return,
                // The database will be back, or the job's own end finds out.
                Err(error) => tracing::debug!(%error, job = %record.id, "progress was not written"),
            }
        }
        let _nobody_watches = changes.send(Arc::new(record.clone()));
        tokio::time::sleep(BETWEEN_EVENTS).await;
    }
}
