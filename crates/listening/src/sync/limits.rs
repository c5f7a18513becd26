//! How much one socket may say.

use std::time::Instant;

/// A player says some words a minute; one that seeks wildly some a second.
const BURST: f64 = 40.0;
const PER_SECOND: f64 = 10.0;

/// A bucket of tokens.
pub(super) struct Allowance {
    tokens: f64,
    at: Instant,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: BURST, at: now }
    }

    /// Whether one more message is all right.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * PER_SECOND).min(BURST);
        let is_enough = self.tokens >= 1.0;
        if is_enough {
            self.tokens -= 1.0;
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_all_right_and_a_flood_is_not() {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(now);
        assert_eq!((0..1_000).filter(|_| allowance.take(now)).count(), BURST as usize);
        now += Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| allowance.take(now)).count(), PER_SECOND as usize);
        now += Duration::from_secs(3_600);
        assert_eq!((0..1_000).filter(|_| allowance.take(now)).count(), BURST as usize);
    }
}
