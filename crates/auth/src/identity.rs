//! Who sends a request, by what it brought.

use std::time::Duration;

use async_trait::async_trait;
use moka::sync::Cache;
use sori_contracts::{Fault, Identity, Member, Presented, SignedRequest};
use sori_http::AccessFault;

use crate::{
    Auth, AuthFault,
    accounts::boxed,
    api_keys::{KeyText, KnownKey, Policy},
    audit::{Event, Kind},
    random,
    revocations::Reason,
    signature::Claimed,
    tokens::{self, Refusal, Verified},
};

/// Tokens whose signature was found good. Whether they were taken back or have expired is asked each
/// time they come, so nothing in here has to be forgotten in a hurry.
pub(crate) struct VerifiedTokens(Cache<[u8; 32], Verified>);

impl VerifiedTokens {
    /// About 4 MB when full.
    const SIZE: u64 = 20_000;

    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(Self::SIZE).build())
    }
}

/// Keys that were looked up a moment ago.
pub(crate) struct KnownKeys(Cache<String, KnownKey>);

impl KnownKeys {
    const SIZE: u64 = 10_000;
    /// Shorter than a revocation is kept, so that no key outlives the row that takes it back.
    const KEPT: Duration = Duration::from_secs(60);

    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(Self::SIZE).time_to_live(Self::KEPT).build())
    }
}

#[async_trait]
impl Identity for Auth {
    async fn identify(&self, presented: Presented<'_>) -> Result<Member, Box<dyn Fault>> {
        match presented {
            Presented::Bearer(text) if text.starts_with(KeyText::BEGINNING) => self.by_key(text).await,
            Presented::Bearer(token) => match self.by_token(token).await {
                Err(AuthFault::Access(AccessFault::InvalidToken)) if self.oidc().is_some() => {
                    return self.by_external(token).await.map_err(|fault| Box::new(fault) as Box<dyn Fault>);
                }
                outcome => outcome,
            },
            Presented::ApiKey(text) => self.by_key(text).await,
            Presented::Signed(request) => self.by_signature(&request).await,
        }
        .map_err(boxed)
    }
}

impl Auth {
    async fn by_token(&self, token: &str) -> Result<Member, AuthFault> {
        let inner = &*self.0;
        let now_ms = inner.config.now_ms();
        inner.revocations.look(&inner.db, now_ms).await?;
        let verified = self.verified(token).await?;
        if !verified.is_good_at(now_ms) {
            return Err(AccessFault::InvalidToken.into());
        }
        let session = inner.revocations.find(verified.session.0, 0);
        let account = inner.revocations.find(verified.member.account.0, verified.generation);
        match account.or(session) {
            None => Ok(verified.member),
            Some(Reason::Renew) => Err(AccessFault::InvalidToken.into()),
            Some(Reason::Suspended) => Err(AccessFault::Suspended.into()),
            Some(Reason::Pending) => Err(AccessFault::Pending.into()),
        }
    }

    async fn by_key(&self, text: &str) -> Result<Member, AuthFault> {
        let inner = &*self.0;
        let now_ms = inner.config.now_ms();
        let text = KeyText::parse(text).ok_or(AccessFault::InvalidToken)?;
        inner.revocations.look(&inner.db, now_ms).await?;
        let key = self.known_key(text.prefix).await?;
        if !key.has_secret(text.secret) || key.policy != Policy::Bearer || !key.is_good_at(now_ms) {
            return Err(AccessFault::InvalidToken.into());
        }
        inner.uses.note(key.id, now_ms);
        Ok(key.member)
    }

    async fn by_signature(&self, request: &SignedRequest<'_>) -> Result<Member, AuthFault> {
        let inner = &*self.0;
        let now_ms = inner.config.now_ms();
        let claimed = Claimed::read(request, now_ms).ok_or(AccessFault::InvalidToken)?;
        inner.revocations.look(&inner.db, now_ms).await?;
        let key = self.known_key(claimed.prefix).await?;
        let secret = key.secret(&inner.config.roots).ok_or(AccessFault::InvalidToken)?;
        if !claimed.is_signed_with(&secret) || !key.is_good_at(now_ms) {
            return Err(AccessFault::InvalidToken.into());
        }
        if !claimed.is_first(&inner.db, key.id, now_ms).await? {
            let event = Event::new(Kind::SignatureReplayed).about(key.member.account);
            event.with(serde_json::json!({ "key": key.id })).write_alone(&inner.db, now_ms).await?;
            return Err(AccessFault::InvalidToken.into());
        }
        inner.uses.note(key.id, now_ms);
        Ok(key.member)
    }

    /// From memory, unless the key or its account was changed since.
    async fn known_key(&self, prefix: &str) -> Result<KnownKey, AuthFault> {
        let inner = &*self.0;
        let is_current = |key: &KnownKey| {
            inner.revocations.find(key.id.0, key.generation).is_none()
                && inner.revocations.find(key.member.account.0, key.account_generation).is_none()
        };
        if let Some(key) = inner.known_keys.0.get(prefix).filter(is_current) {
            return Ok(key);
        }
        let key = inner.api_keys().known(prefix).await?;
        inner.known_keys.0.insert(prefix.to_owned(), key.clone());
        Ok(key)
    }

    async fn verified(&self, token: &str) -> Result<Verified, AuthFault> {
        let inner = &*self.0;
        let key = random::sha256(token.as_bytes());
        if let Some(verified) = inner.verified.0.get(&key) {
            return Ok(verified);
        }
        let mut outcome = tokens::verify(&inner.signing_keys.ring(), token);
        if matches!(outcome, Err(Refusal::UnknownKey(_))) {
            let ring = inner.signing_keys.look_again(&inner.db, &inner.config).await?;
            outcome = tokens::verify(&ring, token);
        }
        let verified = outcome.map_err(|_| AccessFault::InvalidToken)?;
        inner.verified.0.insert(key, verified);
        Ok(verified)
    }
}
