use axum::{body::Body, http::Method};
use serde_json::{Value, json};

use crate::api::Api;

fn whole() -> Value {
    json!({
        "title": "두 잔의 커피", "lang": "ko", "author": "민아", "description": "첫 줄\n둘째 줄", "gap_ms": 0,
        "cast": {"MINA": {"voice": "af_heart*0.6+bm_george*0.4", "speed": 0.95, "name": "미나"}, "JOE": {}},
        "items": [
            {"type": "chapter", "title": "하나", "origin": {"line": 1, "column": 4}},
            {"type": "line", "id": "l-1", "speaker": "MINA", "text": "커피 [two](/tuː/) 잔요. 🦜 <b>&amp;</b>",
             "style": "whispering", "speed": 1.1, "pause_after_ms": 0, "translation": "Two coffees.",
             "origin": {"line": 2, "column": 1}},
            {"type": "pause", "pause_ms": 1500},
            {"type": "line", "speaker": "JOE", "text": "Coming right up!", "overlap_ms": 600_000,
             "start_ms": 0, "end_ms": 3_600_000_000_u64}
        ]
    })
}

#[tokio::test]
async fn a_script_comes_back_exactly_as_it_was_stored() {
    for api in Api::on_both_engines().await {
        assert!(api.catalog.is_empty().await.unwrap());
        let body = json!({"script": whole(), "level": "A2", "source_urls": ["https://example.org/a"]});
        let made = api.post("/v1/scripts", body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let path = made.headers["location"].to_str().unwrap();
        assert_eq!(path, format!("/v1/scripts/{}", made.json["id"].as_str().unwrap()));
        let read = api.get(path).await;
        assert_eq!(read.ok(), &made.json);
        assert_eq!(read.json["script"], whole());
        assert_eq!(read.json["line_ids"].as_array().unwrap().len(), 2);
        assert_eq!(read.json["speakers"], json!(["MINA", "JOE"]));
        assert_eq!(read.json["line_count"], 2);
        assert_eq!(read.json["level"], "A2");
        assert_eq!(read.json["source_urls"], json!(["https://example.org/a"]));
        assert_eq!(read.json["revision"], 1);
        assert_eq!(read.json["is_rendering_current"], false);
        assert!(!api.catalog.is_empty().await.unwrap());
    }
}

#[tokio::test]
async fn what_is_no_script_is_refused_with_every_place_in_the_callers_language() {
    for api in Api::on_both_engines().await {
        let mut script = whole();
        script["items"][1]["speed"] = json!(9);
        script["items"][3]["text"] = json!(" ");
        let refused = api.json(Method::POST, "/v1/scripts", json!({ "script": script }), "ko-KR").await;
        refused.refused(400, "SCRIPT_INVALID");
        let problems = refused.json["error"]["details"]["problems"].as_array().unwrap();
        let codes: Vec<_> = problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["SPEED_OUT_OF_RANGE", "TEXT_EMPTY"]);
        assert_eq!((&problems[0]["line"], &problems[0]["column"]), (&json!(2), &json!(1)));
        assert_eq!(problems[0]["item"], 1);
        for told in [&problems[0]["message"], &refused.json["error"]["message"]] {
            let is_korean = told.as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c));
            assert!(is_korean, "{told}");
        }

        api.post("/v1/scripts", json!({})).await.refused_field("script");
        api.post("/v1/scripts", json!({"script": {"items": []}})).await.refused(400, "SCRIPT_INVALID");
        api.post("/v1/scripts", json!({"script": {"items": [{"type": "song"}]}}))
            .await
            .refused(400, "REQUEST_MALFORMED");
        let mut long = whole();
        long["title"] = json!("t".repeat(301));
        api.post("/v1/scripts", json!({ "script": long })).await.refused_field("title");
        api.post("/v1/scripts", json!({"script": whole(), "source_text": "a\u{0}"}))
            .await
            .refused_field("source_text");
        api.post("/v1/scripts", json!({"script": whole(), "source_urls": ["ftp://x"]}))
            .await
            .refused_field("source_urls");
        let nobody = "01890000-0000-7000-8000-000000000000";
        api.post("/v1/scripts", json!({"script": whole(), "show_id": nobody}))
            .await
            .refused(404, "SHOW_NOT_FOUND");
        api.send(Method::POST, "/v1/scripts", Some("text/plain"), "", Body::from("A: b"))
            .await
            .refused(415, "MEDIA_TYPE_UNSUPPORTED");
        let body = Body::from(vec![b' '; (10 << 20) + 1]);
        let large = api.send(Method::POST, "/v1/scripts", Some("application/json"), "", body).await;
        large.refused(413, "BODY_TOO_LARGE");
        assert_eq!(api.count("catalog_script").await + api.count("catalog_line").await, 0);
    }
}

#[tokio::test]
async fn a_save_keeps_the_ids_of_lines_that_are_still_there() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\nB: Two.\nA: Three.\nB: Four.\n").await;
        let path = format!("/v1/scripts/{id}");
        let old = api.get(&path).await.ok()["line_ids"].clone();
        let text = "C: Zero.\n\n[pause 1s]\nB: Four.\nA: One.\nB: Two, again.\nA: Three.\n";
        let saved = api.put(&path, json!({"revision": 1, "source_text": text})).await;
        let new = &saved.ok()["line_ids"];
        assert_eq!([&new[1], &new[2], &new[3], &new[4]], [&old[3], &old[0], &old[1], &old[2]]);
        assert!(!old.as_array().unwrap().contains(&new[0]));
        assert_eq!(saved.json["revision"], 2);
        assert_eq!(saved.json["source_text"], text);
        assert_eq!(saved.json["source_format"], "text");
        assert_eq!(saved.json["script"]["items"][1]["type"], "pause");
        assert_eq!(saved.json["speakers"], json!(["C", "B", "A"]));
        assert_eq!(api.count("catalog_line").await, 6);

        // The same again, as a script.
        let script = saved.json["script"].clone();
        let again = api.put(&path, json!({"revision": 2, "script": script})).await;
        assert_eq!(again.ok()["line_ids"], saved.json["line_ids"]);
        assert_eq!(again.json["script"], saved.json["script"]);
        assert_eq!(again.json["source_text"], json!(null));
        assert_eq!(again.json["revision"], 3);
    }
}

#[tokio::test]
async fn a_text_keeps_the_title_and_the_voices_that_it_does_not_name() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\nB: Two.\n").await;
        let path = format!("/v1/scripts/{id}");
        let cast =
            json!({"A": {"voice": "af_heart", "speed": 1.25}, "B": {"voice": "am_michael", "name": "비"}});
        api.patch(&path, json!({"title": "Chosen", "cast": cast})).await.ok();
        let text = "@cast A\n@cast B = bm_george\nA: One!\nB: Two!\n";
        let saved = api.put(&path, json!({"revision": 2, "source_text": text})).await;
        let script = &saved.ok()["script"];
        assert_eq!(script["title"], "Chosen");
        assert_eq!(script["cast"]["A"], json!({"voice": "af_heart", "speed": 1.25}));
        assert_eq!(script["cast"]["B"], json!({"voice": "bm_george", "name": "비"}));
    }
}

#[tokio::test]
async fn a_save_on_an_old_revision_is_refused_and_changes_nothing() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\n").await;
        let path = format!("/v1/scripts/{id}");
        api.put(&path, json!({"revision": 1, "source_text": "A: Two.\n"})).await.ok();
        let late = api.put(&path, json!({"revision": 1, "source_text": "A: Three.\n"})).await;
        late.refused(409, "SCRIPT_CHANGED");
        assert_eq!(late.json["error"]["details"]["revision"], 2);
        api.patch(&path, json!({"revision": 1, "title": "x"})).await.refused(409, "SCRIPT_CHANGED");
        api.put(&path, json!({"revision": 2, "source_text": " "})).await.refused(400, "SCRIPT_INVALID");
        let read = api.get(&path).await;
        assert_eq!(read.ok()["revision"], 2);
        assert_eq!(read.json["script"]["items"][0]["text"], "Two.");

        let nothing = "/v1/scripts/01890000-0000-7000-8000-000000000000";
        api.put(nothing, json!({"revision": 1, "source_text": "A: b\n"}))
            .await
            .refused(404, "SCRIPT_NOT_FOUND");
        api.patch(nothing, json!({})).await.refused(404, "SCRIPT_NOT_FOUND");
        api.get(nothing).await.refused(404, "SCRIPT_NOT_FOUND");
        api.delete(nothing).await.refused(404, "SCRIPT_NOT_FOUND");
    }
}

#[tokio::test]
async fn of_many_saves_at_once_exactly_one_wins() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\nB: Two.\n").await;
        let path = format!("/v1/scripts/{id}");
        let saves = (0..8).map(|n| {
            let text = format!("A: Mine is {n}.\nB: Two.\nC: {n}.\n");
            api.put(&path, json!({"revision": 1, "source_text": text}))
        });
        let answers = futures_in_order(saves).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let lost = answers.iter().filter(|answer| answer.code() == "SCRIPT_CHANGED").count();
        assert_eq!((won, lost), (1, 7));
        let read = api.get(&path).await;
        assert_eq!(read.ok()["revision"], 2);
        assert_eq!(api.count("catalog_line").await, 3);
        let texts: Vec<_> = [0, 2].map(|n| read.json["script"]["items"][n]["text"].as_str().unwrap()).into();
        assert_eq!(texts[0].trim_start_matches("Mine is "), texts[1]);
    }
}

/// Polls all of them at once.
async fn futures_in_order<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_change_beside_the_document_lets_an_open_editor_save() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\n").await;
        let path = format!("/v1/scripts/{id}");
        let show = api.post("/v1/shows", json!({"title": "S"})).await.ok()["id"].clone();
        let change = json!({"show_id": show, "level": "A1", "source_urls": ["https://example.org"]});
        let changed = api.patch(&path, change).await;
        assert_eq!(changed.ok()["revision"], 1);
        assert_eq!(changed.json["show"]["title"], "S");
        assert_eq!(changed.json["level"], "A1");
        let changed = api.patch(&path, json!({"description": "d", "author": "a"})).await;
        assert_eq!(changed.ok()["revision"], 2);
        assert_eq!(changed.json["script"]["description"], "d");
        assert_eq!(changed.json["source_text"], "A: One.\n");
        let changed = api.patch(&path, json!({"show_id": null, "level": null, "author": null})).await;
        assert_eq!((&changed.ok()["show"], &changed.json["level"]), (&json!(null), &json!(null)));
        assert_eq!(changed.json["script"]["author"], json!(null));
        assert_eq!(changed.json["script"]["description"], "d");

        let wrong = json!({"cast": {"A": {"speed": 7}}});
        api.patch(&path, wrong).await.refused(400, "SCRIPT_INVALID");
        api.patch(&path, json!({"title": ""})).await.refused_field("title");
        api.patch(&path, json!({"level": "x".repeat(41)})).await.refused_field("level");
        let nobody = "01890000-0000-7000-8000-000000000000";
        api.patch(&path, json!({"show_id": nobody})).await.refused(404, "SHOW_NOT_FOUND");
        api.patch(&path, json!({"items": []})).await.refused(400, "REQUEST_MALFORMED");
    }
}

#[tokio::test]
async fn a_deleted_script_takes_its_lines_along() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\nB: Two.\n").await;
        let other = api.script("A: One.\n").await;
        assert_eq!(api.delete(&format!("/v1/scripts/{id}")).await.status, 204);
        api.get(&format!("/v1/scripts/{id}")).await.refused(404, "SCRIPT_NOT_FOUND");
        assert_eq!(api.count("catalog_line").await, 1);
        api.get(&format!("/v1/scripts/{other}")).await.ok();
    }
}

#[tokio::test]
async fn two_thousand_lines_are_stored_and_saved_again() {
    for api in Api::on_both_engines().await {
        let text: String = (0..2_000).map(|n| format!("{}: Line number {n}.\n", ["A", "B"][n % 2])).collect();
        let id = api.script(&text).await;
        let path = format!("/v1/scripts/{id}");
        let old = api.get(&path).await.ok()["line_ids"].clone();
        let text = format!("A: First of all.\n{text}");
        let saved = api.put(&path, json!({"revision": 1, "source_text": text})).await;
        let new = saved.ok()["line_ids"].as_array().unwrap();
        assert_eq!(new[1..], old.as_array().unwrap()[..]);
    }
}
