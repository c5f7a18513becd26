//! API keys.

use axum::http::Method;
use serde_json::{Value, json};
use sori_contracts::{Identity, Presented, Role, Scope};

use crate::scene::{Scene, scenes};

async fn make(scene: &Scene, token: &str, more: Value) -> Value {
    let mut order = json!({ "name": "CI", "scopes": ["scripts:read", "synth"] });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    scene.post("/v1/api-keys", token, order).await.is(201)
}

#[tokio::test]
async fn a_key_is_shown_once_and_acts_within_its_scopes() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        let made = make(&scene, &tokens.access_token, json!({})).await;
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with(&format!("sori_{}_", made["prefix"].as_str().unwrap())));
        let member = scene.identify(secret).await.unwrap();
        assert_eq!((member.account, member.role), (account.id, Role::Teacher));
        assert_eq!(member.scopes.iter().collect::<Vec<_>>(), [Scope::ScriptsRead, Scope::Synth]);
        let as_header = scene.auth.identify(Presented::ApiKey(secret)).await;
        assert_eq!(as_header.ok(), Some(member));

        let list = scene.get("/v1/api-keys", &tokens.access_token).await.is(200);
        assert_eq!(list["items"][0]["name"], "CI");
        assert!(list["items"][0].get("secret").is_none());
        let stored: Vec<(Vec<u8>, Vec<u8>)> =
            scene.database.db.query("SELECT hash, salt FROM auth_api_key").fetch_all().await.unwrap();
        let plain = secret.rsplit_once('_').unwrap().1.as_bytes();
        assert!(stored.iter().all(|(hash, salt)| hash != plain && salt != plain));
    }
}

#[tokio::test]
async fn what_is_not_the_key_is_refused() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        let made = make(&scene, &tokens.access_token, json!({})).await;
        let secret = made["secret"].as_str().unwrap();
        let (head, tail) = secret.rsplit_once('_').unwrap();
        let other = if tail.starts_with('0') { "1" } else { "0" };
        for wrong in [
            format!("{head}_{other}{}", &tail[1..]),
            format!("sori_{}_{tail}", "0".repeat(12)),
            head.to_owned(),
            secret.to_uppercase(),
            format!("{secret} "),
        ] {
            assert_eq!(scene.identify(&wrong).await, Err("AUTH_INVALID_TOKEN"), "{wrong}");
        }
        assert!(scene.identify(secret).await.is_ok());
    }
}

#[tokio::test]
async fn a_change_and_a_revocation_count_at_once_in_every_process() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (_, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        let made = make(&scene, &tokens.access_token, json!({})).await;
        let (secret, id) = (made["secret"].as_str().unwrap(), made["id"].as_str().unwrap());
        for process in [&scene, &twin] {
            assert!(process.identify(secret).await.unwrap().scopes.has(Scope::Synth));
        }
        let path = format!("/v1/api-keys/{id}");
        let patch = Some(json!({ "scopes": ["jobs:read"], "name": "less" }));
        scene.ask(Method::PATCH, &path, &tokens.access_token, patch).await.is(200);
        assert!(!scene.identify(secret).await.unwrap().scopes.has(Scope::Synth));
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        assert!(
            !twin.identify(secret).await.unwrap().scopes.has(Scope::Synth),
            "within a quarter of a second"
        );

        scene.ask(Method::DELETE, &path, &tokens.access_token, None).await.is(204);
        assert_eq!(scene.identify(secret).await, Err("AUTH_INVALID_TOKEN"));
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        assert_eq!(twin.identify(secret).await, Err("AUTH_INVALID_TOKEN"));
        scene.ask(Method::DELETE, &path, &tokens.access_token, None).await.fails(404, "API_KEY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_key_follows_its_account() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Editor).await;
        let made = make(&scene, &tokens.access_token, json!({})).await;
        let secret = made["secret"].as_str().unwrap();
        assert_eq!(scene.identify(secret).await.unwrap().role, Role::Editor);
        let set = |role, status| {
            let accounts = scene.auth.accounts();
            async move {
                accounts.set_role_and_status(account.id, role, status, Default::default()).await.unwrap()
            }
        };
        set(Some(Role::Learner), None).await;
        assert_eq!(scene.identify(secret).await.unwrap().role, Role::Learner);
        set(None, Some(sori_auth::Status::Suspended)).await;
        assert_eq!(scene.identify(secret).await, Err("AUTH_USER_SUSPENDED"));
        set(None, Some(sori_auth::Status::Active)).await;
        assert!(scene.identify(secret).await.is_ok());
    }
}

#[tokio::test]
async fn a_key_ends_when_it_says() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        let end = sori_auth::Moment(scene.now_ms() + 30_000);
        let made = make(&scene, &tokens.access_token, json!({ "expires_at": end })).await;
        assert_eq!(made["expires_at"], json!(end));
        let secret = made["secret"].as_str().unwrap();
        assert!(scene.identify(secret).await.is_ok());
        scene.pass_ms(30_000);
        assert_eq!(scene.identify(secret).await, Err("AUTH_INVALID_TOKEN"));
        let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        let forever = Some(json!({ "expires_at": null }));
        scene.ask(Method::PATCH, &path, &tokens.access_token, forever).await.is(200);
        assert!(scene.identify(secret).await.is_ok());
        let past = Some(json!({ "expires_at": "2020-01-01T00:00:00Z" }));
        scene.ask(Method::PATCH, &path, &tokens.access_token, past).await.fails(400, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    for scene in scenes().await {
        let (_, teacher) = scene.signed_in("a@b.c", Role::Teacher).await;
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        let order = json!({ "name": "x", "scopes": ["admin"] });
        scene.post("/v1/api-keys", &teacher.access_token, order.clone()).await.fails(403, "AUTH_FORBIDDEN");
        scene.post("/v1/api-keys", &admin.access_token, order).await.is(201);
        let small = make(&scene, &teacher.access_token, json!({ "scopes": ["account"] })).await;
        let small = small["secret"].as_str().unwrap();
        let more = json!({ "name": "x", "scopes": ["scripts:write"] });
        scene.post("/v1/api-keys", small, more.clone()).await.fails(403, "AUTH_FORBIDDEN");
        let big = make(&scene, &teacher.access_token, json!({ "scopes": ["scripts:write"] })).await;
        let path = format!("/v1/api-keys/{}", big["id"].as_str().unwrap());
        scene
            .ask(Method::PATCH, &path, small, Some(json!({ "policy": "bearer" })))
            .await
            .fails(403, "AUTH_FORBIDDEN");
        let stranger =
            scene.ask(Method::PATCH, &path, &admin.access_token, Some(json!({ "name": "mine" }))).await;
        stranger.fails(404, "API_KEY_NOT_FOUND");
        // Nor does a key end the account or its other devices' passwords.
        scene.ask(Method::DELETE, "/api/me", small, None).await.fails(403, "AUTH_FORBIDDEN");
        let change = json!({ "current": crate::scene::PASSWORD, "new": "green bus 7 hums" });
        scene.post("/api/auth/password", small, change).await.fails(403, "AUTH_FORBIDDEN");
        let none = json!({ "name": "x", "scopes": [] });
        scene.post("/v1/api-keys", &teacher.access_token, none).await.fails(400, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn the_last_use_is_written_now_and_then() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        let made = make(&scene, &tokens.access_token, json!({})).await;
        let last_use = async || scene.auth.api_keys().list(account.id).await.unwrap()[0].last_used_at_ms;
        for _ in 0..100 {
            scene.identify(made["secret"].as_str().unwrap()).await.unwrap();
        }
        assert_eq!(last_use().await, None, "no request wrote anything");
        scene.auth.tend().await.unwrap();
        assert_eq!(last_use().await, Some(scene.now_ms()));
    }
}

#[tokio::test]
async fn an_account_has_a_hundred_keys_at_the_most() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        for _ in 0..100 {
            make(&scene, &tokens.access_token, json!({})).await;
        }
        let order = json!({ "name": "x", "scopes": ["synth"] });
        scene.post("/v1/api-keys", &tokens.access_token, order).await.fails(409, "AUTH_TOO_MANY_KEYS");
    }
}
