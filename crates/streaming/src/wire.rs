//! What a connection knows of the bytes that are on their way to it.
//!
//! A body lends its pieces to the connection; the connection finds them again by their address when
//! `hyper` hands them over for writing. So it knows whose they are, counts what really left, and may
//! take them from the file instead. A piece is known until its last byte is written or it is dropped,
//! and for as long its memory is not given back: an address means one piece only. Requests that were
//! sent ahead may queue the same span of the same file twice; the one that was lent first leaves first.

use std::{
    collections::VecDeque,
    io::IoSlice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;

use crate::{mapping::Mapped, object::Object};

/// Counts bytes that left.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

impl Meter {
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Relaxed);
    }
}

/// The end of a connection that answers hold. The server puts it into every request of a [`Conn`].
///
/// [`Conn`]: crate::Conn
#[derive(Clone, Debug)]
pub struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    takes_files: bool,
    lent: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    next_number: u64,
    pieces: VecDeque<Piece>,
}

#[derive(Debug)]
struct Piece {
    number: u64,
    /// Of the next byte to leave.
    address: usize,
    left_bytes: usize,
    meters: [Option<Arc<Meter>>; 2],
    /// Where else the next byte is: to be sent with `sendfile`.
    file: Option<(Arc<Object>, u64)>,
}

/// What to do with the slices that wait.
pub(crate) enum Step {
    /// Write this many of them. `more`: the rest follows at once by another call.
    Write { slices: usize, more: bool },
    /// The first one is this part of a file.
    Send { object: Arc<Object>, offset: u64, length: usize },
}

impl Wire {
    pub(crate) fn new(takes_files: bool) -> Self {
        Self(Arc::new(Inner { takes_files, lent: Mutex::default() }))
    }

    /// Whether bodies may be made of mapped files: they must not be looked at on the way.
    pub(crate) fn takes_files(&self) -> bool {
        self.0.takes_files
    }

    /// Memory of this process.
    pub(crate) fn lend(&self, bytes: Vec<u8>, meters: [Option<Arc<Meter>>; 2]) -> Bytes {
        self.lend_owned(bytes, meters, None)
    }

    /// A span of a mapped file that begins at `offset` of it.
    pub(crate) fn lend_mapped(
        &self,
        mapped: Mapped,
        offset: u64,
        by_sendfile: bool,
        meters: [Option<Arc<Meter>>; 2],
    ) -> Bytes {
        let file = by_sendfile.then(|| (Arc::clone(mapped.object()), offset));
        self.lend_owned(mapped, meters, file)
    }

    fn lend_owned<T: AsRef<[u8]> + Send + 'static>(
        &self,
        owner: T,
        meters: [Option<Arc<Meter>>; 2],
        file: Option<(Arc<Object>, u64)>,
    ) -> Bytes {
        let mut ledger = self.ledger();
        let number = ledger.next_number;
        ledger.next_number += 1;
        drop(ledger);
        let bytes = Bytes::from_owner(Lent { owner, number, wire: self.clone() });
        let (address, left_bytes) = (bytes.as_ptr() as usize, bytes.len());
        self.ledger().pieces.push_back(Piece { number, address, left_bytes, meters, file });
        bytes
    }

    pub(crate) fn step(&self, slices: &[IoSlice<'_>]) -> Step {
        let ledger = self.ledger();
        for (place, slice) in slices.iter().enumerate() {
            let piece = ledger.piece_of(slice.as_ptr() as usize).map(|at| &ledger.pieces[at]);
            if let Some(Piece { file: Some((object, offset)), left_bytes, .. }) = piece {
                if place > 0 {
                    return Step::Write { slices: place, more: true };
                }
                let length = slice.len().min(*left_bytes);
                return Step::Send { object: Arc::clone(object), offset: *offset, length };
            }
        }
        Step::Write { slices: slices.len(), more: false }
    }

    /// The first `bytes` of these slices left.
    pub(crate) fn left(&self, slices: &[IoSlice<'_>], mut bytes: usize) {
        let mut ledger = self.ledger();
        if ledger.pieces.is_empty() {
            return;
        }
        for slice in slices {
            if bytes == 0 {
                return;
            }
            let count = slice.len().min(bytes);
            bytes -= count;
            if let Some(at) = ledger.piece_of(slice.as_ptr() as usize) {
                ledger.leave(at, count);
            }
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.ledger().pieces.len()
    }
}

impl Ledger {
    fn piece_of(&self, address: usize) -> Option<usize> {
        self.pieces.iter().position(|piece| piece.address == address)
    }

    fn leave(&mut self, at: usize, count: usize) {
        let piece = &mut self.pieces[at];
        let count = count.min(piece.left_bytes);
        piece.meters.iter().flatten().for_each(|meter| meter.add(count));
        piece.address += count;
        piece.left_bytes -= count;
        if let Some((_, offset)) = &mut piece.file {
            *offset += count as u64;
        }
        // The address behind the last byte may be the first of something else.
        if piece.left_bytes == 0 {
            self.pieces.remove(at);
        }
    }
}

/// Keeps memory alive while a connection may write it.
struct Lent<T> {
    owner: T,
    number: u64,
    wire: Wire,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Lent<T> {
    fn as_ref(&self) -> &[u8] {
        self.owner.as_ref()
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        self.wire.ledger().pieces.retain(|piece| piece.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> (Arc<Meter>, [Option<Arc<Meter>>; 2]) {
        let meter = Arc::new(Meter::default());
        (Arc::clone(&meter), [Some(meter), None])
    }

    #[test]
    fn what_left_is_counted_for_whom_it_was_lent() {
        let wire = Wire::new(false);
        let ((first, of_first), (second, of_second)) = (meter(), meter());
        let head = [0_u8; 50];
        let (one, two) = (wire.lend(vec![1; 100], of_first), wire.lend(vec![2; 100], of_second));
        wire.left(&[IoSlice::new(&head), IoSlice::new(&one), IoSlice::new(&two)], 120);
        assert_eq!((first.sent_bytes(), second.sent_bytes()), (70, 0));
        wire.left(&[IoSlice::new(&one[70..]), IoSlice::new(&two)], 35);
        assert_eq!((first.sent_bytes(), second.sent_bytes()), (100, 5));
        drop((one, two));
        assert_eq!(wire.count(), 0);
    }

    #[test]
    fn what_is_dropped_is_known_no_more() {
        let wire = Wire::new(false);
        let (meter, of_meter) = meter();
        let lent = wire.lend(vec![1; 100], of_meter);
        assert_eq!(wire.count(), 1);
        drop(lent);
        wire.left(&[IoSlice::new(&[0; 100])], 100);
        assert_eq!((wire.count(), meter.sent_bytes()), (0, 0));
    }
}
