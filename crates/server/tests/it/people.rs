//! People who call the server in tests: real accounts with real tokens.

use reqwest::Method;
use serde_json::json;
use sori_auth::{Account, Actor, Auth, Device, Email, NewAccount, NewKey, Policy, Status, Tokens};
use sori_contracts::{AccountId, Role, Scopes};

use crate::app::{TestApp, answer};

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: AccountId,
    pub(crate) role: Role,
    pub(crate) token: String,
    pub(crate) tokens: Tokens,
}

impl Person {
    /// Without a password, which would take long to hash.
    pub(crate) async fn new(auth: &Auth, role: Role) -> Self {
        let account = account(auth, role).await;
        let tokens = auth.sessions().open(&account, Device::default()).await.unwrap();
        Self { id: account.id, role, token: tokens.access_token.clone(), tokens }
    }
}

pub(crate) async fn account(auth: &Auth, role: Role) -> Account {
    let email = format!("{}@example.org", AccountId::generate());
    let new = NewAccount {
        email: Email::parse(&email).unwrap(),
        name: role.as_str().to_owned(),
        password: None,
        role,
        status: Status::Active,
        language: None,
        email_verified: true,
    };
    auth.accounts().make(new, Actor::OPERATOR).await.unwrap()
}

impl Person {
    /// An API key of theirs, made as the web app does.
    pub(crate) async fn key(&self, auth: &Auth, scopes: Scopes) -> String {
        let new = NewKey { name: "test".into(), scopes, policy: Policy::Bearer, expires_at_ms: None };
        let (_, secret) = auth.api_keys().create(self.id, new, Actor::OPERATOR).await.unwrap();
        secret
    }

    pub(crate) async fn signs_out(&self, app: &TestApp) {
        let request = app.request_as(Some(&self.token), Method::POST, "/api/auth/sign-out");
        let (status, body) = answer(request.json(&json!({}))).await;
        assert!(status.is_success(), "{status} {body}");
    }

    pub(crate) async fn revokes_all_keys(&self, app: &TestApp) {
        let (_, keys) = answer(app.request_as(Some(&self.token), Method::GET, "/v1/api-keys")).await;
        for key in keys["items"].as_array().unwrap() {
            let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
            let (status, body) = answer(app.request_as(Some(&self.token), Method::DELETE, &path)).await;
            assert!(status.is_success(), "{status} {body}");
        }
    }
}

pub(crate) async fn suspend(app: &TestApp, id: AccountId) {
    let admin = app.person(Role::Admin).await;
    let path = format!("/api/admin/accounts/{id}");
    let request = app.request_as(Some(&admin.token), Method::PATCH, &path);
    let (status, body) = answer(request.json(&json!({"status": "suspended"}))).await;
    assert!(status.is_success(), "{status} {body}");
}
