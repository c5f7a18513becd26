//! Which parts of a mapping are worth `writev`.
//!
//! Measured: from pages that are present in the mapping `writev` costs two thirds of `sendfile`; the
//! first time it costs half as much again, for the faults. So a block is sent with `sendfile` once;
//! when it is asked for again it is made present, and from then on it goes with `writev`.

use std::{
    ops::Range,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

/// What the kernel maps around a fault.
const BLOCK_BYTES: u64 = 64 << 10;

const COLD: u8 = 0;
const SENT_ONCE: u8 = 1;
const PRESENT: u8 = 2;

#[derive(Debug)]
pub(crate) struct Heat(Box<[AtomicU8]>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Temperature {
    /// At least one block is asked for the first time.
    Cold,
    /// All were sent before, and not all are present: make this span so, then call it hot.
    Warm(Range<u64>),
    Hot,
}

impl Heat {
    pub(crate) fn new(size_bytes: u64) -> Self {
        Self((0..size_bytes.div_ceil(BLOCK_BYTES)).map(|_| AtomicU8::new(COLD)).collect())
    }

    /// Notes that a span (not empty) is about to be sent. O(blocks of the span).
    pub(crate) fn touch(&self, span: &Range<u64>) -> Temperature {
        let (mut is_cold, mut is_hot) = (false, true);
        for block in self.blocks(span) {
            match block.load(Relaxed) {
                COLD => {
                    is_cold = true;
                    block.store(SENT_ONCE, Relaxed);
                }
                SENT_ONCE => is_hot = false,
                _ => {}
            }
        }
        match (is_cold, is_hot) {
            (true, _) => Temperature::Cold,
            (false, true) => Temperature::Hot,
            (false, false) => {
                let start = span.start / BLOCK_BYTES * BLOCK_BYTES;
                Temperature::Warm(start..span.end.div_ceil(BLOCK_BYTES) * BLOCK_BYTES)
            }
        }
    }

    pub(crate) fn set_present(&self, span: &Range<u64>) {
        self.blocks(span).iter().for_each(|block| block.store(PRESENT, Relaxed));
    }

    pub(crate) fn is_all_present(&self, span: &Range<u64>) -> bool {
        self.blocks(span).iter().all(|block| block.load(Relaxed) == PRESENT)
    }

    fn blocks(&self, span: &Range<u64>) -> &[AtomicU8] {
        let end = (span.end.div_ceil(BLOCK_BYTES) as usize).min(self.0.len());
        let start = ((span.start / BLOCK_BYTES) as usize).min(end);
        &self.0[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::{Temperature::*, *};

    const KIB: u64 = 1 << 10;

    #[test]
    fn a_block_is_cold_then_warm_then_hot() {
        let heat = Heat::new(1_000 * KIB);
        assert_eq!(heat.touch(&(10..20)), Cold);
        assert_eq!(heat.touch(&(30..40)), Warm(0..64 * KIB));
        heat.set_present(&(0..64 * KIB));
        assert_eq!(heat.touch(&(0..64 * KIB)), Hot);
        assert!(heat.is_all_present(&(0..64 * KIB)) && !heat.is_all_present(&(0..64 * KIB + 1)));
        assert_eq!(heat.touch(&(0..64 * KIB + 1)), Cold);
        assert_eq!(heat.touch(&(0..64 * KIB + 1)), Warm(0..128 * KIB));
    }

    #[test]
    fn the_last_block_may_be_short() {
        let heat = Heat::new(65 * KIB);
        assert_eq!(heat.touch(&(64 * KIB..65 * KIB)), Cold);
        heat.set_present(&(64 * KIB..128 * KIB));
        assert_eq!(heat.touch(&(65 * KIB - 1..65 * KIB)), Hot);
        assert_eq!(heat.touch(&(0..1)), Cold);
    }
}
