use axum::http::Method;
use serde_json::{Value, json};

use crate::api::Api;

/// Title and who says what, which every format keeps.
fn spoken(script: &Value) -> Vec<(String, String)> {
    let items = script["items"].as_array().unwrap().iter().filter(|item| item["type"] == "line");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items.map(|item| (text(&item["speaker"]), text(&item["text"]))).collect()
}

const TIMED: &str = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v MINA>커피 두 잔 주세요.\n\n\
    00:00:03.000 --> 00:00:04.000\n<v JOE>Coming right up!\n";

#[tokio::test]
async fn a_script_is_exported_in_every_format_and_reads_back_as_the_same_lines() {
    for api in Api::on_both_engines().await {
        let body = json!({"source_text": TIMED, "source_format": "vtt"});
        let made = api.post("/v1/scripts", body).await;
        let id = made.ok()["id"].as_str().unwrap();
        let before = spoken(&made.json["script"]);
        assert_eq!(before.len(), 2);
        api.patch(&format!("/v1/scripts/{id}"), json!({"title": "두 잔"})).await.ok();
        for (format, content_type) in [
            ("json", "application/json"),
            ("text", "text/plain; charset=utf-8"),
            ("fountain", "text/plain; charset=utf-8"),
            ("srt", "application/x-subrip; charset=utf-8"),
            ("vtt", "text/vtt; charset=utf-8"),
            ("ass", "text/plain; charset=utf-8"),
        ] {
            let (headers, text) = api.file(&format!("/v1/scripts/{id}/export?format={format}")).await;
            assert_eq!(headers["content-type"], content_type);
            let name = headers["content-disposition"].to_str().unwrap();
            assert!(name.starts_with("attachment") && name.contains("%EB%91%90%20%EC%9E%94."), "{name}");
            let parsed = api.post("/v1/scripts/parse", json!({"text": text, "format": format})).await;
            assert_eq!(spoken(&parsed.ok()["script"]), before, "{format}: {text}");
            if ["srt", "vtt", "ass"].contains(&format) {
                let times =
                    |script: &Value| json!([script["items"][0]["start_ms"], script["items"][1]["end_ms"]]);
                assert_eq!(times(&parsed.json["script"]), json!([1_000, 4_000]), "{format}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn subtitles_need_times_and_a_format_needs_a_name() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: [Two](/tuː/) coffees.").await;
        let export = |format: &str| format!("/v1/scripts/{id}/export?format={format}");
        for format in ["srt", "vtt", "ass"] {
            api.get(&export(format)).await.refused(409, "SCRIPT_NOT_TIMED");
        }
        api.get(&export("docx")).await.refused_field("format");
        api.get(&format!("/v1/scripts/{id}/export")).await.refused(400, "REQUEST_MALFORMED");
        let missing = format!("/v1/scripts/{}/export?format=json", sori_contracts::ScriptId::generate());
        api.by(api.me, Method::GET, &missing, Value::Null).await.refused(404, "SCRIPT_NOT_FOUND");
        assert!(
            api.file(&export("text")).await.1.contains("[Two](/tuː/)"),
            "a reading is kept where it is read"
        );
    }
}
