//! The log of what matters to security: who did what to whom, from where. Passwords, tokens and
//! addresses that somebody only typed are never in it.

use std::net::IpAddr;

use serde_json::{Value, json};
use sori_contracts::{AccountId, Member};
use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

/// One line of the log, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    kind: Kind,
    account: Option<AccountId>,
    actor: Option<AccountId>,
    address: Option<IpAddr>,
    details: Value,
}

macro_rules! kinds {
    ($($name:ident = $text:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($name),+ }

        impl Kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

kinds! {
    SignedUp = "signed_up",
    SignedIn = "signed_in",
    SignInFailed = "sign_in_failed",
    SignedOut = "signed_out",
    SignedOutEverywhere = "signed_out_everywhere",
    DeviceRemoved = "device_removed",
    RefreshReused = "refresh_reused",
    AdminSetUp = "admin_set_up",
    AccountMade = "account_made",
    AccountLinked = "account_linked",
    AccountUnlinked = "account_unlinked",
    AccountDeleted = "account_deleted",
    AccountExported = "account_exported",
    RoleChanged = "role_changed",
    StatusChanged = "status_changed",
    PasswordChanged = "password_changed",
    PasswordReset = "password_reset",
    ResetLinkMade = "reset_link_made",
    KeyMade = "key_made",
    KeyChanged = "key_changed",
    KeyRevoked = "key_revoked",
    SignatureReplayed = "signature_replayed",
    SigningKeyMade = "signing_key_made",
}

impl Event {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, account: None, actor: None, address: None, details: json!({}) }
    }

    /// Whose account it is about.
    pub(crate) fn about(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// Who did it; nobody when it was done on the command line.
    pub(crate) fn by(self, actor: Actor) -> Self {
        Self { actor: actor.account, address: actor.address.or(self.address), ..self }
    }

    pub(crate) fn from(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    pub(crate) fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }

    pub(crate) async fn write(&self, tx: &mut Tx, now_ms: i64) -> Result<(), DbError> {
        self.bind(tx.query(INSERT), now_ms).execute().await.map(|_| ())
    }

    pub(crate) async fn write_alone(&self, db: &Db, now_ms: i64) -> Result<(), DbError> {
        self.bind(db.query(INSERT), now_ms).execute().await.map(|_| ())
    }

    fn bind<'q>(&self, query: sori_db::Query<'q>, now_ms: i64) -> sori_db::Query<'q> {
        query
            .bind(Uuid::now_v7())
            .bind(now_ms)
            .bind(self.kind.as_str())
            .bind(self.account)
            .bind(self.actor)
            .bind(self.address.map(|address| address.to_canonical().to_string()))
            .bind(self.details.to_string())
    }
}

const INSERT: &str = "INSERT INTO auth_audit (id, at_ms, kind, account_id, actor_id, address, details)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Who changes something, and from where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actor {
    pub account: Option<AccountId>,
    pub address: Option<IpAddr>,
}

impl Actor {
    /// Someone at the machine itself, on the command line.
    pub const OPERATOR: Self = Self { account: None, address: None };

    #[must_use]
    pub fn member(member: &Member, address: Option<IpAddr>) -> Self {
        Self { account: Some(member.account), address }
    }
}

/// What a list of the log is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) kind: Option<Kind>,
    pub(crate) account: Option<AccountId>,
    pub(crate) before: Option<Uuid>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) at_ms: i64,
    pub(crate) kind: String,
    pub(crate) account_id: Option<Uuid>,
    pub(crate) account_email: Option<String>,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) actor_email: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) details: String,
}

/// Newest first.
pub(crate) async fn list(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Entry>, DbError> {
    db.query(
        "SELECT l.id, l.at_ms, l.kind, l.account_id, a.email AS account_email, l.actor_id,
             b.email AS actor_email, l.address, l.details
         FROM auth_audit l
         LEFT JOIN auth_account a ON a.id = l.account_id
         LEFT JOIN auth_account b ON b.id = l.actor_id
         WHERE ($1 IS NULL OR l.kind = $1) AND ($2 IS NULL OR l.account_id = $2)
             AND ($3 IS NULL OR l.id < $3)
         ORDER BY l.id DESC LIMIT $4",
    )
    .bind(filter.kind.map(Kind::as_str))
    .bind(filter.account)
    .bind(filter.before)
    .bind(limit)
    .fetch_all()
    .await
}
