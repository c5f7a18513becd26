//! Settings of the border: limits, and how lists and secrets are read and shown.

use figment::{Provider, providers::Env};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sori_streaming::StreamLimits;

use super::{Config, ConfigError};

/// How many requests in a minute, counted by bucket (GCRA): a whole minute's worth may come at once
/// after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limit(pub u32);

/// What one address and one account (or key) may ask in a minute. An address may be a whole school
/// behind one line, so it has more than a person needs, except for guessing passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Sign-in, sign-up and the like, per address.
    pub sign_in: Limit,
    /// Orders that cost computing time, per account or key.
    pub synth: Limit,
    pub write: Limit,
    pub read: Limit,
    /// How much more of those three an address has than an account.
    pub address_factor: u32,
    /// After so many refused credentials within ten minutes an address may not try again for a while.
    pub failures: u32,
    /// How long the first block lasts; each further one within a day is twice as long, up to an hour.
    pub block_seconds: u32,
    /// Open connections at the same time.
    pub connections: u32,
    /// Streaming sessions at the same time; 0 is no limit.
    pub streams: StreamLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_in: Limit(20),
            synth: Limit(120),
            write: Limit(600),
            read: Limit(3_000),
            address_factor: 5,
            failures: 30,
            block_seconds: 60,
            connections: 10_000,
            streams: StreamLimits::default(),
        }
    }
}

/// `SORI_LIMITS_READ=6000`, `SORI_LIMITS_STREAMS_VIDEO=20` and so on.
pub(super) fn limits_of_the_environment() -> impl Provider {
    Env::prefixed("SORI_LIMITS_").map(|name| {
        let name = name.as_str().to_ascii_lowercase();
        match name.strip_prefix("streams_") {
            Some(of_streams) => format!("limits.streams.{of_streams}").into(),
            None => format!("limits.{name}").into(),
        }
    })
}

/// A list, or its members with commas between them: `SORI_ALLOWED_HOSTS=a.example,b.example`.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    let members = match Written::deserialize(deserializer)? {
        Written::List(members) => members,
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let members = members.iter().map(|member| member.trim()).filter(|member| !member.is_empty());
    members.map(|member| member.parse().map_err(serde::de::Error::custom)).collect()
}

/// Replaces what must not be in a log: secrets, and addresses that hold a password.
pub(super) fn hide_secrets(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_secret = name.contains("secret") || name == "database_url" || name == "webhook_url";
                if is_secret && !field.is_null() {
                    *field = "(hidden)".into();
                } else {
                    hide_secrets(field);
                }
            }
        }
        _ => {}
    }
}

/// Shorter secrets can be guessed (NIST SP 800-107: as long as the hash for HMAC is best, half is enough).
const SHORTEST_SECRET: usize = 16;

impl Config {
    pub(super) fn check_border(&self) -> Result<(), ConfigError> {
        let invalid = |why| Err(ConfigError::Invalid(why));
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return invalid("tls_certificate and tls_key belong together");
        }
        if self.secret_key.iter().chain(&self.old_secret_keys).any(|key| key.len() < SHORTEST_SECRET) {
            return invalid(
                "secret_key must have at least 16 letters (openssl rand -hex 32 makes a good one)",
            );
        }
        let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if !self.public_url.iter().all(is_web) {
            return invalid("public_url must begin with https:// or http://");
        }
        if !self.cors_origins.iter().all(|origin| origin == "*" || is_web(origin)) {
            return invalid("cors_origins are like https://app.example.org, or *");
        }
        if let Err(why) = self.oidc().check() {
            return invalid(why);
        }
        let limits = &self.limits;
        let counts = [limits.sign_in, limits.synth, limits.write, limits.read].map(|limit| limit.0);
        let others = [limits.address_factor, limits.failures, limits.block_seconds, limits.connections];
        if counts.iter().chain(&others).any(|count| *count == 0) {
            return invalid("limits begin at 1");
        }
        Ok(())
    }

    /// Whether people reach this server by `https`, directly or through a proxy.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls_certificate.is_some()
            || self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn load(values: Value) -> Result<Config, ConfigError> {
        Config::load(None, values)
    }

    #[test]
    fn lists_are_lists_or_have_commas() {
        let config =
            load(json!({"allowed_hosts": "a.example, b.example,", "trusted_proxies": ["10.0.0.0/8"]}));
        let config = config.unwrap();
        assert_eq!(config.allowed_hosts, ["a.example", "b.example"]);
        assert_eq!(config.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
        assert!(load(json!({"trusted_proxies": "not a network"})).is_err());
    }

    #[test]
    fn what_cannot_work_is_refused_at_the_start() {
        for wrong in [
            json!({"tls_key": "key.pem"}),
            json!({"secret_key": "short"}),
            json!({"old_secret_keys": ["0123456789abcdef", "short"]}),
            json!({"public_url": "sori.example.org"}),
            json!({"cors_origins": ["app.example.org"]}),
            json!({"limits": {"read": 0}}),
            json!({"alerts": {"slots_percent": 0}}),
            json!({"alerts": {"webhook_url": "https://hooks.example/"}}),
            json!({"oidc": [{"id": "a b", "issuer": "https://id.example", "client_id": "x"}]}),
        ] {
            assert!(matches!(load(wrong.clone()), Err(ConfigError::Invalid(_))), "{wrong}");
        }
        assert!(matches!(load(json!({"limits": {"reed": 1}})), Err(ConfigError::Unreadable(_))));
        assert_eq!(load(json!({"limits": {"read": 7}})).unwrap().limits.read, Limit(7));
        let streams = load(json!({"limits": {"streams": {"video": 0}}})).unwrap().limits.streams;
        assert_eq!((streams.video, streams.video_per_user), (0, 3));
    }

    #[test]
    fn secrets_are_not_shown() {
        let config =
            load(json!({"secret_key": "correct horse battery", "old_secret_keys": ["staple staple staple"],
            "database_url": "postgres://sori:hunter2@db/sori",
            "alerts": {"webhook_url": "https://hooks.example/batman", "webhook_secret": "robin robin robin"}}))
            .unwrap();
        let shown = format!("{config:?}");
        for secret in ["horse", "staple", "hunter2", "batman", "robin"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("visitors"));
    }
}
