//! Changes of an account. Whatever makes an account less than it was takes back the tokens from before.

use sori_contracts::{AccountId, Role};
use sori_db::Tx;

use super::{
    Accounts,
    make::{language_of, name_of},
};
use crate::{
    Account, Actor, AuthFault, Email, Password, Status,
    audit::{Event, Kind},
    config::ms,
    password::lanes::Standing,
    revocations::{KEPT_BEYOND_MS, Reason, Revocation, Revocations},
};

/// What a person may change of themselves; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub language: Option<String>,
}

impl Accounts<'_> {
    pub async fn change(self, id: AccountId, change: ProfileChange) -> Result<Account, AuthFault> {
        let name = change.name.as_deref().map(name_of).transpose()?;
        let language = change.language.as_deref().map(language_of).transpose()?;
        self.0
            .db
            .query(
                "UPDATE auth_account SET name = COALESCE($2, name), language = COALESCE($3, language)
                 WHERE id = $1",
            )
            .bind(id)
            .bind(name)
            .bind(language)
            .execute()
            .await?;
        self.get(id).await
    }

    /// By an admin. The last admin who can sign in stays one.
    pub async fn set_role_and_status(
        self,
        id: AccountId,
        role: Option<Role>,
        status: Option<Status>,
        actor: Actor,
    ) -> Result<Account, AuthFault> {
        let before = self.get(id).await?;
        let (role, status) = (role.unwrap_or(before.role), status.unwrap_or(before.status));
        if (role, status) == (before.role, before.status) {
            return Ok(before);
        }
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        Revocations::lock(&mut tx).await?;
        if role != Role::Admin || status != Status::Active {
            refuse_if_last_admin(&mut tx, id).await?;
        }
        let reason = match status {
            Status::Active => Reason::Renew,
            Status::Pending => Reason::Pending,
            Status::Suspended => Reason::Suspended,
        };
        let revocation = self.take_back(&mut tx, id, reason).await?;
        tx.query("UPDATE auth_account SET role = $2, status = $3 WHERE id = $1")
            .bind(id)
            .bind(role.as_str())
            .bind(status.as_str())
            .execute()
            .await?;
        if role != before.role {
            let details = serde_json::json!({ "from": before.role, "to": role });
            Event::new(Kind::RoleChanged).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        }
        if status != before.status {
            let details = serde_json::json!({ "from": before.status, "to": status });
            Event::new(Kind::StatusChanged).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        }
        tx.commit().await?;
        self.0.revocations.apply(revocation);
        self.get(id).await
    }

    /// By the person. All other devices are signed out; `stays` is the one they sit at.
    pub(crate) async fn change_password(
        self,
        id: AccountId,
        present: &str,
        new: &str,
        stays: Option<sori_contracts::SessionId>,
        actor: Actor,
    ) -> Result<(), AuthFault> {
        let account = self.confirm(id, present, actor).await?;
        let password = Password::new(new, &Email::parse(&account.email)?, &account.name)?;
        let hash = self.0.hasher.hash(&password, Standing::KNOWN).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        let revocation = self.put_hash(&mut tx, id, &hash).await?;
        tx.query("DELETE FROM auth_session WHERE account_id = $1 AND ($2 IS NULL OR id <> $2)")
            .bind(id)
            .bind(stays)
            .execute()
            .await?;
        Event::new(Kind::PasswordChanged).about(id).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        self.0.revocations.apply(revocation);
        Ok(())
    }

    /// Whether whoever sits at the device is its owner. An account without a password has none to ask for.
    pub(crate) async fn confirm(
        self,
        id: AccountId,
        present: &str,
        actor: Actor,
    ) -> Result<Account, AuthFault> {
        let (account, hash) = self.with_hash_by_id(id).await?;
        if hash.is_none() {
            return Ok(account);
        }
        let attempt = self.0.guard.begin(actor.address, &format!("confirm {id}"), true)?;
        if !self.0.hasher.verify(Password::typed(present), hash, attempt.standing()).await? {
            return Err(AuthFault::WrongPassword);
        }
        self.0.guard.succeeded(&attempt);
        Ok(account)
    }

    pub(crate) async fn put_hash(
        self,
        tx: &mut Tx,
        id: AccountId,
        hash: &str,
    ) -> Result<Revocation, AuthFault> {
        let revocation = self.take_back(tx, id, Reason::Renew).await?;
        tx.query("UPDATE auth_account SET password_hash = $2 WHERE id = $1")
            .bind(id)
            .bind(hash)
            .execute()
            .await?;
        tx.query("DELETE FROM auth_ticket WHERE account_id = $1").bind(id).execute().await?;
        Ok(revocation)
    }

    /// Asked before anything is removed; [`Accounts::remove`] asks again where nobody can come between.
    pub(crate) async fn refuse_to_lose_the_last_admin(self, id: AccountId) -> Result<(), AuthFault> {
        let mut tx = self.0.db.begin().await?;
        refuse_if_last_admin(&mut tx, id).await
    }

    /// Removes the account. What other blocks have of it is removed before (see `personal`).
    pub(crate) async fn remove(self, id: AccountId, actor: Actor) -> Result<(), AuthFault> {
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        Revocations::lock(&mut tx).await?;
        refuse_if_last_admin(&mut tx, id).await?;
        let removed = tx.query("DELETE FROM auth_account WHERE id = $1").bind(id).execute().await?;
        if removed == 0 {
            return Err(AuthFault::AccountNotFound);
        }
        let revocation = Revocation {
            subject: id.0,
            generation: Revocation::ALL,
            reason: Reason::Renew,
            expires_at_ms: self.0.revocation_ends_at_ms(),
        };
        Revocations::add(&mut tx, &revocation).await?;
        // What the log says of them stays true without saying where they were.
        tx.query("UPDATE auth_audit SET address = NULL, details = '{}' WHERE account_id = $1")
            .bind(id)
            .execute()
            .await?;
        Event::new(Kind::AccountDeleted)
            .about(id)
            .by(Actor { address: None, ..actor })
            .write(&mut tx, now_ms)
            .await?;
        tx.commit().await?;
        self.0.revocations.apply(revocation);
        Ok(())
    }

    /// Ends what the account was given before. To be applied after the commit.
    pub(crate) async fn take_back(
        self,
        tx: &mut Tx,
        id: AccountId,
        reason: Reason,
    ) -> Result<Revocation, AuthFault> {
        Revocations::lock(tx).await?;
        let generation: Option<(i64,)> = tx
            .query("UPDATE auth_account SET generation = generation + 1 WHERE id = $1 RETURNING generation")
            .bind(id)
            .fetch_optional()
            .await?;
        let (generation,) = generation.ok_or(AuthFault::AccountNotFound)?;
        let expires_at_ms = self.0.revocation_ends_at_ms();
        let revocation = Revocation { subject: id.0, generation, reason, expires_at_ms };
        Revocations::add(tx, &revocation).await?;
        Ok(revocation)
    }

    /// For somebody who lost theirs, on the command line: all devices are signed out.
    pub async fn set_password(self, id: AccountId, new: &str, actor: Actor) -> Result<(), AuthFault> {
        let account = self.get(id).await?;
        let password = Password::new(new, &Email::parse(&account.email)?, &account.name)?;
        let hash = self.0.hasher.hash(&password, Standing::KNOWN).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        let revocation = self.put_hash(&mut tx, id, &hash).await?;
        tx.query("DELETE FROM auth_session WHERE account_id = $1").bind(id).execute().await?;
        Event::new(Kind::PasswordReset).about(id).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        self.0.revocations.apply(revocation);
        Ok(())
    }
}

/// The counter of revocations is locked, so no two admins can leave at once.
async fn refuse_if_last_admin(tx: &mut Tx, id: AccountId) -> Result<(), AuthFault> {
    let role: Option<(String,)> = tx
        .query("SELECT role FROM auth_account WHERE id = $1 AND status = 'active'")
        .bind(id)
        .fetch_optional()
        .await?;
    if role.is_none_or(|(role,)| role != Role::Admin.as_str()) {
        return Ok(());
    }
    let others: i64 = tx
        .query("SELECT COUNT(*) FROM auth_account WHERE role = 'admin' AND status = 'active' AND id <> $1")
        .bind(id)
        .scalar()
        .await?;
    if others == 0 { Err(AuthFault::LastAdmin) } else { Ok(()) }
}

impl crate::Inner {
    /// When nothing from before a revocation of now can be presented any more.
    pub(crate) fn revocation_ends_at_ms(&self) -> i64 {
        self.config.now_ms() + ms(self.config.access_lifetime) + KEPT_BEYOND_MS
    }
}
