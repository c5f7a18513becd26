//! Two tiers: what is read is what was stored, whatever the cache gives up, the origin does or a crash
//! leaves behind.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use sori_contracts::{ByteStream, Fault, MediaFault, MediaFiles, MediaId, MediaStore, Opened, Parts, Source};
use sori_media::{LocalStore, TieredStore, Tiers, tiered::BLOCK_BYTES};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

struct Rig {
    store: TieredStore,
    folder: TempDir,
    cache_bytes: u64,
}

impl Rig {
    async fn new(cache_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: open(folder.path(), cache_bytes).await, folder, cache_bytes }
    }

    /// The same folders after the process was started again.
    async fn restarted(self) -> Self {
        let Self { store, folder, cache_bytes } = self;
        drop(store);
        Self { store: open(folder.path(), cache_bytes).await, folder, cache_bytes }
    }

    async fn put(&self, seed: u32, length: usize) -> (MediaId, Vec<u8>) {
        let (id, bytes) = (MediaId::generate(), content(seed, length));
        self.store.put(id, "video/mp4", body(&bytes), u64::MAX).await.unwrap();
        (id, bytes)
    }

    async fn parts(&self, id: MediaId) -> Arc<dyn Parts> {
        match self.store.open_any(id).await.unwrap() {
            (_, Opened::Parts(parts)) => parts,
            (_, Opened::Whole(_)) => panic!("a whole file"),
        }
    }

    fn unplug(&self) {
        fs::rename(self.folder.path().join("origin"), self.folder.path().join("away")).unwrap();
        // As a mount point looks when nothing is mounted.
        fs::create_dir(self.folder.path().join("origin")).unwrap();
    }

    fn plug(&self) {
        fs::remove_dir_all(self.folder.path().join("origin")).unwrap();
        fs::rename(self.folder.path().join("away"), self.folder.path().join("origin")).unwrap();
    }

    /// What the files of the cache take on the disk.
    fn cache_on_disk(&self) -> u64 {
        disk_bytes(&self.folder.path().join("cache"))
    }
}

async fn open(folder: &Path, cache_bytes: u64) -> TieredStore {
    open_with(folder, cache_bytes, Duration::from_secs(60)).await
}

async fn open_with(folder: &Path, cache_bytes: u64, patience: Duration) -> TieredStore {
    let local = LocalStore::open(folder.join("local")).await.unwrap();
    let tiers = Tiers { origin: folder.join("origin"), cache: folder.join("cache"), cache_bytes, patience };
    TieredStore::open(local, tiers).await.unwrap()
}

fn disk_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |path: &Path| match fs::metadata(path) {
        Ok(found) if found.is_dir() => disk_bytes(path),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.map(|entry| of(&entry.unwrap().path())).sum()
}

/// No two places of it are alike for long.
fn content(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut bytes = Vec::with_capacity(length + 4);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn body(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(256 << 10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(stream::iter(pieces))
}

async fn read(parts: &Arc<dyn Parts>, start: usize, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let at = (start + bytes.len()) as u64;
        let piece = parts.read(at..(start + length) as u64).await.unwrap();
        assert!(!piece.is_empty());
        bytes.extend(piece);
    }
    bytes
}

async fn whole(store: &TieredStore, id: MediaId) -> Result<Vec<u8>, MediaFault> {
    let (_, bytes) = store.get(id, None).await?;
    let pieces: Vec<Bytes> = bytes.try_collect().await?;
    Ok(pieces.concat())
}

async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it should have become so");
}

#[tokio::test]
async fn seeking_fetches_what_is_read_and_nothing_else() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(1, 12 * MIB + 345).await;
    assert_eq!(rig.store.place(id).await.source, Source::Nas);
    let parts = rig.parts(id).await;
    // Over the border of two blocks, and the end.
    for (start, length) in [(3 * MIB - 100, 200), (12 * MIB, 345), (3 * MIB, 10)] {
        assert_eq!(read(&parts, start, length).await, bytes[start..start + length]);
    }
    let counts = rig.store.counts();
    assert_eq!(counts.origin_bytes, 2 * BLOCK_BYTES + 345);
    assert!((counts.hits, counts.misses) == (1, 3), "{counts:?}");
    assert_eq!(counts.held_bytes, counts.origin_bytes);
    assert!(parts.read(bytes.len() as u64..bytes.len() as u64 + 1).await.is_err());
    assert_eq!(whole(&rig.store, id).await.unwrap(), bytes);
}

#[tokio::test]
async fn many_readers_of_a_block_fetch_it_once() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(2, 8 * MIB).await;
    let parts = rig.parts(id).await;
    let readers = (0..50).map(|n| {
        let parts = Arc::clone(&parts);
        async move { (n, read(&parts, 1000 * n, 1000).await) }
    });
    for (n, read) in futures::future::join_all(readers).await {
        assert_eq!(read, bytes[1000 * n..1000 * (n + 1)]);
    }
    assert_eq!(rig.store.counts().origin_bytes, BLOCK_BYTES);
}

#[tokio::test]
async fn what_is_used_much_becomes_a_whole_file() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(3, 6 * MIB + 7).await;
    let early = rig.parts(id).await;
    assert_eq!(read(&early, 0, 4 * MIB).await, bytes[..4 * MIB]);
    eventually(async || rig.store.counts().promoted == 1).await;
    assert_eq!(rig.store.place(id).await.source, Source::Ssd);
    let (media, opened) = rig.store.open_any(id).await.unwrap();
    let Opened::Whole(file) = opened else { panic!("still in parts") };
    assert_eq!(file.metadata().unwrap().len(), media.size_bytes);
    // Who began before goes on.
    assert_eq!(read(&early, 4 * MIB, 2 * MIB + 7).await, bytes[4 * MIB..]);
    let rig = rig.restarted().await;
    rig.unplug();
    assert_eq!(whole(&rig.store, id).await.unwrap(), bytes);
}

#[tokio::test]
async fn the_cache_keeps_to_its_limit_and_readers_get_no_holes() {
    let rig = Rig::new(40 << 20).await;
    let mut objects = Vec::new();
    for seed in 0..4 {
        objects.push(rig.put(10 + seed, 24 * MIB).await);
    }
    // Twice over all of them, several at once: each block is given up while others are read.
    let readers = objects.iter().map(|(id, bytes)| {
        let store = rig.store.clone();
        async move {
            for _ in 0..2 {
                assert!(whole(&store, *id).await.unwrap() == *bytes, "a reader got something else");
            }
        }
    });
    futures::future::join_all(readers).await;
    eventually(async || rig.store.counts().held_bytes <= 40 << 20).await;
    assert!(rig.store.counts().evicted_bytes > 40 << 20, "{:?}", rig.store.counts());
    rig.store.flush().await;
    eventually(async || rig.cache_on_disk() <= 48 << 20).await;
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let rig = Rig::new(40 << 20).await;
    let (old, _) = rig.put(20, 20 * MIB).await;
    let (loved, bytes) = rig.put(21, 20 * MIB).await;
    let (new, _) = rig.put(22, 20 * MIB).await;
    let loved_parts = rig.parts(loved).await;
    read(&rig.parts(old).await, 0, 10 * MIB).await;
    read(&loved_parts, 0, 8 * MIB).await;
    for n in 0..16 {
        read(&rig.parts(new).await, n * MIB, MIB).await;
        // Again and again.
        read(&loved_parts, (n % 8) * MIB, 10).await;
    }
    eventually(async || rig.store.counts().evicted_bytes > 0).await;
    let before = rig.store.counts().origin_bytes;
    assert_eq!(read(&loved_parts, 7 * MIB, 100).await, bytes[7 * MIB..7 * MIB + 100]);
    assert_eq!(rig.store.counts().origin_bytes, before, "what is loved was given up");
    read(&rig.parts(old).await, 0, 100).await;
    assert!(rig.store.counts().origin_bytes > before, "what nobody wants was kept");
}

#[tokio::test]
async fn while_the_origin_is_away_what_is_here_plays() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(30, 8 * MIB).await;
    let (other, other_bytes) = rig.put(31, MIB).await;
    read(&rig.parts(id).await, 0, 2 * MIB).await;
    rig.store.flush().await;
    rig.unplug();
    // Also after a restart without it.
    let rig = rig.restarted().await;
    let parts = rig.parts(id).await;
    assert_eq!(read(&parts, 0, 2 * MIB).await, bytes[..2 * MIB]);
    assert!(parts.read(3 * BLOCK_BYTES..4 * BLOCK_BYTES).await.is_err());
    let missing = rig.store.open_any(other).await.unwrap_err();
    assert_eq!(missing.code(), "STREAM_FILE_UNAVAILABLE");
    let put = rig.store.put(MediaId::generate(), "x/y", body(b"abc"), 10).await.unwrap_err();
    assert_eq!(put.code(), "STREAM_FILE_UNAVAILABLE");
    assert_eq!(rig.store.delete(other).await.unwrap_err().code(), "STREAM_FILE_UNAVAILABLE");
    // Nothing was written into the folder that is not the origin.
    assert_eq!(fs::read_dir(rig.folder.path().join("origin")).unwrap().count(), 0);
    rig.plug();
    assert_eq!(whole(&rig.store, id).await.unwrap(), bytes);
    assert_eq!(whole(&rig.store, other).await.unwrap(), other_bytes);
    let unknown = rig.store.open_any(MediaId::generate()).await.unwrap_err();
    assert!(matches!(unknown, MediaFault::NotFound(_)));
}

#[tokio::test]
async fn a_file_of_the_origin_that_is_damaged_is_unavailable() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(40, 8 * MIB).await;
    read(&rig.parts(id).await, 0, 10).await;
    let objects = rig.folder.path().join("origin/objects");
    let data = find(&objects, "data").unwrap();
    fs::OpenOptions::new().write(true).open(data).unwrap().set_len(5 * MIB as u64).unwrap();
    let parts = rig.parts(id).await;
    assert_eq!(read(&parts, 10, 10).await, bytes[10..20]);
    assert!(parts.read(2 * BLOCK_BYTES..3 * BLOCK_BYTES).await.is_err());
}

#[tokio::test]
async fn other_bytes_than_were_stored_never_become_whole() {
    let rig = Rig::new(1 << 30).await;
    let (id, mut bytes) = rig.put(41, 2 * MIB).await;
    bytes[MIB] ^= 1;
    fs::write(find(&rig.folder.path().join("origin/objects"), "data").unwrap(), &bytes).unwrap();
    read(&rig.parts(id).await, 0, 2 * MIB).await;
    // Looked at, refused and thrown away.
    eventually(async || rig.store.counts().held_bytes == 0).await;
    assert_eq!(rig.store.counts().promoted, 0);
}

#[tokio::test]
async fn a_crash_leaves_nothing_that_is_not_so() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(50, 12 * MIB).await;
    read(&rig.parts(id).await, 0, 2 * MIB).await;
    rig.store.flush().await;
    // Written and not noted.
    read(&rig.parts(id).await, 4 * MIB, MIB).await;
    let rig = rig.restarted().await;
    assert_eq!(rig.store.counts().held_bytes, 2 * BLOCK_BYTES);
    let parts = rig.parts(id).await;
    assert_eq!(read(&parts, 0, 5 * MIB).await, bytes[..5 * MIB]);
    assert_eq!(rig.store.counts().origin_bytes, 3 * BLOCK_BYTES);
    rig.store.flush().await;
    // A map that was not written to its end.
    let map = find(&rig.folder.path().join("cache/objects"), "map").unwrap();
    let noted = fs::read(&map).unwrap();
    fs::write(&map, &noted[..10]).unwrap();
    let rig = rig.restarted().await;
    assert_eq!(rig.store.counts().held_bytes, 0);
    assert_eq!(whole(&rig.store, id).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_every_tier() {
    let rig = Rig::new(1 << 30).await;
    let (id, bytes) = rig.put(60, 4 * MIB).await;
    let parts = rig.parts(id).await;
    read(&parts, 0, MIB).await;
    rig.store.delete(id).await.unwrap();
    // Who reads what is here reads on.
    assert_eq!(read(&parts, 10, 10).await, bytes[10..20]);
    assert!(matches!(rig.store.open_any(id).await, Err(MediaFault::NotFound(_))));
    assert_eq!(rig.store.counts().held_bytes, 0);
    assert!(find(&rig.folder.path().join("cache/objects"), "parts").is_none());
    rig.store.delete(id).await.unwrap();
}

#[tokio::test]
async fn what_was_there_before_the_origin_stays_where_it_is() {
    let rig = Rig::new(1 << 30).await;
    let local = LocalStore::open(rig.folder.path().join("local")).await.unwrap();
    let id = MediaId::generate();
    local.put(id, "audio/mpeg", body(b"from before"), 100).await.unwrap();
    rig.unplug();
    assert_eq!(whole(&rig.store, id).await.unwrap(), b"from before");
    assert_eq!(rig.store.place(id).await.source, Source::Ssd);
    assert!(matches!(rig.store.open_any(id).await.unwrap().1, Opened::Whole(_)));
}

#[tokio::test]
async fn an_origin_that_hangs_holds_nobody_who_reads_what_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig {
        store: open_with(folder.path(), 1 << 30, Duration::from_secs(1)).await,
        folder,
        cache_bytes: 1 << 30,
    };
    let (here, bytes) = rig.put(70, 8 * MIB).await;
    let here = rig.parts(here).await;
    read(&here, 0, MIB).await;
    let mut away = Vec::new();
    for seed in 71..101 {
        away.push(rig.put(seed, 1000).await.0);
    }
    let mut waiting = Vec::new();
    for id in &away {
        waiting.push(rig.parts(*id).await);
    }
    // Whoever opens a pipe waits until somebody writes into it: as a network drive that does not answer.
    let objects = rig.folder.path().join("origin/objects");
    for data in all(&objects, "data") {
        fs::remove_file(&data).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(data).status().unwrap().success());
    }
    let hanging = waiting.iter().map(|parts| parts.read(0..10));
    let reading = async {
        for n in 0..100 {
            assert_eq!(read(&here, n * 1000, 1000).await, bytes[n * 1000..(n + 1) * 1000]);
        }
    };
    let (refused, ()) = tokio::join!(futures::future::join_all(hanging), reading);
    assert!(refused.iter().all(Result::is_err), "an origin that hangs answered");
    // Threads that wait for the origin come back when it does.
    for pipe in all(&objects, "data") {
        drop(fs::OpenOptions::new().read(true).write(true).open(pipe).unwrap());
    }
}

/// The files with this name, anywhere below.
fn all(folder: &Path, name: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => all(&path, name),
        false => path.ends_with(name).then_some(path).into_iter().collect(),
    };
    entries.flat_map(|entry| below(entry.unwrap().path())).collect()
}

fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    all(folder, name).pop()
}
