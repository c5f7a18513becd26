//! The slow tier: a folder that may be a network drive, may be away, and may hang.
//!
//! Everything that reads it runs on the blocking pool, no more than [`AT_ONCE`] at a time: an origin
//! that hangs holds so many threads and no more, and the others serve what is local.

use std::{
    fs::File,
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sori_contracts::{MediaFault, MediaId, StoredMedia};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{BLOCK_BYTES, Tiers, io};
use crate::store::LocalStore;

const AT_ONCE: usize = 16;
/// A file that tells the origin from the empty folder that it is mounted on.
const MARK: &str = "sori-origin";

pub(super) struct Origin {
    store: LocalStore,
    mark: PathBuf,
    /// The origin had its mark when the cache first saw it: a folder without is not the origin.
    expected: String,
    gate: Arc<Semaphore>,
    patience: Duration,
}

impl Origin {
    pub(super) async fn open(tiers: &Tiers) -> Result<Self, MediaFault> {
        let mark = tiers.origin.join(MARK);
        let known = tiers.cache.join(MARK);
        let (folder, cache) = (tiers.origin.clone(), tiers.cache.clone());
        let expected = {
            let mark = mark.clone();
            spawn_blocking(move || agree(&folder, &cache, &mark, &known))
                .await
                .map_err(std::io::Error::other)
                .map_err(io("reading the origin"))??
        };
        let store = LocalStore::at(&tiers.origin);
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { store, mark, expected, gate, patience: tiers.patience })
    }

    /// The store, when the origin is there to be written to.
    pub(super) async fn writable(&self, id: MediaId) -> Result<&LocalStore, MediaFault> {
        if self.is_there(id).await { Ok(&self.store) } else { Err(MediaFault::Unavailable(id)) }
    }

    pub(super) async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        let store = self.store.clone();
        let found = self.run(id, move || store.stat_now(id)).await?;
        match found {
            // Not there, or its whole folder is not.
            Err(MediaFault::NotFound(_)) if !self.is_there(id).await => Err(MediaFault::Unavailable(id)),
            Err(MediaFault::Io { doing, source }) => {
                tracing::error!(%id, doing, %source, "the origin cannot be read");
                Err(MediaFault::Unavailable(id))
            }
            found => found,
        }
    }

    /// The whole file, as the origin has it.
    pub(super) async fn file(&self, id: MediaId) -> Result<File, MediaFault> {
        let path = self.store.data_path(id);
        self.run(id, move || File::open(path)).await?.map_err(|error| {
            tracing::error!(%id, %error, "a file of the origin cannot be opened");
            MediaFault::Unavailable(id)
        })
    }

    /// One block. What takes longer than a reader waits goes on, and is thrown away.
    pub(super) async fn block(&self, media: &StoredMedia, block: usize) -> Result<Vec<u8>, MediaFault> {
        let (id, path, size_bytes) = (media.id, self.store.data_path(media.id), media.size_bytes);
        self.run(id, move || read_block(&path, size_bytes, block)).await?.map_err(|error| {
            tracing::error!(%id, block, %error, "a block cannot be read from the origin");
            MediaFault::Unavailable(id)
        })
    }

    async fn is_there(&self, id: MediaId) -> bool {
        let mark = self.mark.clone();
        let read = self.run(id, move || std::fs::read_to_string(mark)).await;
        read.is_ok_and(|mark| mark.is_ok_and(|mark| mark == self.expected))
    }

    /// Runs what may hang, for as long as a reader waits. It keeps its place among [`AT_ONCE`] until it
    /// comes back.
    async fn run<T: Send + 'static>(
        &self,
        id: MediaId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, MediaFault> {
        let gate = Arc::clone(&self.gate);
        let done = async {
            let permit = gate.acquire_owned().await.map_err(std::io::Error::other)?;
            let work = spawn_blocking(move || {
                let done = work();
                drop(permit);
                done
            });
            work.await.map_err(std::io::Error::other)
        };
        match timeout(self.patience, done).await {
            Ok(done) => done.map_err(io("reading the origin")),
            Err(_) => {
                tracing::error!(%id, "the origin does not answer");
                Err(MediaFault::Unavailable(id))
            }
        }
    }
}

/// The mark that origin and cache have in common; made when neither has one.
fn agree(folder: &Path, cache: &Path, mark: &Path, known: &Path) -> Result<String, MediaFault> {
    std::fs::create_dir_all(cache).map_err(io("making the folder of the cache"))?;
    let read = |path: &Path| match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(known) = read(known).map_err(io("reading the mark of the origin"))? {
        return Ok(known);
    }
    let found = match read(mark).map_err(io("reading the mark of the origin"))? {
        Some(found) => found,
        None => {
            let made = uuid::Uuid::new_v4().to_string();
            LocalStore::make_folders(folder)?;
            std::fs::write(mark, &made).map_err(io("marking the origin"))?;
            made
        }
    };
    std::fs::write(known, &found).map_err(io("remembering the origin"))?;
    Ok(found)
}

fn read_block(path: &Path, size_bytes: u64, block: usize) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.len() != size_bytes {
        return Err(std::io::Error::new(ErrorKind::InvalidData, "the file does not have its length"));
    }
    let start = block as u64 * BLOCK_BYTES;
    let mut bytes = vec![0; (size_bytes - start).min(BLOCK_BYTES) as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}
