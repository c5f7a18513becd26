//! One object in the cache: a sparse file, and which of its blocks are there.
//!
//! A block counts once it is written; it stops to count before its bytes are given up. Who read while a
//! block was given up sees by [`State::given_up`] that it has to read again, so no reader ever gets
//! zeros of a hole. Whole objects are given up by taking their name away: who has them open goes on.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::future::{BoxFuture, Shared};
use rustix::fs::{FallocateFlags, fallocate};
use sori_contracts::{MediaFault, Parts, StoredMedia};
use tokio::task::spawn_blocking;

use super::{BLOCK_BYTES, cache::Cache, map};

pub(super) const META: &str = "meta.json";
pub(super) const MAP: &str = "map";
pub(super) const PARTS: &str = "parts";
pub(super) const WHOLE: &str = "whole";

/// A block on its way from the origin; everybody who waits gets the same.
pub(super) type Flight = Shared<BoxFuture<'static, Result<Arc<Vec<u8>>, Arc<MediaFault>>>>;

pub(super) struct Entry {
    pub(super) media: StoredMedia,
    pub(super) folder: PathBuf,
    state: Mutex<State>,
    /// Held while blocks are written or given up. Never across anything slower than the local disk.
    writing: Mutex<()>,
}

pub(super) struct State {
    /// When each block was used last, in ms since 1970; 0 for those that are not here.
    used_ms: Vec<u64>,
    /// How often blocks were given up.
    given_up: u64,
    pub(super) flights: HashMap<usize, Flight>,
    pub(super) is_whole: bool,
    pub(super) is_promoting: bool,
    /// What the map on disk does not say.
    is_dirty: bool,
    /// Removed from the cache: nothing may be written any more.
    is_gone: bool,
}

impl Entry {
    pub(super) fn new(media: StoredMedia, folder: PathBuf, used_ms: Vec<u64>, is_whole: bool) -> Self {
        let state = State {
            used_ms,
            given_up: 0,
            flights: HashMap::new(),
            is_whole,
            is_promoting: false,
            is_dirty: false,
            is_gone: false,
        };
        Self { media, folder, state: Mutex::new(state), writing: Mutex::new(()) }
    }

    pub(super) fn blocks_of(size_bytes: u64) -> usize {
        size_bytes.div_ceil(BLOCK_BYTES) as usize
    }

    pub(super) fn block_bytes(&self, block: usize) -> u64 {
        (self.media.size_bytes - block as u64 * BLOCK_BYTES).min(BLOCK_BYTES)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_complete(&self) -> bool {
        let state = self.lock();
        state.is_whole || state.used_ms.iter().all(|used| *used > 0)
    }

    /// Bytes of the disk.
    pub(super) fn held_bytes(&self) -> u64 {
        let state = self.lock();
        if state.is_whole {
            return self.media.size_bytes;
        }
        let here = state.used_ms.iter().enumerate().filter(|(_, used)| **used > 0);
        here.map(|(block, _)| self.block_bytes(block)).sum()
    }

    /// Writes a block and counts it. `false`: it is not wanted any more.
    pub(super) fn store(&self, block: usize, bytes: &[u8], now_ms: u64) -> io::Result<bool> {
        let _writing = self.lock_writing();
        {
            let state = self.lock();
            if state.is_gone || state.is_whole || state.used_ms[block] > 0 {
                return Ok(false);
            }
        }
        let file = self.open_parts()?;
        file.write_all_at(bytes, block as u64 * BLOCK_BYTES)?;
        let mut state = self.lock();
        state.used_ms[block] = now_ms;
        state.is_dirty = true;
        Ok(true)
    }

    fn open_parts(&self) -> io::Result<File> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.folder.join(PARTS))?;
        if file.metadata()?.len() != self.media.size_bytes {
            file.set_len(self.media.size_bytes)?;
        }
        Ok(file)
    }

    /// The file that a reader reads from.
    pub(super) fn open_file(&self) -> io::Result<File> {
        if self.lock().is_whole { File::open(self.folder.join(WHOLE)) } else { self.open_parts() }
    }

    /// Makes blocks durable, and then says so. The map never says more than the disk has.
    pub(super) fn flush(&self) -> io::Result<()> {
        let _writing = self.lock_writing();
        {
            let mut state = self.lock();
            if !state.is_dirty || state.is_gone || state.is_whole {
                return Ok(());
            }
            state.is_dirty = false;
        }
        self.open_parts()?.sync_data()?;
        self.write_map()
    }

    fn write_map(&self) -> io::Result<()> {
        let used_s: Vec<u32> = {
            let state = self.lock();
            let seconds =
                |ms: &u64| if *ms == 0 { 0 } else { u32::try_from(ms / 1_000).unwrap_or(u32::MAX).max(1) };
            state.used_ms.iter().map(seconds).collect()
        };
        replace(&self.folder, MAP, &map::encode(&used_s))
    }

    /// Gives blocks up that were not used since they were chosen. Answers how many bytes.
    pub(super) fn give_up(&self, chosen: &[(usize, u64)]) -> io::Result<u64> {
        let _writing = self.lock_writing();
        let given_up: Vec<usize> = {
            let mut state = self.lock();
            if state.is_gone || state.is_whole {
                return Ok(0);
            }
            let mut given_up = Vec::new();
            for (block, used_ms) in chosen {
                if state.used_ms[*block] == *used_ms && *used_ms > 0 {
                    state.used_ms[*block] = 0;
                    given_up.push(*block);
                }
            }
            state.given_up += 1;
            given_up
        };
        // First the map, then the bytes: a crash between them leaves bytes that do not count.
        let file = self.open_parts()?;
        file.sync_data()?;
        self.write_map()?;
        let mut freed = 0;
        for block in given_up {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let (start, length) = (block as u64 * BLOCK_BYTES, self.block_bytes(block));
            fallocate(&file, flags, start, length)?;
            freed += length;
        }
        Ok(freed)
    }

    /// Everything of it leaves the disk; who has it open reads on. Answers how many bytes.
    pub(super) fn remove(&self) -> io::Result<u64> {
        let _writing = self.lock_writing();
        let held = self.held_bytes();
        self.lock().is_gone = true;
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(held),
        }
    }

    /// Turns a complete sparse file into a whole one when it is what was stored.
    pub(super) fn make_whole(&self) -> io::Result<bool> {
        use sha2::{Digest, Sha256};
        use std::io::Read;
        let mut file = self.open_parts()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        let sha256: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let _writing = self.lock_writing();
        // Given up meanwhile: what was read may be holes.
        if self.lock().is_gone || !self.is_complete() || sha256 != self.media.sha256 {
            return Ok(false);
        }
        file.sync_all()?;
        std::fs::rename(self.folder.join(PARTS), self.folder.join(WHOLE))?;
        self.lock().is_whole = true;
        // Without its map or with it: `whole` is what counts from here on.
        let _ = std::fs::remove_file(self.folder.join(MAP));
        Ok(true)
    }

    /// Blocks with the time of their last use, or one for all of a whole object.
    pub(super) fn uses(&self) -> Vec<(Option<usize>, u64)> {
        let state = self.lock();
        if state.is_whole {
            return vec![(None, state.used_ms.iter().copied().max().unwrap_or(0))];
        }
        state
            .used_ms
            .iter()
            .enumerate()
            .filter(|(_, used)| **used > 0)
            .map(|(n, used)| (Some(n), *used))
            .collect()
    }

    pub(super) fn missing(&self) -> Vec<usize> {
        let state = self.lock();
        state.used_ms.iter().enumerate().filter(|(_, used)| **used == 0).map(|(block, _)| block).collect()
    }

    /// A use of all of it, which counts only for a whole file.
    pub(super) fn touch_whole(&self, now_ms: u64) {
        let mut state = self.lock();
        if state.is_whole
            && let Some(used) = state.used_ms.first_mut()
        {
            *used = now_ms;
        }
    }
}

/// Writes a file that is there as a whole or not at all.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let file = File::create(&part)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()?;
    std::fs::rename(part, folder.join(name))
}

/// A listener at an object that is not whole yet.
pub(super) struct Reader {
    pub(super) entry: Arc<Entry>,
    pub(super) cache: Arc<Cache>,
    pub(super) file: Arc<File>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader of {}", self.entry.media.id)
    }
}

enum Step {
    /// It is here; and how often blocks were given up until now.
    Here(u64),
    Wait(Flight),
}

impl Reader {
    fn step(&self, block: usize) -> Step {
        let mut state = self.entry.lock();
        // A removed entry has its bytes as long as this file is open, blocks that count included.
        if state.used_ms[block] > 0 {
            state.used_ms[block] = self.cache.now_ms();
            return Step::Here(state.given_up);
        }
        let flights = &mut state.flights;
        Step::Wait(flights.entry(block).or_insert_with(|| self.cache.fetch(&self.entry, block)).clone())
    }
}

#[async_trait]
impl Parts for Reader {
    async fn read(&self, span: Range<u64>) -> io::Result<Vec<u8>> {
        let block = (span.start / BLOCK_BYTES) as usize;
        let end = span.end.min((block as u64 + 1) * BLOCK_BYTES).min(self.entry.media.size_bytes);
        if span.start >= end {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        loop {
            match self.step(block) {
                Step::Here(given_up) => {
                    let (file, start) = (Arc::clone(&self.file), span.start);
                    let read = spawn_blocking(move || {
                        let mut bytes = vec![0; (end - start) as usize];
                        file.read_exact_at(&mut bytes, start).map(|()| bytes)
                    });
                    let bytes = read.await.map_err(io::Error::other)??;
                    if self.entry.lock().given_up == given_up {
                        self.cache.count_read(bytes.len() as u64, true);
                        return Ok(bytes);
                    }
                }
                Step::Wait(flight) => {
                    let bytes = flight.await.map_err(io::Error::other)?;
                    let start = (span.start % BLOCK_BYTES) as usize;
                    let bytes = bytes[start..start + (end - span.start) as usize].to_vec();
                    self.cache.count_read(bytes.len() as u64, false);
                    return Ok(bytes);
                }
            }
        }
    }
}
