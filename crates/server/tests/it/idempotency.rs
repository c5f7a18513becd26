//! `Idempotency-Key`: sent again, done once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::Role;

use crate::app::{TestApp, answer, apps};

fn order(text: &str) -> Value {
    json!({"script": [{"speaker_id": "tone:440", "text": text}], "output_format": "wav"})
}

async fn send(app: &TestApp, key: &str, body: &Value) -> (StatusCode, bool, Value) {
    let request = app.request(Method::POST, "/v1/synthesize").header("idempotency-key", key).json(body);
    let response = request.send().await.unwrap();
    let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    (response.status(), replayed, response.json().await.unwrap())
}

async fn jobs(app: &TestApp) -> usize {
    app.get("/v1/jobs?limit=200").await.1["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_the_same_key_a_hundred_times_at_once_makes_one_job() {
    for app in apps().await {
        let body = order("once");
        let sent = futures::future::join_all((0..100).map(|_| send(&app, "same", &body))).await;
        let made: Vec<_> = sent.iter().filter(|(status, ..)| *status == StatusCode::ACCEPTED).collect();
        let others = sent.iter().filter(|(status, ..)| *status == StatusCode::CONFLICT).count();
        assert_eq!(made.len() + others, 100, "{sent:?}");
        assert_eq!(made.iter().filter(|(_, replayed, _)| !replayed).count(), 1, "one did it");
        assert!(made.iter().all(|(.., answer)| *answer == made[0].2), "all were told the same");
        assert_eq!(jobs(&app).await, 1);

        let (status, replayed, answer) = send(&app, "same", &body).await;
        assert_eq!((status, replayed, &answer), (StatusCode::ACCEPTED, true, &made[0].2));
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_a_key_with_another_body_is_refused() {
    for app in apps().await {
        assert_eq!(send(&app, "k", &order("one")).await.0, StatusCode::ACCEPTED);
        let (status, _, body) = send(&app, "k", &order("two")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(body["error"]["code"], "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(jobs(&app).await, 1);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_made_nothing_frees_the_key() {
    let app = TestApp::spawn().await;
    assert_eq!(send(&app, "k", &json!({"script": []})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&app, "k", &order("mended")).await.0, StatusCode::ACCEPTED);
}

/// The process died after the job was made and before the answer was noted.
#[tokio::test(flavor = "multi_thread")]
async fn b10_a_job_is_made_once_even_when_the_note_of_it_was_lost() {
    for app in apps().await {
        let (_, _, first) = send(&app, "lost", &order("once")).await;
        let undone = "UPDATE server_idempotency SET status = NULL, answer = NULL, leased_until_ms = 0";
        assert_eq!(app.database.db.query(undone).execute().await.unwrap(), 1);
        let (status, replayed, second) = send(&app, "lost", &order("once")).await;
        assert_eq!((status, replayed), (StatusCode::ACCEPTED, false));
        assert_eq!(first["job_id"], second["job_id"]);
        assert_eq!(jobs(&app).await, 1);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_account_and_its_route() {
    let app = TestApp::spawn().await;
    let (_, _, mine) = send(&app, "k", &order("one")).await;
    let other = app.person(Role::Learner).await.token;
    let request = app.request_as(Some(&other), Method::POST, "/v1/synthesize");
    let (status, theirs) = answer(request.header("idempotency-key", "k").json(&order("two"))).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{theirs}");
    assert_ne!(mine["job_id"], theirs["job_id"]);
    let show = app.request(Method::POST, "/v1/shows").header("idempotency-key", "k");
    let (status, body) = answer(show.json(&json!({"title": "x"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_post_that_creates_is_done_once_and_says_where() {
    let app = TestApp::spawn().await;
    let show = async || {
        let request = app.request(Method::POST, "/v1/shows").header("idempotency-key", "show");
        let response = request.json(&json!({"title": "once"})).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        (response.status(), location, response.text().await.unwrap())
    };
    let first = show().await;
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(show().await, first);
    let (_, shows) = app.get("/v1/shows").await;
    assert_eq!(shows["items"].as_array().unwrap().len(), 1, "{shows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused() {
    let app = TestApp::spawn().await;
    for key in [String::new(), "x".repeat(256), "two words".into()] {
        let (status, _, body) = send(&app, &key, &order("x")).await;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("IDEMPOTENCY_KEY_INVALID"))
        );
    }
    assert_eq!(jobs(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_finds_its_answer_when_it_comes_back() {
    let app = TestApp::spawn().await;
    let body = order("gone");
    let request = app.request(Method::POST, "/v1/synthesize").header("idempotency-key", "gone").json(&body);
    // Given up long before the answer, sometimes before the server has read anything.
    let _cut_off = tokio::time::timeout(std::time::Duration::from_millis(3), request.send()).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let answer = loop {
        let (status, _, answer) = send(&app, "gone", &body).await;
        if status == StatusCode::ACCEPTED {
            break answer;
        }
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
        assert!(std::time::Instant::now() < deadline);
    };
    assert_eq!(jobs(&app).await, 1, "{answer}");
}
