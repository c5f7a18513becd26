//! People whom somebody else vouches for: an identity provider.

use sori_contracts::{AccountId, Role};
use sori_db::{DbError, Tx};
use uuid::Uuid;

use super::{
    Accounts, NewAccount,
    make::{insert, taken},
};
use crate::{
    Account, Actor, AuthFault, Email, SignUp, Status,
    audit::{Event, Kind},
    revocations::{Reason, Revocation},
};

/// What a provider says of a person.
#[derive(Clone, Debug)]
pub struct ExternalPerson {
    pub issuer: String,
    /// Never given to another person by this issuer.
    pub subject: String,
    /// An address that the issuer has verified. Without that a person must not be found by it.
    pub email: Email,
    pub name: Option<String>,
    pub language: Option<String>,
}

impl Accounts<'_> {
    /// The account of this person: that of the issuer's subject, else that of the address, else a new
    /// one as the sign-up mode says. It may be pending or suspended; opening a session asks.
    ///
    /// An account whose address nobody had verified may have been made by someone else who waits for
    /// the owner to come: its password, devices and keys end when it is linked.
    pub async fn find_or_make_by_verified_email(
        self,
        person: &ExternalPerson,
        actor: Actor,
    ) -> Result<Account, AuthFault> {
        if let Some(account) = self.by_identity(&person.issuer, &person.subject).await? {
            return Ok(account);
        }
        let made = match self.link_or_make(person, actor).await {
            // Two requests at once for one new person: the other was first.
            Err(AuthFault::EmailTaken) => match self.by_identity(&person.issuer, &person.subject).await? {
                Some(account) => return Ok(account),
                None => self.link_or_make(person, actor).await?,
            },
            other => other?,
        };
        self.get(made).await
    }

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

    async fn link_or_make(self, person: &ExternalPerson, actor: Actor) -> Result<AccountId, AuthFault> {
        let now_ms = self.0.config.now_ms();
        let found = self.by_email(&person.email).await?;
        let mut tx = self.0.db.begin().await?;
        let (id, taken_back) = match found {
            Some(account) => (account.id, self.claim(&mut tx, &account, person).await?),
            None => (self.make_for(&mut tx, person, now_ms).await?, None),
        };
        tx.query(
            "INSERT INTO auth_identity (issuer, subject, account_id, created_at_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(person.issuer.as_str())
        .bind(person.subject.as_str())
        .bind(id)
        .bind(now_ms)
        .execute()
        .await
        .map_err(taken)?;
        let details = serde_json::json!({ "issuer": person.issuer, "claimed": taken_back.is_some() });
        Event::new(Kind::AccountLinked).about(id).by(actor).with(details).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        if let Some(revocation) = taken_back {
            self.0.revocations.apply(revocation);
        }
        Ok(id)
    }

    /// Makes sure that an account found by its address is this person's.
    async fn claim(
        self,
        tx: &mut Tx,
        account: &Account,
        person: &ExternalPerson,
    ) -> Result<Option<Revocation>, AuthFault> {
        let others: i64 = tx
            .query("SELECT COUNT(*) FROM auth_identity WHERE account_id = $1 AND issuer = $2")
            .bind(account.id)
            .bind(person.issuer.as_str())
            .scalar()
            .await?;
        if others > 0 {
            // The issuer gave the address of one person to another.
            return Err(AuthFault::Request(sori_http::RequestFault::Field {
                field: "email",
                en: "This e-mail address belongs to another person's account. Ask an admin.".into(),
                ko: "다른 사람의 계정에 연결된 이메일 주소입니다. 관리자에게 문의해 주세요.".into(),
            }));
        }
        if account.email_verified {
            return Ok(None);
        }
        let revocation = self.take_back(tx, account.id, Reason::Renew).await?;
        tx.query("UPDATE auth_account SET password_hash = NULL, email_verified = TRUE WHERE id = $1")
            .bind(account.id)
            .execute()
            .await?;
        self.end_devices_and_keys(tx, account.id).await?;
        Ok(Some(revocation))
    }

    async fn make_for(
        self,
        tx: &mut Tx,
        person: &ExternalPerson,
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
            email_verified: true,
        };
        insert(tx, &new, None, now_ms).await.map_err(|error: DbError| taken(error))
    }
}
