//! `sori key`: API keys, for programs that act in somebody's name.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sori_auth::{Actor, ApiKey, Moment, NewKey, Policy};
use sori_contracts::{Role, Scope, UiLanguage};

use super::{print_json, run_async, write_line, write_output};
use crate::{
    failure::{Failure, say},
    place::{Here, Place, Where},
};

#[derive(Args)]
pub(crate) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key; it is shown once
    Create(Create),
    /// Take a key back, at once
    Revoke(Revoke),
    /// List the keys of an account
    List(List),
}

#[derive(Args)]
struct Create {
    /// What the key is for.
    name: String,
    /// What it may do; several with commas between them.
    #[arg(long, value_delimiter = ',', value_parser = scope, default_values = ["scripts:read", "synth", "jobs:read"], value_name = "SCOPE")]
    scope: Vec<Scope>,
    /// Good for signed requests only: the secret never travels.
    #[arg(long)]
    signed: bool,
    /// It ends after so many days (default: never).
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in: Option<u32>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Revoke {
    /// The beginning of the key (`sori_` and twelve letters), as `sori key list` shows it.
    prefix: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// Whose keys, by e-mail address; at a server they are always one's own.
    #[arg(long, value_name = "E-MAIL")]
    user: Option<String>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("a scope is one of {}", known.join(", "))
    })
}

impl KeyCommand {
    pub(crate) fn run(self, language: UiLanguage) -> Result<(), Failure> {
        run_async(async {
            match self.action {
                Action::Create(create) => create.run(language).await,
                Action::Revoke(revoke) => revoke.run(language).await,
                Action::List(list) => list.run(language).await,
            }
        })
    }
}

impl Common {
    /// Whom a key of this machine's data is for has to be said; nobody is signed in here.
    fn user(&self) -> Result<&str, Failure> {
        match (&self.user, self.place.is_here()) {
            (Some(email), true) => Ok(email),
            (None, true) => {
                Err(Failure::Usage("whose key? add --user E-MAIL, or --server URL for your own".into()))
            }
            (Some(_), false) => Err(Failure::Usage("at a server keys are your own: leave out --user".into())),
            (None, false) => Ok(""),
        }
    }
}

impl Create {
    async fn run(self, language: UiLanguage) -> Result<(), Failure> {
        let email = self.common.user()?;
        let policy = if self.signed { Policy::Signed } else { Policy::Bearer };
        let lifetime_ms = self.expires_in.map(|days| i64::from(days) * 86_400_000);
        let expires_at_ms = lifetime_ms.map(|lifetime_ms| crate::remote::now_ms() + lifetime_ms);
        let (key, secret) = match self.common.place.open(language).await? {
            Place::Here(here) => {
                let account = here.account(email).await?;
                if self.scope.contains(&Scope::Admin) && account.role != Role::Admin {
                    return Err(Failure::Usage(format!(
                        "{email} is no admin: a key can do no more than its account"
                    )));
                }
                let scopes = self.scope.iter().copied().collect();
                let new = NewKey { name: self.name.clone(), scopes, policy, expires_at_ms };
                let (key, secret) = here.auth.api_keys().create(account.id, new, Actor::OPERATOR).await?;
                (view(&key), secret)
            }
            Place::There(remote) => {
                let mut order = json!({ "name": self.name, "scopes": self.scope, "policy": policy });
                if let Some(at_ms) = expires_at_ms {
                    order["expires_at"] = json!(Moment(at_ms));
                }
                let mut made = remote.post("/v1/api-keys", &order).await?;
                let secret = made["secret"].take();
                if let Some(fields) = made.as_object_mut() {
                    fields.remove("secret");
                }
                (made, secret.as_str().unwrap_or_default().to_owned())
            }
        };
        if self.common.json {
            let mut whole = key;
            whole["secret"] = secret.into();
            return print_json(&whole);
        }
        say("The key is shown this once; keep it where nobody else reads:");
        write_line(&secret)
    }
}

impl Revoke {
    async fn run(self, language: UiLanguage) -> Result<(), Failure> {
        let prefix = self.prefix.strip_prefix("sori_").unwrap_or(&self.prefix);
        // A whole key is taken as well: it is what somebody has who found it where it must not be.
        let prefix = prefix.split('_').next().unwrap_or_default();
        match self.common.place.open(language).await? {
            Place::Here(here) => {
                let key = here.auth.api_keys().by_prefix(prefix).await?;
                here.auth.api_keys().revoke(key.account, key.id, Actor::OPERATOR).await?;
            }
            Place::There(remote) => {
                let keys = remote.get("/v1/api-keys").await?;
                let keys = keys["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                let id = keys.iter().find(|key| key["prefix"] == prefix).and_then(|key| key["id"].as_str());
                let id = id.ok_or(sori_auth::AuthFault::KeyNotFound)?;
                remote.delete(&format!("/v1/api-keys/{id}")).await?;
            }
        }
        if self.common.json {
            return print_json(&json!({ "revoked": prefix }));
        }
        say(&format!("Revoked: sori_{prefix}"));
        Ok(())
    }
}

impl List {
    async fn run(self, language: UiLanguage) -> Result<(), Failure> {
        let email = self.common.user()?;
        let keys = match self.common.place.open(language).await? {
            Place::Here(here) => keys_of(&here, email).await?,
            Place::There(remote) => {
                let answer = remote.get("/v1/api-keys").await?;
                answer["items"].as_array().cloned().unwrap_or_default()
            }
        };
        if self.common.json {
            return print_json(&json!({ "items": keys }));
        }
        let mut table =
            format!("{:<18} {:<24} {:<7} {:<25} {}\n", "KEY", "NAME", "POLICY", "LAST USED", "SCOPES");
        for key in keys {
            let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
            let scopes: Vec<_> =
                key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            table += &format!(
                "{:<18} {:<24} {:<7} {:<25} {}\n",
                format!("sori_{}", text("prefix")),
                text("name"),
                text("policy"),
                text("last_used_at"),
                scopes.join(",")
            );
        }
        write_output("-".as_ref(), table.as_bytes())
    }
}

async fn keys_of(here: &Here, email: &str) -> Result<Vec<Value>, Failure> {
    let account = here.account(email).await?;
    Ok(here.auth.api_keys().list(account.id).await?.iter().map(view).collect())
}

/// The same fields as the server's answers.
fn view(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes.iter().collect::<Vec<_>>(),
        "policy": key.policy,
        "created_at": Moment(key.created_at_ms),
        "expires_at": key.expires_at_ms.map(Moment),
        "last_used_at": key.last_used_at_ms.map(Moment),
    })
}
