//! What the block is told at the start.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use sori_db::Clock;

use crate::random;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Anybody, at once.
    Open,
    /// Anybody, and an admin lets them in.
    #[default]
    Approval,
    /// Only admins make accounts.
    Closed,
}

/// Another way to sign in, as a page offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProviderName {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct AuthConfig {
    pub sign_up: SignUp,
    /// Told to the web app; the border enforces it.
    pub visitors: bool,
    /// Cookies are for `https` only.
    pub is_secure: bool,
    /// Where links lead, such as `https://sori.example.org`; links are relative without it.
    pub public_url: Option<String>,
    pub roots: Roots,
    pub access_lifetime: Duration,
    /// A device that does not come back for so long has to sign in again.
    pub session_idle: Duration,
    /// So does every device after this.
    pub session_longest: Duration,
    pub hash_cost: HashCost,
    /// Passwords that are hashed at the same time; each takes [`HashCost::memory_kib`].
    pub hash_lanes: usize,
    pub clock: Clock,
}

impl AuthConfig {
    /// The usual times, with these secrets.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            sign_up: SignUp::default(),
            visitors: true,
            is_secure: false,
            public_url: None,
            roots,
            access_lifetime: Duration::from_secs(10 * 60),
            session_idle: DAY * 30,
            session_longest: DAY * 365,
            hash_cost: HashCost::default(),
            hash_lanes: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
            clock: Clock::system(),
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

/// The cost of one password hash: Argon2id as the OWASP Password Storage Cheat Sheet asks for at the
/// least (19 MiB, two passes, one lane), which is about 25 ms here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// 256 bits that tokens, refresh tokens and the secrets of API keys are derived from. None of them
/// can be made from the database alone.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey([u8; 32]);

impl RootKey {
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// A key for one purpose and thing.
    #[must_use]
    pub(crate) fn derive(&self, purpose: &str, thing: &[&[u8]]) -> [u8; 32] {
        let head = [purpose.as_bytes(), b"\0"];
        let parts: Vec<&[u8]> = head.into_iter().chain(thing.iter().copied()).collect();
        random::mac(&self.0, &parts)
    }

    /// Tells roots apart in the database, and tells nothing else.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        random::hex(&self.derive("root id", &[])[..8])
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(hidden)")
    }
}

/// The present root, and earlier ones whose work stays good until it expires.
#[derive(Clone, Debug)]
pub struct Roots {
    pub current: RootKey,
    pub older: Vec<RootKey>,
}

impl Roots {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RootKey> {
        std::iter::once(&self.current).chain(&self.older)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&RootKey> {
        self.iter().find(|root| root.id() == id)
    }
}

impl From<RootKey> for Roots {
    fn from(current: RootKey) -> Self {
        Self { current, older: Vec::new() }
    }
}

pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
