//! From an upload in pieces until it is heard.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::Role;

use crate::app::{TestApp, answer};

/// A tone of one second as a WAV file.
pub(crate) fn wav() -> Vec<u8> {
    let data: Vec<u8> =
        (0..8_000).flat_map(|n| (((n as f32 * 0.3).sin() * 8_000.0) as i16).to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

/// Sends it in two pieces; answers the id of the content.
async fn uploaded(app: &TestApp, token: &str, file: &[u8]) -> String {
    let post = app.request_as(Some(token), Method::POST, "/v1/uploads").header("tus-resumable", "1.0.0");
    let post = post.header("upload-length", file.len()).header("upload-metadata", "filename c29uZy53YXY=");
    let begun = post.send().await.unwrap();
    assert_eq!(begun.status(), StatusCode::CREATED);
    let path = begun.headers()["location"].to_str().unwrap().to_owned();
    let (first, second) = file.split_at(file.len() / 2);
    for (at, piece) in [(0, first), (first.len(), second)] {
        let patch = app.request_as(Some(token), Method::PATCH, &path).header("tus-resumable", "1.0.0");
        let patch =
            patch.header("content-type", "application/offset+octet-stream").header("upload-offset", at);
        assert_eq!(patch.body(piece.to_vec()).send().await.unwrap().status(), StatusCode::NO_CONTENT);
        let head = app.request_as(Some(token), Method::HEAD, &path).header("tus-resumable", "1.0.0");
        let head = head.send().await.unwrap();
        assert_eq!(head.headers()["upload-offset"], (at + piece.len()).to_string().as_str());
    }
    path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_is_played_by_range() {
    let app = TestApp::spawn().await;
    let file = wav();
    let learner = app.person(Role::Learner).await;
    let id = uploaded(&app, &learner.token, &file).await;
    let get = |token: Option<&str>, path: String| app.request_as(token, Method::GET, &path);
    let mine = Some(learner.token.as_str());
    let (status, content) = answer(get(mine, format!("/v1/contents/{id}"))).await;
    assert_eq!(
        (status, &content["title"], &content["duration_ms"]),
        (StatusCode::OK, &json!("song"), &json!(1_000))
    );

    let stream = format!("/api/stream/{id}");
    let whole = get(mine, stream.clone()).send().await.unwrap();
    assert_eq!(
        (whole.status(), &whole.headers()["content-type"]),
        (StatusCode::OK, &"audio/wav".parse().unwrap())
    );
    assert_eq!(whole.bytes().await.unwrap(), file);
    let part = get(mine, stream.clone()).header("range", "bytes=100-199").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), file[100..200]);
    let (status, info) = answer(get(mine, format!("{stream}/info"))).await;
    assert_eq!((status, &info["file_size"]), (StatusCode::OK, &json!(file.len())), "{info}");

    // Nobody else knows of it.
    let stranger = app.person(Role::Editor).await;
    for token in [Some(stranger.token.as_str()), None] {
        let (status, body) = answer(get(token, stream.clone())).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("CONTENT_NOT_FOUND")));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_come_with_the_export_and_go_with_the_account() {
    let app = TestApp::spawn().await;
    let learner = app.person(Role::Learner).await;
    let id = uploaded(&app, &learner.token, &wav()).await;
    let (status, export) = answer(app.request_as(Some(&learner.token), Method::GET, "/api/me/export")).await;
    assert_eq!(status, StatusCode::OK);
    let text = Value::to_string(&export);
    assert!(text.contains(&id), "{text}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_joins_a_show_of_ones_own_only() {
    let app = TestApp::spawn().await;
    let learner = app.person(Role::Learner).await;
    let id = uploaded(&app, &learner.token, &wav()).await;
    let (_, theirs) = app.post("/v1/shows", &json!({"title": "theirs"})).await;
    let show =
        app.request_as(Some(&learner.token), Method::POST, "/v1/shows").json(&json!({"title": "mine"}));
    let (_, mine) = answer(show).await;
    for (show, expected) in [(&theirs["id"], StatusCode::NOT_FOUND), (&mine["id"], StatusCode::OK)] {
        let patch = app.request_as(Some(&learner.token), Method::PATCH, &format!("/v1/contents/{id}"));
        assert_eq!(answer(patch.json(&json!({"show_id": show}))).await.0, expected, "{show}");
    }
    app.stop().await;
}

/// Files with this name in a folder and below.
fn files(folder: &std::path::Path, name: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => files(&path, name),
        false => path.ends_with(name).then_some(path).into_iter().collect(),
    };
    entries.flat_map(|entry| below(entry.unwrap().path())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_replaced_when_its_owner_said_by_what() {
    let app = TestApp::spawn().await;
    let learner = app.person(Role::Learner).await;
    let get = |path: String| app.request_as(Some(&learner.token), Method::GET, &path);
    let mut file = wav();
    let gone = uploaded(&app, &learner.token, &file).await;
    for path in files(&app.data_dir.join("media/objects"), "data") {
        std::fs::remove_file(path).unwrap();
    }
    let stream = format!("/api/stream/{gone}");
    let (status, body) = answer(get(stream.clone())).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["error"]["code"], "STREAM_FILE_UNAVAILABLE");

    file[100] ^= 1;
    let other = uploaded(&app, &learner.token, &file).await;
    let patch = app.request_as(Some(&learner.token), Method::PATCH, &format!("/v1/contents/{gone}"));
    assert_eq!(answer(patch.json(&json!({"alternative_id": other}))).await.0, StatusCode::OK);
    // What was found for a listener is known for a moment.
    let replaced = async {
        loop {
            let answered = get(stream.clone()).send().await.unwrap();
            if answered.status() == StatusCode::OK {
                return answered.bytes().await.unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let replaced = tokio::time::timeout(std::time::Duration::from_secs(60), replaced).await.unwrap();
    assert_eq!(replaced, file);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_goes_away_is_said_so_and_what_is_cached_plays() {
    let origin = tempfile::tempdir().unwrap();
    let folder = origin.path().join("origin");
    let app = TestApp::with(|config| {
        config.media.origin = Some(folder.clone());
        config.media.cache_size = 1 << 30;
    })
    .await;
    let learner = app.person(Role::Learner).await;
    let get = |path: String| app.request_as(Some(&learner.token), Method::GET, &path);
    let (heard, unheard) =
        (uploaded(&app, &learner.token, &wav()).await, uploaded(&app, &learner.token, &wav()).await);
    assert_eq!(files(&folder, "data").len(), 2);
    let (_, info) = answer(get(format!("/api/stream/{heard}/info"))).await;
    assert_eq!((&info["source"], &info["cache_hit"]), (&json!("nas"), &json!(false)));
    assert_eq!(get(format!("/api/stream/{heard}")).send().await.unwrap().bytes().await.unwrap(), wav());

    std::fs::rename(&folder, origin.path().join("away")).unwrap();
    let part = get(format!("/api/stream/{heard}")).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), wav()[10..20]);
    let (_, info) = answer(get(format!("/api/stream/{heard}/info"))).await;
    assert_eq!((&info["source"], &info["cache_hit"]), (&json!("ssd"), &json!(true)));
    let (status, body) = answer(get(format!("/api/stream/{unheard}"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["error"]["code"], "STREAM_FILE_UNAVAILABLE");

    std::fs::rename(origin.path().join("away"), &folder).unwrap();
    let back = get(format!("/api/stream/{unheard}")).send().await.unwrap();
    assert_eq!(back.bytes().await.unwrap(), wav());
    app.stop().await;
}
