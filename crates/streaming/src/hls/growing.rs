//! Files that FFmpeg is still writing: what is whole of them can be played.
//!
//! A file is only ever appended to, so what its index has found stays true, in every process that can
//! see the folder. It is kept open, so that its bytes can be read on when it moves into the store.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use sori_contracts::MediaFault;

use super::{
    index::{FragmentIndex, Fragments},
    packages::PackageId,
};

/// Nobody asks any more.
const KEPT_UNUSED: Duration = Duration::from_secs(60);
const MOST: u64 = 256;

pub(crate) struct Growing {
    folder: PathBuf,
    open: Cache<(PackageId, String), Arc<Mutex<Grown>>>,
}

struct Grown {
    file: Option<Arc<File>>,
    index: FragmentIndex,
}

impl Growing {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: Cache::builder().max_capacity(MOST).time_to_idle(KEPT_UNUSED).build() }
    }

    pub(crate) fn folder_of(&self, package: PackageId) -> PathBuf {
        self.folder.join(package.to_string())
    }

    pub(crate) fn path_of(&self, package: PackageId, name: &str) -> PathBuf {
        self.folder_of(package).join(format!("{name}.mp4"))
    }

    /// Those that have a folder.
    pub(crate) async fn packages(&self) -> Result<Vec<PackageId>, MediaFault> {
        let fault = |error| MediaFault::from_io("listing growing files", error);
        let mut entries = match tokio::fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(error)),
        };
        let mut packages = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(fault)? {
            packages.extend(entry.file_name().to_str().and_then(|name| name.parse().ok()).map(PackageId));
        }
        Ok(packages)
    }

    /// Removing what is not there is no error.
    pub(crate) async fn remove(&self, package: PackageId) -> Result<(), MediaFault> {
        match tokio::fs::remove_dir_all(self.folder_of(package)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(MediaFault::from_io("removing growing files", error))
            }
            _ => Ok(()),
        }
    }

    /// What is whole of a file now, in segments of `least_s`. A file that is not there (yet) has nothing.
    pub(crate) async fn look(
        &self,
        package: PackageId,
        name: &str,
        least_s: u32,
    ) -> Result<(Fragments, Option<Arc<File>>), MediaFault> {
        let fresh = || {
            let index = FragmentIndex::joining(least_s.into());
            Arc::new(Mutex::new(Grown { file: None, index }))
        };
        let grown = self.open.get_with((package, name.to_owned()), fresh);
        let path = self.path_of(package, name);
        let look = move || {
            let mut grown = grown.lock().unwrap_or_else(PoisonError::into_inner);
            grown.look(&path)?;
            Ok((grown.index.found().clone(), grown.file.clone()))
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(looked) => looked.map_err(|error| MediaFault::from_io("reading a growing file", error)),
            Err(error) => Err(MediaFault::from_io("reading a growing file", io::Error::other(error))),
        }
    }
}

impl Grown {
    fn look(&mut self, path: &Path) -> io::Result<()> {
        if self.file.is_none() {
            match File::open(path) {
                Ok(file) => self.file = Some(Arc::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        match &self.file {
            Some(file) => extend(&mut self.index, file),
            None => Ok(()),
        }
    }
}

/// The whole of a file that is written.
pub(crate) fn fragments_of(path: &Path, least_s: u32) -> io::Result<Fragments> {
    let mut index = FragmentIndex::joining(least_s.into());
    extend(&mut index, &File::open(path)?)?;
    Ok(index.finish())
}

/// Reads the heads of the boxes that are whole, and of headers all: of sound a hundredth of the file.
fn extend(index: &mut FragmentIndex, file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let bad = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    loop {
        let at = index.position();
        let mut head = [0; 16];
        let there = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX).min(head.len());
        file.read_exact_at(&mut head[..there], at)?;
        let Some(wanted) = index.wanted(&head[..there], length).map_err(bad)? else { return Ok(()) };
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, at)?;
        index.extend(&bytes, length).map_err(bad)?;
        if index.position() == at {
            return Ok(());
        }
    }
}
