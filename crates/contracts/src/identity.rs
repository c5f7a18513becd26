//! Who calls, and what they may do.
//!
//! What a route asks for is declared beside it, in the `security` of its OpenAPI operation; one
//! place (`server`) compares that with the [`Caller`]. Whether a *thing* is the caller's is for
//! the block that owns the thing: what is not theirs does not exist for them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{AccountId, ApiKeyId, Fault, SessionId};

/// What an account is on this server; each may do what those before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Listens and practises; keeps scripts of their own.
    Learner,
    Teacher,
    /// Publishes to everyone and looks after what is public.
    Editor,
    /// Runs the server.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Learner, Self::Teacher, Self::Editor, Self::Admin];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learner => "learner",
            Self::Teacher => "teacher",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// The inverse of [`Role::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// What an API key was given; an account that signed in has all of them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Scope {
    #[serde(rename = "scripts:read")]
    ScriptsRead,
    #[serde(rename = "scripts:write")]
    ScriptsWrite,
    /// Voices scripts, which costs computing time.
    #[serde(rename = "synth")]
    Synth,
    #[serde(rename = "jobs:read")]
    JobsRead,
    #[serde(rename = "jobs:write")]
    JobsWrite,
    /// Profile, devices, keys: what belongs to the person.
    #[serde(rename = "account")]
    Account,
    /// What the role `admin` may do beyond the others.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    pub const ALL: [Self; 7] = [
        Self::ScriptsRead,
        Self::ScriptsWrite,
        Self::Synth,
        Self::JobsRead,
        Self::JobsWrite,
        Self::Account,
        Self::Admin,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScriptsRead => "scripts:read",
            Self::ScriptsWrite => "scripts:write",
            Self::Synth => "synth",
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
            Self::Account => "account",
            Self::Admin => "admin",
        }
    }

    /// The inverse of [`Scope::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

fn bit(scope: Scope) -> u32 {
    1 << scope as u32
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | bit(scope)))
    }
}

/// Who sends a request, as far as the request could prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody we know: sees what is public.
    Visitor,
    Account(Member),
}

/// An account that proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub account: AccountId,
    pub role: Role,
    pub scopes: Scopes,
    pub credential: Credential,
}

/// By what a caller proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A sign-in on one device.
    Session(SessionId),
    ApiKey(ApiKeyId),
    /// A token of an issuer that the settings trust.
    External,
    /// A signed address: good for one method and one path, for some minutes.
    Link,
}

impl Caller {
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.member().map(|member| member.account)
    }

    #[must_use]
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Visitor => None,
            Self::Account(member) => Some(member),
        }
    }

    /// Whether the caller may do what the role and those below it may.
    #[must_use]
    pub fn is_at_least(&self, role: Role) -> bool {
        self.member().is_some_and(|member| member.role >= role)
    }
}

/// What a request brought to prove who sends it, as it came in.
#[derive(Clone, Copy, Debug)]
pub enum Presented<'a> {
    /// `Authorization: Bearer`: an access token or an API key.
    Bearer(&'a str),
    /// `X-API-Key`, or `X-Sori-Key` of a request that is not signed.
    ApiKey(&'a str),
    /// A signed request; the signature covers the parts named here.
    Signed(SignedRequest<'a>),
}

/// The headers of a signed request and what they were made over.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    pub key: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub signature: &'a str,
    pub method: &'a str,
    /// Path and query as they came in.
    pub path_and_query: &'a str,
    /// Lower-case hex of the SHA-256 of the body, or `UNSIGNED-PAYLOAD`.
    pub body_sha256: &'a str,
}

/// Tells who calls; the block `auth` is behind it.
#[async_trait]
pub trait Identity: Send + Sync {
    /// The caller a credential stands for. A revoked one is refused from the moment of the
    /// revocation on.
    async fn identify(&self, presented: Presented<'_>) -> Result<Member, Box<dyn Fault>>;
}

/// Asks again whether a credential is good, for what outlives its request: a socket. The border puts
/// one (as `Arc<dyn Recheck>`) into the extensions of requests that ask for an upgrade.
#[async_trait]
pub trait Recheck: Send + Sync {
    async fn is_still_good(&self) -> bool;
}
