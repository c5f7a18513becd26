//! Settings of metrics and alerts.

use serde::{Deserialize, Serialize};

/// `metrics.*`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// Everybody may read `/metrics`. Otherwise only programs on this machine, and admins.
    pub open: bool,
}

/// `alerts.*`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// At this share of the slots of one kind that are taken, 1 to 100.
    pub slots_percent: u32,
    /// When more streams than this fail within a minute.
    pub errors_per_minute: u32,
    /// When a smaller share than this comes out of the cache, 0 to 100; 0 turns it off.
    pub hit_rate_percent: u32,
    /// Told about every alert that begins or ends.
    pub webhook_url: Option<String>,
    /// Signs what is told (Standard Webhooks): `whsec_` and base64, or any text.
    pub webhook_secret: Option<String>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            slots_percent: 90,
            errors_per_minute: 10,
            hit_rate_percent: 40,
            webhook_url: None,
            webhook_secret: None,
        }
    }
}

impl AlertSettings {
    /// What cannot work, to be told at the start.
    ///
    /// # Errors
    /// A sentence for whoever wrote the settings.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(1..=100).contains(&self.slots_percent) || self.hit_rate_percent > 100 {
            return Err("alerts.slots_percent is 1 to 100, alerts.hit_rate_percent 0 to 100");
        }
        match (&self.webhook_url, &self.webhook_secret) {
            (Some(url), _) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Err("alerts.webhook_url must begin with https:// or http://")
            }
            (Some(_), None) => {
                Err("alerts.webhook_url needs alerts.webhook_secret, which signs what is sent")
            }
            (Some(_), Some(secret)) if secret.len() < 16 => {
                Err("alerts.webhook_secret must have at least 16 letters")
            }
            _ => Ok(()),
        }
    }
}
