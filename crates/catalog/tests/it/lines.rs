use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn the_lines_of_a_script_come_in_pages_in_order() {
    for api in Api::on_both_engines().await {
        let id = api.script("== One ==\n\nA: a\nB: b\n\n[pause 1s]\nA: c\nB: d\nA: e\n").await;
        let first = api.get(&format!("/v1/scripts/{id}/lines?limit=3")).await;
        assert_eq!(first.each("text"), ["a", "b", "c"]);
        assert_eq!(first.json["items"][0]["position"], 1);
        assert_eq!(first.json["items"][0]["words"], json!([]));
        let cursor = first.json["next_cursor"].as_str().unwrap();
        let second = api.get(&format!("/v1/scripts/{id}/lines?limit=3&cursor={cursor}")).await;
        assert_eq!(second.each("text"), ["d", "e"]);
        assert_eq!(second.json["next_cursor"], json!(null));

        let read = api.get(&format!("/v1/scripts/{id}")).await;
        let line = &first.json["items"][1];
        assert_eq!(read.ok()["line_ids"][1], line["id"]);
        assert_eq!(api.get(&format!("/v1/lines/{}", line["id"].as_str().unwrap())).await.ok(), line);

        api.get(&format!("/v1/scripts/{id}/lines?cursor=x")).await.refused_field("cursor");
        let nothing = "01890000-0000-7000-8000-000000000000";
        api.get(&format!("/v1/scripts/{nothing}/lines")).await.refused(404, "SCRIPT_NOT_FOUND");
        api.get(&format!("/v1/lines/{nothing}")).await.refused(404, "LINE_NOT_FOUND");
    }
}

#[tokio::test]
async fn lines_are_found_by_what_is_said_and_by_whom() {
    for api in Api::on_both_engines().await {
        let one = api.script("MINA: Two coffees, please.\nJoe: Coming right up!\n").await;
        api.script("mina: 커피 두 잔요.\nJoe: 100% sure?\n").await;
        let check = async |query: &str, expected: &[&str]| {
            assert_eq!(api.get(&format!("/v1/lines?{query}")).await.each("text"), expected, "{query}");
        };
        check("query=COFFEE", &["Two coffees, please."]).await;
        check("query=%EC%BB%A4%ED%94%BC", &["커피 두 잔요."]).await; // 커피
        check("query=0%25", &["100% sure?"]).await;
        check("query=mInA", &["커피 두 잔요.", "Two coffees, please."]).await;
        check("speaker=MINA", &["커피 두 잔요.", "Two coffees, please."]).await;
        check(&format!("script_id={one}&speaker=joe"), &["Coming right up!"]).await;
        check("query=nothing+like+it", &[]).await;

        let first = api.get("/v1/lines?limit=3").await;
        let cursor = first.json["next_cursor"].as_str().unwrap();
        let second = api.get(&format!("/v1/lines?limit=3&cursor={cursor}")).await;
        assert_eq!(second.each("text"), ["Two coffees, please."]);
        api.get("/v1/lines?limit=0").await.refused_field("limit");
        api.get("/v1/lines?actor_id=x").await.refused(400, "REQUEST_MALFORMED");
    }
}

#[tokio::test]
async fn a_changed_line_changes_its_script() {
    for api in Api::on_both_engines().await {
        let id = api.script("A: One.\nB: Two.\n").await;
        let path = format!("/v1/scripts/{id}");
        let line = api.get(&path).await.ok()["line_ids"][1].as_str().unwrap().to_owned();
        let line_path = format!("/v1/lines/{line}");
        let change = json!({"text": "둘!", "speaker": "C", "style": "shouting", "speed": 1.1,
            "pause_after_ms": 900, "translation": "Two!"});
        let changed = api.patch(&line_path, change.clone()).await;
        for (field, value) in change.as_object().unwrap() {
            assert_eq!(&changed.ok()[field], value, "{field}");
        }
        let script = api.get(&path).await;
        assert_eq!(script.ok()["revision"], 2);
        assert_eq!(script.json["line_ids"][1], line.as_str());
        assert_eq!(script.json["script"]["items"][1]["text"], "둘!");
        assert_eq!(script.json["speakers"], json!(["A", "C"]));
        assert!(script.json["script"]["cast"]["C"].is_object());
        assert_eq!(script.json["source_text"], json!(null), "saving it would undo the change");
        assert_eq!(api.get("/v1/lines?query=%EB%91%98").await.each("id"), [line.as_str()]); // 둘

        let changed = api.patch(&line_path, json!({"style": null, "speed": null})).await;
        assert_eq!((&changed.ok()["style"], &changed.json["text"]), (&json!(null), &json!("둘!")));

        api.patch(&line_path, json!({"text": " "})).await.refused(400, "SCRIPT_INVALID");
        api.patch(&line_path, json!({"speed": 3})).await.refused(400, "SCRIPT_INVALID");
        api.patch(&line_path, json!({"text": "x".repeat(5_001)})).await.refused(400, "SCRIPT_INVALID");
        api.patch(&line_path, json!({"revision": 1, "text": "x"})).await.refused(409, "SCRIPT_CHANGED");
        let nobody = "01890000-0000-7000-8000-000000000000";
        api.patch(&line_path, json!({"actor_id": nobody})).await.refused(404, "ACTOR_NOT_FOUND");
        api.patch(&format!("/v1/lines/{nobody}"), json!({})).await.refused(404, "LINE_NOT_FOUND");
        api.patch(&line_path, json!({"words": []})).await.refused(400, "REQUEST_MALFORMED");
        assert_eq!(api.get(&path).await.ok()["revision"], 3);
    }
}
