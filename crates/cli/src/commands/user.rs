//! `sori user`: the accounts of a server.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sori_auth::{AccountFilter, Actor, Email, NewAccount, Password, Status, User};
use sori_contracts::{Role, UiLanguage};

use super::{print_json, run_async, write_output};
use crate::{
    failure::{Failure, say},
    place::{Here, Place, Where},
    prompt,
    remote::{Remote, encoded},
};

#[derive(Args)]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make an account and print a link to choose its password with
    Add(Add),
    /// Let in somebody who signed up
    Approve(Named),
    /// Shut somebody out; `approve` lets them in again
    Suspend(Named),
    /// Change what somebody may do
    Role(ChangeRole),
    /// Print a link to choose a new password with
    Reset(Named),
    /// List the accounts, newest first
    List(List),
}

#[derive(Args)]
struct Add {
    /// The account's e-mail address; whoever makes the account vouches for it.
    email: String,
    /// How others see them (default: what stands before the @).
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_enum, default_value_t = RoleName::Learner)]
    role: RoleName,
    /// Read the password from the first line of standard input (or ask for it) instead of making a link.
    #[arg(long)]
    password: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Named {
    /// The account's e-mail address.
    email: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct ChangeRole {
    /// The account's e-mail address.
    email: String,
    #[arg(value_enum)]
    role: RoleName,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct List {
    /// Only accounts in this state.
    #[arg(long, value_parser = ["pending", "active", "suspended"])]
    status: Option<String>,
    /// Only those with this in the name or the e-mail address.
    #[arg(long = "search", value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Learner,
    Teacher,
    Editor,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Learner => Self::Learner,
            RoleName::Teacher => Self::Teacher,
            RoleName::Editor => Self::Editor,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl UserCommand {
    pub(crate) fn run(self, language: UiLanguage) -> Result<(), Failure> {
        run_async(async {
            match self.action {
                Action::Add(add) => add.run(language).await,
                Action::Approve(named) => named.set_status(language, Status::Active).await,
                Action::Suspend(named) => named.set_status(language, Status::Suspended).await,
                Action::Role(change) => {
                    let role = Some(change.role.into());
                    change_account(&change.common, language, &change.email, role, None).await
                }
                Action::Reset(named) => named.reset(language).await,
                Action::List(list) => list.run(language).await,
            }
        })
    }
}

impl Add {
    async fn run(self, language: UiLanguage) -> Result<(), Failure> {
        let password =
            if self.password { Some(prompt::secret("Password of the new account:")?) } else { None };
        let name =
            self.name.clone().unwrap_or_else(|| self.email.split('@').next().unwrap_or_default().to_owned());
        let role = Role::from(self.role);
        let (user, url) = match self.common.place.open(language).await? {
            Place::Here(here) => self.make(&here, name, role, password).await?,
            Place::There(_) if password.is_some() => {
                return Err(Failure::Usage("at a server the owner chooses the password, by the link".into()));
            }
            Place::There(remote) => {
                let order = json!({ "email": self.email, "name": name, "role": role });
                let made = remote.post("/api/admin/accounts", &order).await?;
                (made["user"].clone(), made["url"].as_str().map(|url| remote.link(url)))
            }
        };
        if self.common.json {
            return print_json(&json!({ "user": user, "url": url }));
        }
        tell(&user)?;
        tell_link(url.as_deref(), "choose a password here, once, within a day")
    }

    async fn make(
        &self,
        here: &Here,
        name: String,
        role: Role,
        password: Option<String>,
    ) -> Result<(Value, Option<String>), Failure> {
        let email = Email::parse(&self.email)?;
        let password = password.map(|text| Password::new(&text, &email, &name)).transpose()?;
        let has_password = password.is_some();
        let new = NewAccount {
            email,
            name,
            password,
            role,
            status: Status::Active,
            language: None,
            // The operator says whose it is.
            email_verified: true,
        };
        let account = here.auth.accounts().make(new, Actor::OPERATOR).await?;
        let url = match has_password {
            true => None,
            false => Some(here.link(here.auth.reset_link(account.id, Actor::OPERATOR).await?)),
        };
        Ok((json!(User::from(&account)), url))
    }
}

impl Named {
    async fn set_status(self, language: UiLanguage, status: Status) -> Result<(), Failure> {
        change_account(&self.common, language, &self.email, None, Some(status)).await
    }

    async fn reset(self, language: UiLanguage) -> Result<(), Failure> {
        let url = match self.common.place.open(language).await? {
            Place::Here(here) => {
                let account = here.account(&self.email).await?;
                here.link(here.auth.reset_link(account.id, Actor::OPERATOR).await?)
            }
            Place::There(remote) => {
                let id = id_of(&remote, &self.email).await?;
                let made = remote.post(&format!("/api/admin/accounts/{id}/reset-link"), &json!({})).await?;
                remote.link(made["url"].as_str().unwrap_or_default())
            }
        };
        if self.common.json {
            return print_json(&json!({ "url": url }));
        }
        tell_link(Some(&url), "choose a new password here, once, within a day")
    }
}

async fn change_account(
    common: &Common,
    language: UiLanguage,
    email: &str,
    role: Option<Role>,
    status: Option<Status>,
) -> Result<(), Failure> {
    let user = match common.place.open(language).await? {
        Place::Here(here) => {
            let account = here.account(email).await?;
            let changed = here.auth.accounts().set_role_and_status(account.id, role, status, Actor::OPERATOR);
            json!(User::from(&changed.await?))
        }
        Place::There(remote) => {
            let id = id_of(&remote, email).await?;
            let mut change = serde_json::Map::new();
            change.extend(role.map(|role| ("role".to_owned(), json!(role))));
            change.extend(status.map(|status| ("status".to_owned(), json!(status))));
            remote.patch(&format!("/api/admin/accounts/{id}"), &Value::Object(change)).await?
        }
    };
    if common.json { print_json(&user) } else { tell(&user) }
}

impl List {
    async fn run(self, language: UiLanguage) -> Result<(), Failure> {
        let users = match self.common.place.open(language).await? {
            Place::Here(here) => self.here(&here).await?,
            Place::There(remote) => self.there(&remote).await?,
        };
        if self.common.json {
            return print_json(&json!({ "items": users }));
        }
        let mut table =
            format!("{:<32} {:<24} {:<8} {:<10} {}\n", "E-MAIL", "NAME", "ROLE", "STATUS", "SIGNED IN");
        for user in users {
            let text = |name: &str| user[name].as_str().unwrap_or("-").to_owned();
            table += &format!(
                "{:<32} {:<24} {:<8} {:<10} {}\n",
                text("email"),
                text("name"),
                text("role"),
                text("status"),
                text("signed_in_at")
            );
        }
        write_output("-".as_ref(), table.as_bytes())
    }

    async fn here(&self, here: &Here) -> Result<Vec<Value>, Failure> {
        const AT_ONCE: u32 = 500;
        let status = self.status.as_deref().and_then(Status::parse);
        let mut filter = AccountFilter { status, text: self.text.clone(), before: None };
        let mut users = Vec::new();
        loop {
            let some = here.auth.accounts().list(&filter, AT_ONCE).await?;
            users.extend(some.iter().map(|account| json!(User::from(account))));
            match some.last() {
                Some(last) if some.len() == AT_ONCE as usize => filter.before = Some(last.id),
                _ => return Ok(users),
            }
        }
    }

    async fn there(&self, remote: &Remote) -> Result<Vec<Value>, Failure> {
        let mut query = String::from("limit=100");
        for (name, text) in [("status", &self.status), ("q", &self.text)] {
            if let Some(text) = text {
                query += &format!("&{name}={}", encoded(text));
            }
        }
        remote.all("/api/admin/accounts", &query).await
    }
}

/// The account of a server by its address.
async fn id_of(remote: &Remote, email: &str) -> Result<String, Failure> {
    let found = remote.all("/api/admin/accounts", &format!("limit=100&q={}", encoded(email))).await?;
    let is_it = |user: &&Value| user["email"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(email));
    let id = found.iter().find(is_it).and_then(|user| user["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| sori_auth::AuthFault::AccountNotFound.into())
}

fn tell(user: &Value) -> Result<(), Failure> {
    let text = |name: &str| user[name].as_str().unwrap_or("?");
    super::write_line(&format!("{} <{}>: {}, {}", text("name"), text("email"), text("role"), text("status")))
}

/// The link itself goes to standard output, alone in its line.
fn tell_link(url: Option<&str>, what: &str) -> Result<(), Failure> {
    match url {
        None => Ok(()),
        Some(url) => {
            say(&format!("Hand this to the account's owner, to {what}:"));
            super::write_line(url)
        }
    }
}
