//! `GET /v1/jobs/{id}/events`: a job as it goes, without a gap.
//!
//! The order is what makes it so: subscribe, then read the row and send it, then pass on what
//! comes. A job that ended before the subscriber came is told by the row.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::sse::Event;
use sori_contracts::JobId;
use tokio::sync::{broadcast, mpsc};

use crate::{Jobs, reader::Reader, record::JobRecord};

/// Other processes' changes are not announced here: the row is read this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A watcher this far behind is waited for; the newest state is what it gets next.
const EVENTS_AHEAD: usize = 4;

pub(crate) type Events = mpsc::Receiver<Result<Event, Infallible>>;

/// What was sent last.
struct Sent {
    version: i64,
    progress: Option<String>,
}

impl Sent {
    fn is_news(&self, record: &JobRecord, is_row: bool) -> bool {
        record.version > self.version
            // Progress between two writes of the row has the number of the row before; the row itself
            // is older than what was announced since.
            || (!is_row
                && record.version == self.version
                && self.progress.as_ref().is_some_and(|progress| *progress != record.progress))
    }
}

/// `seen` is the number of the last event that the client has had.
pub(crate) fn follow(
    jobs: Jobs,
    changes: broadcast::Receiver<Arc<JobRecord>>,
    first: JobRecord,
    seen: Option<i64>,
    reader: Reader,
) -> Events {
    let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
    tokio::spawn(async move {
        let closing = jobs.0.closing.clone();
        tokio::select! {
            () = closing.cancelled() => {}
            () = sender.closed() => {}
            () = pass_on(&jobs, changes, first, seen, &reader, &sender) => {}
        }
    });
    receiver
}

async fn pass_on(
    jobs: &Jobs,
    mut changes: broadcast::Receiver<Arc<JobRecord>>,
    first: JobRecord,
    seen: Option<i64>,
    reader: &Reader,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) {
    let id = first.job_id();
    let mut sent = Sent { version: first.version, progress: None };
    // A final state is told again: the stream ends with it.
    if first.state().is_final() || seen != Some(first.version) {
        sent.progress = Some(first.progress.clone());
        if send(sender, &first, reader).await.is_break() {
            return;
        }
    }
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let (record, is_row) = tokio::select! {
            change = changes.recv() => match change {
                Ok(record) if record.job_id() == id => (record, false),
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => match read(jobs, id).await {
                    Reading::Row(record) => (record, true),
                    Reading::Unknown => continue,
                    Reading::Gone => return,
                },
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = look.tick() => match read(jobs, id).await {
                Reading::Row(record) => (record, true),
                Reading::Unknown => continue,
                Reading::Gone => return,
            },
        };
        if sent.is_news(&record, is_row) {
            sent = Sent { version: record.version, progress: Some(record.progress.clone()) };
            if send(sender, &record, reader).await.is_break() {
                return;
            }
        }
    }
}

enum Reading {
    Row(Arc<JobRecord>),
    Gone,
    /// The database is away: look again later.
    Unknown,
}

async fn read(jobs: &Jobs, id: JobId) -> Reading {
    match jobs.0.store.find(id).await {
        Ok(Some(record)) => Reading::Row(Arc::new(record)),
        Ok(None) => Reading::Gone,
        Err(_) => Reading::Unknown,
    }
}

/// Breaks when the stream is over: the client went, or this was the last word.
async fn send(
    sender: &mpsc::Sender<Result<Event, Infallible>>,
    record: &JobRecord,
    reader: &Reader,
) -> std::ops::ControlFlow<()> {
    let data = serde_json::to_string(&reader.view(record)).expect("a job can be written as JSON");
    let event = Event::default().event("job").id(record.version.to_string()).data(data);
    if sender.send(Ok(event)).await.is_err() || record.state().is_final() {
        return std::ops::ControlFlow::Break(());
    }
    std::ops::ControlFlow::Continue(())
}
