//! Accounts: who somebody is, how they prove it, and what was done in their name.
//!
//! Passwords ([`password`]), sessions with access and refresh tokens ([`sessions`]), API keys and signed
//! requests ([`api_keys`], [`signature`]), the log of security events ([`audit`]). Behind the trait
//! [`sori_contracts::Identity`] it answers the one question of every request: who sends this?
//!
//! Not in here: what a route asks for (declared beside it, enforced by the server's border) and to whom
//! a thing belongs (the block that has the thing).

mod account;
mod accounts;
mod api_keys;
mod audit;
mod config;
mod email;
mod fault;
mod guard;
mod identity;
pub mod oidc;
mod password;
mod personal;
mod random;
mod revocations;
mod routes;
mod sessions;
mod sign_in;
mod signature;
mod signing_keys;
mod tend;
mod tickets;
mod tokens;

use std::sync::{Arc, OnceLock};

use sori_contracts::PersonalData;
use sori_db::{Db, MigrationSet};

pub use account::{Account, Status, User};
pub use accounts::{AccountFilter, Accounts, ExternalPerson, NewAccount, ProfileChange};
pub use api_keys::{ApiKey, ApiKeys, KeyChange, NewKey, Policy};
pub use audit::Actor;
pub use config::{AuthConfig, HashCost, ProviderName, RootKey, Roots, SignUp};
pub use email::Email;
pub use fault::AuthFault;
pub use password::{Password, Weakness};
pub use sessions::{Device, DeviceEntry, Sessions, Tokens};
pub use sori_contracts::Moment;
pub use sori_db::Clock;

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("auth", "0001_auth", "0002_oidc");

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Auth(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) config: AuthConfig,
    pub(crate) hasher: password::Hasher,
    pub(crate) guard: guard::Guard,
    pub(crate) signing_keys: signing_keys::SigningKeys,
    pub(crate) revocations: revocations::Revocations,
    pub(crate) verified: identity::VerifiedTokens,
    pub(crate) known_keys: identity::KnownKeys,
    pub(crate) uses: api_keys::Uses,
    pub(crate) personal: OnceLock<Vec<Arc<dyn PersonalData>>>,
    pub(crate) oidc: OnceLock<oidc::Oidc>,
}

impl Auth {
    /// The tables of [`MIGRATIONS`] must be there.
    pub async fn new(db: Db, config: AuthConfig) -> Result<Self, AuthFault> {
        let signing_keys = signing_keys::SigningKeys::load(&db, &config).await?;
        let hasher = password::Hasher::new(config.hash_cost, config.hash_lanes)?;
        let guard = guard::Guard::new(config.clock.clone());
        Ok(Self(Arc::new(Inner {
            db,
            config,
            hasher,
            guard,
            signing_keys,
            revocations: revocations::Revocations::new(),
            verified: identity::VerifiedTokens::new(),
            known_keys: identity::KnownKeys::new(),
            uses: api_keys::Uses::default(),
            personal: OnceLock::new(),
            oidc: OnceLock::new(),
        })))
    }

    /// The blocks that keep things of accounts, once they are made.
    pub fn set_personal_data(&self, blocks: Vec<Arc<dyn PersonalData>>) {
        if self.0.personal.set(blocks).is_err() {
            tracing::error!("the blocks with personal data were named twice");
        }
    }

    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        self.0.accounts()
    }

    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(&self.0)
    }

    #[must_use]
    pub fn api_keys(&self) -> ApiKeys<'_> {
        self.0.api_keys()
    }

    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.0.config
    }

    /// Signs with a new key from now on; tokens of the old one are good until they expire.
    pub async fn rotate_signing_key(&self) -> Result<(), AuthFault> {
        Ok(self.0.signing_keys.rotate(&self.0.db, &self.0.config).await?)
    }
}

impl Inner {
    pub(crate) fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    pub(crate) fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys(self)
    }
}
