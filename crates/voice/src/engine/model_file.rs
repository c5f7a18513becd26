//! A model file and its fingerprint, which is part of every cache key.
//!
//! The fingerprint alone is enough to find spoken lines, so the network is only built when a line
//! has to be spoken.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use crate::line_cache::hex;

pub(super) struct ModelFile {
    pub(super) path: PathBuf,
    /// Taken again when the file's size or time has changed.
    known: Mutex<Option<(Stamp, String)>>,
}

#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    size_bytes: u64,
    modified: Option<SystemTime>,
}

impl ModelFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: Mutex::new(None) }
    }

    /// SHA-256 of the file as it is now, in hexadecimal.
    pub(super) fn fingerprint(&self) -> io::Result<String> {
        let stamp = self.stamp()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, fingerprint)) = &*known
            && *of == stamp
        {
            return Ok(fingerprint.clone());
        }
        let fingerprint = hex(&Sha256::digest(fs::read(&self.path)?));
        *known = Some((stamp, fingerprint.clone()));
        Ok(fingerprint)
    }

    /// The bytes with their fingerprint.
    pub(super) fn read(&self) -> io::Result<(Vec<u8>, String)> {
        let before = self.stamp()?;
        let bytes = fs::read(&self.path)?;
        let fingerprint = self.fingerprint()?;
        // Replaced while it was read: what counts is what was read.
        let same = self.stamp()? == before;
        let fingerprint = if same { fingerprint } else { hex(&Sha256::digest(&bytes)) };
        Ok((bytes, fingerprint))
    }

    fn stamp(&self) -> io::Result<Stamp> {
        let metadata = fs::metadata(&self.path)?;
        Ok(Stamp { size_bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_in_its_place_has_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        let file = ModelFile::new(path.clone());
        assert_eq!(file.fingerprint().unwrap_err().kind(), io::ErrorKind::NotFound);

        fs::write(&path, b"one").unwrap();
        let one = file.fingerprint().unwrap();
        assert_eq!(one, file.fingerprint().unwrap());
        assert_eq!(file.read().unwrap(), (b"one".to_vec(), one.clone()));

        fs::write(&path, b"three").unwrap();
        let (bytes, three) = file.read().unwrap();
        assert_eq!((bytes, three.clone()), (b"three".to_vec(), file.fingerprint().unwrap()));
        assert_ne!(one, three);
    }
}
