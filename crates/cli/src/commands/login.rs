//! `sori login`, `sori logout`, `sori whoami`: this machine's sign-in at a server.

use clap::Args;
use serde_json::{Value, json};
use sori_contracts::UiLanguage;

use super::{print_json, run_async, write_line};
use crate::{
    credentials::{Credential, Store},
    failure::{Failure, say},
    prompt,
    remote::{self, Remote},
};

#[derive(Args)]
pub(crate) struct Login {
    /// Address of the server, such as `https://sori.example.org`.
    #[arg(long, env = "SORI_SERVER", default_value = "http://127.0.0.1:8000", value_name = "URL")]
    server: String,
    /// E-mail of the account (asked for when left out).
    #[arg(long, value_name = "E-MAIL", conflicts_with = "api_key")]
    email: Option<String>,
    /// Sign in with an API key instead: typed, or the first line of standard input.
    #[arg(long)]
    api_key: bool,
    #[arg(long)]
    json: bool,
}

impl Login {
    pub(crate) fn run(self, language: UiLanguage) -> Result<(), Failure> {
        run_async(async {
            let stranger = Remote::unknown(&self.server, language)?;
            let credential = if self.api_key {
                Credential::ApiKey { api_key: prompt::secret("API key:")? }
            } else {
                self.session(&stranger).await?
            };
            // What does not let us in is not kept.
            let user = stranger.known_by(&credential).get("/api/me").await?;
            let store = Store::open()?;
            let mut all = store.read()?;
            all.servers.insert(stranger.url.clone(), credential);
            all.default = Some(stranger.url.clone());
            store.write(&all)?;
            tell(&stranger.url, &user, self.json)
        })
    }

    async fn session(&self, stranger: &Remote) -> Result<Credential, Failure> {
        let email = match &self.email {
            Some(email) => email.clone(),
            None => prompt::ask("E-mail:")?,
        };
        let password = prompt::secret("Password:")?;
        let device = format!("sori on {}", machine());
        let body = json!({ "email": email, "password": password, "device_name": device });
        remote::session(&stranger.post("/api/auth/sign-in", &body).await?)
    }
}

#[derive(Args)]
pub(crate) struct Logout {
    /// Of this server (default: the one that was signed in to last).
    #[arg(long, env = "SORI_SERVER", value_name = "URL")]
    server: Option<String>,
}

impl Logout {
    pub(crate) fn run(self, language: UiLanguage) -> Result<(), Failure> {
        run_async(async {
            let remote = Remote::stored(self.server.as_deref(), language)?;
            // An API key is not ended by forgetting it here; a session is.
            let ended = if remote.has_session()? {
                remote.post("/api/auth/sign-out", &json!({})).await.map(drop)
            } else {
                Ok(())
            };
            let store = Store::open()?;
            let mut all = store.read()?;
            all.servers.remove(&remote.url);
            all.default = all.default.filter(|url| *url != remote.url);
            store.write(&all)?;
            if let Err(failure) = ended {
                // A server that does not know us any more has nothing left to end.
                if !failure.is_unauthenticated() {
                    return Err(failure);
                }
            }
            say(&format!("Signed out of {}", remote.url));
            Ok(())
        })
    }
}

#[derive(Args)]
pub(crate) struct Whoami {
    /// At this server (default: the one that was signed in to last).
    #[arg(long, env = "SORI_SERVER", value_name = "URL")]
    server: Option<String>,
    #[arg(long)]
    json: bool,
}

impl Whoami {
    pub(crate) fn run(self, language: UiLanguage) -> Result<(), Failure> {
        run_async(async {
            let remote = Remote::signed_in(self.server.as_deref(), language)?;
            let user = remote.get("/api/me").await?;
            tell(&remote.url, &user, self.json)
        })
    }
}

fn tell(server: &str, user: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&json!({ "server": server, "user": user }));
    }
    let text = |name: &str| user[name].as_str().unwrap_or("?");
    write_line(&format!("{} <{}>, {}, at {server}", text("name"), text("email"), text("role")))
}

/// What the list of devices shows.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "a computer".into() } else { name.chars().take(60).collect() }
}
