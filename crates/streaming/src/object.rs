//! An open object: its file, its place in the address space, and reads that do not wait.

use std::{
    fs::File,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    sync::OnceLock,
};

use sori_contracts::StoredMedia;

use crate::{
    heat::{Heat, Temperature},
    mapping::Mapping,
};

/// The disk is asked whether it has a byte this far apart: what it reads ahead.
const READ_AHEAD_BYTES: u64 = 128 << 10;

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) media: StoredMedia,
    pub(crate) file: File,
    /// Made when it is asked for: whoever only reads, or asks with HEAD, needs none.
    mapping: OnceLock<Option<(Mapping, Heat)>>,
}

/// What the file is now, compared with what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Whole,
    /// Deleted: the name is gone, the bytes are there as long as somebody has it open.
    Deleted,
    /// Somebody changed its length.
    Damaged,
}

impl Object {
    pub(crate) fn new(media: StoredMedia, file: File) -> Self {
        Self { media, file, mapping: OnceLock::new() }
    }

    pub(crate) fn state(&self) -> io::Result<State> {
        let now = rustix::fs::fstat(&self.file)?;
        Ok(match now.st_nlink {
            _ if u64::try_from(now.st_size) != Ok(self.media.size_bytes) => State::Damaged,
            0 => State::Deleted,
            _ => State::Whole,
        })
    }

    pub(crate) fn mapping(&self) -> Option<&Mapping> {
        self.mapped().map(|(mapping, _)| mapping)
    }

    fn mapped(&self) -> Option<&(Mapping, Heat)> {
        let size_bytes = self.media.size_bytes;
        self.mapping
            .get_or_init(|| Some((Mapping::of(&self.file, size_bytes)?, Heat::new(size_bytes))))
            .as_ref()
    }

    /// Whether a span is better sent from the mapping than from the file.
    pub(crate) fn is_hot(&self, span: &Range<u64>) -> bool {
        let Some((mapping, heat)) = self.mapped() else { return false };
        match heat.touch(span) {
            Temperature::Cold => false,
            Temperature::Hot => true,
            Temperature::Warm(blocks) => {
                let is_present = mapping.populate(blocks.clone());
                if is_present {
                    heat.set_present(&blocks);
                }
                is_present
            }
        }
    }

    /// Whether sending this span would not wait for the disk, as far as the system tells: every
    /// piece that the disk reads at once is asked for one byte. Of what is present in the mapping
    /// only the ends are asked: the system gives such pages up last.
    pub(crate) fn is_in_memory(&self, span: &Range<u64>) -> bool {
        let is_present =
            self.mapping.get().and_then(Option::as_ref).is_some_and(|(_, heat)| heat.is_all_present(span));
        let step = if is_present { u64::MAX } else { READ_AHEAD_BYTES };
        let mut at = span.start;
        loop {
            if matches!(read_if_in_memory(&self.file, &mut [0], at), Err(error) if error.kind() == ErrorKind::WouldBlock)
            {
                return false;
            }
            if at + 1 >= span.end {
                return true;
            }
            at = at.saturating_add(step).min(span.end - 1);
        }
    }

    /// Reads a span for the page cache's sake. Waits; not on the threads of the runtime.
    pub(crate) fn warm(&self, span: Range<u64>) -> io::Result<()> {
        let mut scratch = vec![0; READ_AHEAD_BYTES as usize];
        let mut at = span.start;
        while at < span.end {
            let wanted = (span.end - at).min(READ_AHEAD_BYTES) as usize;
            match self.file.read_at(&mut scratch[..wanted], at)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => at += read as u64,
            }
        }
        Ok(())
    }

    /// As much of a span as is there at once; [`ErrorKind::WouldBlock`] when nothing is.
    pub(crate) fn read_now(&self, span: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (span.end - span.start) as usize];
        let read = read_if_in_memory(&self.file, &mut bytes, span.start)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    /// A span. Waits; not on the threads of the runtime.
    pub(crate) fn read(&self, span: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (span.end - span.start) as usize];
        self.file.read_exact_at(&mut bytes, span.start)?;
        Ok(bytes)
    }
}

/// Reads what is in memory, without waiting for a disk. Where the system or the file system cannot
/// tell, that is taken for "it would wait".
#[cfg(target_os = "linux")]
fn read_if_in_memory(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut buffers = [io::IoSliceMut::new(bytes)];
    preadv2(file, &mut buffers, at, ReadWriteFlags::NOWAIT).map_err(|error| match error {
        rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS => ErrorKind::WouldBlock.into(),
        error => error.into(),
    })
}

#[cfg(not(target_os = "linux"))]
fn read_if_in_memory(_file: &File, _bytes: &mut [u8], _at: u64) -> io::Result<usize> {
    Err(ErrorKind::WouldBlock.into())
}
