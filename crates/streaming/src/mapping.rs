//! A file in the address space: the one place with `unsafe` code.
//!
//! The bytes of a mapping are names for the kernel (an address and a length given to `writev`), not
//! data for this process: reading a page that the file no longer has would be a SIGBUS and end the
//! process, while `writev` only fails with EFAULT. So nothing in here hands out what could be read
//! by accident, but for [`Mapped`], which becomes the body of an answer on a plain connection, and
//! `hyper` passes that on to the connection as it is.

use std::{fs::File, ops::Range, sync::Arc};

use crate::object::Object;

/// A read-only mapping of a whole file.
#[derive(Debug)]
pub(crate) struct Mapping {
    address: usize,
    length: usize,
}

impl Mapping {
    /// `None` where a file cannot be mapped: it is empty, or the system has no room or no such call.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[allow(unsafe_code, reason = "see the head of this module")]
    pub(crate) fn of(file: &File, size_bytes: u64) -> Option<Self> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let length = usize::try_from(size_bytes).ok().filter(|length| *length > 0)?;
        // SAFETY: the kernel chooses the place, so no memory of this process is replaced, and the
        // pages are read-only. They are unmapped by `drop` only, and whoever points into them holds
        // the `Object` that owns this.
        let address =
            unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) };
        match address {
            Ok(address) => Some(Self { address: address as usize, length }),
            Err(error) => {
                tracing::warn!(%error, size_bytes, "a file cannot be mapped: it is read instead");
                None
            }
        }
    }

    #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
    pub(crate) fn of(_file: &File, _size_bytes: u64) -> Option<Self> {
        None
    }

    /// Makes the pages of a span present, so that the kernel does not fault on each while it copies.
    /// The span begins at a page. `false` when they are not: the system is older than Linux 5.14, or the file is shorter now.
    pub(crate) fn populate(&self, span: Range<u64>) -> bool {
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        #[allow(unsafe_code, reason = "see the head of this module")]
        {
            use rustix::mm::{Advice, madvise};
            let start = span.start as usize;
            let end = (span.end as usize).min(self.length);
            if start >= end {
                return false;
            }
            // SAFETY: the span lies within this mapping. Populating reads pages in and changes
            // nothing; a page that the file does not have is an error, no signal.
            unsafe {
                madvise((self.address + start) as *mut _, end - start, Advice::LinuxPopulateRead).is_ok()
            }
        }
        #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
        {
            let _ = span;
            false
        }
    }
}

impl Drop for Mapping {
    #[allow(unsafe_code, reason = "see the head of this module")]
    fn drop(&mut self) {
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        // SAFETY: this is what `mmap` gave, and nobody points into it any more: see there.
        let _ = unsafe { rustix::mm::munmap(self.address as *mut _, self.length) };
    }
}

/// A span of a mapped object, which it keeps alive.
pub(crate) struct Mapped {
    object: Arc<Object>,
    address: usize,
    length: usize,
}

impl Mapped {
    /// `None` when the object is not mapped or the span lies outside of it.
    pub(crate) fn of(object: &Arc<Object>, span: &Range<u64>) -> Option<Self> {
        let mapping = object.mapping()?;
        if span.start > span.end || span.end > mapping.length as u64 {
            return None;
        }
        Some(Self {
            object: Arc::clone(object),
            address: mapping.address + span.start as usize,
            length: (span.end - span.start) as usize,
        })
    }

    pub(crate) fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl AsRef<[u8]> for Mapped {
    #[allow(unsafe_code, reason = "see the head of this module")]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the span lies within the mapping, which lives as long as `object`. Objects do not
        // change once they are published, so neither do the bytes behind this. Should somebody cut
        // such a file off nevertheless: only the kernel reads these bytes, see above.
        unsafe { std::slice::from_raw_parts(self.address as *const u8, self.length) }
    }
}
