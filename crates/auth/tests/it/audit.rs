//! The log of security events.

use axum::http::{Method, Request};
use serde_json::{Value, json};
use sori_contracts::Role;

use crate::scene::{PASSWORD, Scene, scenes};

async fn log(scene: &Scene, token: &str, query: &str) -> Vec<Value> {
    let (mut lines, mut next) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/api/admin/audit?limit=3{query}{next}"), token).await.is(200);
        lines.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return lines };
        next = format!("&cursor={cursor}");
    }
}

#[tokio::test]
async fn the_log_says_who_did_what_to_whom_from_where() {
    for scene in scenes().await {
        let (admin, tokens) = scene.signed_in("admin@b.c", Role::Admin).await;
        let account = scene.account("a@b.c", Role::Learner).await;
        let from = |password: &str| {
            let request = Request::builder().method(Method::POST).uri("/api/auth/sign-in");
            let body = json!({ "email": "a@b.c", "password": password });
            scene.send(request.header("x-test-address", "192.0.2.7"), Some(body))
        };
        from("not the password").await.fails(401, "AUTH_SIGN_IN_FAILED");
        from(PASSWORD).await.is(200);
        let path = format!("/api/admin/accounts/{}", account.id);
        let patch = Some(json!({ "role": "teacher", "status": "suspended" }));
        scene.ask(Method::PATCH, &path, &tokens.access_token, patch).await.is(200);

        let lines = log(&scene, &tokens.access_token, &format!("&account={}", account.id)).await;
        let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["status_changed", "role_changed", "signed_in", "sign_in_failed", "account_made"]);
        assert_eq!(lines[1]["actor_id"], json!(admin.id));
        assert_eq!(lines[1]["actor_email"], "admin@b.c");
        assert_eq!(lines[1]["account_email"], "a@b.c");
        assert_eq!(lines[1]["details"], json!({ "from": "learner", "to": "teacher" }));
        assert_eq!(lines[3]["address"], "192.0.2.7");
        assert_eq!(log(&scene, &tokens.access_token, "&kind=sign_in_failed").await.len(), 1);
        let wrong = scene.get("/api/admin/audit?kind=nonsense", &tokens.access_token).await;
        wrong.fails(400, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn what_somebody_only_typed_is_never_written_down() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("admin@b.c", Role::Admin).await;
        scene.account("a@b.c", Role::Learner).await;
        scene
            .sign_in("hunter2hunter2@typo.example", "swordfish-swordfish")
            .await
            .fails(401, "AUTH_SIGN_IN_FAILED");
        scene.sign_in("a@b.c", "swordfish-swordfish").await.fails(401, "AUTH_SIGN_IN_FAILED");
        let text = json!(log(&scene, &tokens.access_token, "").await).to_string();
        assert!(!text.contains("hunter2") && !text.contains("swordfish"), "{text}");
        let failures = log(&scene, &tokens.access_token, "&kind=sign_in_failed").await;
        assert_eq!(failures.len(), 2);
    }
}
