//! What Prometheus reads, of a whole server.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sori_contracts::Role;

use crate::app::{TestApp, answer, apps};

#[tokio::test]
async fn a_stream_shows_in_the_metrics() {
    for app in apps().await {
        let script = app.script("MINA: Hello there.\n").await;
        let (status, order) = app.post(&format!("/v1/scripts/{script}/render"), &json!({})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{order}");
        app.finished(order["job_id"].as_str().unwrap()).await;
        let sound = app.bytes(&format!("/api/stream/{script}")).await;
        let (status, text) = answer(app.request_as(None, Method::GET, "/metrics")).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let text = text.as_str().unwrap();
        let value = |name: &str| -> f64 {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_else(|| panic!("{name}\n{text}"));
            line.trim().parse().unwrap()
        };
        assert_eq!(value("stream_total "), 1.0);
        assert_eq!(value("stream_active_count "), 1.0);
        assert_eq!(value("stream_errors "), 0.0);
        assert_eq!(value("audio_stream_requests_total{status=\"200\"} "), 1.0);
        assert_eq!(value("audio_stream_duration_seconds_count "), 1.0);
        assert_eq!(value("cache_hit_rate "), 1.0);
        assert_eq!(value("stream_cache_hit_rate "), 1.0);
        assert_eq!(value("stream_slots{kind=\"video\"} "), 20.0);
        assert_eq!(value("stream_slots_taken{kind=\"audio\"} "), 1.0);
        assert!(value("stream_sent_bytes_total ") >= sound.len() as f64);
        for name in ["stream_bandwidth_mbps ", "stream_avg_duration ", "jobs{state=\"queued\"} "] {
            assert!(value(name) >= 0.0);
        }
        let route = r#"method="GET",route="/api/stream/{content_id}",status="200""#;
        assert_eq!(value(&format!("http_requests_total{{{route}}} ")), 1.0);
        assert!(!text.contains(&script), "an id became a label:\n{text}");
        app.stop().await;
    }
}

#[tokio::test]
async fn alerts_are_looked_at_while_the_server_runs() {
    let app = TestApp::spawn().await;
    let admin = app.person(Role::Admin).await;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let (status, alerts) =
            answer(app.request_as(Some(&admin.token), Method::GET, "/api/admin/alerts")).await;
        assert_eq!(status, StatusCode::OK, "{alerts}");
        let looked = &alerts["alerts"][0]["looked_at_ms"];
        if looked.is_i64() {
            assert_eq!(alerts["alerts"][0]["phase"], "ok");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "nobody looked: {alerts}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    app.stop().await;
}
