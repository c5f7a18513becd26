//! Who has an account, and what becomes of it.

mod change;
mod external;
mod make;

use async_trait::async_trait;
use sori_contracts::{AccountId, Fault, Profile};

use crate::{
    Auth, AuthFault, Email, Inner,
    account::{Account, Row, Status, columns},
};

pub use change::ProfileChange;
pub use external::ExternalPerson;
pub(crate) use external::ExternalPersonRef;
pub use make::NewAccount;
pub(crate) use make::{language_of, name_of};

/// The accounts of this installation.
#[derive(Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a Inner);

/// What a list of accounts is asked for.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    pub status: Option<Status>,
    /// A part of the name or of the e-mail address.
    pub text: Option<String>,
    pub before: Option<AccountId>,
}

impl Accounts<'_> {
    pub async fn get(self, id: AccountId) -> Result<Account, AuthFault> {
        self.find(id).await?.ok_or(AuthFault::AccountNotFound)
    }

    pub async fn find(self, id: AccountId) -> Result<Option<Account>, AuthFault> {
        let row: Option<Row> = self
            .0
            .db
            .query(concat!("SELECT ", columns!(), " FROM auth_account a WHERE a.id = $1"))
            .bind(id)
            .fetch_optional()
            .await?;
        Ok(row.map(Account::from))
    }

    pub async fn by_email(self, email: &Email) -> Result<Option<Account>, AuthFault> {
        Ok(self.with_hash(email).await?.map(|(account, _)| account))
    }

    pub(crate) async fn with_hash(
        self,
        email: &Email,
    ) -> Result<Option<(Account, Option<String>)>, AuthFault> {
        let row: Option<Row> = self
            .0
            .db
            .query(concat!("SELECT ", columns!(), " FROM auth_account a WHERE a.email_key = $1"))
            .bind(email.key())
            .fetch_optional()
            .await?;
        Ok(row.map(split))
    }

    pub(crate) async fn with_hash_by_id(self, id: AccountId) -> Result<(Account, Option<String>), AuthFault> {
        let row: Option<Row> = self
            .0
            .db
            .query(concat!("SELECT ", columns!(), " FROM auth_account a WHERE a.id = $1"))
            .bind(id)
            .fetch_optional()
            .await?;
        row.map(split).ok_or(AuthFault::AccountNotFound)
    }

    /// Newest first.
    pub async fn list(self, filter: &AccountFilter, limit: u32) -> Result<Vec<Account>, AuthFault> {
        let rows: Vec<Row> = self
            .0
            .db
            .query(concat!(
                "SELECT ",
                columns!(),
                " FROM auth_account a
                 WHERE ($1 IS NULL OR a.status = $1) AND ($3 IS NULL OR a.id < $3)
                     AND ($2 IS NULL OR a.email_key LIKE $2 ESCAPE '!' OR LOWER(a.name) LIKE $2 ESCAPE '!')
                 ORDER BY a.id DESC LIMIT $4"
            ))
            .bind(filter.status.map(Status::as_str))
            .bind(filter.text.as_deref().map(contains))
            .bind(filter.before)
            .bind(limit)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(Account::from).collect())
    }

    /// No admin yet: the first one comes in by the one-time link.
    pub async fn needs_setup(self) -> Result<bool, AuthFault> {
        let admins: i64 =
            self.0.db.query("SELECT COUNT(*) FROM auth_account WHERE role = 'admin'").scalar().await?;
        Ok(admins == 0)
    }
}

fn split(row: Row) -> (Account, Option<String>) {
    let hash = row.password_hash.clone();
    (row.into(), hash)
}

/// A pattern for LIKE; `!` takes the meaning from what follows it.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.trim().to_lowercase().chars().take(100) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[async_trait]
impl sori_contracts::Accounts for Auth {
    async fn find_by_email(&self, email: &str) -> Result<Option<Profile>, Box<dyn Fault>> {
        let Ok(email) = Email::parse(email) else { return Ok(None) };
        let found = self.accounts().by_email(&email).await.map_err(boxed)?;
        Ok(found.filter(|account| account.status == Status::Active).map(Profile::from))
    }

    async fn profiles(&self, ids: &[AccountId]) -> Result<Vec<Profile>, Box<dyn Fault>> {
        let mut profiles = Vec::with_capacity(ids.len());
        for some in ids.chunks(100) {
            let places: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
            let text = format!(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM auth_account a WHERE a.status = 'active' AND a.id IN ({})"
                ),
                places.join(", ")
            );
            let query = some.iter().fold(self.0.db.query_dynamic(text), |query, id| query.bind(*id));
            let rows: Vec<Row> = query.fetch_all().await.map_err(|error| boxed(error.into()))?;
            profiles.extend(rows.into_iter().map(|row| Profile::from(Account::from(row))));
        }
        Ok(profiles)
    }
}

pub(crate) fn boxed(fault: AuthFault) -> Box<dyn Fault> {
    Box::new(fault)
}
