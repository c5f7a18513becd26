use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn a_show_is_made_changed_and_deleted_and_its_scripts_stay() {
    for api in Api::on_both_engines().await {
        let made = api.post("/v1/shows", json!({"title": " 밤의 라디오 ", "lang": "ko"})).await;
        assert_eq!(made.status, 201);
        let id = made.json["id"].as_str().unwrap();
        let path = format!("/v1/shows/{id}");
        assert_eq!(made.headers["location"], path.as_str());
        assert_eq!(made.json["title"], "밤의 라디오");

        let script = api.script("A: Hi.\n").await;
        api.patch(&format!("/v1/scripts/{script}"), json!({"show_id": id})).await.ok();
        assert_eq!(api.get(&path).await.ok()["script_count"], 1);

        let change = json!({"title": "Night", "lang": null, "cover_url": "https://example.org/c.png"});
        let changed = api.patch(&path, change).await;
        assert_eq!(changed.ok()["title"], "Night");
        assert_eq!(changed.json["lang"], json!(null));
        assert_eq!(changed.json["cover_url"], "https://example.org/c.png");
        assert_eq!(api.get(&format!("/v1/scripts/{script}")).await.ok()["show"]["title"], "Night");

        assert_eq!(api.delete(&path).await.status, 204);
        api.get(&path).await.refused(404, "SHOW_NOT_FOUND");
        api.delete(&path).await.refused(404, "SHOW_NOT_FOUND");
        api.patch(&path, json!({})).await.refused(404, "SHOW_NOT_FOUND");
        assert_eq!(api.get(&format!("/v1/scripts/{script}")).await.ok()["show"], json!(null));
    }
}

#[tokio::test]
async fn shows_are_searched_without_case_and_paged_newest_first() {
    for api in Api::on_both_engines().await {
        for title in ["Éclair", "100% Radio", "밤의 Radio", "100 percent"] {
            api.post("/v1/shows", json!({ "title": title })).await.ok();
        }
        assert_eq!(api.get("/v1/shows?query=RADIO").await.each("title"), ["밤의 Radio", "100% Radio"]);
        assert_eq!(api.get("/v1/shows?query=%C3%89CLAIR").await.each("title"), ["Éclair"]);
        assert_eq!(api.get("/v1/shows?query=0%25").await.each("title"), ["100% Radio"]);
        assert_eq!(api.get("/v1/shows?query=_").await.each("title"), Vec::<String>::new());

        let first = api.get("/v1/shows?limit=3").await;
        assert_eq!(first.each("title"), ["100 percent", "밤의 Radio", "100% Radio"]);
        let cursor = first.json["next_cursor"].as_str().unwrap();
        let second = api.get(&format!("/v1/shows?limit=3&cursor={cursor}")).await;
        assert_eq!(second.each("title"), ["Éclair"]);
        assert_eq!(second.json["next_cursor"], json!(null));
    }
}

#[tokio::test]
async fn a_wrong_show_is_refused_with_the_name_of_the_field() {
    for api in Api::on_both_engines().await {
        api.post("/v1/shows", json!({"title": " "})).await.refused_field("title");
        api.post("/v1/shows", json!({"title": "t".repeat(301)})).await.refused_field("title");
        api.post("/v1/shows", json!({"title": "a\u{0}b"})).await.refused_field("title");
        api.post("/v1/shows", json!({"title": "a", "lang": "no language"})).await.refused_field("lang");
        let script = json!({"title": "a", "cover_url": "javascript:alert(1)"});
        api.post("/v1/shows", script).await.refused_field("cover_url");
        api.post("/v1/shows", json!({"titel": "a"})).await.refused(400, "REQUEST_MALFORMED");
        api.get("/v1/shows?limit=0").await.refused_field("limit");
        api.get("/v1/shows?limit=201").await.refused_field("limit");
        api.get("/v1/shows?cursor=x").await.refused_field("cursor");
        api.get("/v1/shows?query=%00").await.refused_field("query");
        api.get("/v1/shows/no-id").await.refused(404, "ROUTE_NOT_FOUND");
        assert_eq!(api.count("catalog_show").await, 0);
    }
}
