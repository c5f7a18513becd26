//! What a token of an issuer says, and whether it says it to us, now, and about whom.
//!
//! Pure: the signature has been checked before (`issuer.rs`), the time is an argument.

use serde::{Deserialize, Deserializer};

/// Clocks of two machines differ; RFC 7519 (4.1.4) allows "no more than a few minutes".
pub(super) const LEEWAY_S: i64 = 60;
/// OpenID Connect Core 1.0, 2: at most 255 ASCII characters.
const MAX_SUBJECT_CHARS: usize = 255;

/// The claims that are looked at. Whatever else is in a token stays there.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) aud: Vec<String>,
    #[serde(default)]
    pub(crate) azp: Option<String>,
    #[serde(deserialize_with = "seconds")]
    pub(crate) exp: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub(crate) iat: Option<i64>,
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub(crate) nbf: Option<i64>,
    #[serde(default)]
    pub(crate) nonce: Option<String>,
    #[serde(flatten)]
    pub(crate) profile: Profile,
}

/// Who the person is, in an ID token or in an answer of the userinfo endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Profile {
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    pub email_verified: bool,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub locale: Option<String>,
    /// Google: the Workspace domain that the account belongs to.
    #[serde(default)]
    pub hd: Option<String>,
}

/// Who the token must come from and be meant for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    /// Our own client ids at this issuer. The first is this server's, others are its apps'.
    pub(crate) client_ids: &'a [String],
    /// What must be in the token: an ID token with a nonce that nobody asked for was made for
    /// somebody else, and the other way round.
    pub(crate) nonce: Option<&'a str>,
    /// Accounts of this Google Workspace domain only.
    pub(crate) hosted_domain: Option<&'a str>,
}

/// Why a token is not taken. For the log; a client learns only that it is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadClaims {
    #[error("it comes from another issuer")]
    Issuer,
    #[error("it has no subject, or one that is too long")]
    Subject,
    #[error("it is meant for another client")]
    Audience,
    #[error("it was given to another client")]
    AuthorizedParty,
    #[error("it has expired")]
    Expired,
    #[error("it is from the future")]
    Future,
    #[error("it does not say when it was made")]
    Undated,
    #[error("its nonce is missing or not the expected one")]
    Nonce,
    #[error("it is of another hosted domain")]
    HostedDomain,
}

/// OpenID Connect Core 1.0, 3.1.3.7, in its order.
pub(crate) fn check_id_token(claims: &Claims, expected: &Expected<'_>, now_ms: i64) -> Result<(), BadClaims> {
    check_bearer(claims, expected.issuer, expected.client_ids, now_ms)?;
    let is_ours = |client: &String| expected.client_ids.contains(client);
    // With other audiences beside us the token must say that it was given to us, and when it says
    // to whom it was given, that must be us in any case.
    match &claims.azp {
        Some(party) if !is_ours(party) => return Err(BadClaims::AuthorizedParty),
        None if !claims.aud.iter().all(is_ours) => return Err(BadClaims::AuthorizedParty),
        _ => {}
    }
    claims.iat.ok_or(BadClaims::Undated)?;
    if claims.nonce.as_deref() != expected.nonce {
        return Err(BadClaims::Nonce);
    }
    match expected.hosted_domain {
        Some(domain) if claims.profile.hd.as_deref() != Some(domain) => Err(BadClaims::HostedDomain),
        _ => Ok(()),
    }
}

/// A token that a client of a trusted issuer sends as its credential.
pub(crate) fn check_bearer(
    claims: &Claims,
    issuer: &str,
    audiences: &[String],
    now_ms: i64,
) -> Result<(), BadClaims> {
    let now_s = now_ms.div_euclid(1_000);
    if !is_issuer(&claims.iss, issuer) {
        return Err(BadClaims::Issuer);
    }
    if claims.sub.is_empty() || claims.sub.chars().count() > MAX_SUBJECT_CHARS {
        return Err(BadClaims::Subject);
    }
    if !claims.aud.iter().any(|audience| audiences.contains(audience)) {
        return Err(BadClaims::Audience);
    }
    if claims.exp.saturating_add(LEEWAY_S) <= now_s {
        return Err(BadClaims::Expired);
    }
    if [claims.iat, claims.nbf].into_iter().flatten().any(|from_s| from_s > now_s + LEEWAY_S) {
        return Err(BadClaims::Future);
    }
    Ok(())
}

const GOOGLE: &str = "https://accounts.google.com";

/// Letter by letter, except that Google also leaves out the scheme, as it documents.
fn is_issuer(named: &str, expected: &str) -> bool {
    named == expected || (expected == GOOGLE && named == "accounts.google.com")
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(audience) => vec![audience],
        Audience::Many(audiences) => audiences,
    })
}

/// NumericDate (RFC 7519, 2) may have a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumericDate {
    Whole(i64),
    Broken(f64),
}

impl NumericDate {
    fn seconds<E: serde::de::Error>(self) -> Result<i64, E> {
        match self {
            Self::Whole(seconds) => Ok(seconds),
            // Beyond this a double does not hold whole seconds; no clock of ours goes there.
            #[allow(clippy::cast_possible_truncation, reason = "checked to fit")]
            Self::Broken(seconds) if (0.0..9e15).contains(&seconds) => Ok(seconds as i64),
            Self::Broken(_) => Err(E::custom("not a date")),
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    NumericDate::deserialize(deserializer)?.seconds()
}

fn maybe_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::<NumericDate>::deserialize(deserializer)?.map(NumericDate::seconds).transpose()
}

/// Some providers write the truth as text.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || value == "true")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW_S: i64 = 1_800_000_000;

    fn token(changes: Value) -> Result<Claims, serde_json::Error> {
        let mut token = json!({
            "iss": "https://id.example", "sub": "248289761001", "aud": "sori", "exp": NOW_S + 300,
            "iat": NOW_S, "nonce": "n-0S6", "email": "mina@example.org", "email_verified": true,
        });
        for (name, value) in changes.as_object().unwrap() {
            token[name] = value.clone();
        }
        token.as_object_mut().unwrap().retain(|_, value| value != "(absent)");
        serde_json::from_value(token)
    }

    #[track_caller]
    fn check(changes: Value, expected: Result<(), BadClaims>) {
        let clients = ["sori".to_owned(), "sori-app".to_owned()];
        let wanted = Expected {
            issuer: "https://id.example",
            client_ids: &clients,
            nonce: Some("n-0S6"),
            hosted_domain: None,
        };
        let claims = token(changes.clone()).unwrap();
        assert_eq!(check_id_token(&claims, &wanted, NOW_S * 1_000), expected, "{changes}");
    }

    #[test]
    fn a_token_for_us_is_taken() {
        check(json!({}), Ok(()));
        check(json!({"aud": ["sori"]}), Ok(()));
        check(json!({"aud": ["sori", "other"], "azp": "sori"}), Ok(()));
        check(json!({"aud": "sori", "azp": "sori-app"}), Ok(()));
        check(json!({"aud": ["sori", "sori-app"]}), Ok(()));
        check(json!({"exp": NOW_S as f64 + 10.5}), Ok(()));
    }

    #[test]
    fn a_token_from_elsewhere_or_for_others_is_not() {
        check(json!({"iss": "https://id.example/"}), Err(BadClaims::Issuer));
        check(json!({"iss": "https://evil.example"}), Err(BadClaims::Issuer));
        check(json!({"sub": ""}), Err(BadClaims::Subject));
        check(json!({"sub": "x".repeat(256)}), Err(BadClaims::Subject));
        check(json!({"aud": "other"}), Err(BadClaims::Audience));
        check(json!({"aud": []}), Err(BadClaims::Audience));
        check(json!({"aud": ["SORI"]}), Err(BadClaims::Audience));
        check(json!({"aud": ["sori", "other"]}), Err(BadClaims::AuthorizedParty));
        check(json!({"azp": "other"}), Err(BadClaims::AuthorizedParty));
        check(json!({"aud": ["sori", "other"], "azp": "other"}), Err(BadClaims::AuthorizedParty));
    }

    #[test]
    fn a_token_has_its_time() {
        check(json!({"exp": NOW_S - 59}), Ok(()));
        check(json!({"exp": NOW_S - 60}), Err(BadClaims::Expired));
        check(json!({"exp": i64::MIN}), Err(BadClaims::Expired));
        check(json!({"exp": i64::MAX}), Ok(()));
        check(json!({"iat": NOW_S + 60}), Ok(()));
        check(json!({"iat": NOW_S + 61}), Err(BadClaims::Future));
        check(json!({"nbf": NOW_S + 61}), Err(BadClaims::Future));
        check(json!({"iat": "(absent)"}), Err(BadClaims::Undated));
    }

    #[test]
    fn the_nonce_is_the_one_that_was_asked_for() {
        check(json!({"nonce": "other"}), Err(BadClaims::Nonce));
        check(json!({"nonce": "(absent)"}), Err(BadClaims::Nonce));
        let clients = ["sori".to_owned()];
        let wanted =
            Expected { issuer: "https://id.example", client_ids: &clients, nonce: None, hosted_domain: None };
        let unasked = token(json!({})).unwrap();
        assert_eq!(check_id_token(&unasked, &wanted, NOW_S * 1_000), Err(BadClaims::Nonce));
        let without = token(json!({"nonce": "(absent)"})).unwrap();
        assert_eq!(check_id_token(&without, &wanted, NOW_S * 1_000), Ok(()));
    }

    #[test]
    fn a_hosted_domain_is_asked_of_the_claim_and_not_of_the_address() {
        let clients = ["sori".to_owned()];
        let wanted = Expected {
            issuer: "https://id.example",
            client_ids: &clients,
            nonce: Some("n-0S6"),
            hosted_domain: Some("example.org"),
        };
        for (hd, expected) in [
            (json!("example.org"), Ok(())),
            (json!("example.org.evil"), Err(BadClaims::HostedDomain)),
            (json!("(absent)"), Err(BadClaims::HostedDomain)),
        ] {
            let claims = token(json!({ "hd": hd })).unwrap();
            assert_eq!(check_id_token(&claims, &wanted, NOW_S * 1_000), expected, "{hd}");
        }
    }

    #[test]
    fn google_names_itself_in_two_ways() {
        assert!(is_issuer("accounts.google.com", "https://accounts.google.com"));
        assert!(!is_issuer("id.example", "https://id.example"));
        assert!(!is_issuer("https://accounts.google.com", "accounts.google.com"));
    }

    #[test]
    fn only_the_truth_is_true() {
        for (written, read) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("yes"), false),
            (json!(1), false),
            (json!(null), false),
            (json!("(absent)"), false),
        ] {
            assert_eq!(token(json!({ "email_verified": written })).unwrap().profile.email_verified, read);
        }
    }

    #[test]
    fn claims_of_the_wrong_kind_are_refused() {
        for wrong in [
            json!({"exp": "soon"}),
            json!({"exp": "(absent)"}),
            json!({"exp": -1.5}),
            json!({"aud": 5}),
            json!({"aud": "(absent)"}),
            json!({"sub": 7}),
            json!({"iss": null}),
            json!({"email": ["a@b.c"]}),
        ] {
            assert!(token(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
