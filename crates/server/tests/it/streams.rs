//! Playing over the whole product: the radio API, sessions, slots and history.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::Role;

use crate::app::{TestApp, answer, apps};

/// A script with its sound.
async fn spoken(app: &TestApp) -> String {
    let script = app.script("Anna: one two three.\nTom: four five.").await;
    let formats = json!({ "formats": ["mp3", "wav"] });
    let (status, job) = app.post(&format!("/v1/scripts/{script}/render"), &formats).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    assert_eq!(app.finished(job["job_id"].as_str().unwrap()).await["status"], "succeeded");
    script
}

async fn streams(app: &TestApp) -> Vec<Value> {
    let (status, page) = app.get("/api/me/streams").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_radio_plays_a_script_from_where_its_listener_stopped() {
    for app in apps().await {
        let script = spoken(&app).await;
        let (status, info) = app.get(&format!("/api/v1/audio/stream/{script}")).await;
        assert_eq!(status, StatusCode::OK, "{info}");
        assert_eq!((&info["position_ms"], &info["speed"]), (&json!(0), &json!(1.0)));
        assert!(info["duration_ms"].as_u64().unwrap() > 500, "{info}");
        assert!(info["expires_at"].as_str().unwrap().ends_with('Z'));
        assert!(streams(&app).await.is_empty(), "asking opens no session");

        // A player that cannot send headers plays by the addresses alone.
        let bare = |url: &str| app.request_as(None, Method::GET, url);
        let direct = bare(info["direct_url"].as_str().unwrap()).header("range", "bytes=0-99").send().await;
        assert_eq!(direct.unwrap().status(), StatusCode::PARTIAL_CONTENT);
        let names: Vec<&str> =
            info["qualities"].as_array().unwrap().iter().map(|q| q["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"64k") && names.contains(&"mp3") && names.contains(&"wav"), "{names:?}");
        for quality in info["qualities"].as_array().unwrap() {
            let got = bare(quality["url"].as_str().unwrap()).send().await.unwrap();
            assert_eq!(got.status(), StatusCode::OK, "{quality}");
        }
        let vtt = bare(info["captions"]["vtt"].as_str().unwrap()).send().await.unwrap();
        assert!(vtt.text().await.unwrap().starts_with("WEBVTT"));
        let wav = bare(&format!("/api/v1/audio/stream/{script}?quality=wav"));
        assert_eq!(answer(wav).await.0, StatusCode::NOT_FOUND, "it is private");
        let (_, wav) = app.get(&format!("/api/v1/audio/stream/{script}?quality=wav")).await;
        let got = bare(wav["direct_url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(got.headers()["content-type"], "audio/wav");
        let (status, wrong) = app.get(&format!("/api/v1/audio/stream/{script}?quality=8k")).await;
        assert_eq!(
            (status, wrong["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("QUALITY_UNKNOWN"))
        );
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_listener_is_one_session_by_whatever_address_they_listen() {
    for app in apps().await {
        let script = spoken(&app).await;
        let order = json!({ "script_id": script, "device_id": "phone" });
        let (status, playing) = app.post("/api/v1/audio/play", &order).await;
        assert_eq!(status, StatusCode::OK, "{playing}");
        let session = playing["session_id"].as_str().unwrap().to_owned();
        let direct = playing["direct_url"].as_str().unwrap();
        assert!(direct.ends_with("device_id=phone"), "{direct}");
        for range in ["bytes=0-9", "bytes=500-599", "bytes=-10"] {
            let part = app.request_as(None, Method::GET, direct).header("range", range).send().await.unwrap();
            assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
            part.bytes().await.unwrap();
        }
        let rendering = app.get(&format!("/v1/scripts/{script}")).await.1["rendering_id"].clone();
        app.bytes(&format!("/v1/renderings/{}/audio/mp3", rendering.as_str().unwrap())).await;
        let (_, again) = app.post("/api/v1/audio/play", &order).await;
        assert_eq!(again["session_id"], session.as_str(), "it goes on");
        let mine = streams(&app).await;
        assert_eq!(mine.len(), 1, "{mine:?}");
        assert_eq!((&mine[0]["session_id"], &mine[0]["device_id"]), (&json!(session), &json!("phone")));
        assert!(mine[0]["bytes_transferred"].as_u64().unwrap() > 120, "{mine:?}");

        let progress = json!({ "session_id": session, "position_ms": 400, "playing": false });
        let (status, saved) =
            answer(app.request(Method::PUT, "/api/v1/audio/progress").json(&progress)).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        assert_eq!(streams(&app).await[0]["status"], "paused");
        let (_, info) = app.get(&format!("/api/v1/audio/stream/{script}")).await;
        assert_eq!(info["position_ms"], 400);

        let admin = app.person(Role::Admin).await;
        let (_, all) = answer(app.request_as(Some(&admin.token), Method::GET, "/api/admin/streams")).await;
        assert_eq!(all["items"][0]["user_id"], app.person.id.to_string(), "{all}");
        let end = format!("/api/v1/audio/sessions/{session}");
        assert_eq!(answer(app.request(Method::DELETE, &end)).await.0, StatusCode::NO_CONTENT);
        assert!(streams(&app).await.is_empty());
        let (_, history) = app.get("/api/me/history").await;
        assert_eq!(history["items"][0]["status"], "stopped", "{history}");
        let (_, export) = app.get("/api/me/export").await;
        assert_eq!(export["streams"].as_array().map(Vec::len), Some(1), "{export}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_as_many_streams_as_the_settings_allow_is_told_so() {
    let app = TestApp::with(|config| config.limits.streams.audio_per_user = 1).await;
    let (first, second) = (spoken(&app).await, spoken(&app).await);
    app.bytes(&format!("/api/stream/{first}")).await;
    let rendering = app.get(&format!("/v1/scripts/{second}")).await.1["rendering_id"].clone();
    let file = format!("/v1/renderings/{}/audio/mp3", rendering.as_str().unwrap());
    let order = json!({ "script_id": second });
    for request in [
        app.request(Method::GET, &format!("/api/stream/{second}")),
        app.request(Method::GET, &file),
        app.request(Method::POST, "/api/v1/audio/play").json(&order),
    ] {
        let refused = request.header("accept-language", "ko").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key("retry-after"));
        let body: Value = refused.json().await.unwrap();
        assert_eq!(
            (body["error"]["code"].as_str(), body["error"]["message"].as_str()),
            (Some("STREAM_RATE_LIMITED"), Some("동시 재생 1개 초과"))
        );
    }
    let kept = app.request(Method::GET, &format!("{file}?download=true")).send().await.unwrap();
    assert_eq!(kept.status(), StatusCode::OK, "to keep a file is not to listen");
    app.stop().await;
}
