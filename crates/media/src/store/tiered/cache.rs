//! All objects of the cache: found in memory, limited in bytes, written down every few seconds.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::FutureExt;
use sori_contracts::{MediaFault, MediaId, Opened, StoredMedia};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    BLOCK_BYTES, Tiers,
    entry::{Entry, Flight, MAP, META, PARTS, Reader, WHOLE, replace},
    io, map,
    origin::Origin,
};

/// What a stopped machine may lose of the cache; it is fetched again.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Blocks that may be on their way in while room is made.
const SLACK_BYTES: u64 = 16 * BLOCK_BYTES;

/// What was read from where, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads that found their bytes in the cache.
    pub hits: u64,
    /// Reads that waited for the origin.
    pub misses: u64,
    pub read_bytes: u64,
    pub origin_bytes: u64,
    pub evicted_bytes: u64,
    /// What the cache holds now.
    pub held_bytes: u64,
    /// Objects that became whole files of the cache.
    pub promoted: u64,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    read_bytes: AtomicU64,
    origin_bytes: AtomicU64,
    evicted_bytes: AtomicU64,
    held_bytes: AtomicU64,
    promoted: AtomicU64,
}

pub(super) struct Cache {
    folder: PathBuf,
    limit_bytes: u64,
    origin: Arc<Origin>,
    entries: Mutex<HashMap<MediaId, Arc<Entry>>>,
    counters: Counters,
    is_making_room: AtomicBool,
    /// Objects are made whole one at a time: readers come first.
    pub(super) promoting: Semaphore,
}

impl Cache {
    pub(super) async fn open(tiers: &Tiers, origin: Arc<Origin>) -> Result<Arc<Self>, MediaFault> {
        let folder = tiers.cache.join("objects");
        let scanned = folder.clone();
        let entries = spawn_blocking(move || scan(&scanned)).await;
        let entries = entries.map_err(|e| io("reading the cache")(std::io::Error::other(e)))??;
        let held: u64 = entries.values().map(|entry| entry.held_bytes()).sum();
        let cache = Arc::new(Self {
            folder,
            limit_bytes: tiers.cache_bytes,
            origin,
            entries: Mutex::new(entries),
            counters: Counters { held_bytes: held.into(), ..Counters::default() },
            is_making_room: AtomicBool::new(false),
            promoting: Semaphore::new(1),
        });
        tokio::spawn(tend(Arc::downgrade(&cache)));
        Ok(cache)
    }

    pub(super) fn now_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MediaId, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: MediaId) -> Option<Arc<Entry>> {
        self.lock().get(&id).cloned()
    }

    /// Knows an object from now on, without any of its bytes.
    pub(super) async fn insert(&self, media: StoredMedia) -> Result<Arc<Entry>, MediaFault> {
        // A folder of its own each time: what is being removed may still have the last one.
        let folder = self.folder.join(format!("{}-{}", media.id, uuid::Uuid::new_v4().simple()));
        let made = {
            let (folder, media) = (folder.clone(), media.clone());
            spawn_blocking(move || -> std::io::Result<()> {
                std::fs::create_dir_all(&folder)?;
                replace(&folder, META, &serde_json::to_vec(&media)?)
            })
        };
        made.await.map_err(std::io::Error::other).flatten().map_err(io("writing to the cache"))?;
        let blocks = Entry::blocks_of(media.size_bytes);
        let entry = Arc::new(Entry::new(media, folder.clone(), vec![0; blocks], false));
        let first = {
            let mut entries = self.lock();
            Arc::clone(entries.entry(entry.media.id).or_insert_with(|| Arc::clone(&entry)))
        };
        if !Arc::ptr_eq(&first, &entry) {
            // Somebody else was quicker.
            let _ = tokio::fs::remove_dir_all(folder).await;
        }
        Ok(first)
    }

    pub(super) async fn open_entry(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
    ) -> Result<(StoredMedia, Opened), MediaFault> {
        let now_ms = self.now_ms();
        let opening = Arc::clone(entry);
        let opened = spawn_blocking(move || {
            let is_whole = opening.lock().is_whole;
            opening.open_file().map(|file| (is_whole, file))
        });
        let opened = opened.await.map_err(std::io::Error::other).flatten();
        match opened {
            Ok((true, file)) => {
                entry.touch_whole(now_ms);
                self.count_read(0, true);
                Ok((entry.media.clone(), Opened::Whole(file)))
            }
            Ok((false, file)) => {
                let (entry, cache) = (Arc::clone(entry), Arc::clone(self));
                let media = entry.media.clone();
                Ok((media, Opened::Parts(Arc::new(Reader { entry, cache, file: Arc::new(file) }))))
            }
            Err(error) => {
                // Somebody removed its files: the origin has it still, and the next look begins anew.
                self.forget(entry);
                Err(io("reading the cache")(error))
            }
        }
    }

    fn forget(&self, entry: &Arc<Entry>) -> bool {
        let mut entries = self.lock();
        let is_known = entries.get(&entry.media.id).is_some_and(|known| Arc::ptr_eq(known, entry));
        if is_known {
            entries.remove(&entry.media.id);
        }
        is_known
    }

    pub(super) async fn remove(&self, id: MediaId) -> Result<(), MediaFault> {
        let Some(entry) = self.get(id) else { return Ok(()) };
        self.drop_entry(entry).await.map(drop)
    }

    pub(super) async fn drop_entry(&self, entry: Arc<Entry>) -> Result<u64, MediaFault> {
        if !self.forget(&entry) {
            return Ok(0);
        }
        let freed = spawn_blocking(move || entry.remove()).await.map_err(std::io::Error::other).flatten();
        let freed = freed.map_err(io("removing from the cache"))?;
        self.counters.held_bytes.fetch_sub(freed, Relaxed);
        Ok(freed)
    }

    /// Begins to fetch a block. It is fetched and kept to its end, whoever goes away.
    pub(super) fn fetch(self: &Arc<Self>, entry: &Arc<Entry>, block: usize) -> Flight {
        let (cache, entry) = (Arc::clone(self), Arc::clone(entry));
        let fetched = async move {
            let fetched = cache.origin.block(&entry.media, block).await.map(Arc::new);
            if let Ok(bytes) = &fetched {
                cache.counters.origin_bytes.fetch_add(bytes.len() as u64, Relaxed);
                cache.keep(&entry, block, Arc::clone(bytes)).await;
            }
            entry.lock().flights.remove(&block);
            cache.promote_if_used(&entry);
            fetched.map_err(Arc::new)
        };
        let flight: Flight = fetched.boxed().shared();
        tokio::spawn(flight.clone());
        flight
    }

    /// Puts a fetched block into the cache. Whoever asked for it has it anyway.
    async fn keep(self: &Arc<Self>, entry: &Arc<Entry>, block: usize, bytes: Arc<Vec<u8>>) {
        let (length, now_ms) = (bytes.len() as u64, self.now_ms());
        let storing = Arc::clone(entry);
        let stored = spawn_blocking(move || storing.store(block, &bytes, now_ms)).await;
        match stored.map_err(std::io::Error::other).flatten() {
            Ok(true) => {
                self.counters.held_bytes.fetch_add(length, Relaxed);
                if self.is_too_full() {
                    self.make_room();
                }
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(id = %entry.media.id, %error, "the cache cannot be written to");
                self.make_room();
            }
        }
    }

    /// Gives up what was not used for longest, until a tenth is free.
    fn make_room(self: &Arc<Self>) {
        if self.is_making_room.swap(true, Relaxed) {
            return;
        }
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let evicted = cache.evict().await;
            cache.is_making_room.store(false, Relaxed);
            match evicted {
                // More came in meanwhile, or what was chosen was used again.
                Ok(()) if cache.is_too_full() => cache.make_room(),
                Ok(()) => {}
                Err(fault) => tracing::warn!(%fault, "the cache cannot give room up"),
            }
        });
    }

    fn is_too_full(&self) -> bool {
        self.counters.held_bytes.load(Relaxed) + SLACK_BYTES > self.limit_bytes
    }

    async fn evict(&self) -> Result<(), MediaFault> {
        let wanted = (self.limit_bytes - self.limit_bytes / 10).saturating_sub(SLACK_BYTES);
        let held = self.counters.held_bytes.load(Relaxed);
        let Some(mut surplus) = held.checked_sub(wanted).filter(|surplus| *surplus > 0) else {
            return Ok(());
        };
        let entries: Vec<Arc<Entry>> = self.lock().values().cloned().collect();
        let mut uses: Vec<(u64, usize, Option<usize>)> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            uses.extend(entry.uses().into_iter().map(|(block, used_ms)| (used_ms, index, block)));
        }
        uses.sort_unstable();
        let mut blocks: HashMap<usize, Vec<(usize, u64)>> = HashMap::new();
        for (used_ms, index, block) in uses {
            if surplus == 0 {
                break;
            }
            let entry = &entries[index];
            let freed = match block {
                Some(block) => {
                    blocks.entry(index).or_default().push((block, used_ms));
                    entry.block_bytes(block)
                }
                None => {
                    let freed = self.drop_entry(Arc::clone(entry)).await?;
                    self.counters.evicted_bytes.fetch_add(freed, Relaxed);
                    freed
                }
            };
            surplus = surplus.saturating_sub(freed);
        }
        for (index, chosen) in blocks {
            let entry = Arc::clone(&entries[index]);
            let given_up = spawn_blocking(move || entry.give_up(&chosen)).await;
            match given_up.map_err(std::io::Error::other).flatten() {
                Ok(freed) => {
                    self.counters.held_bytes.fetch_sub(freed, Relaxed);
                    self.counters.evicted_bytes.fetch_add(freed, Relaxed);
                }
                Err(error) => {
                    // A file system without holes: all of it goes.
                    tracing::debug!(%error, "blocks cannot be given up one by one");
                    self.drop_entry(Arc::clone(&entries[index])).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(super) fn count_read(&self, bytes: u64, is_hit: bool) {
        let counter = if is_hit { &self.counters.hits } else { &self.counters.misses };
        counter.fetch_add(1, Relaxed);
        self.counters.read_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn count_promoted(&self) {
        self.counters.promoted.fetch_add(1, Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            hits: of(&self.counters.hits),
            misses: of(&self.counters.misses),
            read_bytes: of(&self.counters.read_bytes),
            origin_bytes: of(&self.counters.origin_bytes),
            evicted_bytes: of(&self.counters.evicted_bytes),
            held_bytes: of(&self.counters.held_bytes),
            promoted: of(&self.counters.promoted),
        }
    }

    pub(super) async fn flush(&self) {
        let entries: Vec<Arc<Entry>> = self.lock().values().cloned().collect();
        let flushed = spawn_blocking(move || {
            for entry in entries {
                if let Err(error) = entry.flush() {
                    tracing::warn!(id = %entry.media.id, %error, "the cache cannot be written down");
                }
            }
        });
        if let Err(error) = flushed.await {
            tracing::warn!(%error, "the cache cannot be written down");
        }
    }
}

async fn tend(cache: Weak<Cache>) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        let Some(cache) = cache.upgrade() else { return };
        cache.flush().await;
    }
}

/// What an earlier run left. What cannot be understood is removed: the origin has it.
fn scan(folder: &Path) -> Result<HashMap<MediaId, Arc<Entry>>, MediaFault> {
    std::fs::create_dir_all(folder).map_err(io("making the folder of the cache"))?;
    let mut entries = HashMap::new();
    for found in std::fs::read_dir(folder).map_err(io("reading the cache"))? {
        let folder = found.map_err(io("reading the cache"))?.path();
        match read_entry(&folder) {
            Some(entry) if !entries.contains_key(&entry.media.id) => {
                entries.insert(entry.media.id, Arc::new(entry));
            }
            _ => std::fs::remove_dir_all(&folder).map_err(io("tidying the cache"))?,
        }
    }
    Ok(entries)
}

fn read_entry(folder: &Path) -> Option<Entry> {
    let media: StoredMedia = serde_json::from_slice(&std::fs::read(folder.join(META)).ok()?).ok()?;
    let blocks = Entry::blocks_of(media.size_bytes);
    let length = |name: &str| std::fs::metadata(folder.join(name)).ok().map(|file| file.len());
    if length(WHOLE) == Some(media.size_bytes) {
        let used = std::fs::metadata(folder.join(WHOLE)).ok()?.modified().ok()?;
        let used_ms = used.duration_since(UNIX_EPOCH).ok()?.as_millis() as u64;
        return Some(Entry::new(media, folder.to_owned(), vec![used_ms.max(1); blocks], true));
    }
    let used_s = map::decode(&std::fs::read(folder.join(MAP)).ok()?, blocks)?;
    if length(PARTS) != Some(media.size_bytes) {
        return None;
    }
    let used_ms = used_s.into_iter().map(|used| u64::from(used) * 1_000).collect();
    Some(Entry::new(media, folder.to_owned(), used_ms, false))
}
