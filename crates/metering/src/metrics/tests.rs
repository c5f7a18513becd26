use sori_contracts::{ContentId, MediaId, StreamError, StreamId, StreamStarted, StreamStopped};

use super::*;
use crate::SlotUse;

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _event: Event) {}
}

fn started(source: &str) -> Event {
    Event::StreamStarted(StreamStarted {
        session_id: StreamId::generate(),
        user_id: None,
        content_id: ContentId::generate(),
        source: source.into(),
        at_ms: 0,
    })
}

fn stopped(duration_seconds: f64) -> Event {
    Event::StreamStopped(StreamStopped {
        session_id: StreamId::generate(),
        user_id: None,
        content_id: ContentId::generate(),
        duration_seconds,
        bytes_transferred: 7,
        at_ms: 0,
    })
}

fn failed() -> Event {
    Event::StreamError(StreamError {
        session_id: None,
        user_id: None,
        content_id: ContentId::generate(),
        error_code: "STREAM_FILE_UNAVAILABLE".into(),
        error_message: String::new(),
        at_ms: 0,
    })
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

#[test]
fn streams_are_counted_as_they_are_announced() {
    let metrics = Metrics::new();
    let announce = metrics.counting(Arc::new(Nobody));
    for event in [
        started("ssd"),
        started("ssd"),
        started("ssd"),
        started("nas"),
        stopped(10.0),
        stopped(20.0),
        failed(),
    ] {
        announce.announce(event);
    }
    let video = SlotUse { kind: "video", taken: 3, most: 20 };
    let reading = Reading {
        open_streams: 2,
        sent_bytes: 0,
        slots: vec![video],
        jobs: vec![("queued", 4), ("running", 1)],
    };
    metrics.take(&reading, 0);
    metrics.take(&Reading { sent_bytes: 1_250_000, ..reading }, 5_000);
    let text = metrics.text().unwrap();
    for line in [
        "stream_total 4",
        "stream_errors 1",
        "stream_active_count 2",
        "stream_avg_duration 15",
        "stream_cache_hit_rate 0.75",
        "cache_hit_rate 0.75",
        "stream_bandwidth_mbps 2",
        "stream_sent_bytes_total 1250000",
        "stream_slots_taken{kind=\"video\"} 3",
        "stream_slots{kind=\"video\"} 20",
        "jobs{state=\"queued\"} 4",
        "stream_session_seconds_bucket{le=\"10\"} 1",
        "# TYPE stream_total counter",
        "# TYPE stream_errors counter",
        "# TYPE stream_cache_hit_rate gauge",
    ] {
        has(&text, line);
    }
}

#[test]
fn answers_are_counted_by_route_and_nothing_that_a_client_chooses() {
    let metrics = Metrics::new();
    let under_way = metrics.begin();
    metrics.answered("GET", "/v1/scripts/{id}", 200, 0.3);
    metrics.answered("BREW", "/v1/scripts/{id}", 418, 0.002);
    metrics.stream_answered(206);
    metrics.first_byte(0.04);
    let text = metrics.text().unwrap();
    has(&text, "http_requests_total{method=\"GET\",route=\"/v1/scripts/{id}\",status=\"200\"} 1");
    has(&text, "http_requests_total{method=\"other\",route=\"/v1/scripts/{id}\",status=\"4xx\"} 1");
    // The goal is an edge: 0.3 s is within it.
    has(
        &text,
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/v1/scripts/{id}\",le=\"0.3\"} 1",
    );
    has(
        &text,
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/v1/scripts/{id}\",le=\"0.2\"} 0",
    );
    has(&text, "audio_stream_requests_total{status=\"206\"} 1");
    has(&text, "audio_stream_duration_seconds_bucket{le=\"0.05\"} 1");
    has(&text, "http_requests_in_flight 1");
    drop(under_way);
    has(&metrics.text().unwrap(), "http_requests_in_flight 0");
}

#[test]
fn every_metric_says_what_it_is() {
    let metrics = Metrics::new();
    metrics.answered("GET", "other", 200, 0.1);
    metrics.stream_answered(200);
    let text = metrics.text().unwrap();
    let names = |kind: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    };
    let (helped, typed) = (names("# HELP "), names("# TYPE "));
    assert_eq!(helped, typed);
    for name in
        ["process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total", "sori_build_info"]
    {
        assert!(typed.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn events_reach_those_behind() {
    struct Kept(Mutex<Vec<Event>>);
    impl Announce for Kept {
        fn announce(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }
    let kept = Arc::new(Kept(Mutex::default()));
    let announce = Metrics::new().counting(Arc::clone(&kept) as Arc<dyn Announce>);
    let missing = Event::FileMissing { media_id: MediaId::generate(), content_id: None, at_ms: 5 };
    announce.announce(missing.clone());
    assert_eq!(*kept.0.lock().unwrap(), [missing]);
}
