//! Settings of media.

use figment::{Provider, providers::Env};
use serde::{Deserialize, Serialize};
use sori_streaming::SendMode;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSettings {
    /// How files reach a connection without TLS: `auto`, `mmap`, `sendfile` or `read`. The first is
    /// best on local disks; `read` is for a folder that others may write to in place.
    pub send: SendMode,
}

/// `SORI_MEDIA_SEND=sendfile`.
pub(super) fn of_the_environment() -> impl Provider {
    Env::prefixed("SORI_MEDIA_").map(|name| format!("media.{}", name.as_str().to_ascii_lowercase()).into())
}
