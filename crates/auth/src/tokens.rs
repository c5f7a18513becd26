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
