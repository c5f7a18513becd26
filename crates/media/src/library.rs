//! What people upload: sound and pictures, however large, sent in pieces that survive a lost connection
//! and a restart of the server, and the contents that they become.
//!
//! An upload is a row and a file in a folder of its own; how far it came is the length of the file
//! ([`uploads`], [`receive`]). The last byte makes it a content ([`finish`]): its first bytes say what it
//! is ([`crate::sniff`]), FFmpeg looks into it, the store takes the file over, and the content has the
//! id that the upload had.

mod contents;
mod fault;
mod finish;
mod keeper;
mod personal;
mod receive;
mod routes;
mod turns;
mod tus;
mod uploads;
mod wishes;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sori_contracts::{Caller, Fault, MediaFault, MediaStore, Packager, ShowId};
use sori_db::{Db, MigrationSet};
use tokio::sync::Semaphore;

pub use contents::{ContentChange, ContentView};
pub use fault::LibraryFault;
pub use wishes::{Visibility, Wishes};

pub const MIGRATIONS: MigrationSet = sori_db::migrations!("media", "0001_library");

/// FFmpeg looks into so many files at once.
const LOOKS: usize = 2;

#[derive(Clone, Debug)]
pub struct LibrarySettings {
    /// Of one upload.
    pub max_upload_bytes: u64,
    /// Of one account.
    pub max_contents: u32,
    /// Of one account at a time.
    pub max_unfinished: u32,
    /// An upload that nobody goes on with is removed after this time.
    pub keep_unfinished: Duration,
    /// So much of the disk stays free.
    pub keep_free_bytes: u64,
}

impl Default for LibrarySettings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 20 << 30,
            max_contents: 1_000,
            max_unfinished: 10,
            keep_unfinished: Duration::from_secs(86_400),
            keep_free_bytes: 1 << 30,
        }
    }
}

/// Tells whether something may be added to a show; the catalog is behind it.
#[async_trait]
pub trait Shows: Send + Sync {
    /// # Errors
    /// Not found when the show does not exist for the caller, forbidden when they may only see it.
    async fn may_add(&self, caller: &Caller, show: ShowId) -> Result<(), Box<dyn Fault>>;
}

/// What the block needs from the others.
pub struct LibraryParts {
    pub db: Db,
    pub store: Arc<dyn MediaStore>,
    pub packager: Arc<dyn Packager>,
    pub shows: Arc<dyn Shows>,
    /// For unfinished uploads; best on the file system of the store.
    pub folder: PathBuf,
    pub settings: LibrarySettings,
}

/// The block. Cheap to clone.
#[derive(Clone)]
pub struct Library(Arc<Inner>);

struct Inner {
    db: Db,
    store: Arc<dyn MediaStore>,
    packager: Arc<dyn Packager>,
    shows: Arc<dyn Shows>,
    folder: PathBuf,
    settings: LibrarySettings,
    turns: turns::Turns,
    looks: Semaphore,
}

impl Library {
    /// Within a runtime: a task removes what expired and finishes what a crash left.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn open(parts: LibraryParts) -> Result<Self, MediaFault> {
        let LibraryParts { db, store, packager, shows, folder, settings } = parts;
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(|error| MediaFault::from_io("making the folder of uploads", error))?;
        let inner = Arc::new(Inner {
            db,
            store,
            packager,
            shows,
            folder,
            settings,
            turns: turns::Turns::default(),
            looks: Semaphore::new(LOOKS),
        });
        tokio::spawn(keeper::run(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }
}

/// Removing what is not there is no error.
async fn remove_file(path: &Path) -> Result<(), MediaFault> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(MediaFault::from_io("removing an upload", error))
        }
        _ => Ok(()),
    }
}
