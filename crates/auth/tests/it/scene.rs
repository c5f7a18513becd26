//! The block with a clock that the test turns, and a router that knows who calls.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sori_auth::{
    Account, Actor, Auth, AuthConfig, Clock, Device, Email, HashCost, MIGRATIONS, NewAccount, Password,
    RootKey, Status, Tokens,
};
use sori_contracts::{Caller, Identity, Member, Presented, Role, UiLanguage};
use sori_db::testing::{TestDb, databases};
use sori_http::{ClientAddress, Problem, problem};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "blue tram 44 sings";

pub(crate) struct Scene {
    pub(crate) auth: Auth,
    pub(crate) database: Arc<TestDb>,
    now_ms: Arc<AtomicI64>,
    config: AuthConfig,
    router: Router,
}

/// One on each engine.
pub(crate) async fn scenes() -> Vec<Scene> {
    scenes_with(|_| ()).await
}

pub(crate) async fn scenes_with(change: impl Fn(&mut AuthConfig)) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for database in databases(&[MIGRATIONS]).await {
        let now_ms = Arc::new(AtomicI64::new(sori_db::now_ms()));
        let clock = Arc::clone(&now_ms);
        let mut config = AuthConfig {
            clock: Clock::new(move || clock.load(Ordering::Relaxed)),
            // What a hash costs plays no part in most stories.
            hash_cost: HashCost { memory_kib: 64, passes: 1, lanes: 1 },
            ..AuthConfig::new(RootKey::new([7; 32]).into())
        };
        change(&mut config);
        scenes.push(Scene::over(Arc::new(database), config, now_ms).await);
    }
    scenes
}

impl Scene {
    async fn over(database: Arc<TestDb>, config: AuthConfig, now_ms: Arc<AtomicI64>) -> Self {
        let auth = Auth::new(database.db.clone(), config.clone()).await.unwrap();
        let (router, _document) = auth.routes().split_for_parts();
        let router = router.layer(from_fn_with_state(auth.clone(), know_the_caller));
        Self { auth, database, now_ms, config, router }
    }

    /// Another process on the same database.
    pub(crate) async fn twin(&self) -> Self {
        Self::over(Arc::clone(&self.database), self.config.clone(), Arc::clone(&self.now_ms)).await
    }

    /// The same after a restart with other settings.
    pub(crate) async fn again(&self, change: impl FnOnce(&mut AuthConfig)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        Self::over(Arc::clone(&self.database), config, Arc::clone(&self.now_ms)).await
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    pub(crate) async fn account(&self, email: &str, role: Role) -> Account {
        let email = Email::parse(email).unwrap();
        let new = NewAccount {
            password: Some(Password::new(PASSWORD, &email, "Somebody").unwrap()),
            email,
            name: "Somebody".into(),
            role,
            status: Status::Active,
            language: None,
            email_verified: true,
        };
        self.auth.accounts().make(new, Actor::OPERATOR).await.unwrap()
    }

    pub(crate) async fn tokens(&self, account: &Account) -> Tokens {
        let account = self.auth.accounts().get(account.id).await.unwrap();
        self.auth.sessions().open(&account, Device { name: "Test".into(), address: None }).await.unwrap()
    }

    /// An account with one device.
    pub(crate) async fn signed_in(&self, email: &str, role: Role) -> (Account, Tokens) {
        let account = self.account(email, role).await;
        let tokens = self.tokens(&account).await;
        (account, tokens)
    }

    pub(crate) async fn identify(&self, token: &str) -> Result<Member, &'static str> {
        self.auth.identify(Presented::Bearer(token)).await.map_err(|fault| fault.code())
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request, body).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder, body: Option<Value>) -> Answer {
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into())
            }
            None => request.body(Body::empty()),
        };
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        Answer::read(response).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/sign-in", "", json!({ "email": email, "password": password })).await
    }
}

/// What the server's border does, as far as this block sees it.
async fn know_the_caller(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    let address = text(&request, "x-test-address").map(|address| ClientAddress(address.parse().unwrap()));
    let token =
        text(&request, "authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    if let Some(address) = address {
        request.extensions_mut().insert(address);
    }
    if let Some(token) = token {
        match auth.identify(Presented::Bearer(&token)).await {
            Ok(member) => drop(request.extensions_mut().insert(Caller::Account(member))),
            Err(fault) => return Problem::from_boxed(fault).into_response(),
        }
    }
    next.run(request).await
}

fn text(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let response = problem::render(response, UiLanguage::En, "trace");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Self { status: parts.status, headers: parts.headers, body }
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn fails(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.body["error"]["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
    }

    pub(crate) fn cookies(&self) -> Vec<String> {
        let cookies = self.headers.get_all(header::SET_COOKIE).into_iter();
        cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
    }
}

/// RFC 4648, 5, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}
