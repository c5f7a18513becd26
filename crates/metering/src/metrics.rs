//! The numbers of this process, for Prometheus.
//!
//! A metric has few labels, and none that a client chooses: routes are templates, methods and statuses
//! those of HTTP. The names of streams are those that dashboards of earlier systems ask for.

mod heard;
mod process;

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};
use sori_contracts::{Announce, Event};

pub(crate) use heard::News;
use heard::{Heard, Incident, Window};
use process::Process;

use crate::Reading;

/// Seconds. The goals are edges: 0.3 s for an answer, 0.5 s for a seek, 2 s for the start of a stream.
const ANSWER_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];
/// The codes of a stream that failed for want of its file: damaged or out of reach, or not there at all. A
/// content that does not exist begins no stream.
const FILE_GONE: [&str; 2] = ["STREAM_FILE_UNAVAILABLE", "CONTENT_NOT_FOUND"];
/// Seconds that somebody listens.
const SESSION_BUCKETS: [f64; 9] = [10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0];

/// Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    process: Process,
    requests: IntCounterVec,
    answer_seconds: HistogramVec,
    in_flight: IntGauge,
    audio_requests: IntCounterVec,
    audio_seconds: Histogram,
    cache_hit_rate: Gauge,
    stream_hit_rate: Gauge,
    stream_active: IntGauge,
    stream_total: IntCounter,
    stream_errors: IntCounter,
    stream_bandwidth: Gauge,
    stream_avg_duration: Gauge,
    session_seconds: Histogram,
    sent_bytes: IntCounter,
    slots_taken: IntGaugeVec,
    slots: IntGaugeVec,
    jobs: IntGaugeVec,
    alerts: IntGaugeVec,
    heard: Heard,
    window: Mutex<Window>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// # Panics
    /// Never: the names are constants of this file, each used once.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner::register().expect("names are valid and differ")))
    }

    /// A request came; it is under way until the answer is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.0.in_flight.inc();
        InFlight(self.0.in_flight.clone())
    }

    /// A request was answered. `route` is the template that it matched; `seconds` went by until its first byte.
    pub fn answered(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let method = match method {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "other",
        };
        self.0.requests.with_label_values(&[method, route, status_text(status)]).inc();
        self.0.answer_seconds.with_label_values(&[method, route]).observe(seconds);
    }

    /// A request for sound or pictures was answered.
    pub fn stream_answered(&self, status: u16) {
        self.0.audio_requests.with_label_values(&[status_text(status)]).inc();
    }

    /// The first byte of sound or pictures is on its way, so many seconds after it was asked for.
    pub fn first_byte(&self, seconds: f64) {
        self.0.audio_seconds.observe(seconds);
    }

    /// How many first bytes there were.
    #[must_use]
    pub fn first_bytes(&self) -> u64 {
        self.0.audio_seconds.get_sample_count()
    }

    /// Counts what is announced and passes it on.
    #[must_use]
    pub fn counting(&self, next: Arc<dyn Announce>) -> Arc<dyn Announce> {
        Arc::new(Counting { metrics: self.clone(), next })
    }

    pub(crate) fn heard(&self) -> &Heard {
        &self.0.heard
    }

    fn hear(&self, event: &Event) {
        let inner = &self.0;
        match event {
            Event::StreamStarted(started) => {
                inner.stream_total.inc();
                // From the fast disk: nothing had to be fetched.
                inner.heard.look(started.source == sori_contracts::Source::Ssd.as_str());
            }
            Event::StreamStopped(stopped) => {
                inner.session_seconds.observe(stopped.duration_seconds);
                let count = inner.session_seconds.get_sample_count().max(1);
                inner.stream_avg_duration.set(inner.session_seconds.get_sample_sum() / count as f64);
            }
            Event::StreamError(error) => {
                inner.stream_errors.inc();
                inner.heard.error();
                if FILE_GONE.contains(&error.error_code.as_str()) {
                    inner.heard.incident(Incident::missing(None, Some(error.content_id), error.at_ms));
                }
            }
            Event::FileMissing { media_id, content_id, at_ms } => {
                inner.heard.incident(Incident::missing(Some(*media_id), *content_id, *at_ms));
            }
            Event::PackagingFailed { content_id, media_id, at_ms, .. } => {
                inner.heard.incident(Incident::damaged(*media_id, *content_id, *at_ms));
            }
        }
    }

    /// Takes over what others count.
    pub(crate) fn take(&self, reading: &Reading, now_ms: i64) {
        let inner = &self.0;
        inner.stream_active.set(gauge(reading.open_streams));
        inner.sent_bytes.inc_by(reading.sent_bytes.saturating_sub(inner.sent_bytes.get()));
        for slots in &reading.slots {
            inner.slots_taken.with_label_values(&[slots.kind]).set(gauge(slots.taken));
            inner.slots.with_label_values(&[slots.kind]).set(gauge(slots.most));
        }
        for (state, count) in &reading.jobs {
            inner.jobs.with_label_values(&[state]).set(gauge(*count));
        }
        let mut window = inner.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.note(now_ms, reading.sent_bytes, inner.heard.looks());
        inner.stream_bandwidth.set(window.megabits_per_second());
        inner.cache_hit_rate.set(window.hit_rate());
        inner.stream_hit_rate.set(window.hit_rate());
    }

    pub(crate) fn set_alert(&self, name: &str, severity: &str, is_firing: bool) {
        self.0.alerts.with_label_values(&[name, severity]).set(i64::from(is_firing));
    }

    /// In the text format of Prometheus.
    pub(crate) fn text(&self) -> prometheus::Result<String> {
        self.0.process.read();
        TextEncoder::new().encode_to_string(&self.0.registry.gather())
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Without an allocation for those that occur.
fn status_text(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 22] = [
        (101, "101"),
        (200, "200"),
        (201, "201"),
        (202, "202"),
        (204, "204"),
        (206, "206"),
        (304, "304"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (409, "409"),
        (412, "412"),
        (413, "413"),
        (415, "415"),
        (416, "416"),
        (422, "422"),
        (429, "429"),
        (500, "500"),
        (503, "503"),
        (507, "507"),
    ];
    match KNOWN.iter().find(|(known, _)| *known == status) {
        Some((_, text)) => text,
        None if status < 200 => "1xx",
        None if status < 300 => "2xx",
        None if status < 400 => "3xx",
        None if status < 500 => "4xx",
        None => "5xx",
    }
}

/// One request that is under way.
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Counting {
    metrics: Metrics,
    next: Arc<dyn Announce>,
}

impl Announce for Counting {
    fn announce(&self, event: Event) {
        self.metrics.hear(&event);
        self.next.announce(event);
    }
}

impl Inner {
    fn register() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let r = &registry;
        let build =
            keep(r, IntGaugeVec::new(Opts::new("sori_build_info", "The version that runs"), &["version"])?)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let requests = Opts::new("http_requests_total", "Requests that were answered");
        let answer_seconds = HistogramOpts::new(
            "http_request_duration_seconds",
            "From the head of a request to the first byte of its answer",
        );
        let audio_seconds = HistogramOpts::new(
            "audio_stream_duration_seconds",
            "From a request for media to the first byte of the media",
        );
        let session_seconds = HistogramOpts::new(
            "stream_session_seconds",
            "How long streaming sessions lasted that have ended",
        );
        Ok(Self {
            process: Process::register(r)?,
            requests: keep(r, IntCounterVec::new(requests, &["method", "route", "status"])?)?,
            answer_seconds: keep(
                r,
                HistogramVec::new(answer_seconds.buckets(ANSWER_BUCKETS.into()), &["method", "route"])?,
            )?,
            in_flight: keep(r, IntGauge::new("http_requests_in_flight", "Requests without an answer yet")?)?,
            audio_requests: keep(
                r,
                IntCounterVec::new(
                    Opts::new("audio_stream_requests_total", "Requests for media that were answered"),
                    &["status"],
                )?,
            )?,
            audio_seconds: keep(r, Histogram::with_opts(audio_seconds.buckets(ANSWER_BUCKETS.into()))?)?,
            cache_hit_rate: keep(r, Gauge::new("cache_hit_rate", HIT_RATE)?)?,
            stream_hit_rate: keep(r, Gauge::new("stream_cache_hit_rate", HIT_RATE)?)?,
            stream_active: keep(
                r,
                IntGauge::new("stream_active_count", "Streaming sessions that this process serves")?,
            )?,
            stream_total: keep(r, IntCounter::new("stream_total", "Streaming sessions that began")?)?,
            stream_errors: keep(r, IntCounter::new("stream_errors", "Streams that failed")?)?,
            stream_bandwidth: keep(
                r,
                Gauge::new("stream_bandwidth_mbps", "Media that left in the last seconds, in Mbit/s")?,
            )?,
            stream_avg_duration: keep(
                r,
                Gauge::new(
                    "stream_avg_duration",
                    "How long sessions that have ended lasted on average, in seconds",
                )?,
            )?,
            session_seconds: keep(r, Histogram::with_opts(session_seconds.buckets(SESSION_BUCKETS.into()))?)?,
            sent_bytes: keep(r, IntCounter::new("stream_sent_bytes_total", "Bytes of media that left")?)?,
            slots_taken: keep(
                r,
                IntGaugeVec::new(
                    Opts::new("stream_slots_taken", "Slots that are taken, on all servers"),
                    &["kind"],
                )?,
            )?,
            slots: keep(r, IntGaugeVec::new(Opts::new("stream_slots", "Slots that there are"), &["kind"])?)?,
            jobs: keep(r, IntGaugeVec::new(Opts::new("jobs", "Jobs, on all servers"), &["state"])?)?,
            alerts: keep(
                r,
                IntGaugeVec::new(
                    Opts::new("sori_alert_firing", "1 while an alert fires"),
                    &["alert", "severity"],
                )?,
            )?,
            heard: Heard::default(),
            window: Mutex::default(),
            registry,
        })
    }
}

const HIT_RATE: &str =
    "Share of streams of the last five minutes that began out of the cache, 0 to 1; NaN without any";

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests;
