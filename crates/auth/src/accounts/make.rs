//! New accounts: by signing up, by an admin, by the first-run link.

use sori_contracts::{AccountId, Role};
use sori_db::{DbError, Tx};

use super::Accounts;
use crate::{
    Account, Actor, AuthFault, Email, Password, SignUp, Status,
    audit::{Event, Kind},
    password::lanes::Standing,
    random,
    tickets::{self, Purpose},
};

const LONGEST_NAME: usize = 100;

/// What an account begins with.
#[derive(Clone)]
pub struct NewAccount {
    pub email: Email,
    pub name: String,
    /// Without one they sign in elsewhere, or by a reset link.
    pub password: Option<Password>,
    pub role: Role,
    pub status: Status,
    pub language: Option<String>,
    pub email_verified: bool,
}

/// A name that can be shown.
pub(crate) fn name_of(text: &str) -> Result<String, AuthFault> {
    let name = text.trim();
    let is_plain = !name.chars().any(char::is_control);
    if !is_plain || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Err(AuthFault::field(
            "name",
            format!("A name has 1 to {LONGEST_NAME} letters."),
            format!("이름은 1자에서 {LONGEST_NAME}자까지입니다."),
        ));
    }
    Ok(name.to_owned())
}

pub(crate) fn language_of(text: &str) -> Result<String, AuthFault> {
    match text {
        "ko" | "en" => Ok(text.to_owned()),
        _ => Err(AuthFault::field("language", "language is ko or en.", "language는 ko 또는 en입니다.")),
    }
}

impl Accounts<'_> {
    /// By an admin or on the command line.
    pub async fn make(self, new: NewAccount, actor: Actor) -> Result<Account, AuthFault> {
        let hash = self.hash_of(&new, Standing::KNOWN).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        let id = insert(&mut tx, &new, hash, now_ms).await.map_err(taken)?;
        let event = Event::new(Kind::AccountMade).about(id).by(actor);
        event.with(serde_json::json!({ "role": new.role })).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        self.get(id).await
    }

    /// By themselves. `None` when an admin has to let them in; then the answer is the same whether
    /// the address has an account already or not.
    pub(crate) async fn sign_up(self, new: NewAccount, actor: Actor) -> Result<Option<Account>, AuthFault> {
        let status = match self.0.config.sign_up {
            SignUp::Open => Status::Active,
            SignUp::Approval => Status::Pending,
            SignUp::Closed => return Err(AuthFault::SignUpClosed),
        };
        let new = NewAccount { role: Role::Learner, status, email_verified: false, ..new };
        let attempt = self.0.guard.begin(actor.address, &format!("sign-up {}", new.email.key()), false)?;
        let hash = self.hash_of(&new, attempt.standing()).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        let made = match insert(&mut tx, &new, hash, now_ms).await.map_err(taken) {
            Err(AuthFault::EmailTaken) if status == Status::Pending => return Ok(None),
            other => other?,
        };
        // A class that signs up from one school is no attack.
        self.0.guard.succeeded(&attempt);
        Event::new(Kind::SignedUp).about(made).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        if status == Status::Active { self.get(made).await.map(Some) } else { Ok(None) }
    }

    /// The first admin, with the token of the link that is shown at the first start.
    pub(crate) async fn set_up(
        self,
        token: &str,
        new: NewAccount,
        actor: Actor,
    ) -> Result<Account, AuthFault> {
        self.0.guard.admits(actor.address)?;
        let new = NewAccount { role: Role::Admin, status: Status::Active, email_verified: true, ..new };
        // Hashing first would let anybody keep the lanes busy with invented tokens.
        tickets::peek(&self.0.db, Purpose::Setup, token, self.0.config.now_ms()).await?;
        let hash = self.hash_of(&new, Standing::FRESH).await?;
        let now_ms = self.0.config.now_ms();
        let mut tx = self.0.db.begin().await?;
        // Of two at once with two links one waits here, and then finds its ticket gone.
        tickets::take_all(&mut tx, Purpose::Setup, token, now_ms).await?;
        let admins: i64 = tx.query("SELECT COUNT(*) FROM auth_account WHERE role = 'admin'").scalar().await?;
        if admins > 0 {
            return Err(AuthFault::LinkInvalid);
        }
        let id = insert(&mut tx, &new, hash, now_ms).await.map_err(taken)?;
        let actor = Actor { account: Some(id), ..actor };
        Event::new(Kind::AdminSetUp).about(id).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        self.get(id).await
    }

    async fn hash_of(self, new: &NewAccount, standing: Standing) -> Result<Option<String>, AuthFault> {
        match &new.password {
            Some(password) => Ok(Some(self.0.hasher.hash(password, standing).await?)),
            None => Ok(None),
        }
    }
}

pub(super) async fn insert(
    tx: &mut Tx,
    new: &NewAccount,
    hash: Option<String>,
    now_ms: i64,
) -> Result<AccountId, DbError> {
    let id = AccountId::generate();
    // A generation that begins anywhere: an account that is deleted and made again in a restored
    // database does not know the tokens of the other.
    let generation = i64::from(u32::from_be_bytes(random::bytes::<4>()));
    tx.query(
        "INSERT INTO auth_account (id, email, email_key, email_verified, name, password_hash, role, status,
             language, generation, created_at_ms, signed_in_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL)",
    )
    .bind(id)
    .bind(new.email.as_str())
    .bind(new.email.key())
    .bind(new.email_verified)
    .bind(new.name.as_str())
    .bind(hash)
    .bind(new.role.as_str())
    .bind(new.status.as_str())
    .bind(new.language.as_deref().unwrap_or_default())
    .bind(generation)
    .bind(now_ms)
    .execute()
    .await?;
    Ok(id)
}

pub(super) fn taken(error: DbError) -> AuthFault {
    match error {
        DbError::Conflict { .. } => AuthFault::EmailTaken,
        other => other.into(),
    }
}
