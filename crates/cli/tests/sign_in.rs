//! "Sign in with Google" at the true server, with everything that stands before its routes: a browser
//! that comes back from another site, an app, and a program with somebody else's token.

#[path = "../../auth/tests/oidc/provider.rs"]
#[allow(dead_code, reason = "what the other tests of the provider need")]
mod provider;
#[path = "rig/server.rs"]
mod server;

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use provider::{Browser, SECRET, TestProvider, client};
use server::Server;

/// The settings of an operator whose Google is the test's provider.
fn serve(data: &Path, issuer: &str) -> Server {
    let settings = format!(
        "google_client_id = \"sori\"\ngoogle_client_secret = {}\ngoogle_issuer = \"{issuer}\"\nsign_up = \"open\"\n\
         allow_private_addresses = true\n[[trusted_issuers]]\nissuer = \"{issuer}\"\n\
         audience = \"https://api.sori.example\"\njwks_url = \"{issuer}/jwks\"\n",
        json!(SECRET)
    );
    std::fs::write(data.join("sori.toml"), settings).unwrap();
    Server::start(data)
}

#[tokio::test]
async fn people_come_in_through_their_provider() {
    let provider = TestProvider::shared().await;
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &provider.issuer);
    let at = |path: &str| format!("{}{path}", server.base);

    let mut browser = Browser::new();
    let options = browser.get(&at("/api/auth/options")).await.json();
    assert_eq!(options["providers"], json!([{"id": "google", "name": "Google"}]));
    let begun = browser.get(&at("/api/auth/providers/google/start?return_to=/account")).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    let back = browser.pass_provider(&begun.location.unwrap(), "mina").await;
    // As a browser says that another site sent it here.
    let from_elsewhere = client()
        .get(&back)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate")
        .header("referer", &provider.issuer);
    let landed = browser.send(from_elsewhere, &back).await;
    assert_eq!(landed.location, Some(at("/account")), "{}", landed.body);
    let me = browser.get(&at("/api/me")).await.json();
    assert_eq!(me["email"], "mina@example.org");
    let renamed = client().patch(at("/api/me")).json(&json!({"name": "Mina Kim"}));
    assert_eq!(browser.send(renamed, &server.base).await.json()["name"], "Mina Kim");
    let onward = browser.post_json(&at("/api/me/identities/google"), &json!({})).await;
    assert!(onward.json()["location"].as_str().unwrap().starts_with(&provider.issuer));

    let tokens = provider.tokens("sori", "mina", &[]).await;
    let app =
        Browser::new().post_json(&at("/api/auth/google"), &json!({"id_token": tokens["id_token"]})).await;
    assert_eq!(app.status, StatusCode::OK, "{}", app.body);
    assert_eq!(app.json()["user"]["id"], me["id"]);
    assert!(app.json()["refresh_token"].is_string());

    let resource = [("resource", "https://api.sori.example")];
    let tokens = provider.tokens("sori-app", "mina", &resource).await;
    let bearer = tokens["access_token"].as_str().unwrap();
    let external: Value =
        client().get(at("/api/me")).bearer_auth(bearer).send().await.unwrap().json().await.unwrap();
    assert_eq!(external["id"], me["id"]);
    let other = client().get(at("/api/me")).bearer_auth(&bearer[..bearer.len() - 8]).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
}
