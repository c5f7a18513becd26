//! Access tokens: short-lived JWTs (RFC 7519, in the profile of RFC 9068) signed with HS256. Only
//! processes of this installation check them, so a shared key is enough and ten times as fast as a
//! public one.

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, Credential, Member, Role, Scopes, SessionId};
use uuid::Uuid;

use crate::signing_keys::Ring;

pub(crate) const ISSUER: &str = "sori";
const AUDIENCE: &str = "sori";
/// RFC 9068, 2.1: so that no other JWT is taken for an access token.
const TYPE: &str = "at+jwt";
/// How far clocks of two processes may differ.
const SKEW_S: i64 = 30;
/// Ours are about 400 bytes.
const LONGEST: usize = 2_048;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    role: Role,
    /// The generation of the account.
    r#gen: i64,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What a token with a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) member: Member,
    pub(crate) session: SessionId,
    pub(crate) generation: i64,
    not_before_s: i64,
    expires_s: i64,
}

impl Verified {
    pub(crate) fn is_good_at(&self, now_ms: i64) -> bool {
        let now_s = now_ms.div_euclid(1000);
        self.not_before_s <= now_s + SKEW_S && now_s < self.expires_s
    }
}

/// Who gets a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    pub(crate) generation: i64,
}

/// `None` when no key can sign, which cannot happen after the ring was loaded.
pub(crate) fn sign(ring: &Ring, holder: Holder, now_ms: i64, lifetime_s: i64) -> Option<String> {
    let now_s = now_ms.div_euclid(1000);
    let claims = Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: holder.account.0,
        sid: holder.session.0,
        role: holder.role,
        r#gen: holder.generation,
        iat: now_s,
        nbf: now_s,
        exp: now_s + lifetime_s,
    };
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(TYPE.into());
    header.kid = Some(ring.current.simple().to_string());
    jsonwebtoken::encode(&header, &claims, &ring.signer).ok()
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Perhaps another process made the key a moment ago.
    UnknownKey(Uuid),
    Forged,
}

/// Everything but the times, which are asked for each time the token comes.
pub(crate) fn verify(ring: &Ring, token: &str) -> Result<Verified, Refusal> {
    if token.len() > LONGEST {
        return Err(Refusal::Forged);
    }
    let key = ring.find(key_of(token).ok_or(Refusal::Forged)?)?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["aud", "iss"]);
    // Our own clock says what time it is, in `Verified::is_good_at`.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &rules).map_err(|_| Refusal::Forged)?.claims;
    let session = SessionId(claims.sid);
    let member = Member {
        account: AccountId(claims.sub),
        role: claims.role,
        scopes: Scopes::all(),
        credential: Credential::Session(session),
    };
    let not_before_s = claims.nbf.max(claims.iat);
    Ok(Verified { member, session, generation: claims.r#gen, not_before_s, expires_s: claims.exp })
}

/// A header is refused for anything that we would not have written: keys and addresses of keys that
/// a token brings along are the classic way in.
fn key_of(token: &str) -> Option<Uuid> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let is_plain =
        header.jwk.is_none() && header.jku.is_none() && header.x5u.is_none() && header.x5c.is_none();
    let is_ours = header.alg == Algorithm::HS256 && header.typ.as_deref() == Some(TYPE);
    let kid = header.kid.filter(|_| is_plain && is_ours)?;
    Uuid::try_parse(&kid).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sori_contracts::AccountId;

    use super::*;
    use crate::RootKey;

    const NOW_S: i64 = 1_795_252_500;

    fn ring() -> Ring {
        Ring::for_test(&RootKey::new([1; 32]))
    }

    fn holder() -> Holder {
        let (account, session) = (AccountId::generate(), SessionId::generate());
        Holder { account, session, role: Role::Teacher, generation: 3 }
    }

    /// A token that was signed with the right key, with other claims.
    fn with(ring: &Ring, change: impl Fn(&mut Value)) -> String {
        let holder = holder();
        let mut claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": holder.account, "sid": holder.session,
            "role": "teacher", "gen": 3, "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 600 });
        change(&mut claims);
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.into());
        header.kid = Some(ring.current.to_string());
        jsonwebtoken::encode(&header, &claims, &ring.signer).unwrap()
    }

    fn is_good(ring: &Ring, token: &str, now_s: i64) -> bool {
        verify(ring, token).is_ok_and(|verified| verified.is_good_at(now_s * 1000 + 999))
    }

    #[test]
    fn a_token_says_who_holds_it() {
        let (ring, holder) = (ring(), holder());
        let token = sign(&ring, holder, NOW_S * 1000, 600).unwrap();
        assert!(token.len() < 500, "{}", token.len());
        let verified = verify(&ring, &token).unwrap();
        assert_eq!((verified.member.account, verified.session), (holder.account, holder.session));
        assert_eq!((verified.member.role, verified.generation), (Role::Teacher, 3));
        for (now_s, expected) in [(-31, false), (-30, true), (0, true), (599, true), (600, false)] {
            assert_eq!(is_good(&ring, &token, NOW_S + now_s), expected, "{now_s}");
        }
    }

    #[test]
    fn the_right_key_is_not_enough() {
        let ring = ring();
        type Change = fn(&mut Value);
        let changes: [(&str, bool, Change); 18] = [
            ("nothing", true, |_| ()),
            ("another audience", false, |claims| claims["aud"] = "other".into()),
            ("no audience", false, |claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
            ("another issuer", false, |claims| claims["iss"] = "https://accounts.google.com".into()),
            ("no issuer", false, |claims| drop(claims.as_object_mut().unwrap().remove("iss"))),
            ("expired", false, |claims| claims["exp"] = (NOW_S - 1).into()),
            ("no end", false, |claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
            ("an end in words", false, |claims| claims["exp"] = "never".into()),
            ("an endless end", true, |claims| claims["exp"] = i64::MAX.into()),
            ("an end beyond numbers", false, |claims| claims["exp"] = json!(1e300)),
            ("not before tomorrow", false, |claims| claims["nbf"] = (NOW_S + 86_400).into()),
            ("made tomorrow", false, |claims| claims["iat"] = (NOW_S + 86_400).into()),
            ("made within the skew", true, |claims| claims["iat"] = (NOW_S + 20).into()),
            ("another role", false, |claims| claims["role"] = "king".into()),
            ("nobody", false, |claims| claims["sub"] = "".into()),
            ("no session", false, |claims| drop(claims.as_object_mut().unwrap().remove("sid"))),
            ("no generation", false, |claims| drop(claims.as_object_mut().unwrap().remove("gen"))),
            ("a fraction", false, |claims| claims["gen"] = json!(1.5)),
        ];
        for (what, expected, change) in changes {
            assert_eq!(is_good(&ring, &with(&ring, change), NOW_S), expected, "{what}");
        }
    }

    #[test]
    fn a_token_of_another_server_is_none() {
        let ours = ring();
        let theirs = Ring::for_test(&RootKey::new([2; 32]));
        let token = sign(&theirs, holder(), NOW_S * 1000, 600).unwrap();
        assert!(matches!(verify(&ours, &token), Err(Refusal::Forged)), "the same key id, another key");
    }
}
