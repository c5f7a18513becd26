//! What is believed of an ID token or of a bearer token, and what is not.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sori_auth::oidc::{Oidc, OidcFault, OidcSettings, Person, Provider, TrustedIssuer};
use sori_contracts::Fault as _;
use sori_db::{now_ms, testing::TestDb};
use sori_http::{Outgoing, outgoing::Rules};

use crate::provider::{SECRET, TestProvider, clients, people};

struct Stage {
    provider: Arc<TestProvider>,
    oidc: Oidc,
    _db: TestDb,
}

/// With a provider of its own.
async fn own_stage() -> Stage {
    stage_with(Arc::new(TestProvider::start(&json!({"clients": clients(), "people": people()})).await)).await
}

async fn stage() -> Stage {
    stage_with(TestProvider::shared().await).await
}

async fn stage_with(provider: Arc<TestProvider>) -> Stage {
    let db = sori_db::testing::sqlite().await;
    db.db.migrate(&[sori_auth::MIGRATIONS]).await.unwrap();
    let oidc = oidc(&db, &provider, &Outgoing::new(Rules::private_if(true)));
    Stage { provider, oidc, _db: db }
}

fn oidc(db: &TestDb, provider: &TestProvider, http: &Outgoing) -> Oidc {
    let google = Provider {
        other_client_ids: vec!["sori-ec".into(), "sori-pss".into(), "sori-hs".into()],
        ..Provider::google("sori".into(), Some(SECRET.into()), Some(provider.issuer.clone()))
    };
    let trusted = TrustedIssuer {
        issuer: provider.issuer.clone(),
        audience: "https://api.sori.example".into(),
        jwks_url: Some(format!("{}/jwks", provider.issuer)),
        trusts_email: false,
    };
    Oidc::new(db.db.clone(), http, OidcSettings { providers: vec![google], trusted: vec![trusted] })
}

impl Stage {
    async fn person(&self, token: &str, nonce: Option<&str>) -> Result<Person, OidcFault> {
        self.person_at(token, nonce, 0).await
    }

    async fn person_at(&self, token: &str, nonce: Option<&str>, later_s: i64) -> Result<Person, OidcFault> {
        self.oidc.person_of_id_token("google", token, nonce, now_ms() + later_s * 1_000).await
    }

    async fn id_token(&self, client_id: &str, login: &str, more: &[(&str, &str)]) -> String {
        self.provider.tokens(client_id, login, more).await["id_token"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
fn check_refused(outcome: Result<Person, OidcFault>, reason: &str) {
    let fault = outcome.expect_err("it is refused");
    assert_eq!(fault.code(), "AUTH_INVALID_TOKEN", "{fault}");
    assert!(fault.to_string().contains(reason), "{reason:?} is not in {fault}");
}

/// A token with other parts: each is JSON, and the signature is text.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<_> = token.split('.').collect();
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (json(parts[0]), json(parts[1]), parts[2].to_owned())
}

#[tokio::test]
async fn an_id_token_of_the_provider_tells_who_it_is() {
    let stage = own_stage().await;
    for client in ["sori", "sori-ec"] {
        let person = stage.person(&stage.id_token(client, "mina", &[]).await, None).await.unwrap();
        assert_eq!(
            (person.issuer.as_str(), person.subject.as_str()),
            (stage.provider.issuer.as_str(), "mina")
        );
        assert_eq!(person.profile.email.as_deref(), Some("mina@example.org"));
        assert!(person.profile.email_verified && person.trusts_email);
        assert_eq!(person.profile.locale.as_deref(), Some("ko-KR"));
    }
    assert_eq!(stage.provider.asked("/jwks").await, 1);
    assert_eq!(stage.provider.asked("/.well-known/openid-configuration").await, 1);
}

#[tokio::test]
async fn a_token_that_was_made_for_another_client_is_refused() {
    let stage = stage().await;
    check_refused(stage.person(&stage.id_token("other", "mina", &[]).await, None).await, "another client");
}

#[tokio::test]
async fn a_token_is_refused_after_its_time() {
    let stage = own_stage().await;
    let token = stage.id_token("sori", "mina", &[]).await;
    assert!(stage.person_at(&token, None, 600).await.is_ok(), "clocks may differ by a minute");
    check_refused(stage.person_at(&token, None, 662).await, "expired");
    check_refused(stage.person_at(&token, None, -62).await, "future");
    // The provider's own short lifetime, by the real clock.
    stage.provider.change(&json!({"idTokenSeconds": 1})).await;
    let token = stage.id_token("sori", "mina", &[]).await;
    assert!(stage.person(&token, None).await.is_ok());
    check_refused(stage.person_at(&token, None, 62).await, "expired");
}

#[tokio::test]
async fn b6_a_nonce_is_the_asked_one_and_good_once() {
    let stage = stage().await;
    let token = stage.id_token("sori", "mina", &[("nonce", "n-0S6_WzA2Mj")]).await;
    check_refused(stage.person(&token, None).await, "nonce");
    check_refused(stage.person(&token, Some("n-0S6_WzA2Mk")).await, "nonce");
    assert!(stage.person(&token, Some("n-0S6_WzA2Mj")).await.is_ok());
    check_refused(stage.person(&token, Some("n-0S6_WzA2Mj")).await, "used before");
    check_refused(stage.person_at(&token, Some("n-0S6_WzA2Mj"), 650).await, "used before");
    let without = stage.id_token("sori", "mina", &[]).await;
    check_refused(stage.person(&without, Some("n-0S6_WzA2Mj")).await, "nonce");
    assert!(stage.person(&without, None).await.is_ok());
    assert!(stage.person(&without, None).await.is_ok(), "an app may send its token again");
}

#[tokio::test]
async fn b5_b6_a_token_is_what_its_issuer_signed_and_nothing_else() {
    let stage = stage().await;
    let token = stage.id_token("sori", "mina", &[]).await;
    let (header, claims, signature) = parts(&token);
    let mut other = claims.clone();
    other["sub"] = "jun".into();
    check_refused(stage.person(&forged(&header, &other, &signature), None).await, "signature");
    let mut shorter = token.clone();
    shorter.pop();
    assert!(stage.person(&shorter, None).await.is_err());
    for none in ["none", "None", "nOnE", ""] {
        for signature in ["", &signature] {
            let mut header = header.clone();
            header["alg"] = none.into();
            check_refused(stage.person(&forged(&header, &other, signature), None).await, "not a token");
        }
    }
    for nonsense in ["", ".", "..", "...", "a.b.c", "e30.e30.", &token.replace('.', ""), &"x".repeat(20_000)]
    {
        check_refused(stage.person(nonsense, None).await, "not a token");
    }
}

/// RFC 8725, 2.1: the public key of the issuer as the secret of an HMAC.
#[tokio::test]
async fn the_public_key_is_no_secret_of_an_hmac() {
    let stage = stage().await;
    let (mut header, claims, _) = parts(&stage.id_token("sori", "mina", &[]).await);
    let keys = stage.provider.keys().await;
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    for secret in [modulus, key["n"].as_str().unwrap().into(), key.to_string().into_bytes()] {
        for alg in ["HS256", "HS384", "HS512"] {
            header["alg"] = alg.into();
            let text = forged(&header, &claims, "");
            let message = text.trim_end_matches('.');
            let algorithm = alg.parse().unwrap();
            let key = jsonwebtoken::EncodingKey::from_secret(&secret);
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
            check_refused(stage.person(&format!("{message}.{signature}"), None).await, "algorithm");
        }
    }
}

/// The provider itself signs these, for clients of ours.
#[tokio::test]
async fn algorithms_that_are_announced_but_not_taken_are_refused() {
    let stage = stage().await;
    for client in ["sori-pss", "sori-hs"] {
        check_refused(stage.person(&stage.id_token(client, "mina", &[]).await, None).await, "algorithm");
    }
}

#[tokio::test]
async fn a_key_of_ones_own_is_no_key_of_the_issuer() {
    let stage = own_stage().await;
    let (header, claims, _) = parts(&stage.id_token("sori", "mina", &[]).await);
    let evil = TestProvider::start(&json!({"clients": clients(), "people": people()})).await;
    // Somebody else's provider signs with its own key: by its own name, and under ours.
    let theirs =
        Stage { provider: Arc::new(evil), oidc: stage.oidc.clone(), _db: sori_db::testing::sqlite().await };
    let token = theirs.id_token("sori", "mina", &[]).await;
    check_refused(stage.person(&token, None).await, "key");
    let (_, _, signature) = parts(&token);
    check_refused(stage.person(&forged(&header, &claims, &signature), None).await, "signature");
    // A key inside the token, or an address to fetch one from, is not looked at.
    let mut inside = header.clone();
    inside["jwk"] = theirs.provider.keys().await["keys"][0].clone();
    inside["jku"] = format!("{}/jwks", theirs.provider.issuer).into();
    let asked = theirs.provider.asked("/jwks").await;
    check_refused(stage.person(&forged(&inside, &claims, &signature), None).await, "signature");
    assert_eq!(theirs.provider.asked("/jwks").await, asked);
    let mut critical = header;
    critical["crit"] = json!(["b64"]);
    check_refused(stage.person(&forged(&critical, &claims, &signature), None).await, "not a token");
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_an_old_one_ends_with_the_next_look() {
    let stage = own_stage().await;
    let old = stage.id_token("sori", "mina", &[]).await;
    assert!(stage.person(&old, None).await.is_ok());
    stage.provider.change(&json!({"turn_keys": "drop"})).await;
    let new = stage.id_token("sori", "mina", &[]).await;
    // Within a minute of the last look the new key stays unknown: that is what stops a flood.
    check_refused(stage.person(&new, None).await, "key");
    assert_eq!(stage.provider.asked("/jwks").await, 1);
    assert!(stage.person_at(&new, None, 61).await.is_ok());
    assert_eq!(stage.provider.asked("/jwks").await, 2);
    check_refused(stage.person_at(&old, None, 62).await, "key");
    for _ in 0..50 {
        check_refused(stage.person_at(&old, None, 63).await, "key");
    }
    assert_eq!(stage.provider.asked("/jwks").await, 2, "unknown keys ask once a minute");
}

#[tokio::test]
async fn a_provider_that_is_away_does_not_stop_those_whose_keys_are_known() {
    let stage = own_stage().await;
    stage.provider.change(&json!({"idTokenSeconds": 86400, "cacheControl": "max-age=120"})).await;
    let token = stage.id_token("sori", "mina", &[]).await;
    assert!(stage.person(&token, None).await.is_ok());
    stage.provider.change(&json!({"down": true})).await;
    assert!(stage.person_at(&token, None, 3_600).await.is_ok());
    let empty = sori_db::testing::sqlite().await;
    let fresh = oidc(&empty, &stage.provider, &Outgoing::new(Rules::private_if(true)));
    let fault = fresh.person_of_id_token("google", &token, None, now_ms()).await.unwrap_err();
    assert_eq!(fault.code(), "AUTH_PROVIDER_UNAVAILABLE");
}

#[tokio::test]
async fn an_issuer_in_a_private_network_is_asked_only_where_that_is_allowed() {
    let stage = own_stage().await;
    let token = stage.id_token("sori", "mina", &[]).await;
    let asked = stage.provider.asked("/.well-known/openid-configuration").await;
    let empty = sori_db::testing::sqlite().await;
    let strict = oidc(&empty, &stage.provider, &Outgoing::new(Rules::default()));
    let fault = strict.person_of_id_token("google", &token, None, now_ms()).await.unwrap_err();
    assert_eq!(fault.code(), "AUTH_PROVIDER_UNAVAILABLE");
    assert_eq!(stage.provider.asked("/.well-known/openid-configuration").await, asked);
}

#[tokio::test]
async fn bearer_tokens_of_a_trusted_issuer_are_taken_for_their_audience_only() {
    let stage = stage().await;
    let access = async |resource: &str| {
        let tokens = stage.provider.tokens("sori-app", "mina", &[("resource", resource)]).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let token = access("https://api.sori.example").await;
    let bearer = stage.oidc.person_of_bearer(&token, now_ms()).await.unwrap().expect("its issuer is trusted");
    assert_eq!(bearer.person.subject, "mina");
    assert_eq!(bearer.person.profile.email.as_deref(), Some("mina@example.org"));
    assert!(!bearer.person.trusts_email);
    assert!((bearer.expires_at_ms - now_ms() - 600_000).abs() < 60_000);

    let elsewhere = access("https://api.other.example").await;
    let fault = stage.oidc.person_of_bearer(&elsewhere, now_ms()).await.unwrap_err();
    assert!(fault.to_string().contains("another client"), "{fault}");
    // An ID token of the same issuer proves who somebody is to a client, not to this API.
    let id_token = stage.id_token("sori", "mina", &[]).await;
    assert!(stage.oidc.person_of_bearer(&id_token, now_ms()).await.is_err());
    let late = stage.oidc.person_of_bearer(&token, now_ms() + 700_000).await.unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");
    let (header, mut claims, signature) = parts(&token);
    claims["iss"] = "https://elsewhere.example".into();
    let unknown = stage.oidc.person_of_bearer(&forged(&header, &claims, &signature), now_ms()).await;
    assert!(unknown.unwrap().is_none(), "nobody whom the settings name");
}
