//! Sound as numbers: resampling, the timeline, the mix, loudness, limiting and WAV.
//!
//! Everything is mono `f32` at full scale 1.0, and every position is a whole number of samples:
//! the [`Timeline`] is the only truth about time, captions are derived from it and never from
//! an encoded file. No IO except through the caller's reader, writer or [`ClipSource`]; encoders
//! other than WAV are child processes and belong to the media block.

mod error;
mod format;
mod limiter;
mod loudness;
mod master;
mod mixer;
mod pcm;
mod resample;
mod timeline;
mod true_peak;
pub mod wav;

pub use error::AudioError;
pub use format::{Format, SAMPLE_RATES_HZ, UnknownFormat};
pub use limiter::Limiter;
pub use loudness::{LoudnessMeter, MAX_GAIN_DB, gain_to, loudness_of};
pub use master::{Analysis, Loudness, Mastered, analyse, master, master_analysed};
pub use mixer::{BLOCK_FRAMES, BlockSource, ClipSource, Mixer, PcmBlocks};
pub use pcm::Pcm;
pub use resample::{resample, resampled_length};
pub use timeline::{Clip, MAX_TIMELINE_S, PlanOptions, PlannedLine, Timeline, plan};
pub use true_peak::{TruePeakMeter, true_peak_of};

/// Decibels to a linear factor; 0 dB is 1.
#[must_use]
pub fn db_to_factor(db: f64) -> f64 {
    10_f64.powf(db / 20.0)
}

/// A linear factor to decibels; 0 is minus infinity.
#[must_use]
pub fn factor_to_db(factor: f64) -> f64 {
    20.0 * factor.log10()
}
