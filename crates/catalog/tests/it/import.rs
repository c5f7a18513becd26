use axum::{body::Body, http::Method};
use serde_json::json;

use crate::api::{
    Api,
    Part::{Field, File},
};

const FOUNTAIN: &str =
    "Title: Two Coffees\n\nINT. CAFE\n\nMINA\n(softly)\nTwo coffees, please.\n\n@민호\n네!\n";
const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nMINA: Two coffees.\n";
const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Mina>Two coffees.\n";
const ASS: &str = "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,MINA,0,0,0,,Two coffees.\n";
const JSON: &str = r#"{"script":[{"speaker_id":"MINA","text":"Two coffees."}]}"#;

#[tokio::test]
async fn every_format_is_imported() {
    for api in Api::on_both_engines().await {
        for (name, text, format, title) in [
            ("a.fountain", FOUNTAIN, "fountain", "Two Coffees"),
            ("cafe.srt", SRT, "srt", "cafe"),
            ("cafe.vtt", VTT, "vtt", "cafe"),
            ("cafe.ass", ASS, "ass", "cafe"),
            ("cafe.json", JSON, "json", "cafe"),
            ("카페.txt", "MINA: Two coffees.\n", "text", "카페"),
        ] {
            let made = api.upload(&[File(name, text.as_bytes())], "").await;
            assert_eq!(made.status, 201, "{name} {}", made.json);
            let script = &made.json["script"];
            assert_eq!(made.headers["location"], format!("/v1/scripts/{}", script["id"].as_str().unwrap()));
            assert_eq!(script["source_format"], format);
            assert_eq!(script["source_text"], text);
            assert_eq!(script["script"]["title"], title);
            let said = script["script"]["items"].as_array().unwrap();
            let coffee = said.iter().find(|item| item["type"] == "line").unwrap();
            assert!(coffee["text"].as_str().unwrap().starts_with("Two coffees"), "{name}");
            assert!(made.json["problems"].is_array());
        }
        assert_eq!(api.count("catalog_script").await, 6);
    }
}

#[tokio::test]
async fn a_form_may_name_format_title_and_show() {
    for api in Api::on_both_engines().await {
        let show = api.post("/v1/shows", json!({"title": "S"})).await.ok()["id"].clone();
        let form = |format| {
            [
                Field("text", SRT),
                Field("format", format),
                Field("title", " Mine "),
                Field("show_id", show.as_str().unwrap()),
                Field("else", "is ignored"),
            ]
        };
        let made = api.upload(&form("srt"), "").await;
        assert_eq!(made.ok()["script"]["script"]["title"], "Mine");
        assert_eq!(made.json["script"]["show"]["title"], "S");
        assert_eq!(made.json["script"]["line_count"], 1);
        let made = api.upload(&form("text"), "").await;
        assert_eq!(made.ok()["script"]["line_count"], 2, "as text, the narrator reads the times");
        assert_eq!(made.json["problems"][0]["severity"], "warning");
        let bytes: Vec<u8> = "\u{feff}미나: 커피요.\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let made = api.upload(&[File("x.txt", &bytes), Field("title", "")], "").await;
        assert_eq!(made.ok()["script"]["source_text"], "미나: 커피요.\n");
        assert_eq!(made.json["script"]["script"]["title"], "x");
    }
}

#[tokio::test]
async fn a_hostile_file_is_an_ordinary_refusal_and_stores_nothing() {
    for api in Api::on_both_engines().await {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
        api.upload(&[File("a.fountain", png)], "").await.refused(400, "SCRIPT_NOT_TEXT");
        let broken = api.upload(&[File("a.txt", b"MINA: ok\nJOE: \xff\xfe broken\n")], "ko").await;
        broken.refused(400, "SCRIPT_ENCODING");
        let problem = &broken.json["error"]["details"]["problems"][0];
        assert_eq!((&problem["line"], &problem["severity"]), (&json!(2), &json!("error")));
        assert!(
            problem["message"].as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c)),
            "{problem}"
        );
        api.upload(&[File("a.srt", b"")], "").await.refused(400, "SCRIPT_INVALID");
        api.upload(&[File("a.json", b"{\"script\": [")], "").await.refused(400, "SCRIPT_INVALID");
        let line = format!("A: {}\n", "x".repeat(9 << 20));
        api.upload(&[File("a.txt", line.as_bytes())], "").await.refused(413, "SCRIPT_TOO_LARGE");
        let body = vec![b'x'; (10 << 20) + 1];
        api.upload(&[File("a.txt", &body)], "").await.refused(413, "BODY_TOO_LARGE");

        api.upload(&[], "").await.refused_field("file");
        api.upload(&[Field("text", "A: a\n"), File("b.txt", b"B: b\n")], "").await.refused_field("file");
        api.upload(&[Field("text", "A: a\n"), Field("format", "docx")], "").await.refused_field("format");
        api.upload(&[Field("text", "A: a\n"), Field("show_id", "x")], "").await.refused_field("show_id");
        let nobody = "01890000-0000-7000-8000-000000000000";
        let unknown = api.upload(&[Field("text", "A: a\n"), Field("show_id", nobody)], "").await;
        unknown.refused(404, "SHOW_NOT_FOUND");
        let long = "t".repeat(301);
        api.upload(&[Field("text", "A: a\n"), Field("title", &long)], "").await.refused_field("title");

        let path = "/v1/scripts/import";
        let json = api.send(Method::POST, path, Some("application/json"), "", Body::from("{}")).await;
        json.refused(415, "MEDIA_TYPE_UNSUPPORTED");
        let kind = "multipart/form-data; boundary=x";
        let cut = Body::from("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nA: cut");
        api.send(Method::POST, path, Some(kind), "", cut).await.refused(400, "REQUEST_MALFORMED");
        assert_eq!(api.count("catalog_script").await, 0);
    }
}

#[tokio::test]
async fn a_text_is_read_without_being_stored() {
    for api in Api::on_both_engines().await {
        let body = json!({"text": FOUNTAIN, "filename": "a.fountain"});
        let read = api.post("/v1/scripts/parse", body).await;
        assert_eq!(read.ok()["format"], "fountain");
        assert_eq!(read.json["script"]["cast"].as_object().unwrap().len(), 2);
        let plain = |text: &'static str, path: &'static str, kind: &'static str| {
            api.send(Method::POST, path, Some(kind), "", Body::from(text))
        };
        let read =
            plain("MINA: Hi.\nNote: remember\n", "/v1/scripts/parse", "text/plain; charset=utf-8").await;
        assert_eq!(read.ok()["format"], "text");
        let read = plain(VTT, "/v1/scripts/parse", "text/vtt").await;
        assert_eq!(read.ok()["format"], "vtt");
        let read = plain("MINA: Hi.\n", "/v1/scripts/parse?format=text", "text/plain").await;
        assert_eq!(read.ok()["script"]["items"][0]["speaker"], "MINA");
        let invalid = plain("", "/v1/scripts/parse", "text/plain").await;
        invalid.refused(400, "SCRIPT_INVALID");
        assert_eq!(invalid.json["error"]["details"]["problems"][0]["line"], 1);
        plain("x", "/v1/scripts/parse?format=docx", "text/plain").await.refused_field("format");
        api.post("/v1/scripts/parse", json!({"txt": "a"})).await.refused(400, "REQUEST_MALFORMED");
        assert_eq!(api.count("catalog_script").await, 0);
    }
}

#[tokio::test]
async fn warnings_come_in_the_callers_language() {
    for api in Api::on_both_engines().await {
        let body = json!({"text": "MINA: Hi.\nNote: remember the milk\n"});
        let (en, ko) = (
            api.json(Method::POST, "/v1/scripts/parse", body.clone(), "en").await,
            api.json(Method::POST, "/v1/scripts/parse", body, "ko").await,
        );
        let (en, ko) = (&en.ok()["problems"][0], &ko.ok()["problems"][0]);
        assert_eq!((&en["severity"], &en["line"]), (&json!("warning"), &json!(2)));
        assert_eq!(en["code"], ko["code"]);
        assert_ne!(en["message"], ko["message"]);
    }
}
