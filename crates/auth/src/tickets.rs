//! One-time links: for the first admin, and for a new password. The database has their hashes only.

use std::time::Duration;

use sori_contracts::AccountId;
use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

use crate::{
    Actor, Auth, AuthFault, Email, Password,
    audit::{Event, Kind},
    config::ms,
    password::lanes::Standing,
    random,
};

const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Setup,
    Reset,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Reset => "reset",
        }
    }
}

async fn make(
    tx: &mut Tx,
    purpose: Purpose,
    account: Option<AccountId>,
    now_ms: i64,
) -> Result<String, DbError> {
    let token = random::hex(&random::bytes::<32>());
    tx.query("INSERT INTO auth_ticket (hash, purpose, account_id, expires_at_ms) VALUES ($1, $2, $3, $4)")
        .bind(random::sha256(token.as_bytes()).to_vec())
        .bind(purpose.as_str())
        .bind(account)
        .bind(now_ms + ms(LIFETIME))
        .execute()
        .await?;
    Ok(token)
}

/// Whether the token is good, and for whom, without using it.
pub(crate) async fn peek(
    db: &Db,
    purpose: Purpose,
    token: &str,
    now_ms: i64,
) -> Result<Option<AccountId>, AuthFault> {
    let found: Option<(Option<Uuid>,)> = db
        .query("SELECT account_id FROM auth_ticket WHERE hash = $1 AND purpose = $2 AND expires_at_ms > $3")
        .bind(random::sha256(token.as_bytes()).to_vec())
        .bind(purpose.as_str())
        .bind(now_ms)
        .fetch_optional()
        .await?;
    found.map(|(account,)| account.map(AccountId)).ok_or(AuthFault::LinkInvalid)
}

/// Uses the token, and every other of this purpose with it.
pub(crate) async fn take_all(
    tx: &mut Tx,
    purpose: Purpose,
    token: &str,
    now_ms: i64,
) -> Result<(), AuthFault> {
    let taken: Vec<(Vec<u8>, i64)> = tx
        .query("DELETE FROM auth_ticket WHERE purpose = $1 RETURNING hash, expires_at_ms")
        .bind(purpose.as_str())
        .fetch_all()
        .await?;
    let hash = random::sha256(token.as_bytes());
    let is_among = taken.iter().any(|(other, until)| random::is_same(other, &hash) && *until > now_ms);
    if is_among { Ok(()) } else { Err(AuthFault::LinkInvalid) }
}

impl Auth {
    /// A link for the first admin, while there is none. Called at each start.
    pub async fn setup_link(&self) -> Result<Option<String>, AuthFault> {
        if !self.accounts().needs_setup().await? {
            return Ok(None);
        }
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        tx.query("DELETE FROM auth_ticket WHERE expires_at_ms <= $1").bind(now_ms).execute().await?;
        let token = make(&mut tx, Purpose::Setup, None, now_ms).await?;
        tx.commit().await?;
        Ok(Some(self.link(&format!("/#/setup?token={token}"))))
    }

    /// A link with which the owner of the account chooses a new password; earlier ones end.
    pub async fn reset_link(&self, account: AccountId, actor: Actor) -> Result<String, AuthFault> {
        self.accounts().get(account).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        tx.query("DELETE FROM auth_ticket WHERE account_id = $1").bind(account).execute().await?;
        let token = make(&mut tx, Purpose::Reset, Some(account), now_ms).await?;
        Event::new(Kind::ResetLinkMade).about(account).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        Ok(self.link(&format!("/#/reset?token={token}")))
    }

    /// A new password by a link. All devices are signed out.
    pub(crate) async fn reset_password(&self, token: &str, new: &str, actor: Actor) -> Result<(), AuthFault> {
        let inner = &*self.0;
        inner.guard.admits(actor.address)?;
        let now_ms = inner.config.now_ms();
        let id = peek(&inner.db, Purpose::Reset, token, now_ms).await?.ok_or(AuthFault::LinkInvalid)?;
        let account = self.accounts().get(id).await?;
        let password = Password::new(new, &Email::parse(&account.email)?, &account.name)?;
        let hash = inner.hasher.hash(&password, Standing::FRESH).await?;
        let mut tx = inner.db.begin().await?;
        let used = tx
            .query("DELETE FROM auth_ticket WHERE hash = $1 AND purpose = 'reset' AND expires_at_ms > $2")
            .bind(random::sha256(token.as_bytes()).to_vec())
            .bind(now_ms)
            .execute()
            .await?;
        if used == 0 {
            return Err(AuthFault::LinkInvalid);
        }
        let revocation = self.accounts().put_hash(&mut tx, id, &hash).await?;
        tx.query("DELETE FROM auth_session WHERE account_id = $1").bind(id).execute().await?;
        let actor = Actor { account: Some(id), ..actor };
        Event::new(Kind::PasswordReset).about(id).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        inner.revocations.apply(revocation);
        Ok(())
    }

    fn link(&self, path: &str) -> String {
        let base = self.0.config.public_url.as_deref().unwrap_or_default();
        format!("{}{path}", base.trim_end_matches('/'))
    }
}
