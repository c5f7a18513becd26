use serde_json::{Value, json};

use crate::api::Api;

async fn lines(api: &Api, script: &str) -> Vec<Value> {
    let page = api.get(&format!("/v1/scripts/{script}/lines")).await;
    page.ok()["items"].as_array().unwrap().iter().map(|line| line["actor_id"].clone()).collect()
}

#[tokio::test]
async fn an_actor_is_made_found_by_an_alias_changed_and_deleted() {
    for api in Api::on_both_engines().await {
        let body = json!({"name": "김민아", "aliases": ["MINA", "미나"], "description": "Seoul"});
        let made = api.post("/v1/actors", body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let path = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(made.json["aliases"], json!(["MINA", "미나"]));
        api.post("/v1/actors", json!({"name": "Joe_1"})).await.ok();

        assert_eq!(api.get("/v1/actors").await.each("name"), ["Joe_1", "김민아"]);
        assert_eq!(api.get("/v1/actors?query=min").await.each("name"), ["김민아"]);
        assert_eq!(api.get("/v1/actors?query=%EB%AF%B8%EB%82%98").await.each("name"), ["김민아"]); // 미나
        assert_eq!(api.get("/v1/actors?query=_").await.each("name"), ["Joe_1"]);
        let first = api.get("/v1/actors?limit=1").await;
        let cursor = first.json["next_cursor"].as_str().unwrap();
        assert_eq!(api.get(&format!("/v1/actors?limit=1&cursor={cursor}")).await.each("name"), ["김민아"]);

        let changed = api.patch(&path, json!({"name": "mina", "description": null})).await;
        assert_eq!(changed.ok()["name"], "mina", "an alias becomes the name");
        assert_eq!(changed.json["aliases"], json!(["미나"]));
        assert_eq!(changed.json["description"], json!(null));

        assert_eq!(api.delete(&path).await.status, 204);
        for answer in [api.get(&path).await, api.delete(&path).await, api.patch(&path, json!({})).await] {
            answer.refused(404, "ACTOR_NOT_FOUND");
        }
        assert_eq!(api.count("catalog_actor_alias").await, 1);
    }
}

#[tokio::test]
async fn a_name_or_alias_means_one_actor() {
    for api in Api::on_both_engines().await {
        let made = api.post("/v1/actors", json!({"name": "Mina", "aliases": ["MN"]})).await;
        let (id, path) = (made.ok()["id"].clone(), made.headers["location"].to_str().unwrap());
        let other = api.post("/v1/actors", json!({"name": "Joe"})).await;
        let other = other.headers["location"].to_str().unwrap();
        for (route, body) in [
            ("/v1/actors", json!({"name": "MINA"})),
            ("/v1/actors", json!({"name": "Ann", "aliases": ["mn"]})),
            ("/v1/actors", json!({"name": "Ann", "aliases": ["ann"]})),
            (&format!("{other}/aliases"), json!({"alias": " mina "})),
            (&format!("{path}/aliases"), json!({"alias": "mn"})),
        ] {
            let refused = api.post(route, body.clone()).await;
            refused.refused(409, "ALIAS_TAKEN");
            if body["name"] != "Ann" || body["aliases"] == json!(["mn"]) {
                assert_eq!(refused.json["error"]["details"]["actor_id"], id, "{body}");
            }
        }
        api.patch(other, json!({"name": "mn"})).await.refused(409, "ALIAS_TAKEN");
        assert_eq!(api.count("catalog_actor").await, 2, "what is refused leaves nothing");
        assert_eq!(api.get(other).await.ok()["name"], "Joe");
    }
}

#[tokio::test]
async fn aliases_are_added_and_taken_away() {
    for api in Api::on_both_engines().await {
        let made = api.post("/v1/actors", json!({"name": "Mina"})).await;
        let path = made.ok()["id"].as_str().map(|id| format!("/v1/actors/{id}")).unwrap();
        let aliases = format!("{path}/aliases");
        let added = api.post(&aliases, json!({"alias": "M / N%"})).await;
        assert_eq!(added.status, 201);
        assert_eq!(added.json["aliases"], json!(["M / N%"]));
        assert_eq!(api.delete(&format!("{aliases}/m%20%2F%20n%25")).await.status, 204);
        api.delete(&format!("{aliases}/mn")).await.refused(404, "ALIAS_NOT_FOUND");
        api.delete(&format!("{aliases}/mina")).await.refused(404, "ALIAS_NOT_FOUND");
        api.post(&aliases, json!({"alias": ""})).await.refused_field("alias");
        api.post("/v1/actors", json!({"name": "n".repeat(81)})).await.refused_field("name");
        let many: Vec<_> = (0..51).map(|n| n.to_string()).collect();
        api.post("/v1/actors", json!({"name": "N", "aliases": many})).await.refused_field("aliases");
        let nobody = "/v1/actors/01890000-0000-7000-8000-000000000000/aliases";
        api.post(nobody, json!({"alias": "x"})).await.refused(404, "ACTOR_NOT_FOUND");
        api.delete(&format!("{nobody}/x")).await.refused(404, "ACTOR_NOT_FOUND");
    }
}

#[tokio::test]
async fn speakers_are_linked_to_actors_by_name_and_alias() {
    for api in Api::on_both_engines().await {
        let early = api.script("Mina: One.\nJOE: Two.\n").await;
        let made = api.post("/v1/actors", json!({"name": "김민아", "aliases": ["MINA"]})).await;
        let mina = made.ok()["id"].clone();
        assert_eq!(lines(&api, &early).await, [mina.clone(), json!(null)], "lines that were there before");

        let text = "@cast mina\n@cast JOE\n@cast X = name \"김민아\"\nmina: One.\nX: Two.\nJOE: Three.\n";
        let late = api.script(text).await;
        assert_eq!(lines(&api, &late).await, [mina.clone(), mina.clone(), json!(null)]);

        // A choice of a person stays when the script is saved, and goes with the speaker.
        let joe = api.post("/v1/actors", json!({"name": "Someone"})).await.ok()["id"].clone();
        let line = api.get(&format!("/v1/scripts/{late}")).await.ok()["line_ids"][0].clone();
        let line = format!("/v1/lines/{}", line.as_str().unwrap());
        assert_eq!(api.patch(&line, json!({ "actor_id": joe })).await.ok()["actor_id"], joe);
        let saved = api
            .put(
                &format!("/v1/scripts/{late}"),
                json!({"revision": 2, "source_text": "mina: One.\nmina: New.\n"}),
            )
            .await;
        saved.ok();
        assert_eq!(lines(&api, &late).await, [joe.clone(), mina.clone()]);
        assert_eq!(api.patch(&line, json!({"speaker": "MINA"})).await.ok()["actor_id"], mina);

        let found = api.get(&format!("/v1/lines?actor_id={}", mina.as_str().unwrap())).await;
        assert_eq!(found.each("text").len(), 3);
        api.delete(&format!("/v1/actors/{}", mina.as_str().unwrap())).await;
        assert_eq!(lines(&api, &early).await, [json!(null), json!(null)]);
    }
}
