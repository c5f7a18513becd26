//! How the bytes of a file reach the socket.

use serde::{Deserialize, Serialize};

/// The setting `media.send`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendMode {
    /// `writev` from pages that are mapped already, `sendfile` for the others.
    #[default]
    Auto,
    /// Always `writev` from the mapping.
    Mmap,
    /// Always `sendfile`.
    Sendfile,
    /// Read into memory in pieces, as TLS and other systems do anyway. For files that somebody may
    /// write to in place: a mapping of such a file can show zeros where it was cut off.
    Read,
}
