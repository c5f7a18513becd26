//! Where somebody stopped, on every device, and what they cut out: through the whole product.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::Role;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::app::{TestApp, answer, apps};

const PATIENCE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(app: &TestApp, device: &str, headers: &[(&str, &str)]) -> Result<Socket, StatusCode> {
    let base = app.base.replace("http://", "ws://");
    let mut request = format!("{base}/api/sync?device_id={device}").into_client_request().unwrap();
    for (name, value) in headers {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// The next message of this type.
async fn next(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message comes");
        if let Message::Text(text) = message.expect("the socket is open").unwrap() {
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["type"] == kind {
                return value;
            }
        }
    }
}

/// A script that can be heard.
async fn heard(app: &TestApp, formats: &Value) -> String {
    let script = app.script("ANNA: Good morning, everybody.\nBEN: Is it? I had not noticed at all.").await;
    let (status, job) =
        app.post(&format!("/v1/scripts/{script}/render"), &json!({ "formats": formats })).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    let done = app.finished(job["job_id"].as_str().unwrap()).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_is_told_to_the_other_devices_at_once() {
    for app in apps().await {
        let script = heard(&app, &json!(["wav"])).await;
        let bearer = format!("Bearer {}", app.person.token);
        let mut laptop = open(&app, "laptop", &[("authorization", &bearer)]).await.unwrap();
        assert_eq!(next(&mut laptop, "state").await["progress"], json!([]));
        let mut phone = open(&app, "phone", &[("authorization", &bearer)]).await.unwrap();
        next(&mut phone, "state").await;
        let said = json!({ "type": "progress", "content_id": script, "position_ms": 700, "base_version": 0 });
        phone.send(Message::text(said.to_string())).await.unwrap();
        assert_eq!(next(&mut laptop, "progress").await["progress"]["position_ms"], 700);
        assert_eq!(next(&mut phone, "saved").await["progress"]["version"], 1);

        // The radio goes on from there, and says so within its session.
        let play = json!({ "script_id": script, "device_id": "radio" });
        let (status, playing) = app.post("/api/v1/audio/play", &play).await;
        assert!(status.is_success(), "{playing}");
        assert_eq!(playing["position_ms"], 700, "{playing}");
        let report = json!({ "session_id": playing["session_id"], "position_ms": 900, "base_version": 1 });
        let (status, saved) = answer(app.request(Method::PUT, "/api/v1/audio/progress").json(&report)).await;
        assert_eq!((status, &saved["device_id"]), (StatusCode::OK, &json!("radio")), "{saved}");
        assert_eq!(next(&mut laptop, "progress").await["progress"]["position_ms"], 900);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_opened_by_our_pages_and_by_programs() {
    let app = TestApp::with(|config| config.cors_origins = vec!["https://app.example.org".into()]).await;
    let bearer = format!("Bearer {}", app.person.token);
    let cookie = format!("sori_access={}", app.person.token);
    let key = app.person.key(&app.auth, [sori_contracts::Scope::ScriptsRead].into_iter().collect()).await;
    let ours = app.base.clone();
    for (headers, status) in [
        (vec![], Err(StatusCode::UNAUTHORIZED)),
        (vec![("authorization", bearer.as_str())], Ok(())),
        (vec![("x-api-key", key.as_str())], Ok(())),
        (vec![("cookie", cookie.as_str()), ("origin", ours.as_str())], Ok(())),
        // A browser says whose page asks; what does not say it is no browser, and has no cookie.
        (vec![("cookie", cookie.as_str())], Err(StatusCode::FORBIDDEN)),
        (vec![("cookie", cookie.as_str()), ("origin", "https://evil.example")], Err(StatusCode::FORBIDDEN)),
        (vec![("cookie", cookie.as_str()), ("origin", "null")], Err(StatusCode::FORBIDDEN)),
        // Pages that the settings let in show a token, for a cookie would be sent without being asked.
        (
            vec![("cookie", cookie.as_str()), ("origin", "https://app.example.org")],
            Err(StatusCode::FORBIDDEN),
        ),
        (vec![("authorization", bearer.as_str()), ("origin", "https://app.example.org")], Ok(())),
        (
            vec![("authorization", bearer.as_str()), ("origin", "https://evil.example")],
            Err(StatusCode::FORBIDDEN),
        ),
        (vec![("authorization", "Bearer nonsense")], Err(StatusCode::UNAUTHORIZED)),
    ] {
        let answered = open(&app, "phone", &headers).await.map(drop);
        assert_eq!(answered, status, "{headers:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_holds_exactly_the_samples_of_its_span() {
    for app in apps().await {
        let script = heard(&app, &json!(["wav", "mp3"])).await;
        let (_, view) = app.get(&format!("/v1/scripts/{script}")).await;
        let rendering = view["rendering_id"].as_str().unwrap();
        let whole = app.bytes(&format!("/v1/renderings/{rendering}/audio/wav")).await;
        let (_, said) = app.get(&format!("/v1/renderings/{rendering}/captions/json")).await;
        let line = &said["cues"][1];
        let (start_ms, end_ms) =
            (line["start_ms"].as_u64().unwrap() - 3, line["end_ms"].as_u64().unwrap() - 7);

        let order =
            json!({ "content_id": script, "start_ms": start_ms, "end_ms": end_ms, "title": "벤의 대답" });
        let (status, clip) = app.post("/v1/clips", &order).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{clip}");
        let id = clip["id"].as_str().unwrap();
        assert_eq!(
            app.request(Method::GET, &format!("/api/stream/{id}")).send().await.unwrap().status(),
            StatusCode::NOT_FOUND
        );
        let done = app.finished(clip["job_id"].as_str().unwrap()).await;
        assert_eq!(done["status"], "succeeded", "{done}");

        let cut = app.bytes(&format!("/v1/clips/{id}/file/wav")).await;
        let (rate_hz, whole) = samples(&whole);
        let (cut_rate_hz, cut) = samples(&cut);
        assert_eq!(cut_rate_hz, rate_hz);
        let sample = |ms: u64| ((ms * u64::from(rate_hz) + 500) / 1_000) as usize;
        assert!(cut == whole[sample(start_ms)..sample(end_ms)], "{} samples", cut.len());

        let (_, cut_said) = app.get(&format!("/v1/clips/{id}/captions/json")).await;
        assert_eq!(cut_said["cues"][0]["text"], line["text"]);
        assert_eq!((&cut_said["cues"][0]["start_ms"], &cut_said["title"]), (&json!(3), &json!("벤의 대답")));
        assert_eq!(cut_said["cues"].as_array().unwrap().len(), 1);

        // It is a content of its own.
        let streamed = app.request(Method::GET, &format!("/api/stream/{id}")).send().await.unwrap();
        assert_eq!(
            (streamed.status(), &streamed.headers()["content-type"]),
            (StatusCode::OK, &"audio/mp4".parse().unwrap())
        );
        let place = json!({ "position": 0.2 });
        let (status, _) = answer(app.request(Method::PUT, &format!("/api/progress/{id}")).json(&place)).await;
        assert_eq!(status, StatusCode::OK);
        let kept =
            app.request(Method::GET, &format!("/v1/clips/{id}/file/m4a?download=true")).send().await.unwrap();
        let name = kept.headers()["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment") && name.contains(".m4a"), "{name}");

        // For whom the script is, the clip is; and no longer.
        let stranger = app.person(Role::Learner).await;
        let look =
            async |path: &str| answer(app.request_as(Some(&stranger.token), Method::GET, path)).await.0;
        let path = format!("/v1/clips/{id}");
        assert_eq!(look(&path).await, StatusCode::NOT_FOUND);
        let public = json!({ "visibility": "public" });
        let (status, _) =
            answer(app.request(Method::PATCH, &format!("/v1/scripts/{script}")).json(&public)).await;
        assert_eq!(status, StatusCode::OK);
        for path in [path.clone(), format!("/v1/clips/{id}/file/wav"), format!("/api/stream/{id}")] {
            assert_eq!(look(&path).await, StatusCode::OK, "{path}");
        }

        let deleted = app.request(Method::DELETE, &format!("/v1/scripts/{script}")).send().await.unwrap();
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        assert_eq!(look(&path).await, StatusCode::NOT_FOUND);
        let begun = Instant::now();
        while app.get("/v1/clips").await.1["items"] != json!([]) {
            assert!(begun.elapsed() < PATIENCE, "the clips of a deleted script stay");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        app.stop().await;
    }
}

/// The rate and the samples of a mono WAV of 16 bits.
fn samples(wav: &[u8]) -> (u32, Vec<f32>) {
    let pcm = sori_audio::wav::read(wav).unwrap();
    (pcm.sample_rate_hz, pcm.samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_bookmarked_by_its_old_name() {
    for app in apps().await {
        let script = heard(&app, &json!(["wav"])).await;
        let (_, lines) = app.get(&format!("/v1/scripts/{script}/lines")).await;
        let line = &lines["items"][1];
        let mark = json!({ "token_id": line["id"], "note": "다시 연습" });
        let (status, made) = app.post("/api/mypage/bookmarks/", &mark).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["content_id"], &made["start_ms"]), (&json!(script), &line["start_ms"]));
        let (_, token) = app.get(&format!("/api/tokens/{}", line["id"].as_str().unwrap())).await;
        assert_eq!((&made["start_time"], &made["end_time"]), (&token["start_time"], &token["end_time"]));
        let (_, all) = app.get("/api/mypage/bookmarks/").await;
        assert_eq!(all, json!([made]));
        // A line of somebody else's is none.
        let stranger = app.person(Role::Learner).await;
        let theirs =
            app.request_as(Some(&stranger.token), Method::POST, "/api/mypage/bookmarks/").json(&mark);
        assert_eq!(answer(theirs).await.0, StatusCode::NOT_FOUND);
        app.stop().await;
    }
}
