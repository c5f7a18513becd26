//! From the provider's page to a session of ours, through the routes, on SQLite and PostgreSQL.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use serde_json::{Value, json};
use sori_auth::{
    Account, Actor, Auth, AuthConfig, Clock, Device, Email, HashCost, NewAccount, Password, RootKey, SignUp,
    Status,
    oidc::{OidcSettings, Provider, TrustedIssuer},
};
use sori_contracts::{Caller, Identity as _, Presented, Role, UiLanguage};
use sori_db::{now_ms, testing::TestDb};
use sori_http::{Outgoing, outgoing::Rules};
use tokio::net::TcpListener;

use crate::provider::{Browser, SECRET, TestProvider, client, clients, parameter, people};

const PASSWORD: &str = "quiet-harbour-lantern";

/// The block behind a real listener, beside a real provider.
struct Stage {
    provider: Arc<TestProvider>,
    auth: Auth,
    url: String,
    /// How far our clock is ahead.
    ahead_ms: Arc<AtomicI64>,
    db: TestDb,
}

/// What differs between the tests.
struct Settings {
    sign_up: SignUp,
    trusts_email: bool,
    /// Another provider than the shared one.
    provider: Option<Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sign_up: SignUp::Open, trusts_email: true, provider: None }
    }
}

async fn stages() -> Vec<Stage> {
    let mut stages = Vec::new();
    for db in sori_db::testing::databases(&[sori_auth::MIGRATIONS]).await {
        stages.push(stage_on(db, Settings::default()).await);
    }
    stages
}

async fn stage(settings: Settings) -> Stage {
    let db = sori_db::testing::sqlite().await;
    db.db.migrate(&[sori_auth::MIGRATIONS]).await.unwrap();
    stage_on(db, settings).await
}

async fn stage_on(db: TestDb, settings: Settings) -> Stage {
    let provider = match settings.provider {
        None => TestProvider::shared().await,
        Some(more) => {
            let mut told = json!({"clients": clients(), "people": people()});
            told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Arc::new(TestProvider::start(&told).await)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let ahead = Arc::clone(&ahead_ms);
    let config = AuthConfig {
        sign_up: settings.sign_up,
        hash_cost: HashCost { memory_kib: 64, passes: 1, lanes: 1 },
        clock: Clock::new(move || now_ms() + ahead.load(Ordering::SeqCst)),
        ..AuthConfig::new(RootKey::new([7; 32]).into())
    };
    let auth = Auth::new(db.db.clone(), config).await.unwrap();
    let issuer = provider.issuer.clone();
    let google = Provider {
        trusts_email: settings.trusts_email,
        ..Provider::google("sori".into(), Some(SECRET.into()), Some(issuer.clone()))
    };
    let post = Provider { id: "post".into(), client_id: "sori-post".into(), ..google.clone() };
    let trusted = TrustedIssuer {
        issuer: issuer.clone(),
        audience: "https://api.sori.example".into(),
        jwks_url: Some(format!("{issuer}/jwks")),
        trusts_email: settings.trusts_email,
    };
    let oidc = OidcSettings { providers: vec![google, post], trusted: vec![trusted] };
    auth.set_oidc(&Outgoing::new(Rules::private_if(true)), oidc);
    let (router, _document) = auth.routes().split_for_parts();
    let app = router.layer(from_fn_with_state(auth.clone(), border));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Stage { provider, auth, url, ahead_ms, db }
}

/// What the border of the server does: who calls, and the bodies of problems.
async fn border(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    if let Some(token) = token_of(&request)
        && let Ok(member) = auth.identify(Presented::Bearer(&token)).await
    {
        request.extensions_mut().insert(Caller::Account(member));
    }
    sori_http::problem::render(next.run(request).await, UiLanguage::En, "test")
}

fn token_of(request: &Request) -> Option<String> {
    let field = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = field(header::AUTHORIZATION).and_then(|line| line.strip_prefix("Bearer "));
    let mut cookies = field(header::COOKIE).unwrap_or_default().split("; ");
    bearer.or_else(|| cookies.find_map(|pair| pair.strip_prefix("sori_access="))).map(str::to_owned)
}

impl Stage {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// From our page to the provider's, through it, and to where it sends the browser back to.
    async fn leave_and_return(&self, browser: &mut Browser, provider: &str, login: &str) -> String {
        let start = self.at(&format!("/api/auth/providers/{provider}/start?return_to=/listen/1"));
        let seen = browser.get(&start).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        browser.pass_provider(&seen.location.unwrap(), login).await
    }

    /// All of it; where the browser ends.
    async fn sign_in(&self, browser: &mut Browser, login: &str) -> String {
        let back = self.leave_and_return(browser, "google", login).await;
        self.land(browser, &back).await
    }

    async fn land(&self, browser: &mut Browser, back: &str) -> String {
        let seen = browser.get(back).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        seen.location.unwrap().strip_prefix(&self.url).expect("a page of ours").to_owned()
    }

    async fn me(&self, browser: &mut Browser) -> Value {
        browser.get(&self.at("/api/me")).await.json()
    }

    async fn account(&self, email: &str) -> Option<Account> {
        self.auth.accounts().by_email(&Email::parse(email).unwrap()).await.unwrap()
    }

    /// An account with a password, as signing up (unverified) or an operator (verified) makes one.
    async fn add(&self, email: &str, email_verified: bool) -> Account {
        let email = Email::parse(email).unwrap();
        let new = NewAccount {
            password: Some(Password::new(PASSWORD, &email, "A").unwrap()),
            email,
            name: "A".into(),
            role: Role::Learner,
            status: Status::Active,
            language: None,
            email_verified,
        };
        self.auth.accounts().make(new, Actor::OPERATOR).await.unwrap()
    }

    async fn post_google(&self, body: &Value) -> (StatusCode, Value) {
        let seen = Browser::new().post_json(&self.at("/api/auth/google"), body).await;
        (seen.status, seen.json())
    }
}

#[tokio::test]
async fn a_browser_comes_back_signed_in_and_is_the_same_person_the_next_time() {
    for stage in stages().await {
        let mut browser = Browser::new();
        let options = browser.get(&stage.at("/api/auth/options")).await.json();
        assert_eq!(options["providers"][0], json!({"id": "google", "name": "Google"}));
        assert_eq!(options["google_client_id"], "sori");
        assert_eq!(stage.sign_in(&mut browser, "mina").await, "/listen/1");
        let me = stage.me(&mut browser).await;
        assert_eq!(
            (&me["email"], &me["name"], &me["role"]),
            (&json!("mina@example.org"), &json!("Mina"), &json!("learner"))
        );
        assert_eq!((&me["language"], &me["has_password"]), (&json!("ko"), &json!(false)));
        let mut elsewhere = Browser::new();
        let back = stage.leave_and_return(&mut elsewhere, "post", "mina").await;
        assert_eq!(stage.land(&mut elsewhere, &back).await, "/listen/1");
        assert_eq!(
            stage.me(&mut elsewhere).await["id"],
            me["id"],
            "the identity is the issuer's, by whatever client"
        );
        let names: Vec<_> = browser.names(&stage.url);
        assert_eq!(names, ["sori_access", "sori_csrf", "sori_refresh"], "the flow leaves no cookie");
    }
}

#[tokio::test]
async fn an_app_gets_tokens_for_an_id_token() {
    for stage in stages().await {
        let token = id_token(&stage, "mina", &[]).await;
        let (status, answer) = stage.post_google(&json!({"id_token": token, "device_name": "Pixel"})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["user"]["email"], "mina@example.org");
        let bearer = answer["access_token"].as_str().unwrap();
        let me = client().get(stage.at("/api/me")).bearer_auth(bearer).send().await.unwrap();
        assert_eq!(me.json::<Value>().await.unwrap()["id"], answer["user"]["id"]);
        let refresh = json!({"refresh_token": answer["refresh_token"]});
        let renewed = Browser::new().post_json(&stage.at("/api/auth/refresh"), &refresh).await;
        assert_eq!(renewed.status, StatusCode::OK);
        let (status, answer) = stage.post_google(&json!({"id_token": token, "cookies": true})).await;
        assert_eq!((status, &answer["access_token"]), (StatusCode::OK, &Value::Null));
        assert!(answer["csrf_token"].is_string());
    }
}

#[tokio::test]
async fn b6_what_google_did_not_make_for_us_lets_nobody_in() {
    let stage = stage(Settings::default()).await;
    let good = id_token(&stage, "mina", &[]).await;
    let unproved = id_token(&stage, "unproved", &[]).await;
    let without = id_token(&stage, "nobody", &[]).await;
    let with_nonce = id_token(&stage, "mina", &[("nonce", "n-1")]).await;
    let foreign = tokens_of(&stage, "other", "mina", &[]).await["id_token"].as_str().unwrap().to_owned();
    for (body, code) in [
        (json!({"id_token": foreign}), "AUTH_INVALID_TOKEN"),
        (json!({"id_token": ""}), "AUTH_INVALID_TOKEN"),
        (json!({"id_token": good.replace('.', "..")}), "AUTH_INVALID_TOKEN"),
        (json!({"id_token": good, "nonce": "n-1"}), "AUTH_INVALID_TOKEN"),
        (json!({"id_token": with_nonce}), "AUTH_INVALID_TOKEN"),
        (json!({"id_token": unproved}), "AUTH_EMAIL_UNVERIFIED"),
        (json!({"id_token": without}), "AUTH_EMAIL_UNVERIFIED"),
    ] {
        let status = check_refused(&stage, "/api/auth/google", &body).await;
        assert_eq!(status, (StatusCode::UNAUTHORIZED, code.to_owned()), "{body}");
    }
    assert!(stage.account("mina@example.org").await.is_none(), "nobody was made on the way");
    let once = json!({"id_token": with_nonce, "nonce": "n-1"});
    assert_eq!(stage.post_google(&once).await.0, StatusCode::OK);
    assert_eq!(check_refused(&stage, "/api/auth/google", &once).await.1, "AUTH_INVALID_TOKEN");
    stage.ahead_ms.store(3_600_000, Ordering::SeqCst);
    assert_eq!(
        check_refused(&stage, "/api/auth/google", &json!({"id_token": good})).await.1,
        "AUTH_INVALID_TOKEN"
    );
}

#[tokio::test]
async fn an_answer_is_good_once_in_the_browser_that_asked_and_for_ten_minutes() {
    for stage in stages().await {
        let mut browser = Browser::new();
        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        const UNKNOWN: &str = "/sign-in?error=AUTH_FLOW_UNKNOWN";
        // Somebody else's browser: a link that the victim was made to follow.
        let mut victim = Browser::new();
        assert_eq!(stage.land(&mut victim, &back).await, UNKNOWN);
        assert_eq!(victim.names(&stage.url), Vec::<String>::new());
        // That used the state up: neither does the right browser get in any more.
        assert_eq!(stage.land(&mut browser, &back).await, UNKNOWN);

        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        let state = parameter(&back, "state").unwrap();
        let name = sori_auth::oidc::cookie_name(&state);
        let mut thief = Browser::new();
        thief.set_cookie(&stage.url, &name, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(stage.land(&mut thief, &back).await, UNKNOWN);

        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        assert_eq!(stage.land(&mut browser, &back).await, "/listen/1");
        assert_eq!(stage.land(&mut browser, &back).await, UNKNOWN, "a replayed answer");

        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        let other = back.replace(&parameter(&back, "state").unwrap(), &state);
        assert_eq!(stage.land(&mut browser, &other).await, UNKNOWN, "a state that was never this flow's");
        let elsewhere = back.replace("/google/", "/post/");
        assert_eq!(stage.land(&mut browser, &elsewhere).await, UNKNOWN, "a flow of another provider");

        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        let mixed = back.replace("iss=http", "iss=https");
        assert_ne!(mixed, back, "the provider names itself");
        assert_eq!(stage.land(&mut browser, &mixed).await, UNKNOWN, "another issuer's answer");

        let back = stage.leave_and_return(&mut browser, "google", "mina").await;
        stage.ahead_ms.store(600_000, Ordering::SeqCst);
        assert_eq!(stage.land(&mut browser, &back).await, UNKNOWN, "ten minutes later");
        stage.ahead_ms.store(0, Ordering::SeqCst);
    }
}

/// The provider keeps the code to its own redirect and PKCE: a code that leaked is worth nothing.
#[tokio::test]
async fn a_code_is_good_once_and_for_its_own_flow() {
    let stage = stage(Settings::default()).await;
    let mut browser = Browser::new();
    let mine = stage.leave_and_return(&mut browser, "google", "mina").await;
    let mut attacker = Browser::new();
    let theirs = stage.leave_and_return(&mut attacker, "google", "jun").await;
    // The code of the victim in the attacker's own flow: their verifier does not fit.
    let code = |url: &str| parameter(url, "code").unwrap();
    let injected = theirs.replace(&code(&theirs), &code(&mine));
    assert_eq!(stage.land(&mut attacker, &injected).await, "/sign-in?error=AUTH_PROVIDER_REFUSED");
    assert!(attacker.names(&stage.url).is_empty());
    let without = mine.replace("code=", "kode=");
    assert_eq!(stage.land(&mut browser, &without).await, "/sign-in?error=AUTH_FLOW_UNKNOWN");
}

#[tokio::test]
async fn who_says_no_at_the_provider_stays_out() {
    let stage = stage(Settings::default()).await;
    let mut browser = Browser::new();
    let seen = browser.get(&stage.at("/api/auth/providers/google/start")).await;
    let login_page = browser.get(&seen.location.unwrap()).await.location.unwrap();
    let abort = browser.get(&format!("{login_page}/abort")).await.location.unwrap();
    let back = browser.get(&abort).await.location.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(stage.land(&mut browser, &back).await, "/sign-in?error=AUTH_PROVIDER_REFUSED");
}

#[tokio::test]
async fn a_browser_is_sent_to_places_of_this_site_only() {
    let stage = stage(Settings::default()).await;
    for evil in ["//evil.example", "https://evil.example/", "/%5Cevil.example", "/%09/evil.example"] {
        let mut browser = Browser::new();
        let start = stage.at(&format!("/api/auth/providers/google/start?return_to={evil}"));
        let location = browser.get(&start).await.location.unwrap();
        let back = browser.pass_provider(&location, "mina").await;
        assert_eq!(stage.land(&mut browser, &back).await, "/", "{evil}");
    }
    let unknown = Browser::new().get(&stage.at("/api/auth/providers/nobody/start")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_flow_shows_the_provider_a_state_a_nonce_and_a_challenge() {
    let stage = stage(Settings::default()).await;
    let mut browser = Browser::new();
    let seen = browser.get(&stage.at("/api/auth/providers/google/start")).await;
    let location = seen.location.unwrap();
    let cookie = &seen.set_cookies[0];
    for part in ["Path=/api/auth/providers", "Max-Age=600", "SameSite=Lax", "HttpOnly"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let says = |name: &str| parameter(&location, name).unwrap_or_default();
    assert_eq!((says("response_type"), says("code_challenge_method")), ("code".into(), "S256".into()));
    assert_eq!(says("redirect_uri"), stage.at("/api/auth/providers/google/callback"));
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(says(name).len(), 43, "{name}");
        assert!(!says(name).contains(secret) && !location.contains(secret));
    }
    let again = browser.get(&stage.at("/api/auth/providers/google/start")).await.location.unwrap();
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(parameter(&again, name).unwrap(), says(name));
    }
    // Who reads the database cannot finish it.
    let rows: Vec<(Vec<u8>, Vec<u8>, String)> = stage
        .db
        .db
        .query("SELECT state_sha256, browser_sha256, return_to FROM auth_oidc_state")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|(state, browser, _)| state.len() == 32 && browser.len() == 32));
}

/// An attacker signs up with the victim's address and waits for the victim to come by Google: the
/// account would have a password that the attacker knows.
#[tokio::test]
async fn an_account_whose_address_nobody_proved_is_not_joined_by_its_address() {
    for stage in stages().await {
        let attacker = stage.add("mina@example.org", false).await;
        let mut victim = Browser::new();
        assert_eq!(stage.sign_in(&mut victim, "mina").await, "/sign-in?error=AUTH_LINK_REQUIRED");
        assert!(victim.names(&stage.url).is_empty());
        let token = id_token(&stage, "mina", &[]).await;
        let (status, body) = stage.post_google(&json!({"id_token": token})).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::FORBIDDEN, &json!("AUTH_LINK_REQUIRED")),
            "{body}"
        );
        assert!(stage.auth.accounts().by_identity(&stage.provider.issuer, "mina").await.unwrap().is_none());
        let unharmed = stage.auth.sign_in("mina@example.org", PASSWORD, Device::default()).await.unwrap();
        assert_eq!(unharmed.0.id, attacker.id, "nor is an honest owner thrown out");
    }
}

#[tokio::test]
async fn an_account_whose_address_was_proved_is_the_same_person() {
    for stage in stages().await {
        let account = stage.add("Mina@Example.org", true).await;
        let mut browser = Browser::new();
        assert_eq!(stage.sign_in(&mut browser, "mina").await, "/listen/1");
        assert_eq!(stage.me(&mut browser).await["id"], json!(account.id));
        assert!(stage.auth.sign_in("mina@example.org", PASSWORD, Device::default()).await.is_ok());
    }
}

/// The other way round: a provider where anybody can write any address.
#[tokio::test]
async fn a_provider_that_is_not_trusted_with_addresses_opens_nobodys_account() {
    let stage = stage(Settings { trusts_email: false, ..Settings::default() }).await;
    stage.add("mina@example.org", true).await;
    let mut impostor = Browser::new();
    assert_eq!(stage.sign_in(&mut impostor, "mina").await, "/sign-in?error=AUTH_LINK_REQUIRED");
    // A new address gets an account of its own, and that account proves nothing to others.
    let mut jun = Browser::new();
    assert_eq!(stage.sign_in(&mut jun, "jun").await, "/listen/1");
    assert!(!stage.account("jun@example.org").await.unwrap().email_verified);
}

#[tokio::test]
async fn an_owner_who_is_signed_in_connects_a_provider() {
    for stage in stages().await {
        let account = stage.add("mina@example.org", false).await;
        let mut browser = Browser::new();
        let form = json!({"email": "mina@example.org", "password": PASSWORD, "cookies": true});
        assert_eq!(browser.post_json(&stage.at("/api/auth/sign-in"), &form).await.status, StatusCode::OK);
        let at = stage.at("/api/me/identities/google?return_to=/account");
        let nobody = Browser::new().post_json(&at, &json!({})).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
        let onward = browser.post_json(&at, &json!({})).await.json();
        let back = browser.pass_provider(onward["location"].as_str().unwrap(), "mina").await;
        assert_eq!(stage.land(&mut browser, &back).await, "/account");
        let listed = browser.get(&stage.at("/api/me/identities")).await.json();
        assert_eq!(
            (&listed["items"][0]["provider"], listed["items"].as_array().unwrap().len()),
            (&json!("google"), 1)
        );
        assert!(stage.account("mina@example.org").await.unwrap().email_verified, "Google proved the address");

        let mut elsewhere = Browser::new();
        assert_eq!(stage.sign_in(&mut elsewhere, "mina").await, "/listen/1");
        assert_eq!(stage.me(&mut elsewhere).await["id"], json!(account.id));

        // One identity has one account.
        stage.add("jun@example.org", false).await;
        let mut jun = Browser::new();
        let form = json!({"email": "jun@example.org", "password": PASSWORD, "cookies": true});
        jun.post_json(&stage.at("/api/auth/sign-in"), &form).await;
        let onward = jun.post_json(&at, &json!({})).await.json();
        let back = jun.pass_provider(onward["location"].as_str().unwrap(), "mina").await;
        assert_eq!(stage.land(&mut jun, &back).await, "/sign-in?error=AUTH_IDENTITY_TAKEN");

        let gone = browser.delete(&stage.at("/api/me/identities/google")).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert!(
            browser.get(&stage.at("/api/me/identities")).await.json()["items"].as_array().unwrap().is_empty()
        );
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let stage = stage(Settings::default()).await;
    let mut browser = Browser::new();
    stage.sign_in(&mut browser, "mina").await;
    let kept = browser.delete(&stage.at("/api/me/identities/google")).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert_eq!(stage.sign_in(&mut Browser::new(), "mina").await, "/listen/1");
}

#[tokio::test]
async fn new_people_wait_for_an_admin_or_are_turned_away_as_the_settings_say() {
    let waiting = stage(Settings { sign_up: SignUp::Approval, ..Settings::default() }).await;
    let mut browser = Browser::new();
    assert_eq!(waiting.sign_in(&mut browser, "mina").await, "/sign-in?error=AUTH_USER_PENDING");
    let token = id_token(&waiting, "mina", &[]).await;
    let (status, body) = waiting.post_google(&json!({"id_token": token})).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::FORBIDDEN, &json!("AUTH_USER_PENDING")));
    let account = waiting.account("mina@example.org").await.unwrap();
    let approve =
        waiting.auth.accounts().set_role_and_status(account.id, None, Some(Status::Active), Actor::OPERATOR);
    approve.await.unwrap();
    assert_eq!(waiting.sign_in(&mut browser, "mina").await, "/listen/1");

    let closed = stage(Settings { sign_up: SignUp::Closed, ..Settings::default() }).await;
    assert_eq!(closed.sign_in(&mut Browser::new(), "mina").await, "/sign-in?error=AUTH_SIGN_UP_CLOSED");
    assert!(closed.account("mina@example.org").await.is_none());
}

#[tokio::test]
async fn two_at_once_for_one_new_person_are_one_account() {
    for stage in stages().await {
        let token = id_token(&stage, "mina", &[]).await;
        let body = json!({"id_token": token});
        let all = futures::future::join_all((0..8).map(|_| stage.post_google(&body))).await;
        for (status, answer) in &all {
            assert_eq!(*status, StatusCode::OK, "{answer}");
            assert_eq!(answer["user"]["id"], all[0].1["user"]["id"]);
        }
    }
}

/// Providers that keep the e-mail out of the ID token tell it at the userinfo endpoint.
#[tokio::test]
async fn a_thin_id_token_is_completed() {
    let stage =
        stage(Settings { provider: Some(json!({"thinIdTokens": true})), ..Settings::default() }).await;
    let mut browser = Browser::new();
    assert_eq!(stage.sign_in(&mut browser, "mina").await, "/listen/1");
    assert_eq!(stage.me(&mut browser).await["email"], "mina@example.org");
    assert_eq!(stage.provider.asked("/me").await, 1);
    assert_eq!(stage.sign_in(&mut Browser::new(), "unproved").await, "/sign-in?error=AUTH_EMAIL_UNVERIFIED");
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_to_be() {
    let stage = stage(Settings { provider: Some(json!({})), ..Settings::default() }).await;
    stage.provider.change(&json!({"down": true})).await;
    let start = Browser::new().get(&stage.at("/api/auth/providers/google/start")).await;
    assert_eq!(start.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn bearer_tokens_of_a_trusted_issuer_are_accounts_of_ours() {
    for stage in stages().await {
        let resource = [("resource", "https://api.sori.example")];
        let tokens = tokens_of(&stage, "sori-app", "mina", &resource).await;
        let token = tokens["access_token"].as_str().unwrap();
        let me = async || {
            let answer = client().get(stage.at("/api/me")).bearer_auth(token).send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap_or_default()["email"].clone())
        };
        assert_eq!(me().await, (StatusCode::OK, json!("mina@example.org")));
        assert_eq!(
            stage.sign_in(&mut Browser::new(), "mina").await,
            "/listen/1",
            "the same person by another way"
        );
        let account = stage.account("mina@example.org").await.unwrap();
        let member = stage.auth.identify(Presented::Bearer(token)).await.unwrap();
        assert_eq!((member.account, member.role), (account.id, Role::Learner));

        // A change of the account counts from the next request on.
        let change = async |role, status| {
            let accounts = stage.auth.accounts();
            accounts.set_role_and_status(account.id, role, status, Actor::OPERATOR).await.unwrap();
        };
        change(Some(Role::Editor), None).await;
        assert_eq!(stage.auth.identify(Presented::Bearer(token)).await.unwrap().role, Role::Editor);
        change(None, Some(Status::Suspended)).await;
        let refused = stage.auth.identify(Presented::Bearer(token)).await.unwrap_err();
        assert_eq!(refused.code(), "AUTH_USER_SUSPENDED");
        change(None, Some(Status::Active)).await;
        assert_eq!(me().await.0, StatusCode::OK);
        stage.ahead_ms.store(700_000, Ordering::SeqCst);
        assert_eq!(me().await.0, StatusCode::UNAUTHORIZED, "expired");
    }
}

async fn check_refused(stage: &Stage, path: &str, body: &Value) -> (StatusCode, String) {
    let seen = Browser::new().post_json(&stage.at(path), body).await;
    let code = seen.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
    (seen.status, code)
}

async fn id_token(stage: &Stage, login: &str, more: &[(&str, &str)]) -> String {
    tokens_of(stage, "sori", login, more).await["id_token"].as_str().unwrap().to_owned()
}

async fn tokens_of(stage: &Stage, client: &str, login: &str, more: &[(&str, &str)]) -> Value {
    stage.provider.tokens(client, login, more).await
}
