//! A script goes in, sound and captions come out.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{TestApp, answer, apps};

#[tokio::test(flavor = "multi_thread")]
async fn the_older_voices_api_gets_its_audio_and_its_captions() {
    for app in apps().await {
        let job = app
            .synthesized(&json!({
                "script": [{"speaker_id": "tone:440", "text": "Two coffees please"}, {"speaker_id": "tone:880", "text": "Coming right up"}],
                "output_format": "wav", "sample_rate": 16000, "caption_format": "vtt",
            }))
            .await;
        assert_eq!(job["status"], "succeeded", "{job}");
        assert_eq!(job["progress"]["percent"], 100);
        let result = &job["result"];
        let wav = app.bytes(result["audio"]["wav"]["url"].as_str().unwrap()).await;
        assert_eq!(&wav[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(wav[24..28].try_into().unwrap()), 16_000);
        assert_eq!(wav.len() as u64, result["audio"]["wav"]["bytes"].as_u64().unwrap());

        let vtt =
            String::from_utf8(app.bytes(result["captions"]["vtt"]["url"].as_str().unwrap()).await).unwrap();
        assert!(vtt.starts_with("WEBVTT"), "{vtt}");
        assert!(vtt.contains("<v tone:440>Two coffees please"), "{vtt}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_is_where_the_captions_say_in_the_file() {
    let app = TestApp::spawn().await;
    let job = app
        .synthesized(&json!({
            "script": [{"speaker_id": "tone:440", "text": "one two three"}, {"pause_ms": 700}, {"speaker_id": "tone:440", "text": "four five"}],
            "output_format": "wav",
        }))
        .await;
    let rendering = job["result"]["rendering_id"].as_str().unwrap();
    let (_, view) = app.get(&format!("/v1/renderings/{rendering}")).await;
    let wav = app.bytes(&format!("/v1/renderings/{rendering}/audio/wav")).await;
    let samples: Vec<i16> =
        wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let words: Vec<_> = view["lines"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|line| line["words"].as_array().unwrap().clone())
        .collect();
    assert_eq!(words.len(), 5);
    let loudest = samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
    for word in &words {
        let start_ms = word["start_ms"].as_u64().unwrap();
        let is_loud = |s: &i16| s.unsigned_abs() > loudest / 2;
        let from = (start_ms as usize - 20) * 24;
        let onset = from + samples[from..].iter().position(is_loud).unwrap();
        let error_ms = (onset as f64 / 24.0 - start_ms as f64).abs();
        assert!(error_ms <= 1.0, "{word}: heard {error_ms} ms beside its time");
    }
    let gap = words[3]["start_ms"].as_u64().unwrap() - words[2]["end_ms"].as_u64().unwrap();
    assert_eq!(gap, 800, "the pause of 700 ms and the silence of 50 ms at either side of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_line_of_a_hundred_is_spoken_alone() {
    let app = TestApp::spawn().await;
    let text: String = (0..100).map(|n| format!("A: this is line number {n}\n")).collect();
    let id = app.script(&text).await;
    let render = |app: &TestApp, id: &str| {
        app.request(Method::POST, &format!("/v1/scripts/{id}/render")).json(&json!({"formats": ["wav"]}))
    };

    let (status, accepted) = answer(render(&app, &id)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    let first = app.finished(accepted["job_id"].as_str().unwrap()).await;
    assert_eq!(first["status"], "succeeded", "{first}");
    assert_eq!(app.lines_spoken(), 100);

    let (_, lines) = app.get(&format!("/v1/scripts/{id}/lines?limit=200")).await;
    let line = lines["items"][41]["id"].as_str().unwrap();
    let patch =
        app.request(Method::PATCH, &format!("/v1/lines/{line}")).json(&json!({"text": "this one is new"}));
    let (status, patched) = answer(patch).await;
    assert_eq!(status, StatusCode::OK, "{patched}");

    let (_, accepted) = answer(render(&app, &id)).await;
    let second = app.finished(accepted["job_id"].as_str().unwrap()).await;
    assert_eq!(second["result"]["lines_cached"], 99, "{second}");
    assert_eq!(app.lines_spoken(), 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendered_script_gives_its_lines_and_words_their_times() {
    for app in apps().await {
        let id = app.script("MINA: good morning\nJUN: hello there").await;
        let (_, accepted) = app.post(&format!("/v1/scripts/{id}/render"), &json!({"formats": ["wav"]})).await;
        let job = app.finished(accepted["job_id"].as_str().unwrap()).await;
        assert_eq!(job["status"], "succeeded", "{job}");

        let (_, script) = app.get(&format!("/v1/scripts/{id}")).await;
        assert_eq!(script["rendering_id"], job["result"]["rendering_id"], "{script}");
        let (_, tokens) = app.get(&format!("/api/scripts/{id}/tokens")).await;
        let token = &tokens.as_array().or_else(|| tokens["items"].as_array()).unwrap()[1];
        assert_eq!(token["text"], "hello there");
        assert!(token["start_time"].as_f64().unwrap() > 0.5, "{token}");

        let deleted = app
            .request(Method::DELETE, &format!("/v1/jobs/{}", accepted["job_id"].as_str().unwrap()))
            .send()
            .await
            .unwrap();
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        let (_, script) = app.get(&format!("/v1/scripts/{id}")).await;
        assert!(script["rendering_id"].is_null(), "{script}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caption_format_is_written_from_the_same_times() {
    let app = TestApp::spawn().await;
    let job = app.synthesized(&json!({"script": [{"speaker_id": "tone:440", "text": "안녕 <b> & you"}], "output_format": "wav"})).await;
    let captions = &job["result"]["captions"];
    let read = async |name: &str| {
        String::from_utf8(app.bytes(captions[name]["url"].as_str().unwrap()).await).unwrap()
    };
    assert!(read("vtt").await.contains("안녕 &lt;b&gt; &amp; you"));
    assert!(read("srt").await.contains("-->"));
    assert!(read("ass").await.contains("[Events]"));
    assert!(read("textgrid").await.contains("IntervalTier"));
    let json: serde_json::Value = serde_json::from_str(&read("json").await).unwrap();
    assert_eq!(json["cues"][0]["words"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_script_removes_its_sound_from_the_disk() {
    for app in apps().await {
        let id = app.script("MINA: good morning").await;
        let (_, accepted) = app.post(&format!("/v1/scripts/{id}/render"), &json!({"formats": ["wav"]})).await;
        let job = app.finished(accepted["job_id"].as_str().unwrap()).await;
        let audio = job["result"]["audio"]["wav"]["url"].as_str().unwrap().to_owned();
        assert_eq!(app.get(&audio).await.0, StatusCode::OK);

        let deleted = app.request(Method::DELETE, &format!("/v1/scripts/{id}")).send().await.unwrap();
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while app.get(&audio).await.0 != StatusCode::NOT_FOUND {
            assert!(std::time::Instant::now() < deadline, "the rendering stayed");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        app.stop().await;
    }
}
