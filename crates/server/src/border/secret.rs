//! The one secret that everything signed comes from.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::aws_lc_rs::default_provider;
use sha2::{Digest, Sha256};
use sori_http::{UrlSigner, signed::SigningKey};
use uuid::Uuid;

use crate::config::Config;

/// 256 bits. Never used itself: each purpose has a key derived from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// That of the settings, or the data folder's own, made at the first start.
    pub fn load(config: &Config) -> io::Result<Self> {
        match &config.secret_key {
            Some(text) => Ok(Self::of(text)),
            None => Self::kept(&config.data_dir.join("secret_key")),
        }
    }

    /// Of any text; its strength is the text's.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// A key for one purpose, which tells nothing of the keys for others.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Several processes may start at once on one folder: the first file that is there whole wins.
    fn kept(path: &Path) -> io::Result<Self> {
        if let Some(kept) = read(path)? {
            return Ok(kept);
        }
        let mut bytes = [0; 32];
        default_provider().secure_random.fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => read(path)?.ok_or_else(|| io::Error::other("the secret was taken away")),
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Secret>> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 32 => Ok(Some(Secret::of(text.trim()))),
        Ok(_) => Err(io::Error::other(format!("{} holds no secret: remove it", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Signs addresses with the present secret, and knows those of the earlier ones.
#[must_use]
pub fn url_signer(secret: &Secret, config: &Config) -> UrlSigner {
    let key = |secret: &Secret| SigningKey::new(secret.derive("signed urls"));
    UrlSigner::new(key(secret), config.old_secret_keys.iter().map(|text| key(&Secret::of(text))))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folders_secret_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let loaded: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Secret::load(&config).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(loaded.iter().all(|secret| *secret == loaded[0]));
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(files[0].path(), "").unwrap();
        assert!(Secret::load(&config).is_err(), "an empty file is no secret");
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let secret = Secret::of("correct horse battery staple");
        assert_ne!(secret.derive("a"), secret.derive("b"));
        assert_ne!(secret.derive("a"), Secret::of("other").derive("a"));
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }
}
