//! The metrics ask the other blocks for what only they count.

use async_trait::async_trait;
use sori_jobs::Jobs;
use sori_metering::{Gauges, Reading, SlotUse};
use sori_streaming::{Sessions, Streaming};

pub struct ReadGauges {
    pub jobs: Jobs,
    pub sessions: Sessions,
    pub streaming: Streaming,
}

#[async_trait]
impl Gauges for ReadGauges {
    async fn read(&self) -> Reading {
        let (slots, jobs) = tokio::join!(self.sessions.slots_taken(), self.jobs.counts());
        let slots = slots.inspect_err(|error| tracing::warn!(%error, "slots were not counted"));
        let jobs = jobs.inspect_err(|error| tracing::warn!(%error, "jobs were not counted"));
        let slots = slots.unwrap_or_default().into_iter();
        let jobs = jobs.unwrap_or_default().into_iter();
        Reading {
            open_streams: self.sessions.count() as u64,
            sent_bytes: self.streaming.sent().sent_bytes(),
            slots: slots
                .map(|of| SlotUse { kind: of.name, taken: of.taken, most: u64::from(of.most) })
                .collect(),
            jobs: jobs.map(|(state, count)| (state.as_str(), count)).collect(),
        }
    }
}
