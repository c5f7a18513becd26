//! How the allocator treats the buffers of voices.

/// Buffers of eight megabytes and more go back to the system as soon as they are freed. The GNU allocator otherwise raises
/// that limit to the largest buffer it has seen, and keeps the holes between sentences of different lengths: 20 MB more
/// after four minutes of speech.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "sets a parameter of the allocator before there are other threads")]
    {
        const LARGE: libc::c_int = 8 << 20;
        // SAFETY: nobody else touches the allocator's parameters.
        let _taken = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
    }
}
