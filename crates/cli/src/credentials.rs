//! What `sori login` keeps: one file in the configuration folder that only its owner can read.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The server that was signed in to last.
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) servers: BTreeMap<String, Credential>,
}

/// `Debug` is left out on purpose.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Credential {
    Session { access_token: String, refresh_token: String, expires_at_ms: i64 },
    ApiKey { api_key: String },
}

/// The file, held against other commands until it is dropped: two that renew the same session at
/// once would look like a stolen token to the server.
pub(crate) struct Store {
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// `XDG_CONFIG_HOME/sori/credentials.json`, or below `~/.config`.
    pub(crate) fn open() -> Result<Self, Failure> {
        let folder = folder();
        let failed = |error: io::Error| Failure::Other(format!("{}: {error}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("credentials.lock"))
            .map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { path: folder.join("credentials.json"), _lock: lock })
    }

    pub(crate) fn read(&self) -> Result<Credentials, Failure> {
        let failed = |error: io::Error| Failure::Other(format!("{}: {error}", self.path.display()));
        match fs::read(&self.path) {
            Ok(bytes) => {
                self.keep_private().map_err(failed)?;
                serde_json::from_slice(&bytes).map_err(|error| {
                    Failure::Other(format!(
                        "{}: {error} (remove the file and sign in again)",
                        self.path.display()
                    ))
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Credentials::default()),
            Err(error) => Err(failed(error)),
        }
    }

    /// The file is there whole or as it was before.
    pub(crate) fn write(&self, credentials: &Credentials) -> Result<(), Failure> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = || -> io::Result<()> {
            // Such files are made with mode 600.
            let mut file = tempfile::Builder::new().suffix(".part").tempfile_in(folder)?;
            serde_json::to_writer_pretty(&mut file, credentials)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(|error| Failure::Other(format!("{}: {error}", self.path.display())))
    }

    /// Somebody may have copied the file without its mode.
    fn keep_private(&self) -> io::Result<()> {
        let mode = fs::metadata(&self.path)?.permissions().mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600))
    }
}

fn folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME")
        .unwrap_or_else(|| absolute("HOME").unwrap_or_else(|| ".".into()).join(".config"))
        .join("sori")
}
