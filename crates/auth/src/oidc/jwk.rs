//! Public keys of an issuer: JSON Web Key Sets (RFC 7517) reduced to the keys that may sign.
//!
//! Only RS256 and ES256 are understood. A key is good for one algorithm, fixed when it is read, so
//! that what a token says about itself never chooses how it is checked (RFC 8725, 3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde::Deserialize;

/// More than any issuer has at once; the rest of a longer list is not looked at.
const MAX_KEYS: usize = 64;
/// NIST SP 800-131A: shorter ones are not to be trusted.
const MIN_RSA_BITS: usize = 2048;
/// What the verifier takes.
const MAX_RSA_BITS: usize = 8192;
const MAX_KID_CHARS: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    pub(super) fn of_the_verifier(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

#[derive(Clone)]
pub(crate) struct VerifyingKey {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of one issuer that may sign.
#[derive(Clone, Default)]
pub(crate) struct KeySet(Vec<VerifyingKey>);

#[derive(Deserialize)]
struct Listed {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a key set. Keys of other kinds and for other uses are passed over, as RFC 7517 (5) asks.
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let listed: Listed = serde_json::from_slice(json)?;
        Ok(Self(listed.keys.into_iter().take(MAX_KEYS).filter_map(read_key).collect()))
    }

    /// The key that a token names. One that names none is checked with the only key of its
    /// algorithm; with two of them there is no telling.
    #[must_use]
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let mut fitting = self.0.iter().filter(|key| {
            key.algorithm == algorithm && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let found = fitting.next();
        if kid.is_none() && fitting.next().is_some() { None } else { found }
    }
}

/// The members of a key that decide whether it is ours to use.
#[derive(Deserialize)]
struct Members {
    kty: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

fn read_key(json: serde_json::Value) -> Option<VerifyingKey> {
    let members = Members::deserialize(&json).ok()?;
    let may_verify = members.r#use.as_deref().is_none_or(|r#use| r#use == "sig")
        && members.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let algorithm = match (members.kty.as_str(), members.crv.as_deref()) {
        ("RSA", _) if has_good_length(members.n.as_deref()?) => Algorithm::Rs256,
        ("EC", Some("P-256"))
            if is_coordinate(members.x.as_deref()) && is_coordinate(members.y.as_deref()) =>
        {
            Algorithm::Es256
        }
        _ => return None,
    };
    let is_for_it = members.alg.as_deref().is_none_or(|alg| alg == algorithm.as_str());
    let has_short_name = members.kid.as_ref().is_none_or(|kid| kid.len() <= MAX_KID_CHARS);
    if !(may_verify && is_for_it && has_short_name) {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    Some(VerifyingKey { kid: members.kid, algorithm, key: DecodingKey::from_jwk(&jwk).ok()? })
}

/// RFC 7518, 6.2.1.2: as long as the field, 32 bytes.
fn is_coordinate(text: Option<&str>) -> bool {
    text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).is_some_and(|bytes| bytes.len() == 32)
}

fn has_good_length(modulus: &str) -> bool {
    // The text is looked at before it is decoded: 8192 bits are 1366 letters.
    let decoded = (modulus.len() <= 1400).then(|| URL_SAFE_NO_PAD.decode(modulus).ok()).flatten();
    decoded.is_some_and(|bytes| {
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let bits =
            (bytes.len() - leading) * 8 - bytes.get(leading).map_or(0, |byte| byte.leading_zeros() as usize);
        (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rsa(bytes: usize, rest: Value) -> Value {
        let mut modulus = vec![0xa5; bytes];
        modulus[bytes - 1] |= 1;
        let mut key = json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(modulus)});
        key.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        key
    }

    fn ec(rest: Value) -> Value {
        let mut key = json!({"kty": "EC", "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
        key.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        key
    }

    fn read(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_name_and_its_algorithm() {
        let keys = read(&[rsa(256, json!({"kid": "a"})), ec(json!({"kid": "b", "alg": "ES256"}))]);
        assert!(keys.find(Some("a"), Algorithm::Rs256).is_some());
        assert!(keys.find(Some("a"), Algorithm::Es256).is_none());
        assert!(keys.find(Some("b"), Algorithm::Es256).is_some());
        assert!(keys.find(Some("c"), Algorithm::Rs256).is_none());
        assert_eq!(keys.find(None, Algorithm::Rs256).unwrap().kid.as_deref(), Some("a"));
    }

    #[test]
    fn without_a_name_there_must_be_one_candidate() {
        let keys = read(&[rsa(256, json!({"kid": "a"})), rsa(384, json!({"kid": "b"}))]);
        assert!(keys.find(None, Algorithm::Rs256).is_none());
    }

    #[test]
    fn keys_that_must_not_verify_are_passed_over() {
        for key in [
            rsa(256, json!({"use": "enc"})),
            rsa(256, json!({"key_ops": ["encrypt"]})),
            rsa(256, json!({"alg": "RS512"})),
            rsa(256, json!({"alg": "HS256"})),
            rsa(128, json!({})),
            rsa(1100, json!({})),
            ec(json!({"crv": "P-384"})),
            ec(json!({"x": "AA"})),
            json!({"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            json!("a key"),
        ] {
            assert!(read(std::slice::from_ref(&key)).0.is_empty(), "{key}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let keys: Vec<_> = (0..200).map(|n| ec(json!({"kid": n.to_string()}))).collect();
        assert_eq!(read(&keys).0.len(), MAX_KEYS);
        assert!(KeySet::read(b"{\"keys\": 5}").is_err());
        assert!(KeySet::read(b"[]").is_err());
    }
}
