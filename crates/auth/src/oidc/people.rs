//! From somebody whom an issuer knows to an account of this server.

use std::time::Duration;

use moka::sync::Cache;
use sori_contracts::{AccountId, Credential, Member, Role, Scopes};
use sori_http::{AccessFault, Outgoing};

use super::{Oidc, OidcFault, OidcSettings, Person, link::verified_email};
use crate::{Account, Actor, Auth, AuthFault, Email, ExternalPerson, accounts::ExternalPersonRef, random};

impl Auth {
    /// The issuers whose word counts, once, at the start.
    pub fn set_oidc(&self, http: &Outgoing, settings: OidcSettings) {
        let oidc = Oidc::new(self.0.db.clone(), http, settings);
        if self.0.oidc.set(oidc).is_err() {
            tracing::error!("the issuers were named twice");
        }
    }

    #[must_use]
    pub fn oidc(&self) -> Option<&Oidc> {
        self.0.oidc.get()
    }

    /// The account of somebody who proved to be this person. See `link.rs` for the first time.
    pub async fn account_of(&self, person: &Person, actor: Actor) -> Result<Account, OidcFault> {
        if let Some(account) = self.accounts().by_identity(&person.issuer, &person.subject).await? {
            return Ok(account);
        }
        let email = Email::parse(verified_email(&person.profile)?).map_err(|_| OidcFault::EmailUnverified)?;
        let new = ExternalPerson {
            issuer: person.issuer.clone(),
            subject: person.subject.clone(),
            email,
            trusts_email: person.trusts_email,
            name: person.profile.name.clone(),
            language: person.profile.locale.as_deref().map(language_of),
        };
        self.accounts().find_or_make_external(&new, actor).await
    }

    /// Makes the person's identity another way into an account whose owner asks for it.
    pub(super) async fn connect(
        &self,
        account: AccountId,
        person: &Person,
        actor: Actor,
    ) -> Result<(), OidcFault> {
        let email = verified_email(&person.profile).ok().and_then(|email| Email::parse(email).ok());
        let reference = ExternalPersonRef {
            issuer: &person.issuer,
            subject: &person.subject,
            proved_email: email.as_ref().filter(|_| person.trusts_email),
        };
        self.accounts().connect_identity(account, &reference, actor).await
    }

    /// Who sends a token of a trusted issuer. It was looked at whether it is one of our own.
    pub(crate) async fn by_external(&self, token: &str) -> Result<Member, OidcFault> {
        let nobody = || OidcFault::from(AuthFault::from(AccessFault::InvalidToken));
        let oidc = self.oidc().ok_or_else(nobody)?;
        let now_ms = self.0.config.now_ms();
        let key = random::sha256(token.as_bytes());
        if let Some(known) = oidc.0.known.get(&key)
            && now_ms < known.expires_at_ms
            && self.0.revocations.find(known.account.0, known.generation).is_none()
        {
            return Ok(known.member());
        }
        let bearer = oidc.person_of_bearer(token, now_ms).await?.ok_or_else(nobody)?;
        let account = self.account_of(&bearer.person, Actor::default()).await?;
        account.status.admit().map_err(AuthFault::from)?;
        let known = Known {
            account: account.id,
            role: account.role,
            generation: account.generation,
            expires_at_ms: bearer.expires_at_ms,
        };
        oidc.0.known.insert(key, known);
        Ok(known.member())
    }
}

/// A bearer token that was found good, and whose it is. Whether the account has changed since is
/// asked each time; then all of it is looked at again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    account: AccountId,
    role: Role,
    generation: i64,
    expires_at_ms: i64,
}

impl Known {
    fn member(self) -> Member {
        Member {
            account: self.account,
            role: self.role,
            scopes: Scopes::all(),
            credential: Credential::External,
        }
    }
}

pub(super) type KnownBearers = Cache<[u8; 32], Known>;

/// About 2 MB when full. A key that its issuer withdraws is good for so much longer at the most.
pub(super) fn known_bearers() -> KnownBearers {
    Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(300)).build()
}

/// `ko-KR` is Korean.
fn language_of(locale: &str) -> String {
    locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
