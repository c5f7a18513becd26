//! Settings of metrics and alerts, out of the environment.

use figment::{Provider, providers::Env};

/// `SORI_METRICS_OPEN=true`.
pub(super) fn metrics_of_the_environment() -> impl Provider {
    Env::prefixed("SORI_METRICS_")
        .map(|name| format!("metrics.{}", name.as_str().to_ascii_lowercase()).into())
}

/// `SORI_ALERTS_WEBHOOK_URL=https://…`.
pub(super) fn alerts_of_the_environment() -> impl Provider {
    Env::prefixed("SORI_ALERTS_").map(|name| format!("alerts.{}", name.as_str().to_ascii_lowercase()).into())
}
