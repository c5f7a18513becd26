//! How the workers behave.

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct JobsConfig {
    /// How many jobs run at once in this process.
    pub workers: usize,
    /// How often a process says that it lives.
    pub heartbeat: Duration,
    /// A process unheard of for this long is dead, and its jobs go to others.
    pub dead_after: Duration,
    /// The pause before the second attempt; each further pause is four times as long.
    pub first_retry_after: Duration,
    /// At a stop, running jobs may finish for this long before they are told to stop.
    pub finish_within: Duration,
    /// How long a job that was told to stop may take until it is given up.
    pub yield_within: Duration,
    /// How often cancellations by other processes, and leases lost to them, are looked for.
    pub watch_every: Duration,
    /// A finished job is kept for this long after its end; `None` keeps it for ever.
    pub keep_finished_for: Option<Duration>,
    /// How often finished jobs are looked for that have been kept long enough.
    pub sweep_every: Duration,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            heartbeat: Duration::from_secs(3),
            dead_after: Duration::from_secs(15),
            first_retry_after: Duration::from_secs(2),
            finish_within: Duration::from_secs(5),
            yield_within: Duration::from_secs(15),
            watch_every: Duration::from_secs(1),
            keep_finished_for: Some(Duration::from_secs(30 * 86_400)),
            sweep_every: Duration::from_secs(600),
        }
    }
}

/// No job waits longer than this for its next attempt.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(600);

impl JobsConfig {
    /// The pause after `attempt` failed attempts.
    #[must_use]
    pub fn retry_pause(&self, attempt: u32) -> Duration {
        let times = 4_u32.saturating_pow(attempt.saturating_sub(1));
        self.first_retry_after.saturating_mul(times).min(LONGEST_RETRY_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_four_times_the_one_before_up_to_ten_minutes() {
        let config = JobsConfig::default();
        let seconds = [1, 2, 3, 4, 5, 6, 40].map(|attempt| config.retry_pause(attempt).as_secs());
        assert_eq!(seconds, [2, 8, 32, 128, 512, 600, 600]);
    }
}
