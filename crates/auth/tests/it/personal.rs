//! What is known of a person, handed to them or forgotten.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};
use sori_contracts::{AccountId, Fault, PersonalData, Role};
use sori_http::RequestFault;

use crate::scene::{PASSWORD, scenes};

/// A block that keeps a diary.
#[derive(Default)]
struct Diary {
    forgotten: Mutex<Vec<AccountId>>,
    is_down: AtomicBool,
}

#[async_trait]
impl PersonalData for Diary {
    fn name(&self) -> &'static str {
        "diary"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        Ok(json!([{ "of": account, "text": "dear diary" }]))
    }

    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Box::new(RequestFault::TimedOut));
        }
        self.forgotten.lock().unwrap().push(account);
        Ok(())
    }
}

#[tokio::test]
async fn an_export_holds_everything_but_secrets() {
    for scene in scenes().await {
        scene.auth.set_personal_data(vec![Arc::new(Diary::default())]);
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let order = json!({ "name": "CI", "scopes": ["synth"] });
        let key = scene.post("/v1/api-keys", &tokens.access_token, order).await.is(201);
        let answer = scene.get("/api/me/export", &tokens.access_token).await;
        assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        let data = answer.is(200);
        assert_eq!(data["account"]["email"], "a@b.c");
        assert_eq!(data["devices"][0]["name"], "Test");
        assert_eq!(data["api_keys"][0]["prefix"], key["prefix"]);
        assert_eq!(data["diary"][0]["of"], json!(account.id));
        assert!(data["security_log"].as_array().unwrap().iter().any(|line| line["kind"] == "key_made"));
        let text = data.to_string();
        for secret in [key["secret"].as_str().unwrap(), &tokens.refresh_token, "argon2", "hash", "salt"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_person_who_goes_leaves_nothing_behind() {
    for scene in scenes().await {
        let diary = Arc::new(Diary::default());
        scene.auth.set_personal_data(vec![Arc::clone(&diary) as _]);
        let (account, tokens) = scene.signed_in("leaver@b.c", Role::Learner).await;
        let order = json!({ "name": "CI", "scopes": ["synth"] });
        let key = scene.post("/v1/api-keys", &tokens.access_token, order).await.is(201);

        diary.is_down.store(true, Ordering::Relaxed);
        let failed = scene.ask(Method::DELETE, "/api/me", &tokens.access_token, None).await;
        failed.fails(503, "REQUEST_TIMED_OUT");
        let back = scene.sign_in("leaver@b.c", PASSWORD).await.is(200);
        diary.is_down.store(false, Ordering::Relaxed);
        let token = back["access_token"].as_str().unwrap();
        scene.ask(Method::DELETE, "/api/me", token, None).await.is(204);

        assert_eq!(*diary.forgotten.lock().unwrap(), [account.id]);
        for credential in [token, key["secret"].as_str().unwrap()] {
            assert_eq!(scene.identify(credential).await, Err("AUTH_INVALID_TOKEN"));
        }
        scene.sign_in("leaver@b.c", PASSWORD).await.fails(401, "AUTH_SIGN_IN_FAILED");
        for (table, column) in [
            ("auth_session", "account_id"),
            ("auth_api_key", "account_id"),
            ("auth_known_address", "account_id"),
            ("auth_account", "id"),
        ] {
            let text = format!("SELECT COUNT(*) FROM {table} WHERE {column} = $1");
            let left: i64 = scene.database.db.query_dynamic(text).bind(account.id).scalar().await.unwrap();
            assert_eq!(left, 0, "{table}");
        }
        let lines: Vec<(String, Option<String>)> = scene
            .database
            .db
            .query("SELECT details, address FROM auth_audit WHERE account_id = $1")
            .bind(account.id)
            .fetch_all()
            .await
            .unwrap();
        assert!(lines.len() > 3, "the log remembers that something happened");
        assert!(lines.iter().all(|(details, address)| details == "{}" && address.is_none()), "{lines:?}");
        scene.account("leaver@b.c", Role::Learner).await;
    }
}

#[tokio::test]
async fn an_admin_removes_an_account() {
    for scene in scenes().await {
        let diary = Arc::new(Diary::default());
        scene.auth.set_personal_data(vec![Arc::clone(&diary) as _]);
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let path = format!("/api/admin/accounts/{}", account.id);
        scene.ask(Method::DELETE, &path, &admin.access_token, None).await.is(204);
        assert_eq!(*diary.forgotten.lock().unwrap(), [account.id]);
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        scene.ask(Method::DELETE, &path, &admin.access_token, None).await.fails(404, "ACCOUNT_NOT_FOUND");
    }
}
