//! Where accounts and keys are changed: in the data of this machine, as `sori serve` opens them, or
//! at a server.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sori_auth::{Account, Auth, AuthFault, Email};
use sori_contracts::UiLanguage;
use sori_server::Config;

use crate::{failure::Failure, remote::Remote};

/// Which data, when it is not the usual; the same flags and settings as `sori serve`.
#[derive(Args, Serialize)]
pub(crate) struct Data {
    /// Database and media live here.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// `sqlite:///path` or `postgres://…`.
    #[arg(long, value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Settings file (default: sori.toml here, when there is one).
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Data {
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref(), self).map_err(|error| Failure::Usage(error.to_string()))
    }
}

#[derive(Args)]
pub(crate) struct Where {
    /// At this server, as whoever signed in with `sori login`; without it in the data of this machine.
    #[arg(long, env = "SORI_SERVER", value_name = "URL", conflicts_with_all = ["data_dir", "database_url", "config"])]
    server: Option<String>,
    #[command(flatten)]
    data: Data,
}

pub(crate) enum Place {
    Here(Here),
    There(Remote),
}

/// The accounts of this machine's data. A server may run on them: it hears of every change.
pub(crate) struct Here {
    pub(crate) auth: Auth,
    /// What the links of one who has no public address begin with.
    base: String,
}

impl Here {
    pub(crate) fn link(&self, link: String) -> String {
        if link.starts_with('/') { format!("{}{link}", self.base) } else { link }
    }

    pub(crate) async fn account(&self, email: &str) -> Result<Account, Failure> {
        let found = self.auth.accounts().by_email(&Email::parse(email)?).await?;
        found.ok_or_else(|| AuthFault::AccountNotFound.into())
    }
}

impl Where {
    pub(crate) async fn open(&self, language: UiLanguage) -> Result<Place, Failure> {
        if let Some(url) = &self.server {
            return Ok(Place::There(Remote::signed_in(Some(url), language)?));
        }
        let config = self.data.config()?;
        let auth = sori_server::accounts_of(&config).await;
        let auth = auth.map_err(|error| Failure::Other(error.to_string()))?;
        let scheme = if config.is_secure() { "https" } else { "http" };
        Ok(Place::Here(Here { auth, base: format!("{scheme}://{}", config.listen) }))
    }

    pub(crate) fn is_here(&self) -> bool {
        self.server.is_none()
    }
}
