//! API keys: for programs that act in a person's name.
//!
//! A key reads `sori_PREFIX_SECRET`. The prefix finds it and may be shown; the secret is shown once. The
//! database has the SHA-256 of the secret, which is random enough (256 bits) to need nothing slower.
//! The secret itself is derived from the root and a salt, so that signatures made with it can be checked
//! without storing it: the database alone neither presents a key nor signs.

mod change;
mod uses;

use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, ApiKeyId, Credential, Member, Scope, Scopes};
use sori_http::AccessFault;
use uuid::Uuid;

use crate::{
    AuthFault, Inner,
    account::{self, Account, columns},
    config::{RootKey, Roots},
    random,
};

pub use change::{KeyChange, NewKey};
pub(crate) use uses::Uses;

const PREFIX_BYTES: usize = 6;

/// How a key has to prove itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// By being sent; a signature is taken as well.
    #[default]
    Bearer,
    /// By signing each request: the secret never travels.
    Signed,
}

impl Policy {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Signed => "signed",
        }
    }

    fn parse(text: &str) -> Self {
        // A word that this version does not know asks for more, not for less.
        if text == "bearer" { Self::Bearer } else { Self::Signed }
    }
}

/// A key as its owner sees it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub account: AccountId,
    pub name: String,
    pub prefix: String,
    pub scopes: Scopes,
    pub policy: Policy,
    pub created_at_ms: i64,
    pub expires_at_ms: Option<i64>,
    /// Up to a minute late.
    pub last_used_at_ms: Option<i64>,
    pub(crate) generation: i64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: Uuid,
    account_id: Uuid,
    name: String,
    prefix: String,
    hash: Vec<u8>,
    salt: Vec<u8>,
    root: String,
    scopes: String,
    policy: String,
    generation: i64,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    last_used_at_ms: Option<i64>,
}

macro_rules! key_columns {
    () => {
        "k.id, k.account_id, k.name, k.prefix, k.hash, k.salt, k.root, k.scopes, k.policy, k.generation, \
         k.created_at_ms, k.expires_at_ms, k.last_used_at_ms"
    };
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: ApiKeyId(row.id),
            account: AccountId(row.account_id),
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes.split(' ').filter_map(Scope::parse).collect(),
            policy: Policy::parse(&row.policy),
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            last_used_at_ms: row.last_used_at_ms,
            generation: row.generation,
        }
    }
}

/// The parts of a key's text.
pub(crate) struct KeyText<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) secret: &'a str,
}

impl<'a> KeyText<'a> {
    pub(crate) const BEGINNING: &'static str = "sori_";

    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (prefix, secret) = text.strip_prefix(Self::BEGINNING)?.split_once('_')?;
        is_prefix(prefix).then_some(())?;
        random::unhex::<32>(secret)?;
        Some(Self { prefix, secret })
    }

    pub(crate) fn write(prefix: &str, secret: &str) -> String {
        format!("{}{prefix}_{secret}", Self::BEGINNING)
    }

    /// The prefix alone, with or without the beginning: how a signed request names its key.
    pub(crate) fn prefix_of(text: &'a str) -> Option<&'a str> {
        let prefix = text.strip_prefix(Self::BEGINNING).unwrap_or(text);
        is_prefix(prefix).then_some(prefix)
    }
}

fn is_prefix(text: &str) -> bool {
    random::unhex::<PREFIX_BYTES>(text).is_some()
}

fn secret_of(root: &RootKey, salt: &[u8]) -> String {
    random::hex(&root.derive("api key", &[salt]))
}

/// What a key proved to be good for, to be kept for a while.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) id: ApiKeyId,
    pub(crate) member: Member,
    pub(crate) policy: Policy,
    pub(crate) generation: i64,
    pub(crate) account_generation: i64,
    expires_at_ms: Option<i64>,
    hash: [u8; 32],
    salt: Vec<u8>,
    root: String,
}

impl KnownKey {
    /// `None` for one whose account may not come in, which says why.
    fn of(row: Row, account: &Account) -> Result<Self, AuthFault> {
        account.status.admit()?;
        let hash = row.hash.clone().try_into();
        let hash = hash.map_err(|_| AuthFault::Internal("the hash of a key has another length".into()))?;
        let (salt, root) = (row.salt.clone(), row.root.clone());
        let key = ApiKey::from(row);
        let member = Member {
            account: key.account,
            role: account.role,
            scopes: key.scopes,
            credential: Credential::ApiKey(key.id),
        };
        Ok(Self {
            id: key.id,
            member,
            policy: key.policy,
            generation: key.generation,
            account_generation: account.generation,
            expires_at_ms: key.expires_at_ms,
            hash,
            salt,
            root,
        })
    }

    pub(crate) fn is_good_at(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_none_or(|end| now_ms < end)
    }

    /// In constant time.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        random::is_same(&random::sha256(secret.as_bytes()), &self.hash)
    }

    /// For signatures. `None` when the root it was made with is gone.
    pub(crate) fn secret(&self, roots: &Roots) -> Option<String> {
        roots.find(&self.root).map(|root| secret_of(root, &self.salt))
    }
}

/// The keys of this installation.
#[derive(Clone, Copy)]
pub struct ApiKeys<'a>(pub(crate) &'a Inner);

impl ApiKeys<'_> {
    /// Newest first.
    pub async fn list(self, account: AccountId) -> Result<Vec<ApiKey>, AuthFault> {
        let rows: Vec<Row> = self
            .0
            .db
            .query(concat!(
                "SELECT ",
                key_columns!(),
                " FROM auth_api_key k WHERE k.account_id = $1 ORDER BY k.id DESC"
            ))
            .bind(account)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }

    /// Only of its owner.
    pub async fn get(self, account: AccountId, id: ApiKeyId) -> Result<ApiKey, AuthFault> {
        let row: Option<Row> = self
            .0
            .db
            .query(concat!(
                "SELECT ",
                key_columns!(),
                " FROM auth_api_key k WHERE k.id = $1 AND k.account_id = $2"
            ))
            .bind(id)
            .bind(account)
            .fetch_optional()
            .await?;
        row.map(ApiKey::from).ok_or(AuthFault::KeyNotFound)
    }

    /// Whose key has this prefix, for the command line.
    pub async fn by_prefix(self, prefix: &str) -> Result<ApiKey, AuthFault> {
        let row = self.row(KeyText::prefix_of(prefix).ok_or(AuthFault::KeyNotFound)?).await?;
        row.map(ApiKey::from).ok_or(AuthFault::KeyNotFound)
    }

    async fn row(self, prefix: &str) -> Result<Option<Row>, AuthFault> {
        let text = concat!("SELECT ", key_columns!(), " FROM auth_api_key k WHERE k.prefix = $1");
        Ok(self.0.db.query(text).bind(prefix).fetch_optional().await?)
    }

    /// The key with its account as both are now. An unknown prefix is no valid token.
    pub(crate) async fn known(self, prefix: &str) -> Result<KnownKey, AuthFault> {
        let row = self.row(prefix).await?.ok_or(AccessFault::InvalidToken)?;
        let account: account::Row = self
            .0
            .db
            .query(concat!("SELECT ", columns!(), " FROM auth_account a WHERE a.id = $1"))
            .bind(row.account_id)
            .fetch_optional()
            .await?
            .ok_or(AccessFault::InvalidToken)?;
        KnownKey::of(row, &account.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, prefix: Option<&str>) {
        assert_eq!(KeyText::parse(text).map(|key| key.prefix), prefix, "{text}");
    }

    #[test]
    fn a_key_is_taken_apart_or_is_none() {
        let secret = "0123456789abcdef".repeat(4);
        check(&format!("sori_00ff00ff00ff_{secret}"), Some("00ff00ff00ff"));
        check(&format!("sori_00ff00ff00_{secret}"), None);
        check(&format!("sori_00ff00ff00ff_{secret}0"), None);
        check(&format!("sori_00FF00FF00FF_{secret}"), None);
        check(&format!("tori_00ff00ff00ff_{secret}"), None);
        check("sori_00ff00ff00ff", None);
        assert_eq!(KeyText::prefix_of("sori_00ff00ff00ff"), Some("00ff00ff00ff"));
        assert_eq!(KeyText::prefix_of("00ff00ff00ff"), Some("00ff00ff00ff"));
        assert_eq!(
            KeyText::prefix_of(&format!("sori_00ff00ff00ff_{secret}")),
            None,
            "the secret stays at home"
        );
    }
}
