use serde_json::json;
use sori_catalog::{RenderedLine, RenderedWord};
use sori_contracts::{LineId, RenderingId, ScriptId};

use crate::api::{Api, code_of};

struct Rendered {
    id: ScriptId,
    path: String,
    lines: Vec<RenderedLine>,
}

/// Every word of every line lasts 100 ms, every line begins at the next full second.
async fn rendered(api: &Api, text: &str) -> Rendered {
    let id: ScriptId = api.script(text).await.parse().unwrap();
    let document = api.catalog.document(id).await.unwrap();
    let lines = times(&document.line_ids, &document.script);
    Rendered { id, path: format!("/v1/scripts/{id}"), lines }
}

fn times(ids: &[LineId], script: &sori_script::Script) -> Vec<RenderedLine> {
    let lines = ids.iter().zip(script.lines()).zip((0..).step_by(1_000));
    lines
        .map(|((&line_id, (_, line)), start_ms)| {
            let words: Vec<_> = line
                .text
                .split(' ')
                .zip((start_ms..).step_by(100))
                .map(|(word, at)| RenderedWord { text: word.to_owned(), start_ms: at, end_ms: at + 100 })
                .collect();
            RenderedLine { line_id, start_ms, end_ms: start_ms + 100 * words.len() as u64, words }
        })
        .collect()
}

#[tokio::test]
async fn a_rendering_gives_lines_and_words_their_times() {
    for api in Api::on_both_engines().await {
        let script = rendered(&api, "A: One two.\nB: Three.\n").await;
        let rendering = RenderingId::generate();
        for _attempt in 1..=2 {
            api.catalog.attach_rendering(script.id, 1, rendering, 2_000, &script.lines).await.unwrap();
        }
        let read = api.get(&script.path).await;
        assert_eq!(read.ok()["rendering_id"], rendering.to_string());
        assert_eq!((&read.json["duration_ms"], &read.json["revision"]), (&json!(2_000), &json!(1)));
        assert_eq!(read.json["is_rendering_current"], true);
        let lines = api.get(&format!("{}/lines", script.path)).await;
        let first = &lines.ok()["items"][0];
        assert_eq!((&first["start_ms"], &first["end_ms"]), (&json!(0), &json!(200)));
        assert_eq!(
            first["words"],
            json!([{"text": "One", "start_ms": 0, "end_ms": 100}, {"text": "two.", "start_ms": 100, "end_ms": 200}])
        );
        assert_eq!(lines.json["items"][1]["start_ms"], 1_000);
        let summary = &api.get("/v1/scripts?sort=duration").await.json["items"][0];
        assert_eq!(summary["duration_ms"], 2_000);
        assert_eq!(summary["is_rendering_current"], true);
        assert_eq!(api.count("catalog_word").await, 3);

        // The next rendering replaces the times of this one.
        let mut later = script.lines.clone();
        later[0].words.truncate(1);
        later[1].start_ms = 1_500;
        let next = RenderingId::generate();
        api.catalog.attach_rendering(script.id, 1, next, 2_500, &later).await.unwrap();
        assert_eq!(api.count("catalog_word").await, 2);
        let lines = api.get(&format!("{}/lines", script.path)).await;
        assert_eq!(lines.ok()["items"][1]["start_ms"], 1_500);

        // Removing the old one takes nothing from the new one.
        api.catalog.detach_rendering(script.id, rendering).await.unwrap();
        assert_eq!(api.get(&script.path).await.ok()["rendering_id"], next.to_string());
        api.catalog.detach_rendering(script.id, next).await.unwrap();
        let read = api.get(&script.path).await;
        assert_eq!((&read.ok()["rendering_id"], &read.json["duration_ms"]), (&json!(null), &json!(null)));
        assert_eq!(api.count("catalog_word").await, 0);
        api.delete(&script.path).await;
        api.catalog.detach_rendering(script.id, next).await.unwrap();
        api.catalog.attach_rendering(script.id, 1, next, 1, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_rendering_of_words_that_changed_meanwhile_is_not_attached() {
    for api in Api::on_both_engines().await {
        let script = rendered(&api, "A: One two.\nB: Three.\n").await;
        let before = RenderingId::generate();
        api.catalog.attach_rendering(script.id, 1, before, 2_000, &script.lines).await.unwrap();
        let edit = json!({"revision": 1, "source_text": "A: One two.\nB: Four.\n"});
        api.put(&script.path, edit).await.ok();

        let late = RenderingId::generate();
        api.catalog.attach_rendering(script.id, 1, late, 9_000, &script.lines).await.unwrap();
        let read = api.get(&script.path).await;
        assert_eq!(read.ok()["rendering_id"], before.to_string());
        assert_eq!(read.json["is_rendering_current"], false);
        let lines = api.get(&format!("{}/lines", script.path)).await;
        assert_eq!(lines.ok()["items"][0]["words"].as_array().unwrap().len(), 2, "this line was not touched");
        assert_eq!(lines.json["items"][1]["words"], json!([]), "nobody says the old words any more");
        assert_eq!(lines.json["items"][1]["start_ms"], json!(null));

        // A rendering of the future, and then of the present.
        api.catalog.attach_rendering(script.id, 3, late, 9_000, &script.lines).await.unwrap();
        assert_eq!(api.get(&script.path).await.ok()["rendering_id"], before.to_string());
        let document = api.catalog.document(script.id).await.unwrap();
        let lines = times(&document.line_ids, &document.script);
        api.catalog.attach_rendering(script.id, document.revision, late, 9_000, &lines).await.unwrap();
        let read = api.get(&script.path).await;
        assert_eq!(
            (&read.ok()["rendering_id"], &read.json["is_rendering_current"]),
            (&json!(late), &json!(true))
        );
    }
}

#[tokio::test]
async fn what_cannot_be_heard_does_not_make_a_rendering_late() {
    for api in Api::on_both_engines().await {
        let script = rendered(&api, "A: One two.\nB: Three.\n").await;
        api.patch(&script.path, json!({"title": "Other", "description": "d"})).await.ok();
        let line = format!("/v1/lines/{}", script.lines[0].line_id);
        api.patch(&line, json!({"translation": "하나 둘."})).await.ok();
        let rendering = RenderingId::generate();
        api.catalog.attach_rendering(script.id, 1, rendering, 2_000, &script.lines).await.unwrap();
        let read = api.get(&script.path).await;
        assert_eq!((&read.ok()["rendering_id"], &read.json["revision"]), (&json!(rendering), &json!(3)));
        assert_eq!(read.json["is_rendering_current"], true);
        assert!(read.json["source_text"].is_string());

        api.patch(&line, json!({"translation": "하나, 둘."})).await.ok();
        assert_eq!(api.get(&line).await.ok()["words"].as_array().unwrap().len(), 2);
        api.patch(&script.path, json!({"cast": {"A": {"voice": "af_heart"}}})).await.ok();
        assert_eq!(api.get(&script.path).await.ok()["is_rendering_current"], false);
        api.patch(&line, json!({"text": "One three."})).await.ok();
        assert_eq!(api.get(&line).await.ok()["words"], json!([]));
    }
}

#[tokio::test]
async fn times_of_lines_from_elsewhere_are_refused_as_a_whole() {
    for api in Api::on_both_engines().await {
        let script = rendered(&api, "A: One two.\nB: Three.\n").await;
        let other = rendered(&api, "A: Else.\n").await;
        let mut lines = script.lines.clone();
        lines[1].line_id = other.lines[0].line_id;
        let refused = api.catalog.attach_rendering(script.id, 1, RenderingId::generate(), 1, &lines).await;
        assert_eq!(code_of(refused), "LINE_NOT_FOUND");
        let twice = [script.lines[0].clone(), script.lines[0].clone()];
        let refused = api.catalog.attach_rendering(script.id, 1, RenderingId::generate(), 1, &twice).await;
        assert_eq!(code_of(refused), "LINE_NOT_FOUND");
        assert_eq!(api.get(&script.path).await.ok()["rendering_id"], json!(null));
        assert_eq!(api.count("catalog_word").await, 0);
    }
}

#[tokio::test]
async fn a_thousand_lines_get_their_times_at_once() {
    for api in Api::on_both_engines().await {
        let text: String = (0..1_000).map(|n| format!("A: Line {n} says a few words.\n")).collect();
        let script = rendered(&api, &text).await;
        api.catalog
            .attach_rendering(script.id, 1, RenderingId::generate(), 3_000_000, &script.lines)
            .await
            .unwrap();
        assert_eq!(api.count("catalog_word").await, 6_000);
        let last = api.get(&format!("{}/lines?cursor=998", script.path)).await;
        assert_eq!(last.ok()["items"][0]["start_ms"], 999_000);
    }
}

#[tokio::test]
async fn older_clients_read_tokens_words_and_actors() {
    for api in Api::on_both_engines().await {
        let actor =
            api.post("/v1/actors", json!({"name": "Mina", "aliases": ["A"]})).await.ok()["id"].clone();
        let script = rendered(&api, "A: One two.\nB: Three.\n").await;
        let id = script.lines[0].line_id;
        let mut token = json!({"id": id, "script_id": script.id, "actor_id": actor, "text": "One two.",
            "start_time": null, "end_time": null, "s3_url": null});
        assert_eq!(api.get(&format!("/api/tokens/{id}")).await.ok(), &token);
        assert_eq!(api.get(&format!("/api/scripts/{}/words", script.id)).await.ok(), &json!([]));

        api.catalog
            .attach_rendering(script.id, 1, RenderingId::generate(), 2_000, &script.lines)
            .await
            .unwrap();
        (token["start_time"], token["end_time"]) = (json!(0.0), json!(0.2));
        assert_eq!(api.get(&format!("/api/tokens/{id}")).await.ok(), &token);
        let tokens = api.get(&format!("/api/scripts/{}/tokens", script.id)).await;
        assert_eq!((&tokens.ok()[0], &tokens.json[1]["start_time"]), (&token, &json!(1.0)));
        let words = api.get(&format!("/api/scripts/{}/words", script.id)).await;
        let said: Vec<_> = words.ok().as_array().unwrap().iter().map(|word| word["word"].clone()).collect();
        assert_eq!(said, ["One", "two.", "Three."]);
        assert_eq!((&words.json[1]["start_time"], &words.json[1]["end_time"]), (&json!(0.1), &json!(0.2)));
        assert_eq!(words.json[0]["token_id"], id.to_string());

        let actors = api.get("/api/actors?query=mIN").await;
        assert_eq!(actors.ok(), &json!([{"id": actor, "name": "Mina", "aliases": ["A"]}]));
        let nothing = "01890000-0000-7000-8000-000000000000";
        api.get(&format!("/api/tokens/{nothing}")).await.refused(404, "LINE_NOT_FOUND");
        api.get(&format!("/api/scripts/{nothing}/tokens")).await.refused(404, "SCRIPT_NOT_FOUND");
        api.get(&format!("/api/scripts/{nothing}/words")).await.refused(404, "SCRIPT_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_timed_file_gives_tokens_their_times_before_any_rendering() {
    for api in Api::on_both_engines().await {
        let text = "1\n00:00:01,250 --> 00:00:02,500\nMINA: Two coffees.\n";
        let made = api.post("/v1/scripts", json!({"source_text": text, "source_format": "srt"})).await;
        let id = made.ok()["line_ids"][0].as_str().unwrap();
        let token = api.get(&format!("/api/tokens/{id}")).await;
        assert_eq!((&token.ok()["start_time"], &token.json["end_time"]), (&json!(1.25), &json!(2.5)));
    }
}
