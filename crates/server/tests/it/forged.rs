//! Tokens as a forger makes them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The server's secret in the tests that forge.
pub(crate) const SECRET: &str = "a secret that the forger has stolen";

type Change = fn(&mut Value, &mut Value);

/// Every way to get a token wrong, by name.
pub(crate) fn all(good: &str) -> Vec<(&'static str, String)> {
    let key = signing_key(good);
    let now = sori_db::now_ms() / 1000;
    let changed: [(&'static str, Change); 9] = [
        ("expired", |_, claims| claims["exp"] = json!(1)),
        ("of the future", |_, claims| {
            claims["nbf"] = json!(claims["exp"].as_i64().unwrap() - 60);
            claims["iat"] = claims["nbf"].clone();
        }),
        ("for another audience", |_, claims| claims["aud"] = json!("another")),
        ("of another issuer", |_, claims| claims["iss"] = json!("https://accounts.google.com")),
        ("without an audience", |_, claims| {
            claims.as_object_mut().unwrap().remove("aud");
        }),
        ("without an end", |_, claims| {
            claims.as_object_mut().unwrap().remove("exp");
        }),
        ("of another type", |header, _| header["typ"] = json!("JWT")),
        ("of a key that nobody has", |header, _| header["kid"] = json!(Uuid::new_v4().simple().to_string())),
        ("with a key of its own", |header, _| {
            header["jwk"] = json!({"kty": "oct", "k": "AAAA"});
        }),
    ];
    let mut tokens: Vec<_> = changed.map(|(name, change)| (name, remake(good, &key, change))).into();
    let not_yet = |_: &mut Value, claims: &mut Value| claims["exp"] = claims["exp"].clone();
    let signed_wrongly = remake(good, &[7; 32], not_yet);
    tokens.push(("of a wrong key", signed_wrongly));
    for alg in ["none", "None", "NONE"] {
        let (mut header, claims) = parts(good);
        header["alg"] = json!(alg);
        tokens.push(("alg none", format!("{}.{}.", encode(&header), encode(&claims))));
    }
    let (header, mut claims) = parts(good);
    claims["role"] = json!("admin");
    claims["exp"] = json!(now + 3_600);
    let signature = good.rsplit_once('.').unwrap().1;
    tokens.push((
        "changed after it was signed",
        format!("{}.{}.{signature}", encode(&header), encode(&claims)),
    ));
    let (body, _) = good.rsplit_once('.').unwrap();
    tokens.push(("without a signature", format!("{body}.")));
    tokens.push(("cut off", good[..good.len() - 1].to_owned()));
    tokens.push(("no token", "not-a-token".into()));
    tokens.push(("a key that nobody has", "sori_000000000000_0000000000000000000000000000".into()));
    tokens.push(("very long", "x".repeat(8_000)));
    tokens
}

/// The same claims, signed again with the right key.
pub(crate) fn remade(good: &str) -> String {
    remake(good, &signing_key(good), |_, claims| claims["iat"] = claims["nbf"].clone())
}

fn remake(good: &str, key: &[u8], change: impl Fn(&mut Value, &mut Value)) -> String {
    let (mut header, mut claims) = parts(good);
    change(&mut header, &mut claims);
    let body = format!("{}.{}", encode(&header), encode(&claims));
    format!("{body}.{}", BASE64.encode(mac(key, &[body.as_bytes()])))
}

fn parts(token: &str) -> (Value, Value) {
    let decode = |part: &str| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap();
    let mut parts = token.split('.');
    (decode(parts.next().unwrap()), decode(parts.next().unwrap()))
}

fn encode(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

/// As the accounts block derives it from the server's secret.
fn signing_key(token: &str) -> [u8; 32] {
    let kid: Uuid = parts(token).0["kid"].as_str().unwrap().parse().unwrap();
    let root = mac(&Sha256::digest(SECRET), &[b"accounts"]);
    mac(&root, &[b"access token", b"\0", kid.as_bytes()])
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
