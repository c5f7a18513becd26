//! Metering: what this server does, in numbers, and who is told when they are bad.
//!
//! [`Metrics`] counts where things happen. [`Metering`] answers `/metrics`, and looks every few seconds whether an
//! alert begins or is over: [`alerts::rule`] decides that and is pure, the database keeps it, so that several
//! processes alert as one and a restart forgets nothing.
//!
//! Not in here: what is counted. Other blocks announce events, or are asked through [`Gauges`].

pub mod alerts;
mod fault;
mod metrics;
mod routes;
mod settings;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sori_contracts::JobHandler;
use sori_db::{Clock, Db, JobQueue, MigrationSet};
use sori_http::Outgoing;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use fault::MeteringFault;
pub use metrics::{InFlight, Metrics};
pub use settings::{AlertSettings, MetricsSettings};

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("metering", "0001_alert");

/// How often this process looks.
pub const EVERY: Duration = Duration::from_secs(5);

/// Slots of one kind, on all servers that share the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotUse {
    /// `audio` or `video`.
    pub kind: &'static str,
    pub taken: u64,
    /// 0 is no limit.
    pub most: u64,
}

/// What others count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Streaming sessions that this process serves.
    pub open_streams: u64,
    /// Bytes of media that left since this process began.
    pub sent_bytes: u64,
    pub slots: Vec<SlotUse>,
    /// Jobs by state.
    pub jobs: Vec<(&'static str, u64)>,
}

/// Asked every few seconds and for every look at `/metrics`; what is not known is left out.
#[async_trait]
pub trait Gauges: Send + Sync {
    async fn read(&self) -> Reading;
}

/// What the block needs from the others.
pub struct MeteringParts {
    pub db: Db,
    pub clock: Clock,
    pub queue: Arc<dyn JobQueue>,
    pub outgoing: Outgoing,
    pub gauges: Arc<dyn Gauges>,
    pub metrics: Metrics,
    pub metrics_settings: MetricsSettings,
    pub alert_settings: AlertSettings,
}

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Metering(Arc<Inner>);

struct Inner {
    /// This process, among those that share the database.
    node: Uuid,
    parts: MeteringParts,
}

impl Metering {
    #[must_use]
    pub fn new(parts: MeteringParts) -> Self {
        Self(Arc::new(Inner { node: Uuid::now_v7(), parts }))
    }

    #[must_use]
    pub fn handlers(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(alerts::NotifyAlert::new(self.0.parts.outgoing.clone(), &self.0.parts.alert_settings))]
    }

    /// Looks again and again until `stop`.
    pub async fn keep_looking(&self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the alerts were not looked at");
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn read(&self) -> Reading {
        let reading = self.0.parts.gauges.read().await;
        self.0.parts.metrics.take(&reading, self.0.parts.clock.now_ms());
        reading
    }
}
