//! Requests that are signed with a key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sori_auth::{Actor, KeyChange, NewKey, Policy};
use sori_contracts::{Identity, Member, Presented, Role, Scope, SignedRequest};

use crate::scene::{Scene, scenes};

/// A client as its documentation tells it to be.
struct Signer {
    key: String,
    secret: String,
}

struct Signed {
    key: String,
    timestamp: String,
    nonce: String,
    signature: String,
    body_sha256: String,
    path: String,
}

impl Signer {
    fn of(key: &str) -> Self {
        let (head, secret) = key.rsplit_once('_').unwrap();
        Self { key: head.to_owned(), secret: secret.to_owned() }
    }

    fn sign(&self, now_ms: i64, nonce: &str, body: &[u8]) -> Signed {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (timestamp, body_sha256) = ((now_ms / 1000).to_string(), hex(&Sha256::digest(body)));
        let text = format!("v1\nPOST\n/v1/synthesize?a=1&b=2\n{timestamp}\n{nonce}\n{body_sha256}");
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        Signed {
            key: self.key.clone(),
            timestamp,
            nonce: nonce.to_owned(),
            signature: format!("v1={}", hex(&mac.finalize().into_bytes())),
            body_sha256,
            path: "/v1/synthesize?b=2&a=1".to_owned(),
        }
    }
}

async fn send(scene: &Scene, signed: &Signed) -> Result<Member, &'static str> {
    let request = SignedRequest {
        key: &signed.key,
        timestamp: &signed.timestamp,
        nonce: &signed.nonce,
        signature: &signed.signature,
        method: "POST",
        path_and_query: &signed.path,
        body_sha256: &signed.body_sha256,
    };
    scene.auth.identify(Presented::Signed(request)).await.map_err(|fault| fault.code())
}

async fn signer(scene: &Scene, policy: Policy) -> (Signer, String) {
    let account = scene.account("a@b.c", Role::Teacher).await;
    let scopes = [Scope::Synth].into_iter().collect();
    let new = NewKey { name: "CI".into(), scopes, policy, expires_at_ms: None };
    let (_, key) = scene.auth.api_keys().create(account.id, new, Actor::OPERATOR).await.unwrap();
    (Signer::of(&key), key)
}

const REFUSED: Result<Member, &str> = Err("AUTH_INVALID_TOKEN");

#[tokio::test]
async fn b7_a_signed_request_is_good_once_on_all_processes() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (signer, _) = signer(&scene, Policy::Signed).await;
        let signed = signer.sign(scene.now_ms(), "nonce-0001", b"{}");
        assert!(send(&scene, &signed).await.unwrap().scopes.has(Scope::Synth));
        assert_eq!(send(&scene, &signed).await, REFUSED, "a replay");
        assert_eq!(send(&twin, &signed).await, REFUSED, "a replay elsewhere");
        // While its time is good, and after.
        scene.pass_ms(299_000);
        assert_eq!(send(&twin, &signed).await, REFUSED);
        scene.auth.tend().await.unwrap();
        assert_eq!(send(&twin, &signed).await, REFUSED);
        scene.pass_ms(2_000);
        assert_eq!(send(&twin, &signed).await, REFUSED);
        scene.pass_ms(600_000);
        scene.auth.tend().await.unwrap();
        assert_eq!(send(&twin, &signed).await, REFUSED, "forgotten, and too old");
        assert!(send(&twin, &signer.sign(scene.now_ms(), "nonce-0002", b"{}")).await.is_ok());
    }
}

#[tokio::test]
async fn of_many_copies_at_once_one_comes_through() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (signer, _) = signer(&scene, Policy::Signed).await;
        let signed = signer.sign(scene.now_ms(), "nonce-0001", b"{}");
        let both = [&scene, &twin];
        let copies = futures::future::join_all((0..20).map(|n| send(both[n % 2], &signed))).await;
        assert_eq!(copies.iter().filter(|copy| copy.is_ok()).count(), 1);
    }
}

#[tokio::test]
async fn b7_a_request_that_was_changed_or_signed_by_another_is_refused() {
    for scene in scenes().await {
        let (signer, key) = signer(&scene, Policy::Bearer).await;
        let now_ms = scene.now_ms();
        let good = || signer.sign(now_ms, "nonce-0001", b"{}");
        let stranger = Signer { key: signer.key.clone(), secret: "0".repeat(64) };
        let bad = [
            Signed { body_sha256: "0".repeat(64), ..good() },
            Signed { timestamp: (now_ms / 1000 + 1).to_string(), ..good() },
            Signed { nonce: "nonce-0002".into(), ..good() },
            Signed { path: "/v1/scripts".into(), ..good() },
            Signed { key: "sori_000000000000".into(), ..good() },
            Signed { key, ..good() },
            stranger.sign(now_ms, "nonce-0001", b"{}"),
            signer.sign(now_ms - 301_000, "nonce-0003", b"{}"),
            signer.sign(now_ms + 302_000, "nonce-0004", b"{}"),
        ];
        for (n, signed) in bad.iter().enumerate() {
            assert_eq!(send(&scene, signed).await, REFUSED, "{n}");
        }
        assert!(send(&scene, &good()).await.is_ok(), "what was refused used no nonce up");
    }
}

#[tokio::test]
async fn a_key_that_must_sign_does_not_travel() {
    for scene in scenes().await {
        let (signer, key) = signer(&scene, Policy::Signed).await;
        assert_eq!(scene.identify(&key).await, REFUSED);
        let known = scene.auth.api_keys().by_prefix(&signer.key).await.unwrap();
        let bearer = KeyChange { policy: Some(Policy::Bearer), ..KeyChange::default() };
        scene.auth.api_keys().change(known.account, known.id, bearer, Actor::OPERATOR).await.unwrap();
        assert!(scene.identify(&key).await.is_ok());
        assert!(
            send(&scene, &signer.sign(scene.now_ms(), "nonce-0001", b"{}")).await.is_ok(),
            "and may still sign"
        );
        scene.auth.api_keys().revoke(known.account, known.id, Actor::OPERATOR).await.unwrap();
        assert_eq!(send(&scene, &signer.sign(scene.now_ms(), "nonce-0002", b"{}")).await, REFUSED);
    }
}
