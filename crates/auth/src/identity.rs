//! Who sends a request, by what it brought.

use async_trait::async_trait;
use moka::sync::Cache;
use sori_contracts::{Fault, Identity, Member, Presented};
use sori_http::AccessFault;

use crate::{
    Auth, AuthFault,
    accounts::boxed,
    random,
    revocations::Reason,
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

#[async_trait]
impl Identity for Auth {
    async fn identify(&self, presented: Presented<'_>) -> Result<Member, Box<dyn Fault>> {
        match presented {
            Presented::Bearer(token) => match self.by_token(token).await {
                Err(AuthFault::Access(AccessFault::InvalidToken)) if self.oidc().is_some() => {
                    return self.by_external(token).await.map_err(|fault| Box::new(fault) as Box<dyn Fault>);
                }
                outcome => outcome,
            },
            Presented::ApiKey(_) | Presented::Signed(_) => Err(AccessFault::InvalidToken.into()),
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
