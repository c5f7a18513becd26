//! People whom somebody else vouches for: an identity provider.
//!
//! Whose account it is, the identity (issuer and subject) decides once it is known; the first time
//! `oidc::link` does.

use sori_contracts::{AccountId, Role};
use sori_db::Tx;
use uuid::Uuid;

use super::{
    Accounts, NewAccount,
    make::{insert, taken},
};
use crate::{
    Account, Actor, AuthFault, Email, SignUp, Status,
    audit::{Event, Kind},
    oidc::{
        OidcFault,
        link::{Decision, Namesake, decide},
    },
};

/// What a provider says of a person.
#[derive(Clone, Debug)]
pub struct ExternalPerson {
    pub issuer: String,
    /// Never given to another person by this issuer.
    pub subject: String,
    /// An address that the issuer has verified. Without that a person must not be found by it.
    pub email: Email,
    /// Whether the settings take the issuer's word for it.
    pub trusts_email: bool,
    pub name: Option<String>,
    pub language: Option<String>,
}

impl Accounts<'_> {
    pub async fn by_identity(self, issuer: &str, subject: &str) -> Result<Option<Account>, AuthFault> {
        let found: Option<(Uuid,)> = self
            .0
            .db
            .query("SELECT account_id FROM auth_identity WHERE issuer = $1 AND subject = $2")
            .bind(issuer)
            .bind(subject)
            .fetch_optional()
            .await?;
        match found {
            Some((id,)) => self.find(AccountId(id)).await,
            None => Ok(None),
        }
    }

    /// The account of a person whose identity is not known yet: that of the address when both sides
    /// have proved it, or a new one as the sign-up mode says. It may be pending; opening a session asks.
    pub(crate) async fn find_or_make_external(
        self,
        person: &ExternalPerson,
        actor: Actor,
    ) -> Result<Account, OidcFault> {
        let made = match self.link_or_make(person, actor).await {
            // Two requests at once for one new person: the other was first.
            Err(OidcFault::Auth(AuthFault::EmailTaken)) => {
                match self.by_identity(&person.issuer, &person.subject).await? {
                    Some(account) => return Ok(account),
                    None => self.link_or_make(person, actor).await?,
                }
            }
            other => other?,
        };
        Ok(self.get(made).await?)
    }

    async fn link_or_make(self, person: &ExternalPerson, actor: Actor) -> Result<AccountId, OidcFault> {
        let now_ms = self.0.config.now_ms();
        let namesake = self.by_email(&person.email).await?;
        let namesake =
            namesake.map(|found| Namesake { account: found.id, is_verified: found.email_verified });
        let decision = decide(person.trusts_email, namesake)?;
        let mut tx = self.0.db.begin().await?;
        let id = match decision {
            Decision::Connect(id) => id,
            Decision::Create { is_verified } => self.make_for(&mut tx, person, is_verified, now_ms).await?,
        };
        add_identity(&mut tx, id, &person.issuer, &person.subject, now_ms).await.map_err(taken)?;
        let details = serde_json::json!({ "issuer": person.issuer });
        Event::new(Kind::AccountLinked).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn make_for(
        self,
        tx: &mut Tx,
        person: &ExternalPerson,
        email_verified: bool,
        now_ms: i64,
    ) -> Result<AccountId, AuthFault> {
        let status = match self.0.config.sign_up {
            SignUp::Open => Status::Active,
            SignUp::Approval => Status::Pending,
            SignUp::Closed => return Err(AuthFault::SignUpClosed),
        };
        let name = person.name.as_deref().and_then(|name| super::name_of(name).ok());
        let new = NewAccount {
            email: person.email.clone(),
            name: name.unwrap_or_else(|| person.email.local().chars().take(100).collect()),
            password: None,
            role: Role::Learner,
            status,
            language: person.language.clone().filter(|language| matches!(language.as_str(), "ko" | "en")),
            email_verified,
        };
        insert(tx, &new, None, now_ms).await.map_err(taken)
    }

    /// By the owner of the account, who is signed in. With the same address, and an issuer whose word
    /// is taken for it, the account's address is proved by that.
    pub(crate) async fn connect_identity(
        self,
        id: AccountId,
        person: &ExternalPersonRef<'_>,
        actor: Actor,
    ) -> Result<(), OidcFault> {
        if let Some(owner) = self.by_identity(person.issuer, person.subject).await? {
            return if owner.id == id { Ok(()) } else { Err(OidcFault::IdentityTaken) };
        }
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        let added = add_identity(&mut tx, id, person.issuer, person.subject, now_ms).await;
        added.map_err(|error| match error {
            sori_db::DbError::Conflict { .. } => OidcFault::IdentityTaken,
            other => other.into(),
        })?;
        if let Some(email) = person.proved_email {
            tx.query("UPDATE auth_account SET email_verified = TRUE WHERE id = $1 AND email_key = $2")
                .bind(id)
                .bind(email.key())
                .execute()
                .await?;
        }
        let details = serde_json::json!({ "issuer": person.issuer });
        Event::new(Kind::AccountLinked).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        Ok(tx.commit().await?)
    }
}

/// The identity that an owner connects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExternalPersonRef<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    /// Verified by an issuer whose word is taken.
    pub(crate) proved_email: Option<&'a Email>,
}

async fn add_identity(
    tx: &mut Tx,
    account: AccountId,
    issuer: &str,
    subject: &str,
    now_ms: i64,
) -> Result<(), sori_db::DbError> {
    tx.query(
        "INSERT INTO auth_identity (issuer, subject, account_id, created_at_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(issuer)
    .bind(subject)
    .bind(account)
    .bind(now_ms)
    .execute()
    .await?;
    Ok(())
}

impl Accounts<'_> {
    /// Through whom an account can be signed in to, and since when.
    pub(crate) async fn identities(self, id: AccountId) -> Result<Vec<(String, i64)>, AuthFault> {
        let found = self
            .0
            .db
            .query(
                "SELECT issuer, created_at_ms FROM auth_identity WHERE account_id = $1
                 ORDER BY created_at_ms, issuer, subject",
            )
            .bind(id)
            .fetch_all()
            .await?;
        Ok(found)
    }

    /// Somebody without a password keeps one way in.
    pub(crate) async fn disconnect_identity(
        self,
        id: AccountId,
        issuer: &str,
        actor: Actor,
    ) -> Result<(), OidcFault> {
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        // The row of the account is locked, so that two of these do not both leave the other's way in.
        let touched = tx
            .query("UPDATE auth_account SET name = name WHERE id = $1 RETURNING password_hash IS NOT NULL")
            .bind(id)
            .fetch_one::<(bool,)>()
            .await?;
        let removed = tx
            .query("DELETE FROM auth_identity WHERE account_id = $1 AND issuer = $2")
            .bind(id)
            .bind(issuer)
            .execute()
            .await?;
        let left: i64 =
            tx.query("SELECT COUNT(*) FROM auth_identity WHERE account_id = $1").bind(id).scalar().await?;
        if removed == 0 {
            return Ok(());
        }
        if left == 0 && !touched.0 {
            return Err(OidcFault::LastWayIn);
        }
        let details = serde_json::json!({ "issuer": issuer });
        Event::new(Kind::AccountUnlinked).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        Ok(tx.commit().await?)
    }
}
