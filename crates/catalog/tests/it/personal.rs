use axum::http::Method;
use serde_json::{Value, json};
use sori_contracts::{Caller, PersonalData as _, Role};

use crate::api::Api;

#[tokio::test]
async fn who_leaves_takes_what_is_private_and_leaves_what_is_public() {
    for api in Api::on_both_engines().await {
        let (leaving, other) = (api.accounts.join(Role::Editor), api.accounts.join(Role::Editor));
        let mut things = Vec::new();
        for visibility in ["private", "shared", "public"] {
            for owner in [leaving, other] {
                let show = api.by(owner, Method::POST, "/v1/shows", json!({"title": visibility})).await;
                let script = json!({"source_text": format!("A: {visibility}."), "source_format": "text"});
                let script = api.by(owner, Method::POST, "/v1/scripts", script).await;
                for (kind, made) in [("shows", show), ("scripts", script)] {
                    let path = format!("/v1/{kind}/{}", made.ok()["id"].as_str().unwrap());
                    let guest = if owner == leaving { other } else { leaving };
                    let share = format!("{path}/shares/{}", guest.account().unwrap());
                    api.by(owner, Method::PUT, &share, Value::Null).await.ok();
                    api.by(owner, Method::PATCH, &path, json!({"visibility": visibility})).await.ok();
                    things.push((path, visibility, owner));
                }
            }
        }
        let account = leaving.account().unwrap();
        let exported = api.catalog.export(account).await.unwrap();
        assert_eq!(exported["shows"].as_array().unwrap().len(), 3);
        let scripts = exported["scripts"].as_array().unwrap();
        let texts: Vec<_> = scripts.iter().map(|script| script["source_text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["A: private.", "A: shared.", "A: public."]);

        api.catalog.forget(account).await.unwrap();
        api.catalog.forget(account).await.unwrap();
        let admin = api.accounts.join(Role::Admin);
        for (path, visibility, owner) in things {
            let left = api.by(admin, Method::GET, &path, Value::Null).await;
            let stays = owner == other || visibility == "public";
            assert_eq!(left.status, if stays { 200 } else { 404 }, "{path} {visibility}");
            let is_seen = api.by(Caller::Visitor, Method::GET, &path, Value::Null).await.status == 200;
            assert_eq!(is_seen, visibility == "public", "{path} {visibility}");
            let as_before = api.by(leaving, Method::PATCH, &path, json!({"description": "Mine"})).await;
            let is_anybodys = visibility == "public";
            assert_eq!(
                as_before.status,
                if is_anybodys { 200 } else { 404 },
                "an editor still edits what is public"
            );
        }
        let rest = api.catalog.export(account).await.unwrap();
        assert_eq!(rest, json!({"shows": [], "scripts": []}));
        for table in ["catalog_show_share", "catalog_script_share"] {
            assert_eq!(api.count(table).await, 1, "only those of others remain");
        }
    }
}
