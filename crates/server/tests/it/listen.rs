//! Audio by range, and who may ask.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{TestApp, answer};

#[tokio::test(flavor = "multi_thread")]
async fn a_player_gets_the_range_that_it_asks_for() {
    let app = TestApp::spawn().await;
    let job = app
        .synthesized(
            &json!({"script": [{"speaker_id": "tone:440", "text": "one two"}], "output_format": "wav"}),
        )
        .await;
    let url = job["result"]["audio"]["wav"]["url"].as_str().unwrap().to_owned();
    let whole = app.bytes(&url).await;

    let range = |value: &'static str| app.request(Method::GET, &url).header("range", value).send();
    let part = range("bytes=100-199").await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], format!("bytes 100-199/{}", whole.len()));
    assert_eq!(part.bytes().await.unwrap(), whole[100..200]);

    let suffix = range("bytes=-10").await.unwrap();
    assert_eq!(suffix.bytes().await.unwrap(), whole[whole.len() - 10..]);
    assert_eq!(range("bytes=99999999-").await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);

    let head = app.request(Method::HEAD, &url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], whole.len().to_string());
    let etag = head.headers()["etag"].clone();
    let unchanged = app.request(Method::GET, &url).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn problems_speak_the_callers_language_and_carry_a_trace() {
    let app = TestApp::spawn().await;
    let missing = "/v1/renderings/01890000-0000-7000-8000-000000000000";
    let (status, english) = app.get(missing).await;
    assert_eq!(
        (status, english["error"]["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("RENDERING_NOT_FOUND"))
    );
    let korean = app.request(Method::GET, missing).header("accept-language", "ko-KR").send().await.unwrap();
    let trace = korean.headers()["x-trace-id"].to_str().unwrap().to_owned();
    let korean: serde_json::Value = korean.json().await.unwrap();
    assert_eq!(korean["error"]["message"], "렌더링을 찾을 수 없습니다.");
    assert_eq!(korean["error"]["trace_id"], trace);
}

#[tokio::test]
async fn another_sites_page_is_refused() {
    let app = TestApp::spawn().await;
    let (status, body) = answer(app.request(Method::GET, "/v1/voices").header("host", "evil.example")).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::FORBIDDEN, Some("HOST_FORBIDDEN")));
    let (status, _) = answer(
        app.request(Method::POST, "/v1/synthesize").header("origin", "https://evil.example").body("{}"),
    )
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
