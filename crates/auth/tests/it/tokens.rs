//! Tokens that somebody else made. Those with the right key and wrong claims are in `src/tokens.rs`.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sori_contracts::Role;

use crate::scene::{base64url, scenes};

fn join(header: &Value, payload: &str, key: Option<&[u8]>) -> String {
    let head = format!("{}.{payload}", base64url(header.to_string().as_bytes()));
    let signature = key.map(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(head.as_bytes());
        base64url(&mac.finalize().into_bytes())
    });
    format!("{head}.{}", signature.unwrap_or_default())
}

fn kid_of(token: &str) -> String {
    let header: Value = serde_json::from_slice(&unbase64url(token.split('.').next().unwrap())).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn unbase64url(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.chars() {
        bits = bits << 6 | u32::try_from(LETTERS.find(letter).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn a_forged_token_proves_nothing() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let genuine = &tokens.access_token;
        let kid = kid_of(genuine);
        let mut parts = genuine.split('.');
        let (head, payload, signature) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let mut claims: Value = serde_json::from_slice(&unbase64url(payload)).unwrap();
        claims["role"] = "admin".into();
        let as_admin = base64url(claims.to_string().as_bytes());
        let header = |alg: &str| json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
        let mine: &[u8] = b"a key that the attacker knows";
        let with = |name: &str, value: Value| {
            let mut header = header("HS256");
            header[name] = value;
            header
        };
        let jwk = json!({ "kty": "oct", "k": base64url(mine), "alg": "HS256", "kid": kid });
        let other_key = "00000000000070008000000000000001";
        for (what, forged) in [
            ("alg none", join(&header("none"), payload, None)),
            ("alg none for an admin", join(&header("none"), &as_admin, None)),
            ("alg None", join(&header("None"), payload, Some(mine))),
            ("no alg", join(&json!({ "typ": "at+jwt", "kid": kid }), payload, Some(mine))),
            (
                "alg none and the old signature",
                format!("{}{signature}", join(&header("none"), payload, None)),
            ),
            ("another claim", format!("{head}.{as_admin}.{signature}")),
            ("no signature", format!("{head}.{payload}.")),
            ("two parts", format!("{head}.{payload}")),
            ("wrong key", join(&header("HS256"), &as_admin, Some(mine))),
            ("the key id as key", join(&header("HS256"), &as_admin, Some(kid.as_bytes()))),
            ("the empty key", join(&header("HS256"), &as_admin, Some(b""))),
            ("HS384", join(&header("HS384"), payload, Some(mine))),
            ("RS256", join(&header("RS256"), payload, Some(mine))),
            ("EdDSA", join(&header("EdDSA"), payload, Some(mine))),
            ("its own key in jwk", join(&with("jwk", jwk.clone()), &as_admin, Some(mine))),
            (
                "its own keys in jku",
                join(&with("jku", json!("https://evil.example/keys")), &as_admin, Some(mine)),
            ),
            (
                "its own chain in x5u",
                join(&with("x5u", json!("https://evil.example/c")), &as_admin, Some(mine)),
            ),
            (
                "a genuine signature under jwk",
                format!("{}.{payload}.{signature}", base64url(with("jwk", jwk).to_string().as_bytes())),
            ),
            ("kid of nobody", join(&with("kid", json!(other_key)), &as_admin, Some(mine))),
            ("kid as path", join(&with("kid", json!("../../../../dev/null")), &as_admin, Some(b""))),
            ("kid as SQL", join(&with("kid", json!("' UNION SELECT 'x")), &as_admin, Some(b"x"))),
            ("kid missing", join(&json!({ "typ": "at+jwt", "alg": "HS256" }), &as_admin, Some(mine))),
            ("another type", join(&with("typ", json!("JWT")), &as_admin, Some(mine))),
            ("a refresh token", tokens.refresh_token.clone()),
            ("nothing", String::new()),
            ("dots", "..".into()),
            ("long", "a".repeat(100_000)),
            ("not ASCII", "헤더.내용.서명".into()),
        ] {
            assert_eq!(scene.identify(&forged).await, Err("AUTH_INVALID_TOKEN"), "{what}");
        }
        assert!(scene.identify(genuine).await.is_ok());
    }
}
