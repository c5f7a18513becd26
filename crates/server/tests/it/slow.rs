//! Clients that send a byte now and then, and bodies that are too deep, too large or too many.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::{TestApp, answer};

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap()
}

/// Sends `first`, then a letter every second, until the server closes; answers how long it took.
async fn drip(app: &TestApp, first: &str) -> Duration {
    let mut stream = connect(app).await;
    let started = Instant::now();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut answer = [0; 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return started.elapsed();
                }
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if stream.write_all(b"x").await.is_err() {
                    return started.elapsed();
                }
            }
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the server is still patient");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_are_cut_off_while_others_are_served() {
    let app = TestApp::spawn().await;
    let slow = async {
        let clients = (0..200).map(|_| drip(&app, "GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: "));
        futures::future::join_all(clients).await
    };
    let others = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let started = Instant::now();
        for _ in 0..50 {
            assert_eq!(app.get("/v1/voices").await.0, StatusCode::OK);
        }
        started.elapsed()
    };
    let (took, others) = tokio::join!(slow, others);
    let shortest = took.into_iter().min().unwrap();
    assert!(others < shortest, "others waited {others:?} for those who were cut off after {shortest:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_is_not_waited_for() {
    let app = TestApp::spawn().await;
    let token = app.person.token.clone();
    let head = format!(
        "POST /v1/scripts/parse HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    let mut stream = connect(&app).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(120), stream.read(&mut text)).await;
    let read = read.expect("an answer instead of waiting for the body").unwrap();
    let status = String::from_utf8_lossy(&text[..read.min(12)]).into_owned();
    assert!(status.starts_with("HTTP/1.1 4") || status.starts_with("HTTP/1.1 503"), "{status}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_json_may_be_deep_large_and_strange() {
    let app = TestApp::spawn().await;
    let send = async |body: Vec<u8>| {
        let request = app.request(Method::POST, "/v1/synthesize").header("content-type", "application/json");
        answer(request.body(body)).await
    };
    let line =
        |text: &str| json!({"script": [{"speaker_id": "tone:440", "text": text}], "output_format": "wav"});
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let many = {
        let one = r#"{"speaker_id":"tone:440","text":"a"},"#;
        format!(r#"{{"script":[{}{}]}}"#, one.repeat(250_000), one.trim_end_matches(','))
    };
    for (name, body) in [
        ("lists in lists", deep("[", "]")),
        ("objects in objects", deep(r#"{"script":"#, "}")),
        ("deep inside of an unknown field", format!(r#"{{"script":[],"x":{}}}"#, deep("[", "]"))),
        ("a quarter of a million lines", many),
        ("a lone surrogate", r#"{"script":[{"speaker_id":"tone:440","text":"\udc00"}]}"#.into()),
        ("a number without an end", format!(r#"{{"seed":{}}}"#, "9".repeat(100_000))),
    ] {
        let (status, body) = send(body.into_bytes()).await;
        assert!(status.is_client_error(), "{name}: {status} {body}");
        assert!(body["error"]["code"].is_string(), "{name}: {body}");
    }
    // The answer comes before the body is through, and a client that only writes may miss it.
    let request = app.request(Method::POST, "/v1/synthesize").header("content-type", "application/json");
    match request.body(vec![b'['; 50 << 20]).send().await {
        Ok(answer) => assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE),
        Err(error) => assert!(error.is_request(), "{error}"),
    }

    // Which of two equal names counts is not defined (RFC 8259, 4): either is right, a crash is not.
    let twice = br#"{"script":[{"speaker_id":"tone:440","text":"a","text":"b"}],"output_format":"wav"}"#;
    let (status, _) = send(twice.to_vec()).await;
    assert!(status == StatusCode::ACCEPTED || status == StatusCode::BAD_REQUEST, "{status}");
    for strange in ["\u{202e}olleh\u{200b}", "\u{1112}\u{1161}\u{11ab}글", "e\u{301}\u{301}\u{301}", "👩‍👩‍👧‍👦"]
    {
        let (status, body) = send(serde_json::to_vec(&line(strange)).unwrap()).await;
        let refused_clearly = status == StatusCode::BAD_REQUEST && body["error"]["code"].is_string();
        assert!(status == StatusCode::ACCEPTED || refused_clearly, "{strange:?}: {status} {body}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_paths_do_not_lead_out_of_their_folder() {
    let app = TestApp::spawn().await;
    std::fs::write(app.data_dir.join("outside.txt"), "outside").unwrap();
    for path in [
        "/v1/renderings/../outside.txt",
        "/v1/renderings/..%2f..%2foutside.txt",
        "/v1/renderings/%252e%252e%252foutside.txt",
        "/v1/renderings/x/audio/..%2f..%2f..%2foutside.txt",
        "/v1/renderings/x/captions/%2e%2e%2f%2e%2e%2foutside.txt",
        "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd.txt",
        "/%2fetc%2fpasswd.txt",
        "/v1/jobs/%00",
        "/%00.txt",
        "/assets/index.html%00.js",
        "//etc/passwd.txt",
    ] {
        // A real client would tidy the path: it goes over the wire as it is written.
        let mut stream = connect(&app).await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.get(9..12).unwrap_or_default().to_owned();
        let is_the_app = status == "200" && answer.contains("<title>");
        let is_refused = ["400", "401", "403", "404"].contains(&status.as_str());
        assert!(is_refused || is_the_app, "{path}: {answer}");
        assert!(!answer.contains("outside\n") && !answer.contains("root:"), "{path}: {answer}");
    }
    app.stop().await;
}
