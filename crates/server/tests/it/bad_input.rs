//! What cannot work gets a clear answer, and nothing is half done.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{TestApp, answer};

#[track_caller]
fn assert_code((status, body): (StatusCode, Value), expected: StatusCode, code: &str) -> Value {
    assert_eq!((status, body["error"]["code"].as_str()), (expected, Some(code)), "{body}");
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    body
}

#[tokio::test]
async fn an_order_that_cannot_be_voiced_is_refused_with_its_place() {
    let app = TestApp::spawn().await;
    let line = |speaker: &str, text: &str| json!({"speaker_id": speaker, "text": text});
    let order = |lines: Vec<Value>| json!({"script": lines, "output_format": "wav"});

    let unknown =
        app.post("/v1/synthesize", &order(vec![line("tone:440", "fine"), line("zz_nobody", "hello")])).await;
    let body = assert_code(unknown, StatusCode::BAD_REQUEST, "VOICE_UNKNOWN");
    assert_eq!(body["error"]["details"]["problems"][0]["item"], 2, "{body}");

    let missing = app.post("/v1/synthesize", &order(vec![line("af_heart", "hello")])).await;
    assert_code(missing, StatusCode::SERVICE_UNAVAILABLE, "VOICE_MODEL_MISSING");

    let empty = app.post("/v1/synthesize", &order(vec![])).await;
    assert_eq!(empty.0, StatusCode::BAD_REQUEST, "{}", empty.1);

    let format =
        app.post("/v1/synthesize", &json!({"script": [line("tone:440", "x")], "output_format": "exe"})).await;
    assert_code(format, StatusCode::BAD_REQUEST, "AUDIO_FORMAT_UNSUPPORTED");
    let rate =
        app.post("/v1/synthesize", &json!({"script": [line("tone:440", "x")], "sample_rate": 12345})).await;
    assert_code(rate, StatusCode::BAD_REQUEST, "SAMPLE_RATE_UNSUPPORTED");
    let (_, jobs) = app.get("/v1/jobs").await;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 0, "no job was left behind");
}

#[tokio::test]
async fn broken_bodies_are_ordinary_errors() {
    let app = TestApp::spawn().await;
    let send = |body: Vec<u8>| {
        answer(
            app.request(Method::POST, "/v1/synthesize").header("content-type", "application/json").body(body),
        )
    };
    for body in [
        b"".to_vec(),
        b"{".to_vec(),
        b"\xff\xfe\x00nonsense".to_vec(),
        b"\x89PNG\r\n\x1a\n0000".to_vec(),
        br#"{"script": [{"speaker_id": "tone:440", "text": "\ud800"}]}"#.to_vec(),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        serde_json::to_vec(&json!({"script": [{"speaker_id": "tone:440", "text": "x".repeat(6_000_000)}]}))
            .unwrap(),
    ] {
        let (status, answer) = send(body).await;
        assert!(status.is_client_error(), "{status} {answer}");
        assert!(answer["error"]["code"].is_string(), "{answer}");
    }
    let (status, _) = send(vec![b' '; 11 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::spawn().await;
    for path in [
        "/v1/nothing",
        "/api/nothing",
        "/v1/jobs/not-an-id",
        "/v1/scripts/..%2f..%2fetc%2fpasswd",
        "/assets/../../etc/passwd.txt",
    ] {
        let (status, body) = app.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} {body}");
    }
    let (status, body) = answer(app.request(Method::PUT, "/v1/voices")).await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("METHOD_NOT_ALLOWED"))
    );
}
