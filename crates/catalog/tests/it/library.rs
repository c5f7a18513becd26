use serde_json::{Value, json};

use crate::api::Api;

/// Three scripts: titles, languages, levels and speakers differ.
async fn fill(api: &Api) -> Vec<String> {
    let show = api.post("/v1/shows", json!({"title": "Evening Show"})).await.ok()["id"].clone();
    let mut ids = Vec::new();
    for (title, lang, level, speaker, text, show) in [
        ("Two Coffees", "en-US", "A1", "MINA", "Two coffees, please.", &Value::Null),
        ("밤의 라디오", "ko", "B1", "민호", "여기는 Seoul 100%입니다.", &show),
        ("Éclairs", "en-GB", "A1", "Joe", "Fresh_éclairs!", &Value::Null),
    ] {
        let script = json!({"title": title, "lang": lang, "cast": {speaker: {}},
            "items": [{"type": "line", "speaker": speaker, "text": text}]});
        let body = json!({"script": script, "level": level, "show_id": show});
        ids.push(api.post("/v1/scripts", body).await.ok()["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn a_script_is_found_by_its_title_its_show_a_line_or_a_speaker() {
    for api in Api::on_both_engines().await {
        fill(&api).await;
        let check = async |query: &str, expected: &[&str]| {
            let found = api.get(&format!("/v1/scripts?{query}")).await.each("title");
            assert_eq!(found, expected, "{query} {:?}", api.database.db.backend());
        };
        check("query=coffees", &["Two Coffees"]).await;
        check("query=%20COFFEES%20", &["Two Coffees"]).await;
        check("query=EVENING", &["밤의 라디오"]).await;
        check("query=%EC%97%AC%EA%B8%B0", &["밤의 라디오"]).await; // 여기
        check("query=%EB%AF%BC%ED%98%B8", &["밤의 라디오"]).await; // 민호
        check("query=%C3%89CLAIRS", &["Éclairs"]).await;
        check("query=e%CC%81clairs", &["Éclairs"]).await;
        check("query=%25", &["밤의 라디오"]).await;
        check("query=_", &["Éclairs"]).await;
        check("query=%5C", &[]).await;
        check("query='%20OR%201=1", &[]).await;
        check("query=", &["Éclairs", "밤의 라디오", "Two Coffees"]).await;
    }
}

#[tokio::test]
async fn filters_narrow_the_library() {
    for api in Api::on_both_engines().await {
        let ids = fill(&api).await;
        let check = async |query: &str, expected: &[&str]| {
            assert_eq!(api.get(&format!("/v1/scripts?{query}")).await.each("title"), expected, "{query}");
        };
        check("lang=EN", &["Éclairs", "Two Coffees"]).await;
        check("lang=en-us", &["Two Coffees"]).await;
        check("level=A1&sort=title", &["Two Coffees", "Éclairs"]).await;
        check("speaker=joe", &["Éclairs"]).await;
        check("speaker=jo", &[]).await;
        check("speaker=mina&lang=ko", &[]).await;
        let show = api.get(&format!("/v1/scripts/{}", ids[1])).await.ok()["show"]["id"].clone();
        check(&format!("show_id={}", show.as_str().unwrap()), &["밤의 라디오"]).await;

        let first = &api.get("/v1/scripts?speaker=mina").await.json["items"][0];
        assert_eq!(first["speakers"], json!(["MINA"]));
        assert_eq!(first["line_count"], 1);
        assert_eq!(first["show"], json!(null));
        for absent in ["duration_ms", "rendering_id"] {
            assert_eq!(first[absent], json!(null));
        }
    }
}

#[tokio::test]
async fn pages_of_every_order_hold_every_script_once() {
    for api in Api::on_both_engines().await {
        let mut ids = Vec::new();
        for n in 0..9 {
            let script = json!({"title": format!("한 Title {}", n / 2), "cast": {"A": {}},
                "items": [{"type": "line", "speaker": "A", "text": "Hi."}]});
            let made = api.post("/v1/scripts", json!({ "script": script })).await;
            ids.push(made.ok()["id"].as_str().unwrap().to_owned());
        }
        // Ties in time must not lose or repeat anything.
        api.database.db.query("UPDATE catalog_script SET updated_at_ms = 1").execute().await.unwrap();
        api.database
            .db
            .query("UPDATE catalog_script SET duration_ms = 5000 WHERE title_folded < $1")
            .bind("한 title 2")
            .execute()
            .await
            .unwrap();
        ids.sort();
        for sort in ["updated", "created", "title", "duration"] {
            let (mut seen, mut titles, mut cursor) = (Vec::new(), Vec::new(), String::new());
            for _ in 0..6 {
                let page = api.get(&format!("/v1/scripts?sort={sort}&limit=2{cursor}")).await;
                seen.extend(page.each("id"));
                titles.extend(page.each("title"));
                match page.json["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={}", encode(next)),
                    None => break,
                }
            }
            match sort {
                "title" | "duration" => assert!(titles.is_sorted(), "{titles:?}"),
                _ => assert!(seen.iter().rev().is_sorted()),
            }
            seen.sort();
            assert_eq!(seen, ids, "{sort}");
        }
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_changed_script_comes_first() {
    for api in Api::on_both_engines().await {
        let ids = fill(&api).await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        api.patch(&format!("/v1/scripts/{}", ids[0]), json!({"title": "Changed"})).await.ok();
        assert_eq!(api.get("/v1/scripts").await.each("title"), ["Changed", "Éclairs", "밤의 라디오"]);
        assert_eq!(api.get("/v1/scripts?query=changed").await.each("id"), [ids[0].as_str()]);
        assert_eq!(api.get("/v1/scripts?query=two%20coffees,").await.each("id"), [ids[0].as_str()]);
    }
}

#[tokio::test]
async fn a_wrong_question_to_the_library_is_refused() {
    for api in Api::on_both_engines().await {
        api.get("/v1/scripts?limit=500").await.refused_field("limit");
        api.get("/v1/scripts?cursor=garbage").await.refused_field("cursor");
        api.get("/v1/scripts?cursor=01890000-0000-7000-8000-000000000000:x").await.refused_field("cursor");
        api.get("/v1/scripts?sort=colour").await.refused(400, "REQUEST_MALFORMED");
        api.get("/v1/scripts?show_id=x").await.refused(400, "REQUEST_MALFORMED");
        api.get("/v1/scripts?lang=not%20a%20language").await.refused_field("lang");
        api.get(&format!("/v1/scripts?query={}", "q".repeat(201))).await.refused_field("query");
        let nul = "/v1/scripts?sort=title&cursor=01890000-0000-7000-8000-000000000000:%00";
        assert_eq!(api.get(nul).await.each("id"), Vec::<String>::new());
    }
}
