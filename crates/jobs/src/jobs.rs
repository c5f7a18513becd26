//! The block: opened, started with its handlers, asked, stopped.

use std::{
    collections::HashMap,
    fs::File,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use riverqueue::{Client, Workers};
use sori_contracts::{Caller, JobError, JobHandler, JobId, JobState, ScriptId, UiLanguage};
use sori_db::Db;
use sori_http::Problem;
use tokio::{sync::broadcast, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    JobView, JobsConfig, JobsError, nodes,
    record::JobRecord,
    retention,
    running::Running,
    store::{Filter, Store},
    together::Together,
    wake,
    worker::WakeWorker,
};

/// Changes that a slow watcher may fall behind; it then reads the row again.
const CHANGES_KEPT: usize = 1_024;
/// Between two tries to work when the queue's own services gave up.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The jobs of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) config: JobsConfig,
    pub(crate) sender: Client,
    pub(crate) together: Together,
    pub(crate) node: Uuid,
    pub(crate) running: Arc<Running>,
    pub(crate) changes: broadcast::Sender<Arc<JobRecord>>,
    /// Event streams end.
    pub(crate) closing: CancellationToken,
    /// Jobs are told to give way.
    pub(crate) stopping: CancellationToken,
    handlers: OnceLock<HashMap<&'static str, Arc<dyn JobHandler>>>,
    started: Mutex<Option<Started>>,
}

struct Started {
    no_more_work: CancellationToken,
    worker: JoinHandle<()>,
    no_more_order: CancellationToken,
    order: JoinHandle<()>,
    sweep: JoinHandle<()>,
    heart: thread::JoinHandle<()>,
    _alive: Option<File>,
}

impl Jobs {
    /// Brings River's tables up to date. Jobs can be ordered from here on; they wait for
    /// [`Jobs::start`]. The tables of [`crate::MIGRATIONS`] must be there.
    pub async fn new(db: Db, config: JobsConfig) -> Result<Self, JobsError> {
        wake::migrate(&db).await?;
        let sender = wake::sender(&db)?;
        let together = Together::new(db.clone())?;
        Ok(Self(Arc::new(Inner {
            store: Store { db },
            config,
            sender,
            together,
            node: Uuid::now_v7(),
            running: Arc::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            handlers: OnceLock::new(),
            started: Mutex::new(None),
        })))
    }

    /// Begins to work. Every process must know all kinds: a job of an unknown kind fails.
    pub async fn start(&self, handlers: Vec<Arc<dyn JobHandler>>) -> Result<(), JobsError> {
        let inner = &self.0;
        let longest = handlers.iter().map(|handler| handler.timeout()).max().unwrap_or_default();
        let by_kind = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        inner.handlers.set(by_kind).map_err(|_| JobsError::AlreadyStarted)?;

        let db = &inner.store.db;
        let alive = nodes::join(db).await?;
        nodes::beat(db, inner.node).await?;
        inner.rescue().await?;
        let no_more_order = CancellationToken::new();
        let heart = nodes::spawn_heart(db, inner.node, inner.config.heartbeat, no_more_order.clone())
            .map_err(|error| JobsError::Queue(Box::new(error)))?;
        let order = tokio::spawn(nodes::keep_order(Arc::clone(inner), no_more_order.clone()));
        let sweep = tokio::spawn(retention::keep_swept(self.clone(), no_more_order.clone()));

        let mut workers = Workers::new();
        workers.add(WakeWorker(Arc::clone(inner))).map_err(wake::queue_error)?;
        let client = wake::receiver(db, inner.node, workers, inner.config.workers, longest)?;
        let no_more_work = CancellationToken::new();
        let worker = tokio::spawn(work(Arc::clone(inner), client, no_more_work.clone()));
        *inner.started() =
            Some(Started { no_more_work, worker, no_more_order, order, sweep, heart, _alive: alive });
        Ok(())
    }

    /// Takes no more work; running jobs finish soon or go back into the queue, within half a minute.
    pub async fn stop(&self) {
        self.close_streams();
        let Some(started) = self.0.started().take() else { return };
        started.no_more_work.cancel();
        let _ended = started.worker.await;
        started.no_more_order.cancel();
        let _ended = started.order.await;
        let _ended = started.sweep.await;
        let _ended = tokio::task::spawn_blocking(move || started.heart.join()).await;
        let left = nodes::leave(&self.0.store.db, self.0.node).await;
        if let Err(error) = left {
            tracing::warn!(%error, "this process could not say that it ends; others notice in a while");
        }
    }

    /// Ends all event streams, which would hold a server that shuts down.
    pub fn close_streams(&self) {
        self.0.closing.cancel();
    }

    /// With messages in English.
    pub async fn get(&self, id: JobId) -> Result<JobView, JobsError> {
        Ok(self.record(id).await?.view(UiLanguage::En))
    }

    /// The jobs of a script that are not finished, newest first.
    pub async fn under_way_for(&self, script: ScriptId) -> Result<Vec<JobView>, JobsError> {
        const ENOUGH: u32 = 200;
        let store = &self.0.store;
        let under_way = |state| Filter { state: Some(state), script: Some(script), owner: None };
        let mut records = store.list(&under_way(JobState::Running), None, ENOUGH).await?;
        records.extend(store.list(&under_way(JobState::Queued), None, ENOUGH).await?);
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        Ok(records.iter().map(|record| record.view(UiLanguage::En)).collect())
    }

    /// Cancels a job that is not finished: a queued one at once, a running one as soon as it
    /// gives way. A finished one stays as it is.
    pub async fn cancel(&self, id: JobId) -> Result<JobView, JobsError> {
        let record = match self.0.store.cancel(id).await? {
            Some(record) => {
                self.0.running.cancel(id);
                self.0.announce(record.clone());
                record
            }
            None => self.record(id).await?,
        };
        Ok(record.view(UiLanguage::En))
    }

    /// Puts a failed or cancelled job back into the queue.
    pub async fn retry(&self, id: JobId) -> Result<JobView, JobsError> {
        let mut tx = self.0.store.db.begin().await?;
        let Some(record) = Store::revive(&mut tx, id).await? else {
            drop(tx);
            return Err(JobsError::NotRetryable(self.record(id).await?.state()));
        };
        wake::wake(&self.0.sender, &mut tx, &record).await?;
        tx.commit().await?;
        self.0.announce(record.clone());
        Ok(record.view(UiLanguage::En))
    }

    /// Removes a finished job and what it made. `false` when it is not finished.
    pub async fn discard(&self, id: JobId) -> Result<bool, Problem> {
        let record = self.record(id).await?;
        if !record.state().is_final() {
            return Ok(false);
        }
        if let Some(handler) = self.0.handler(&record.kind) {
            handler.discard(id, record.result()).await.map_err(|error| match error {
                JobError::Fault(fault) => Problem::from_boxed(fault),
                JobError::Cancelled => JobsError::DiscardInterrupted.into(),
            })?;
        }
        Ok(self.0.store.remove(id).await.map_err(JobsError::from)?)
    }

    /// The job, if it exists for this caller.
    pub(crate) async fn record_for(&self, caller: &Caller, id: JobId) -> Result<JobRecord, JobsError> {
        let record = self.record(id).await?;
        if record.is_for(caller) { Ok(record) } else { Err(JobsError::NotFound(id)) }
    }

    pub(crate) async fn record(&self, id: JobId) -> Result<JobRecord, JobsError> {
        self.0.store.find(id).await?.ok_or(JobsError::NotFound(id))
    }
}

impl Inner {
    pub(crate) fn handler(&self, kind: &str) -> Option<Arc<dyn JobHandler>> {
        self.handlers.get()?.get(kind).cloned()
    }

    pub(crate) fn announce(&self, record: JobRecord) {
        let _nobody_watches = self.changes.send(Arc::new(record));
    }

    fn started(&self) -> std::sync::MutexGuard<'_, Option<Started>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the queue's client running until `stop`, then lets it end in good order.
async fn work(inner: Arc<Inner>, client: Client, stop: CancellationToken) {
    loop {
        let mut run = match client.start() {
            Ok(run) => run,
            Err(error) => {
                tracing::error!(%error, "the queue does not start");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RESTART_PAUSE) => continue,
                }
            }
        };
        tokio::select! {
            ended = run.wait() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the queue ended by itself and is started again");
                }
                tokio::time::sleep(RESTART_PAUSE).await;
            }
            () = stop.cancelled() => {
                if tokio::time::timeout(inner.config.finish_within, run.stop()).await.is_ok() {
                    return;
                }
                inner.stopping.cancel();
                // Jobs that do not give way are given up by the worker; this is for a worker that hangs.
                let patience = inner.config.yield_within + Duration::from_secs(5);
                if tokio::time::timeout(patience, run.stop()).await.is_err() {
                    tracing::warn!("jobs do not end and are left to the next start");
                }
                return;
            }
        }
    }
}
