//! Objects in a local folder.
//!
//! An object is a folder `objects/ab/cd/{id}` with `data` and `meta.json`. It is built under
//! `incoming` and appears by one rename, which fails when the object exists: so there is never a
//! half-written object, and a written one never changes. Both folders are on one file system.

use std::{
    ffi::OsStr,
    io::{ErrorKind, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use sori_contracts::{ByteStream, MediaFault, MediaFiles, MediaId, MediaStore, StoredMedia};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::io::ReaderStream;

const DATA: &str = "data";
const META: &str = "meta.json";
/// What was not written to for this long was left behind by a crash. Other processes may be
/// writing to the same folder now.
const STALE: Duration = Duration::from_secs(3_600);
/// One read, and one piece of a body.
const CHUNK_BYTES: usize = 64 << 10;

#[derive(Clone, Debug)]
pub struct LocalStore {
    objects: PathBuf,
    incoming: PathBuf,
}

impl LocalStore {
    /// Opens or makes the folder and removes what crashes left in it.
    ///
    /// # Errors
    /// [`MediaFault::Io`] when the folder cannot be made or read.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, MediaFault> {
        let store = Self::at(folder.as_ref());
        Self::make_folders(folder.as_ref())?;
        store.sweep(SystemTime::now()).await?;
        Ok(store)
    }

    /// A folder that is there, or will be: nothing is looked at.
    pub(super) fn at(folder: &Path) -> Self {
        Self { objects: folder.join("objects"), incoming: folder.join("incoming") }
    }

    pub(super) fn make_folders(folder: &Path) -> Result<(), MediaFault> {
        let store = Self::at(folder);
        for folder in [&store.objects, &store.incoming] {
            std::fs::create_dir_all(folder).map_err(io("making the media folder"))?;
        }
        Ok(())
    }

    /// Where the bytes of an object are, or would be.
    pub(super) fn data_path(&self, id: MediaId) -> PathBuf {
        self.folder_of(id).join(DATA)
    }

    /// What the store knows of an object. Waits for the disk: not on the threads of the runtime.
    pub(super) fn stat_now(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        read_meta(&std::fs::read(self.folder_of(id).join(META)).map_err(missing(id))?)
    }

    /// Removes unfinished objects that nobody has written to for an hour. Returns how many.
    async fn sweep(&self, now: SystemTime) -> Result<usize, MediaFault> {
        let mut removed = 0;
        let mut entries = fs::read_dir(&self.incoming).await.map_err(io("sweeping the media folder"))?;
        while let Some(entry) = entries.next_entry().await.map_err(io("sweeping the media folder"))? {
            let path = entry.path();
            let touched = last_write(&path).await.max(last_write(&path.join(DATA)).await);
            let is_stale = touched.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age > STALE));
            if is_stale && path.extension() == Some(OsStr::new("part")) {
                fs::remove_dir_all(&path).await.map_err(io("sweeping the media folder"))?;
                removed += 1;
            }
        }
        if removed > 0 {
            tracing::info!(removed, "removed unfinished media of an earlier run");
        }
        Ok(removed)
    }

    /// Two levels of 256 folders, by the random end of the id: its beginning is the time.
    fn folder_of(&self, id: MediaId) -> PathBuf {
        let bytes = id.0.as_bytes();
        let level = |byte: u8| format!("{byte:02x}");
        self.objects.join(level(bytes[15])).join(level(bytes[14])).join(id.to_string())
    }

    async fn begin(&self, id: MediaId) -> Result<Incoming, MediaFault> {
        if fs::try_exists(self.folder_of(id)).await.map_err(io("looking for an object"))? {
            return Err(MediaFault::AlreadyExists(id));
        }
        let folder = self.incoming.join(format!("{id}-{}.part", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).await.map_err(io("making an object"))?;
        Ok(Incoming { folder })
    }

    async fn publish(&self, incoming: &Incoming, media: &StoredMedia) -> Result<(), MediaFault> {
        let meta = serde_json::to_vec(media)
            .map_err(|e| MediaFault::Io { doing: "describing an object", source: e.into() })?;
        let mut file = File::create(incoming.folder.join(META)).await.map_err(io("describing an object"))?;
        file.write_all(&meta).await.map_err(io("describing an object"))?;
        file.sync_all().await.map_err(io("describing an object"))?;
        sync_folder(&incoming.folder).await?;
        let folder = self.folder_of(media.id);
        let parent = folder.parent().unwrap_or(&self.objects);
        fs::create_dir_all(parent).await.map_err(io("publishing an object"))?;
        fs::rename(&incoming.folder, &folder).await.map_err(|e| match e.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => MediaFault::AlreadyExists(media.id),
            _ => MediaFault::from_io("publishing an object", e),
        })?;
        // The new name, and those of the folders above it, which may be new too.
        for folder in parent.ancestors().take(3) {
            sync_folder(folder).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl MediaStore for LocalStore {
    async fn put(
        &self,
        id: MediaId,
        content_type: &str,
        mut body: ByteStream,
        limit_bytes: u64,
    ) -> Result<StoredMedia, MediaFault> {
        let incoming = self.begin(id).await?;
        let mut file = File::create(incoming.folder.join(DATA)).await.map_err(io("writing an object"))?;
        let mut hasher = Sha256::new();
        let mut size_bytes = 0_u64;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            size_bytes += chunk.len() as u64;
            if size_bytes > limit_bytes {
                return Err(MediaFault::TooLarge { limit_bytes });
            }
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(io("writing an object"))?;
        }
        file.sync_all().await.map_err(io("writing an object"))?;
        let media = describe(id, content_type, size_bytes, hasher);
        self.publish(&incoming, &media).await?;
        Ok(media)
    }

    async fn put_file(
        &self,
        id: MediaId,
        content_type: &str,
        path: &Path,
    ) -> Result<StoredMedia, MediaFault> {
        let incoming = self.begin(id).await?;
        let data = incoming.folder.join(DATA);
        let mut file = File::open(path).await.map_err(io("taking a file over"))?;
        let mut hasher = Sha256::new();
        let mut size_bytes = 0_u64;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let count = file.read(&mut buffer).await.map_err(io("taking a file over"))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size_bytes += count as u64;
        }
        file.sync_all().await.map_err(io("taking a file over"))?;
        let media = describe(id, content_type, size_bytes, hasher);
        match fs::rename(path, &data).await {
            Ok(()) => {
                if let Err(fault) = self.publish(&incoming, &media).await {
                    // The caller keeps its file when it was not taken over.
                    fs::rename(&data, path).await.map_err(io("giving a file back"))?;
                    return Err(fault);
                }
            }
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                fs::copy(path, &data).await.map_err(io("taking a file over"))?;
                let copy = File::open(&data).await.map_err(io("taking a file over"))?;
                copy.sync_all().await.map_err(io("taking a file over"))?;
                self.publish(&incoming, &media).await?;
                fs::remove_file(path).await.map_err(io("taking a file over"))?;
            }
            Err(error) => return Err(MediaFault::from_io("taking a file over", error)),
        }
        Ok(media)
    }

    async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        read_meta(&fs::read(self.folder_of(id).join(META)).await.map_err(missing(id))?)
    }

    async fn get(
        &self,
        id: MediaId,
        range: Option<Range<u64>>,
    ) -> Result<(StoredMedia, ByteStream), MediaFault> {
        let media = self.stat(id).await?;
        let range = range.unwrap_or(0..media.size_bytes);
        if range.start > range.end || range.end > media.size_bytes {
            return Err(MediaFault::RangeNotSatisfiable { size_bytes: media.size_bytes });
        }
        let mut file = File::open(self.folder_of(id).join(DATA)).await.map_err(missing(id))?;
        file.seek(SeekFrom::Start(range.start)).await.map_err(io("reading an object"))?;
        let bytes = ReaderStream::with_capacity(file.take(range.end - range.start), CHUNK_BYTES);
        Ok((media, Box::pin(bytes.map(|chunk| chunk.map_err(io("reading an object"))))))
    }

    async fn delete(&self, id: MediaId) -> Result<(), MediaFault> {
        // Out of sight in one step; who is reading goes on.
        let grave = self.incoming.join(format!("{id}-{}.part", uuid::Uuid::new_v4().simple()));
        match fs::rename(self.folder_of(id), &grave).await {
            Ok(()) => fs::remove_dir_all(&grave).await.map_err(io("deleting an object")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(MediaFault::from_io("deleting an object", error)),
        }
    }
}

#[async_trait]
impl MediaFiles for LocalStore {
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, std::fs::File), MediaFault> {
        let media = self.stat(id).await?;
        let file = File::open(self.folder_of(id).join(DATA)).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => MediaFault::Unavailable(id),
            _ => MediaFault::from_io("opening an object", error),
        })?;
        Ok((media, file.into_std().await))
    }
}

/// An object under way; removed when it is given up, also by a caller who went away.
struct Incoming {
    folder: PathBuf,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // At most two files. Gone already when it was published.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn read_meta(meta: &[u8]) -> Result<StoredMedia, MediaFault> {
    serde_json::from_slice(meta)
        .map_err(|e| MediaFault::Io { doing: "reading the description of an object", source: e.into() })
}

fn describe(id: MediaId, content_type: &str, size_bytes: u64, hasher: Sha256) -> StoredMedia {
    let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let created_at_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
    StoredMedia { id, content_type: content_type.to_owned(), size_bytes, sha256, created_at_ms }
}

async fn last_write(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).await.ok()?.modified().ok()
}

/// Makes the names in a folder durable.
async fn sync_folder(folder: &Path) -> Result<(), MediaFault> {
    let file = File::open(folder).await.map_err(io("making an object durable"))?;
    file.sync_all().await.map_err(io("making an object durable"))
}

fn io(doing: &'static str) -> impl Fn(std::io::Error) -> MediaFault {
    move |source| MediaFault::from_io(doing, source)
}

fn missing(id: MediaId) -> impl Fn(std::io::Error) -> MediaFault {
    move |source| match source.kind() {
        ErrorKind::NotFound => MediaFault::NotFound(id),
        _ => MediaFault::from_io("reading an object", source),
    }
}
