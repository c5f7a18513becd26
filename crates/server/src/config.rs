//! Settings: defaults, then `sori.toml`, then `SORI_*`, then the command line.

mod border;
mod media;
mod metering;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sori_auth::{
    SignUp,
    oidc::{OidcSettings, Provider, TrustedIssuer},
};
use sori_metering::{AlertSettings, MetricsSettings};

pub use border::{Limit, Limits};
pub use media::MediaSettings;

pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

/// `Debug` hides the secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Days that a finished job is kept, with audio that belongs to no script; 0 keeps both for ever.
    pub keep_jobs_days: u32,
    /// Puts a demo show into an empty library at the first start.
    pub demo: bool,
    pub log: LogFormat,
    /// Who may make an account: `open`, `approval` (an admin lets them in) or `closed`.
    pub sign_up: SignUp,
    /// Who has no account may see and hear what is public.
    pub visitors: bool,
    /// Where people reach this server, such as `https://sori.example.org`.
    pub public_url: Option<String>,
    /// Signs tokens and addresses; a random one in the data folder when left out.
    pub secret_key: Option<String>,
    /// Earlier keys: what they signed stays good until it expires.
    #[serde(deserialize_with = "border::list")]
    pub old_secret_keys: Vec<String>,
    /// "Sign in with Google": the client that was made for this server at Google.
    pub google_client_id: Option<String>,
    pub google_client_secret: Option<String>,
    /// Another issuer in the place of Google; for tests.
    pub google_issuer: Option<String>,
    /// Other OpenID Connect providers to sign in with.
    pub oidc: Vec<Provider>,
    /// Issuers whose bearer tokens are taken as they are.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Other names that this server answers to; `*` for any.
    #[serde(deserialize_with = "border::list")]
    pub allowed_hosts: Vec<String>,
    /// Pages of these origins may call the API (with bearer tokens, never with cookies); `*` for any.
    #[serde(deserialize_with = "border::list")]
    pub cors_origins: Vec<String>,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "border::list")]
    pub trusted_proxies: Vec<IpNet>,
    /// PEM file with the certificate and those between it and the root; with `tls_key` the server
    /// speaks TLS 1.3. Both are read again when they change.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key: Option<PathBuf>,
    /// Webhooks, key sets and engines may lie in private networks.
    pub allow_private_addresses: bool,
    pub limits: Limits,
    pub media: MediaSettings,
    pub metrics: MetricsSettings,
    pub alerts: AlertSettings,
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
            keep_jobs_days: 30,
            demo: true,
            log: LogFormat::Json,
            sign_up: SignUp::default(),
            visitors: true,
            public_url: None,
            secret_key: None,
            old_secret_keys: Vec::new(),
            google_client_id: None,
            google_client_secret: None,
            google_issuer: None,
            oidc: Vec::new(),
            trusted_issuers: Vec::new(),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            allow_private_addresses: false,
            limits: Limits::default(),
            media: MediaSettings::default(),
            metrics: MetricsSettings::default(),
            alerts: AlertSettings::default(),
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

/// What `SORI_*` may set.
const NAMES: &[&str] = &[
    "listen",
    "data_dir",
    "database_url",
    "assets_dir",
    "workers",
    "lanes",
    "keep_jobs_days",
    "demo",
    "log",
    "sign_up",
    "visitors",
    "public_url",
    "secret_key",
    "old_secret_keys",
    "google_client_id",
    "google_client_secret",
    "google_issuer",
    "allowed_hosts",
    "cors_origins",
    "trusted_proxies",
    "tls_certificate",
    "tls_key",
    "allow_private_addresses",
];

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("settings: {0}")]
    Unreadable(#[from] Box<figment::Error>),
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
        let config: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(file)
            // The names that earlier deployments have.
            .merge(Env::raw().only(&[
                "DATABASE_URL",
                "SECRET_KEY",
                "GOOGLE_CLIENT_ID",
                "GOOGLE_CLIENT_SECRET",
            ]))
            .merge(Env::prefixed("SORI_").only(NAMES))
            .merge(border::limits_of_the_environment())
            .merge(media::of_the_environment())
            .merge(metering::metrics_of_the_environment())
            .merge(metering::alerts_of_the_environment())
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(Box::new)?;
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        if !(1..=16).contains(&self.workers) || self.lanes > 256 {
            return Err(ConfigError::Invalid("workers must be 1 to 16, lanes 0 to 256"));
        }
        self.check_border()?;
        self.alerts.check().map_err(ConfigError::Invalid)?;
        self.media.check().map_err(ConfigError::Invalid)?;
        Ok(self)
    }

    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.data_dir.join("sori.db").display()),
        }
    }

    /// Whom this server lets people prove themselves to.
    #[must_use]
    pub fn oidc(&self) -> OidcSettings {
        let google = self.google_client_id.clone().filter(|id| !id.is_empty()).map(|id| {
            let secret = self.google_client_secret.clone().filter(|secret| !secret.is_empty());
            Provider::google(id, secret, self.google_issuer.clone())
        });
        let providers = google.into_iter().chain(self.oidc.iter().cloned()).collect();
        OidcSettings { providers, trusted: self.trusted_issuers.clone() }
    }

    /// As somebody may read it: secrets are hidden.
    ///
    /// # Panics
    /// Never: every setting can be written.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).expect("settings can be written");
        border::hide_secrets(&mut value);
        value
    }

    #[must_use]
    pub fn lanes(&self) -> usize {
        if self.lanes == 0 { sori_voice::default_lanes() } else { self.lanes }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config {}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
