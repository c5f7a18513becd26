//! A script is rendered, packaged by FFmpeg and played by it, on both databases.

use std::{path::Path, process::Command, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::Role;

use crate::app::{TestApp, answer, apps};

/// Some twenty seconds of tones.
async fn spoken(app: &TestApp, formats: &[&str]) -> String {
    let lines = ["A: one two three four five six seven eight", "B: and nine and ten and eleven and twelve"];
    let script = app.script(&lines.repeat(4).join("\n")).await;
    let order = json!({ "formats": formats });
    let (status, job) = app.post(&format!("/v1/scripts/{script}/render"), &order).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    let job = app.finished(job["job_id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    script
}

async fn text(app: &TestApp, token: Option<&str>, path: &str) -> String {
    let response = app.request_as(token, Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

/// The addresses that a playlist names, as paths of the server.
fn uris(playlist: &str, of: &str) -> Vec<String> {
    let folder = of.split('?').next().and_then(|path| path.rsplit_once('/')).unwrap().0;
    let in_tags = playlist.lines().filter_map(|line| line.split_once("URI=\"")?.1.split_once('"'));
    let in_tags = in_tags.map(|(uri, _)| uri);
    let plain = playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    in_tags.chain(plain).map(|uri| format!("{folder}/{uri}")).collect()
}

/// Waits for the end of packaging.
async fn complete(app: &TestApp, token: Option<&str>, path: &str) -> String {
    for _ in 0..3_000 {
        let playlist = text(app, token, path).await;
        if playlist.contains("#EXT-X-ENDLIST") {
            return playlist;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} is not complete");
}

fn seconds(playlist: &str) -> f64 {
    let durations = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    durations.map(|seconds| seconds.parse::<f64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendered_script_is_played_in_several_qualities() {
    for app in apps().await {
        let script = spoken(&app, &["wav"]).await;
        let token = app.person.token.clone();
        let path = format!("/api/stream/{script}/hls/master.m3u8");
        let master = text(&app, Some(&token), &path).await;
        let rates: Vec<&str> = master
            .lines()
            .filter_map(|line| line.split_once(",AVERAGE-BANDWIDTH="))
            .map(|(_, rest)| rest)
            .collect();
        assert_eq!(rates.len(), 3, "{master}");
        assert!(rates.iter().all(|rest| rest.contains("CODECS=\"mp4a.40.2\"")), "{master}");

        // From here on nobody shows a token: the addresses stand for whoever asked.
        let (_, view) = app.get(&format!("/v1/scripts/{script}")).await;
        let spoken_s = view["duration_ms"].as_f64().unwrap() / 1000.0;
        let (captions, media): (Vec<_>, Vec<_>) =
            uris(&master, &path).into_iter().partition(|uri| uri.contains("captions"));
        for uri in media {
            let playlist = complete(&app, None, &uri).await;
            assert!((seconds(&playlist) - spoken_s).abs() < 0.2, "{playlist}");
            let ranges = playlist.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"));
            let files = uris(&playlist, &uri);
            let mut at = None;
            for (range, file) in ranges.zip(&files[1..]) {
                let (length, start) = range.split_once('@').unwrap();
                let (length, start): (u64, u64) = (length.parse().unwrap(), start.parse().unwrap());
                assert!(at.is_none_or(|end| end == start), "{playlist}");
                at = Some(start + length);
                let asked = format!("bytes={start}-{}", start + length - 1);
                let segment =
                    app.request_as(None, Method::GET, file).header("range", asked).send().await.unwrap();
                assert_eq!(segment.status(), StatusCode::PARTIAL_CONTENT);
                assert_eq!(segment.headers()["content-type"], "audio/mp4");
                let bytes = segment.bytes().await.unwrap();
                assert_eq!((bytes.len() as u64, &bytes[4..8]), (length, &b"moof"[..]));
            }
        }
        let list = text(&app, None, &captions[0]).await;
        let vtt = text(&app, None, &uris(&list, &captions[0])[0]).await;
        assert!(vtt.starts_with("WEBVTT\nX-TIMESTAMP-MAP=") && vtt.contains("twelve"), "{vtt}");
        app.stop().await;
    }
}

/// What FFmpeg's own player of HLS makes of it, in seconds.
fn played_by_ffmpeg(url: &str, folder: &Path) -> f64 {
    let sound = folder.join("played.raw");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-nostdin", "-i", url, "-map", "0:a:0", "-ac", "1", "-ar", "24000"])
        .args(["-f", "s16le", "-y"])
        .arg(&sound)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::metadata(sound).unwrap().len() as f64 / 48_000.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_that_sends_no_headers_plays_to_the_end() {
    let app = TestApp::spawn().await;
    let script = spoken(&app, &["flac", "mp3"]).await;
    let path = format!("/api/stream/{script}/hls/master.m3u8");
    let (_, view) = app.get(&format!("/v1/scripts/{script}")).await;
    let spoken_s = view["duration_ms"].as_f64().unwrap() / 1000.0;
    let refused = app.request_as(None, Method::GET, &path).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    let (_, info) = app.get(&format!("/api/v1/audio/stream/{script}")).await;
    let signed = info["hls_url"].as_str().unwrap();
    // At once, while it is packaged, and again when it is done.
    plays(&app, signed, spoken_s).await;
    let master = text(&app, None, signed).await;
    let media = uris(&master, signed).into_iter().find(|uri| !uri.contains("captions")).unwrap();
    complete(&app, None, &media).await;
    plays(&app, signed, spoken_s).await;
    let one = info["qualities"].as_array().unwrap().iter().find(|quality| quality["name"] == "48k").unwrap();
    plays(&app, one["url"].as_str().unwrap(), spoken_s).await;

    let published = app.request(Method::PATCH, &format!("/v1/scripts/{script}"));
    let (status, _) = answer(published.json(&json!({"visibility": "public"}))).await;
    assert_eq!(status, StatusCode::OK);
    plays(&app, &path, spoken_s).await;
    app.stop().await;
}

async fn plays(app: &TestApp, path: &str, spoken_s: f64) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}{path}", app.base);
    let playing = move || played_by_ffmpeg(&url, folder.path());
    let played_s = tokio::task::spawn_blocking(playing).await.unwrap();
    assert!((played_s - spoken_s).abs() < 0.25, "{played_s} of {spoken_s} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_is_prepared_ahead_by_a_job_that_can_be_watched() {
    for app in apps().await {
        let script = spoken(&app, &["wav"]).await;
        let path = format!("/api/v1/audio/prepare/{script}");
        let (status, unordered) = app.get(&path).await;
        assert_eq!(
            (status, &unordered["status"], &unordered["job_id"]),
            (StatusCode::OK, &json!("queued"), &Value::Null)
        );
        let (status, ordered) = app.post(&path, &json!({ "priority": "high" })).await;
        assert!(status.is_success(), "{ordered}");
        let job = app.finished(ordered["job_id"].as_str().unwrap()).await;
        assert_eq!(job["status"], "succeeded", "{job}");
        assert_eq!(job["result"]["content_id"], json!(script));
        let (status, ready) = app.get(&path).await;
        assert_eq!(
            (status, &ready["status"], &ready["progress"]),
            (StatusCode::OK, &json!("ready"), &json!(100))
        );
        let (_, again) = app.post(&path, &json!({})).await;
        assert_eq!(again, ready);

        // It is private: for others it does not exist, and visitors order nothing.
        let other = app.person(Role::Admin).await;
        let stranger = app.person(Role::Learner).await;
        let asked = |token, method| answer(app.request_as(token, method, &path).json(&json!({})));
        assert_eq!(asked(Some(&*stranger.token), Method::POST).await.0, StatusCode::NOT_FOUND);
        assert_eq!(asked(Some(&*other.token), Method::GET).await.0, StatusCode::OK);
        assert_eq!(asked(None, Method::POST).await.0, StatusCode::UNAUTHORIZED);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_packaged_goes_with_its_script() {
    for app in apps().await {
        let script = spoken(&app, &["wav"]).await;
        let (_, ordered) = app.post(&format!("/api/v1/audio/prepare/{script}"), &json!({})).await;
        app.finished(ordered["job_id"].as_str().unwrap()).await;
        assert_eq!(app.hls.sweep().await.unwrap(), 0);
        let (status, _) = answer(app.request(Method::DELETE, &format!("/v1/scripts/{script}"))).await;
        assert!(status.is_success());
        let gone = text_status(&app, &format!("/api/stream/{script}/hls/master.m3u8")).await;
        assert_eq!(gone, StatusCode::NOT_FOUND);
        // The rendering goes by a job, and what was made of it after that.
        let mut swept = 0;
        for _ in 0..3_000 {
            swept = app.hls.sweep().await.unwrap();
            if swept > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(swept, 1, "the package stays");
        app.stop().await;
    }
}

async fn text_status(app: &TestApp, path: &str) -> StatusCode {
    app.request(Method::GET, path).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_was_uploaded_is_cut_at_its_key_frames_and_not_encoded_again() {
    let app = TestApp::spawn().await;
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=10"])
        .args(["-f", "lavfi", "-i", "sine=sample_rate=44100:duration=10", "-c:v", "libx264", "-g", "50"])
        .args(["-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"])
        .arg(&film)
        .status()
        .unwrap();
    assert!(made.success());
    let upload = app.request(Method::POST, "/v1/contents?title=Film").body(std::fs::read(&film).unwrap());
    let (status, content) = answer(upload.header("content-type", "video/mp4")).await;
    assert_eq!(status, StatusCode::CREATED, "{content}");
    let path = format!("/api/stream/{}/hls/master.m3u8", content["id"].as_str().unwrap());
    let master = text(&app, Some(&app.person.token), &path).await;
    assert!(master.contains("RESOLUTION=320x180") && master.contains("CODECS=\"avc1."), "{master}");
    assert!(!master.contains("SUBTITLES"), "{master}");
    let media = uris(&master, &path).remove(0);
    let playlist = complete(&app, None, &media).await;
    assert!((seconds(&playlist) - 10.0).abs() < 0.1, "{playlist}");
    // Key frames every two seconds: one fragment to begin with, then two to a segment.
    assert_eq!(playlist.matches("#EXTINF").count(), 3, "{playlist}");
    plays(&app, &media, 10.0).await;
    app.stop().await;
}
