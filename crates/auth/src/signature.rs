//! Signed requests: the secret of the key stays at the client, and a request that was overheard cannot
//! be sent again.
//!
//! `X-Sori-Key`, `X-Sori-Timestamp` (Unix seconds), `X-Sori-Nonce`, `X-Sori-Signature: v1=HEX`, where HEX
//! is HMAC-SHA256 with the secret (the text after the second `_` of the key) over
//!
//! ```text
//! v1\nMETHOD\nPATH?SORTED_QUERY\nTIMESTAMP\nNONCE\nHEX(SHA256(BODY))
//! ```
//!
//! The query is split at `&`, and its parts are sorted by their bytes as they were sent; without a query
//! there is no `?`. Several signatures may stand in the header, with commas between them.

use sori_contracts::SignedRequest;
use sori_db::{Db, DbError};

use crate::{api_keys::KeyText, random};

/// How far the clocks of client and server may differ.
pub(crate) const TOLERANCE_S: i64 = 300;
/// A nonce is kept for longer than its timestamp is taken.
const NONCE_KEPT_MS: i64 = 2 * TOLERANCE_S * 1000;
const NONCE_LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
const VERSION: &str = "v1";
/// A header with more is no mistake.
const MOST_SIGNATURES: usize = 4;

/// A signed request whose form is right and whose time is now. Nothing is proved yet.
#[derive(Debug)]
pub(crate) struct Claimed<'a> {
    pub(crate) prefix: &'a str,
    request: &'a SignedRequest<'a>,
}

impl<'a> Claimed<'a> {
    pub(crate) fn read(request: &'a SignedRequest<'a>, now_ms: i64) -> Option<Self> {
        let prefix = KeyText::prefix_of(request.key)?;
        let is_nonce = NONCE_LENGTHS.contains(&request.nonce.len())
            && request.nonce.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+/".contains(&byte));
        let is_number = request.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let sent_s: i64 = request.timestamp.parse().ok().filter(|_| is_number)?;
        let is_now = (now_ms.div_euclid(1000) - sent_s).abs() <= TOLERANCE_S;
        (is_nonce && is_now).then_some(Self { prefix, request })
    }

    /// In constant time.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let expected = random::mac(secret.as_bytes(), &[canonical(self.request).as_bytes()]);
        let mut sent = self.request.signature.split(',').map(str::trim).take(MOST_SIGNATURES);
        sent.any(|signature| {
            let hex = signature.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('='));
            let bytes = hex.and_then(|hex| random::unhex::<32>(&hex.to_ascii_lowercase()));
            bytes.is_some_and(|bytes| random::is_same(&bytes, &expected))
        })
    }

    /// False when the nonce came before: the request is a replay. The row decides, so that it is also
    /// refused by another process on the same database. Asked last, so that only who can sign fills
    /// the table.
    pub(crate) async fn is_first(
        &self,
        db: &Db,
        key: sori_contracts::ApiKeyId,
        now_ms: i64,
    ) -> Result<bool, DbError> {
        let inserted = db
            .query(
                "INSERT INTO auth_nonce (key_id, nonce, expires_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (key_id, nonce) DO NOTHING",
            )
            .bind(key)
            .bind(self.request.nonce)
            .bind(now_ms + NONCE_KEPT_MS)
            .execute()
            .await?;
        Ok(inserted == 1)
    }
}

/// What is signed.
fn canonical(request: &SignedRequest<'_>) -> String {
    let (path, query) = match request.path_and_query.split_once('?') {
        Some((path, query)) if !query.is_empty() => (path, Some(query)),
        Some((path, _)) => (path, None),
        None => (request.path_and_query, None),
    };
    let mut address = path.to_owned();
    if let Some(query) = query {
        let mut parts: Vec<&str> = query.split('&').collect();
        parts.sort_unstable();
        address.push('?');
        address.push_str(&parts.join("&"));
    }
    let SignedRequest { timestamp, nonce, method, body_sha256, .. } = request;
    format!("{VERSION}\n{method}\n{address}\n{timestamp}\n{nonce}\n{body_sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_252_500_123;
    const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn request() -> SignedRequest<'static> {
        SignedRequest {
            key: "sori_00ff00ff00ff",
            timestamp: "1795252500",
            nonce: "6f1c9a52-0001",
            // printf 'v1\nPOST\n/v1/synthesize?a=1&b=2\n1795252500\n6f1c9a52-0001\n%s' \
            //   "$(printf '{}' | sha256sum | cut -d' ' -f1)" | openssl dgst -sha256 -hmac $SECRET
            signature: "v1=3c83be311d0ce555bd0ad16cf14a4d2e5592f3d0dc70f278d376a6f66aca3196",
            method: "POST",
            path_and_query: "/v1/synthesize?b=2&a=1",
            body_sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        }
    }

    #[track_caller]
    fn check(request: &SignedRequest<'_>, expected: bool) {
        let good = Claimed::read(request, NOW_MS).is_some_and(|claimed| claimed.is_signed_with(SECRET));
        assert_eq!(good, expected, "{request:?}");
    }

    #[test]
    fn a_signature_that_another_program_made_is_good() {
        check(&request(), true);
        check(&SignedRequest { path_and_query: "/v1/synthesize?a=1&b=2", ..request() }, true);
        check(&SignedRequest { key: "00ff00ff00ff", ..request() }, true);
        let both = format!("v1={}, {}", "0".repeat(64), request().signature);
        check(&SignedRequest { signature: &both, ..request() }, true);
    }

    #[test]
    fn whatever_was_signed_cannot_be_changed() {
        for changed in [
            SignedRequest { method: "PUT", ..request() },
            SignedRequest { path_and_query: "/v1/synthesize?a=1&b=3", ..request() },
            SignedRequest { path_and_query: "/v1/synthesize", ..request() },
            SignedRequest { timestamp: "1795252501", ..request() },
            SignedRequest { nonce: "6f1c9a52-0002", ..request() },
            SignedRequest { body_sha256: "UNSIGNED-PAYLOAD", ..request() },
            SignedRequest { signature: "", ..request() },
            SignedRequest { signature: "v1=", ..request() },
            SignedRequest { signature: &request().signature[3..], ..request() },
            SignedRequest { signature: &request().signature.replace("v1", "v2"), ..request() },
        ] {
            check(&changed, false);
        }
    }

    #[test]
    fn form_and_time_are_asked_first() {
        let is_read = |request: &SignedRequest<'_>| Claimed::read(request, NOW_MS).is_some();
        for (seconds_off, expected) in [(-301, false), (-300, true), (300, true), (301, false)] {
            let timestamp = (NOW_MS / 1000 + seconds_off).to_string();
            assert_eq!(
                is_read(&SignedRequest { timestamp: &timestamp, ..request() }),
                expected,
                "{seconds_off}"
            );
        }
        for timestamp in ["", "+1795252500", "1795252500.5", "99999999999999999999", "-5", "오"] {
            assert!(!is_read(&SignedRequest { timestamp, ..request() }), "{timestamp}");
        }
        let long = "n".repeat(129);
        for nonce in ["", "short", "with space here", "zeile\nzwei!", &long] {
            assert!(!is_read(&SignedRequest { nonce, ..request() }), "{nonce:?}");
        }
        for key in ["", "sori_", "sori_00ff00ff00ff_secret", "someone"] {
            assert!(!is_read(&SignedRequest { key, ..request() }), "{key}");
        }
    }
}
