//! Processes that share a database, a clock that is set by hand, and numbers that are put there.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use async_trait::async_trait;
use sori_contracts::{
    Announce, ContentId, Event, JobId, MediaId, NewJob, StreamError, StreamId, StreamStarted,
};
use sori_db::{
    Clock, DbError, JobQueue, Tx,
    testing::{self, TestDb},
};
use sori_http::{Outgoing, outgoing::Rules};
use sori_metering::{
    AlertSettings, Gauges, MIGRATIONS, Metering, MeteringParts, Metrics, MetricsSettings, Reading, SlotUse,
};

#[derive(Default)]
pub(crate) struct Queue(pub(crate) Mutex<Vec<NewJob>>);

#[async_trait]
impl JobQueue for Queue {
    async fn enqueue(&self, _tx: &mut Tx, job: NewJob) -> Result<JobId, DbError> {
        self.0.lock().unwrap().push(job);
        Ok(JobId::generate())
    }

    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError> {
        self.0.lock().unwrap().push(job);
        Ok(JobId::generate())
    }
}

#[derive(Default)]
struct Numbers(Mutex<Reading>);

#[async_trait]
impl Gauges for Numbers {
    async fn read(&self) -> Reading {
        self.0.lock().unwrap().clone()
    }
}

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _event: Event) {}
}

pub(crate) struct Scene {
    pub(crate) database: TestDb,
    now_ms: Arc<AtomicI64>,
}

/// One process.
pub(crate) struct Node {
    pub(crate) metering: Metering,
    pub(crate) queue: Arc<Queue>,
    announce: Arc<dyn Announce>,
    numbers: Arc<Numbers>,
    now_ms: Arc<AtomicI64>,
}

pub(crate) fn webhook(url: &str) -> AlertSettings {
    AlertSettings {
        webhook_url: Some(url.into()),
        webhook_secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
        ..AlertSettings::default()
    }
}

impl Scene {
    /// One on each engine.
    pub(crate) async fn on_both() -> Vec<Self> {
        let databases = testing::databases(&[MIGRATIONS]).await;
        databases
            .into_iter()
            .map(|database| Self { database, now_ms: Arc::new(AtomicI64::new(1_000_000_000)) })
            .collect()
    }

    pub(crate) fn node(&self, alerts: AlertSettings) -> Node {
        self.open_node(alerts, MetricsSettings::default())
    }

    pub(crate) fn open_node(&self, alert_settings: AlertSettings, metrics_settings: MetricsSettings) -> Node {
        let (queue, numbers) = (Arc::new(Queue::default()), Arc::new(Numbers::default()));
        let (metrics, now_ms) = (Metrics::new(), Arc::clone(&self.now_ms));
        let announce = metrics.counting(Arc::new(Nobody));
        let metering = Metering::new(MeteringParts {
            db: self.database.db.clone(),
            clock: Clock::new(move || now_ms.load(Relaxed)),
            queue: Arc::clone(&queue) as Arc<dyn JobQueue>,
            outgoing: Outgoing::new(Rules::private_if(true)),
            gauges: Arc::clone(&numbers) as Arc<dyn Gauges>,
            metrics,
            metrics_settings,
            alert_settings,
        });
        Node { metering, queue, announce, numbers, now_ms: Arc::clone(&self.now_ms) }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1_000, Relaxed);
    }
}

impl Node {
    pub(crate) fn set_slots(&self, taken: u64) {
        let slots =
            vec![SlotUse { kind: "audio", taken: 900, most: 0 }, SlotUse { kind: "video", taken, most: 20 }];
        *self.numbers.0.lock().unwrap() = Reading { slots, ..Reading::default() };
    }

    /// Streams break for no reason that is known.
    pub(crate) fn fail(&self, times: usize) {
        self.error(ContentId::generate(), "INTERNAL", times);
    }

    /// Streams of one content end for want of its file.
    pub(crate) fn fail_at(&self, content: ContentId, times: usize) {
        self.error(content, "STREAM_FILE_UNAVAILABLE", times);
    }

    fn error(&self, content_id: ContentId, code: &str, times: usize) {
        for _ in 0..times {
            self.announce.announce(Event::StreamError(StreamError {
                session_id: None,
                user_id: None,
                content_id,
                error_code: code.into(),
                error_message: String::new(),
                at_ms: self.now_ms.load(Relaxed),
            }));
        }
    }

    pub(crate) fn start(&self, source: &str, times: usize) {
        for _ in 0..times {
            self.announce.announce(Event::StreamStarted(StreamStarted {
                session_id: StreamId::generate(),
                user_id: None,
                content_id: ContentId::generate(),
                source: source.into(),
                at_ms: self.now_ms.load(Relaxed),
            }));
        }
    }

    pub(crate) fn miss(&self, media_id: MediaId, content_id: Option<ContentId>) {
        let at_ms = self.now_ms.load(Relaxed);
        self.announce.announce(Event::FileMissing { media_id, content_id, at_ms });
    }

    /// What one look tells, as `name: change`.
    pub(crate) async fn look(&self) -> Vec<String> {
        let told = self.metering.look().await.unwrap();
        told.iter().map(|notice| format!("{}: {}", notice.alert, notice.change.as_str())).collect()
    }
}
