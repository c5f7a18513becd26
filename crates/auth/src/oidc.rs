//! Sign-in through somebody else: OpenID Connect providers (Google among them), and bearer tokens
//! of issuers that the settings trust.
//!
//! Issuers are asked through the guarded client only. What a token says is believed when its issuer
//! signed it, for us, now (`issuer.rs`, `claims.rs`); whose account it is, is another question
//! (`link.rs`).

mod claims;
mod fault;
mod flow;
mod issuer;
mod jwk;
pub(crate) mod link;
mod metadata;
mod people;
mod remote;
mod return_to;
mod routes;
mod settings;

use std::sync::Arc;

use sori_contracts::AccountId;
use sori_db::Db;
use sori_http::Outgoing;

pub use claims::{BadClaims, Profile};
pub use fault::{BadToken, OidcFault};
pub use flow::{Answered, Begun, Finished, cookie_name};
pub(crate) use routes::routes;
pub use settings::{GOOGLE_ID, GOOGLE_ISSUER, OidcSettings, Provider, TrustedIssuer};

use crate::ProviderName;

use self::{
    claims::{Expected, check_bearer, check_id_token},
    issuer::Issuer,
};

/// The issuers of this server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Oidc(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    providers: Vec<OpenIdProvider>,
    trusted: Vec<Trusted>,
    known: people::KnownBearers,
}

#[derive(Debug)]
struct OpenIdProvider {
    settings: Provider,
    issuer: Issuer,
    http: Outgoing,
}

#[derive(Debug)]
struct Trusted {
    settings: TrustedIssuer,
    issuer: Issuer,
}

/// Somebody whom an issuer knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub issuer: String,
    /// Never given to another person of the same issuer; e-mails may be.
    pub subject: String,
    pub profile: Profile,
    /// See [`Provider::trusts_email`].
    pub trusts_email: bool,
}

impl Oidc {
    #[must_use]
    pub fn new(db: Db, http: &Outgoing, settings: OidcSettings) -> Self {
        let provider = |settings: Provider| OpenIdProvider {
            issuer: Issuer::new(http, &settings.issuer, None),
            settings,
            http: http.clone(),
        };
        let trusted = |settings: TrustedIssuer| Trusted {
            issuer: Issuer::new(http, &settings.issuer, settings.jwks_url.as_deref()),
            settings,
        };
        Self(Arc::new(Inner {
            db,
            providers: settings.providers.into_iter().map(provider).collect(),
            trusted: settings.trusted.into_iter().map(trusted).collect(),
            known: people::known_bearers(),
        }))
    }

    /// The providers as a sign-in page shows them.
    #[must_use]
    pub fn names(&self) -> Vec<ProviderName> {
        let name = |provider: &OpenIdProvider| ProviderName {
            id: provider.settings.id.clone(),
            name: provider.settings.name().to_owned(),
        };
        self.0.providers.iter().map(name).collect()
    }

    /// For Google's own button.
    #[must_use]
    pub fn google_client_id(&self) -> Option<&str> {
        self.provider(GOOGLE_ID).ok().map(|google| google.settings.client_id.as_str())
    }

    /// The issuer behind the id of a provider.
    pub(crate) fn issuer_of(&self, id: &str) -> Result<&str, OidcFault> {
        Ok(&self.provider(id)?.issuer.name)
    }

    /// The id of the provider that an issuer is.
    pub(crate) fn id_of(&self, issuer: &str) -> Option<&str> {
        let is_it = |provider: &&OpenIdProvider| provider.issuer.name == issuer;
        self.0.providers.iter().find(is_it).map(|provider| provider.settings.id.as_str())
    }

    fn provider(&self, id: &str) -> Result<&OpenIdProvider, OidcFault> {
        self.0.providers.iter().find(|provider| provider.settings.id == id).ok_or(OidcFault::UnknownProvider)
    }

    /// Sends a browser to a provider. `redirect_uri` is where it comes back to [`Oidc::finish`].
    pub async fn begin(
        &self,
        provider: &str,
        redirect_uri: &str,
        return_to: Option<&str>,
        connect: Option<AccountId>,
        now_ms: i64,
    ) -> Result<Begun, OidcFault> {
        flow::begin(&self.0.db, self.provider(provider)?, redirect_uri, return_to, connect, now_ms).await
    }

    /// A browser has come back. `cookie` is what it sent under [`cookie_name`] of the state.
    pub async fn finish(
        &self,
        provider: &str,
        answered: &Answered,
        cookie: Option<&str>,
        now_ms: i64,
    ) -> Result<Finished, OidcFault> {
        flow::finish(&self.0.db, self.provider(provider)?, answered, cookie, now_ms).await
    }

    /// Who an ID token is about that an app got from a provider by itself.
    ///
    /// A nonce is checked when either side has one, and then the token is good for one sign-in.
    /// Without it the token is good until it expires: apps keep it and send it again.
    pub async fn person_of_id_token(
        &self,
        provider: &str,
        token: &str,
        nonce: Option<&str>,
        now_ms: i64,
    ) -> Result<Person, OidcFault> {
        let provider = self.provider(provider)?;
        let claims = provider.issuer.verify(token, now_ms).await?;
        let expected = Expected {
            issuer: &provider.issuer.name,
            client_ids: &provider.settings.client_ids(),
            nonce,
            hosted_domain: provider.settings.hosted_domain.as_deref(),
        };
        check_id_token(&claims, &expected, now_ms)?;
        if let Some(nonce) = nonce {
            self.use_nonce(&provider.issuer.name, nonce, claims.exp, now_ms).await?;
        }
        Ok(provider.person(claims.sub, claims.profile))
    }

    /// Remembers a nonce as long as its token could come again.
    async fn use_nonce(&self, issuer: &str, nonce: &str, exp_s: i64, now_ms: i64) -> Result<(), OidcFault> {
        let db = &self.0.db;
        db.query("DELETE FROM auth_oidc_nonce WHERE expires_at_ms <= $1").bind(now_ms).execute().await?;
        let added = db
            .query(
                "INSERT INTO auth_oidc_nonce (nonce_sha256, expires_at_ms) VALUES ($1, $2)
                 ON CONFLICT (nonce_sha256) DO NOTHING",
            )
            .bind(flow::sha256(&format!("{issuer} {nonce}")))
            .bind(exp_s.saturating_add(claims::LEEWAY_S).saturating_mul(1_000))
            .execute()
            .await?;
        if added == 0 { Err(BadToken::NonceUsed.into()) } else { Ok(()) }
    }

    /// Who a bearer token of a trusted issuer is about, and until when; none when it comes from
    /// nobody whom the settings name.
    pub async fn person_of_bearer(&self, token: &str, now_ms: i64) -> Result<Option<Bearer>, OidcFault> {
        if self.0.trusted.is_empty() {
            return Ok(None);
        }
        let Some(named) = issuer::issuer_of(token) else { return Ok(None) };
        // One issuer may be trusted for several audiences.
        let mut outcome = Ok(None);
        for trusted in self.0.trusted.iter().filter(|trusted| trusted.settings.issuer == named) {
            let claims = trusted.issuer.verify(token, now_ms).await?;
            let audiences = std::slice::from_ref(&trusted.settings.audience);
            match check_bearer(&claims, &trusted.settings.issuer, audiences, now_ms) {
                Ok(()) => return Ok(Some(trusted.bearer(claims))),
                Err(bad) => outcome = Err(bad.into()),
            }
        }
        outcome
    }
}

/// Who sends a token of a trusted issuer.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub person: Person,
    pub expires_at_ms: i64,
}

impl OpenIdProvider {
    fn person(&self, subject: String, profile: Profile) -> Person {
        let issuer = self.issuer.name.clone();
        Person { issuer, subject, profile, trusts_email: self.settings.trusts_email }
    }
}

impl Trusted {
    fn bearer(&self, claims: claims::Claims) -> Bearer {
        Bearer {
            expires_at_ms: claims.exp.saturating_mul(1_000),
            person: Person {
                issuer: self.issuer.name.clone(),
                subject: claims.sub,
                profile: claims.profile,
                trusts_email: self.settings.trusts_email,
            },
        }
    }
}
