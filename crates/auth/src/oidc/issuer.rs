//! An issuer and its keys: from the text of a token to claims that it has really signed.

use std::sync::Arc;

use jsonwebtoken::{DecodingKey, Validation};
use sori_http::Outgoing;

use super::{
    claims::Claims,
    fault::{BadToken, OidcFault},
    jwk::{Algorithm, KeySet, VerifyingKey},
    metadata::Metadata,
    remote::Remote,
};

/// ID tokens have 1 to 3 kB; one with every group of a large directory in it has 10.
const MAX_TOKEN_BYTES: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Issuer {
    /// As the settings write it; tokens and the discovery document must say the same.
    pub(super) name: String,
    keys_at: KeysAt,
    keys: Arc<Remote<KeySet>>,
    metadata: Arc<Remote<Metadata>>,
}

#[derive(Debug)]
enum KeysAt {
    Url(String),
    Discovered,
}

impl Issuer {
    pub(super) fn new(http: &Outgoing, name: &str, jwks_url: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            keys_at: jwks_url.map_or(KeysAt::Discovered, |url| KeysAt::Url(url.to_owned())),
            keys: Remote::new(http.clone(), KeySet::read),
            metadata: Remote::new(http.clone(), Metadata::read),
        }
    }

    pub(super) async fn metadata(&self, now_ms: i64) -> Result<Arc<Metadata>, OidcFault> {
        let metadata = self.metadata.get(&Metadata::address(&self.name), now_ms).await;
        let metadata = metadata.map_err(|_| OidcFault::ProviderUnavailable)?;
        // Discovery 1.0, 4.3: a document about somebody else would lend them this issuer's name.
        if metadata.issuer == self.name {
            Ok(metadata)
        } else {
            tracing::warn!(
                issuer = self.name,
                named = metadata.issuer,
                "a discovery document names another issuer"
            );
            Err(OidcFault::ProviderUnavailable)
        }
    }

    /// The claims of a token that this issuer has signed. Nothing in them has been looked at yet.
    pub(super) async fn verify(&self, token: &str, now_ms: i64) -> Result<Claims, OidcFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken::Malformed.into());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Malformed)?;
        // RFC 7515, 4.1.11: extensions that must be understood are not.
        if header.crit.is_some() {
            return Err(BadToken::Malformed.into());
        }
        let algorithm = match header.alg {
            jsonwebtoken::Algorithm::RS256 => Algorithm::Rs256,
            jsonwebtoken::Algorithm::ES256 => Algorithm::Es256,
            _ => return Err(BadToken::Algorithm.into()),
        };
        let url = match &self.keys_at {
            KeysAt::Url(url) => url.clone(),
            KeysAt::Discovered => {
                let metadata = self.metadata(now_ms).await?;
                if !metadata.announces(algorithm) {
                    return Err(BadToken::Algorithm.into());
                }
                metadata.jwks_uri.clone()
            }
        };
        let key = self.key(&url, header.kid.as_deref(), algorithm, now_ms).await?;
        claims_of(token, &key)
    }

    async fn key(
        &self,
        url: &str,
        kid: Option<&str>,
        algorithm: Algorithm,
        now_ms: i64,
    ) -> Result<VerifyingKey, OidcFault> {
        let unreachable = |_| OidcFault::ProviderUnavailable;
        let keys = self.keys.get(url, now_ms).await.map_err(unreachable)?;
        if let Some(key) = keys.find(kid, algorithm) {
            return Ok(key.clone());
        }
        // The issuer may have begun to use a new key.
        let keys = self.keys.newer(&keys, url, now_ms).await.map_err(unreachable)?;
        Ok(keys.find(kid, algorithm).ok_or(BadToken::UnknownKey)?.clone())
    }
}

/// The claims of a token that was signed with exactly this key and its own algorithm.
fn claims_of(token: &str, key: &VerifyingKey) -> Result<Claims, OidcFault> {
    let mut validation = Validation::new(key.algorithm.of_the_verifier());
    // Time, audience and issuer are checked in `claims.rs`, by a clock that is handed in.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decode = |key: &DecodingKey| jsonwebtoken::decode::<Claims>(token, key, &validation);
    match decode(&key.key) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => BadToken::Signature,
            _ => BadToken::Malformed,
        }
        .into()),
    }
}

/// The issuer that a token names, unverified: only to choose whose keys to check it with.
pub(super) fn issuer_of(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        iss: String,
    }
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Named>(token).ok().map(|named| named.iss)
}
