//! Finds the installed voices. Without them a test says so and ends, unless `SORI_REQUIRE_ASSETS=1`.
#![allow(clippy::print_stderr, reason = "a skipped test must be seen")]

use std::path::PathBuf;

/// The bytes of an asset, or `None` after a loud note that the test is skipped.
///
/// # Panics
/// When the asset is missing and `SORI_REQUIRE_ASSETS` is `1`.
pub(crate) fn read(path: &str) -> Option<Vec<u8>> {
    let file = folder().join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) if std::env::var("SORI_REQUIRE_ASSETS").is_ok_and(|value| value == "1") => {
            panic!("{} is required: {error}; run scripts/assets.py fetch", file.display())
        }
        Err(error) => {
            eprintln!("SKIPPED: {} cannot be read ({error}); run scripts/assets.py fetch", file.display());
            None
        }
    }
}

fn folder() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let caches = || std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    std::env::var_os("SORI_ASSETS_DIR").map_or_else(|| caches().join("sori/assets"), PathBuf::from)
}
