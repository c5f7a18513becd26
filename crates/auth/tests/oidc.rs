//! Sign-in through a real OpenID Connect provider that the tests start: panva's oidc-provider.

#[path = "oidc/provider.rs"]
mod provider;
#[path = "oidc/sign_in.rs"]
mod sign_in;
#[path = "oidc/tokens.rs"]
mod tokens;

use serde_json::{Value, json};

/// Letters that the header of RFC 6749 has to encode.
const SECRET: &str = "c+l/i:e%n t-secret-secret-secret";

/// Clients of the provider: this server's, another one's, and one that signs with an elliptic curve.
fn clients() -> Value {
    let client = |id: &str, path: &str, more: Value| {
        let mut client = json!({
            // A native client may come from any port of the loopback address.
            "client_id": id, "client_secret": SECRET, "application_type": "native",
            "redirect_uris": [format!("http://127.0.0.1{path}")],
            "grant_types": ["authorization_code"], "response_types": ["code"],
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    json!([
        client("sori", "/api/auth/providers/google/callback", json!({})),
        client(
            "sori-post",
            "/api/auth/providers/post/callback",
            json!({"token_endpoint_auth_method": "client_secret_post"})
        ),
        client("sori-app", "/app", json!({})),
        client("sori-ec", "/app", json!({"id_token_signed_response_alg": "ES256"})),
        client("sori-pss", "/app", json!({"id_token_signed_response_alg": "PS256"})),
        client("sori-hs", "/app", json!({"id_token_signed_response_alg": "HS256"})),
        client("other", "/app", json!({})),
    ])
}

fn people() -> Value {
    json!({
        "mina": {"email": "mina@example.org", "email_verified": true, "name": "Mina", "locale": "ko-KR"},
        "jun": {"email": "jun@example.org", "email_verified": true, "name": "Jun"},
        "unproved": {"email": "mina@example.org", "email_verified": false, "name": "Mallory"},
        "nobody": {"name": "No e-mail"},
    })
}
