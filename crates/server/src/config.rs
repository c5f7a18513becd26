//! Settings: defaults, then `sori.toml`, then `SORI_*`, then the command line.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    /// Database, media, line cache.
    pub data_dir: PathBuf,
    /// `sqlite:///absolute/path` or `postgres://…`; a file in the data folder when left out.
    pub database_url: Option<String>,
    /// Voice models.
    pub assets_dir: PathBuf,
    /// Renders at the same time; each uses every core.
    pub workers: usize,
    /// Threads that speak at once; all cores when 0.
    pub lanes: usize,
    /// Puts a demo show into an empty library at the first start.
    pub demo: bool,
    pub log: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    /// For reading on a terminal.
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            data_dir: home_folder("XDG_DATA_HOME", ".local/share").join("sori"),
            database_url: None,
            assets_dir: default_assets_dir(),
            workers: 1,
            lanes: 0,
            demo: true,
            log: LogFormat::Json,
        }
    }
}

/// Where `make assets` puts the voices.
#[must_use]
pub fn default_assets_dir() -> PathBuf {
    home_folder("XDG_CACHE_HOME", ".cache").join("sori/assets")
}

fn home_folder(variable: &str, below_home: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into())).join(below_home);
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or_else(home)
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("settings: {0}")]
    Unreadable(#[from] Box<figment::Error>),
    #[error(
        "refusing to listen on {0}: there are no accounts yet, so Sori serves this machine only. \
         Listen on 127.0.0.1 or [::1], and use an SSH tunnel from elsewhere."
    )]
    NotLoopback(SocketAddr),
    #[error("settings: {0}")]
    Invalid(&'static str),
}

impl Config {
    /// Reads the layers. `overrides` are the flags of the command line.
    pub fn load(file: Option<&Path>, overrides: impl Serialize) -> Result<Self, ConfigError> {
        let file = match file {
            // A file that was asked for by name has to be there.
            Some(path) => Toml::file_exact(path),
            None => Toml::file("sori.toml"),
        };
        let names = ["listen", "data_dir", "database_url", "assets_dir", "workers", "lanes", "demo", "log"];
        let config: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(file)
            .merge(Env::raw().only(&["DATABASE_URL"]))
            .merge(Env::prefixed("SORI_").only(&names))
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(Box::new)?;
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        if !self.listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(self.listen));
        }
        if !(1..=16).contains(&self.workers) || self.lanes > 256 {
            return Err(ConfigError::Invalid("workers must be 1 to 16, lanes 0 to 256"));
        }
        Ok(self)
    }

    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.data_dir.join("sori.db").display()),
        }
    }

    #[must_use]
    pub fn lanes(&self) -> usize {
        if self.lanes == 0 { sori_voice::default_lanes() } else { self.lanes }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_this_machine_is_served_until_accounts_exist() {
        for address in ["0.0.0.0:8000", "192.168.1.5:80", "[::]:8000"] {
            let refused = Config::load(None, json!({ "listen": address }));
            assert!(matches!(refused, Err(ConfigError::NotLoopback(_))), "{address}");
        }
        for address in ["127.0.0.1:8000", "[::1]:0", "127.9.9.9:1"] {
            assert!(Config::load(None, json!({ "listen": address })).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_file_is_read_and_flags_win_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.toml");
        std::fs::write(&file, "workers = 3\nlanes = 2\n").unwrap();
        let config = Config::load(Some(&file), json!({ "lanes": 1 })).unwrap();
        assert_eq!((config.workers, config.lanes), (3, 1));

        std::fs::write(&file, "wrokers = 3\n").unwrap();
        assert!(matches!(Config::load(Some(&file), json!({})), Err(ConfigError::Unreadable(_))));
        assert!(Config::load(Some(&folder.path().join("absent.toml")), json!({})).is_err());
    }
}
