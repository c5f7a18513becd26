//! A piece of mono sound in memory.

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pcm {
    /// Mono, full scale is 1.0.
    pub samples: Vec<f32>,
    pub sample_rate_hz: u32,
}

impl Pcm {
    /// Rounded down to whole milliseconds; 0 for a rate of 0.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        (self.samples.len() as u64 * 1000).checked_div(u64::from(self.sample_rate_hz)).unwrap_or(0)
    }
}
