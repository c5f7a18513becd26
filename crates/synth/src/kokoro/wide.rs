//! Plain loops with the wide instructions of the machine that they run on.

/// Channels of a cache line, two AVX2 registers: what a plain loop takes at once.
pub(super) const LANES: usize = 16;

/// Runs plain loops with the wide instructions of this machine.
#[inline(always)]
pub(super) fn fast<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "calls a function whose CPU features were just checked")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: both features are there.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}
