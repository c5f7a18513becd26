//! Two tiers: an origin that is large and slow, and a cache on a fast local disk.
//!
//! Objects are written to the origin and read through the cache in blocks ([`entry`]), so that seeking
//! in a long film does not copy it whole. An object that is used much becomes a whole file of the cache,
//! which streaming sends without copying ([`promote`]). The cache gives up what was not used for
//! longest ([`cache`]). While the origin is away ([`origin`]), what is in the cache is still read.

mod cache;
mod entry;
mod map;
mod origin;
mod promote;

use std::{ops::Range, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream;
use sori_contracts::{
    ByteStream, MediaFault, MediaFiles, MediaId, MediaStore, Opened, Parts, Place, Source, StoredMedia,
};
use tokio_util::io::ReaderStream;

use self::{cache::Cache, origin::Origin};
use super::LocalStore;

pub use cache::Counts;

/// What is read at once, and what is asked of the origin when one byte is missing.
pub const BLOCK_BYTES: u64 = 1 << 20;
/// One piece of a stream.
const PIECE_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug)]
pub struct Tiers {
    pub origin: PathBuf,
    pub cache: PathBuf,
    /// The cache gives up what was not used for longest before it holds more than this.
    pub cache_bytes: u64,
    /// How long a reader waits for the origin.
    pub patience: Duration,
}

/// Clones share everything.
#[derive(Clone)]
pub struct TieredStore(Arc<Inner>);

struct Inner {
    /// What was stored before there was an origin.
    local: LocalStore,
    origin: Arc<Origin>,
    cache: Arc<Cache>,
}

impl TieredStore {
    /// Within a runtime. The origin may be away.
    ///
    /// # Errors
    /// When the folder of the cache cannot be made or read.
    pub async fn open(local: LocalStore, tiers: Tiers) -> Result<Self, MediaFault> {
        let origin = Arc::new(Origin::open(&tiers).await?);
        let cache = Cache::open(&tiers, Arc::clone(&origin)).await?;
        Ok(Self(Arc::new(Inner { local, origin, cache })))
    }

    /// What was read from where, since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.cache.counts()
    }

    /// Makes what the cache holds durable; done every few seconds by itself.
    pub async fn flush(&self) {
        self.0.cache.flush().await;
    }

    async fn find(&self, id: MediaId) -> Result<(StoredMedia, Opened), MediaFault> {
        let inner = &self.0;
        if let Some(entry) = inner.cache.get(id) {
            return inner.cache.open_entry(&entry).await;
        }
        match inner.local.open(id).await {
            Err(MediaFault::NotFound(_)) => {}
            found => return found.map(|(media, file)| (media, Opened::Whole(file))),
        }
        let media = inner.origin.stat(id).await?;
        let entry = inner.cache.insert(media).await?;
        inner.cache.open_entry(&entry).await
    }
}

#[async_trait]
impl MediaFiles for TieredStore {
    /// A file of the origin where there is no other: for whoever needs it whole.
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, std::fs::File), MediaFault> {
        match self.find(id).await? {
            (media, Opened::Whole(file)) => Ok((media, file)),
            (media, Opened::Parts(_)) => Ok((media, self.0.origin.file(id).await?)),
        }
    }

    async fn open_any(&self, id: MediaId) -> Result<(StoredMedia, Opened), MediaFault> {
        self.find(id).await
    }

    fn used(&self, id: MediaId) {
        if let Some(entry) = self.0.cache.get(id) {
            entry.touch_whole(self.0.cache.now_ms());
        }
    }

    async fn place(&self, id: MediaId) -> Place {
        let is_here = match self.0.cache.get(id) {
            Some(entry) => entry.is_complete(),
            None => self.0.local.stat(id).await.is_ok(),
        };
        Place { source: if is_here { Source::Ssd } else { Source::Nas }, cache_hit: is_here }
    }
}

#[async_trait]
impl MediaStore for TieredStore {
    async fn put(
        &self,
        id: MediaId,
        content_type: &str,
        body: ByteStream,
        limit_bytes: u64,
    ) -> Result<StoredMedia, MediaFault> {
        self.0.origin.writable(id).await?.put(id, content_type, body, limit_bytes).await
    }

    async fn put_file(
        &self,
        id: MediaId,
        content_type: &str,
        path: &std::path::Path,
    ) -> Result<StoredMedia, MediaFault> {
        self.0.origin.writable(id).await?.put_file(id, content_type, path).await
    }

    async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        if let Some(entry) = self.0.cache.get(id) {
            return Ok(entry.media.clone());
        }
        match self.0.local.stat(id).await {
            Err(MediaFault::NotFound(_)) => self.0.origin.stat(id).await,
            found => found,
        }
    }

    async fn get(
        &self,
        id: MediaId,
        range: Option<Range<u64>>,
    ) -> Result<(StoredMedia, ByteStream), MediaFault> {
        let (media, opened) = self.find(id).await?;
        let range = range.unwrap_or(0..media.size_bytes);
        if range.start > range.end || range.end > media.size_bytes {
            return Err(MediaFault::RangeNotSatisfiable { size_bytes: media.size_bytes });
        }
        let bytes: ByteStream = match opened {
            Opened::Whole(file) => whole(file, range).await?,
            Opened::Parts(parts) => pieces(parts, range),
        };
        Ok((media, bytes))
    }

    async fn delete(&self, id: MediaId) -> Result<(), MediaFault> {
        self.0.local.delete(id).await?;
        self.0.origin.writable(id).await?.delete(id).await?;
        self.0.cache.remove(id).await
    }
}

async fn whole(file: std::fs::File, range: Range<u64>) -> Result<ByteStream, MediaFault> {
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncSeekExt};
    let mut file = tokio::fs::File::from_std(file);
    file.seek(std::io::SeekFrom::Start(range.start)).await.map_err(io("reading an object"))?;
    let bytes = ReaderStream::with_capacity(file.take(range.end - range.start), PIECE_BYTES as usize);
    Ok(Box::pin(bytes.map(|piece| piece.map_err(io("reading an object")))))
}

fn pieces(parts: Arc<dyn Parts>, range: Range<u64>) -> ByteStream {
    Box::pin(stream::unfold((parts, range), |(parts, mut range)| async {
        if range.is_empty() {
            return None;
        }
        match parts.read(range.start..range.end.min(range.start + PIECE_BYTES)).await {
            Ok(piece) => {
                range.start += piece.len() as u64;
                Some((Ok(piece.into()), (parts, range)))
            }
            Err(error) => {
                range.start = range.end;
                Some((Err(io("reading an object")(error)), (parts, range)))
            }
        }
    }))
}

fn io(doing: &'static str) -> impl Fn(std::io::Error) -> MediaFault {
    move |source| MediaFault::from_io(doing, source)
}
