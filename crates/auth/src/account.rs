//! An account: a person as this server knows them.

use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, Profile, Role};
use sori_http::AccessFault;
use uuid::Uuid;

use crate::Moment;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for an admin's approval.
    Pending,
    Active,
    /// Shut out by an admin.
    Suspended,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Active, Self::Suspended];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The inverse of [`Status::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    pub(crate) fn admit(self) -> Result<(), AccessFault> {
        match self {
            Self::Active => Ok(()),
            Self::Pending => Err(AccessFault::Pending),
            Self::Suspended => Err(AccessFault::Suspended),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub email: String,
    /// Somebody who can know said that the address is theirs: an identity provider, or an operator.
    pub email_verified: bool,
    pub name: String,
    pub role: Role,
    pub status: Status,
    /// Of the interface; empty when it was never said.
    pub language: Option<String>,
    pub has_password: bool,
    pub created_at_ms: i64,
    pub signed_in_at_ms: Option<i64>,
    /// Grows when what was given out before is taken back.
    pub(crate) generation: i64,
}

/// The columns of [`Row`], of the table or of its alias `a`.
macro_rules! columns {
    () => {
        "a.id, a.email, a.email_verified, a.name, a.password_hash, a.role, a.status, a.language, \
         a.generation, a.created_at_ms, a.signed_in_at_ms"
    };
}
pub(crate) use columns;

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: Uuid,
    email: String,
    email_verified: bool,
    name: String,
    pub(crate) password_hash: Option<String>,
    role: String,
    status: String,
    language: String,
    generation: i64,
    created_at_ms: i64,
    signed_in_at_ms: Option<i64>,
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        Self {
            id: AccountId(row.id),
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            // A word that this version does not know must not open anything.
            role: Role::parse(&row.role).unwrap_or(Role::Learner),
            status: Status::parse(&row.status).unwrap_or(Status::Suspended),
            language: Some(row.language).filter(|language| !language.is_empty()),
            has_password: row.password_hash.is_some(),
            created_at_ms: row.created_at_ms,
            signed_in_at_ms: row.signed_in_at_ms,
            generation: row.generation,
        }
    }
}

/// An account as its owner and admins see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    pub id: AccountId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub status: Status,
    /// `ko` or `en`; null until it was chosen.
    pub language: Option<String>,
    /// False for who signs in elsewhere only.
    pub has_password: bool,
    pub created_at: Moment,
    /// The last time somebody signed in.
    pub signed_in_at: Option<Moment>,
}

impl From<&Account> for User {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            role: account.role,
            status: account.status,
            language: account.language.clone(),
            has_password: account.has_password,
            created_at: Moment(account.created_at_ms),
            signed_in_at: account.signed_in_at_ms.map(Moment),
        }
    }
}

impl From<Account> for Profile {
    fn from(account: Account) -> Self {
        Self { id: account.id, email: account.email, name: account.name }
    }
}
