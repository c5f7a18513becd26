//! What can go wrong with samples, with stable codes.

use std::error::Error;

#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("cannot resample from {from_hz} Hz to {to_hz} Hz")]
    UnsupportedRates { from_hz: u32, to_hz: u32 },
    #[error("the resampler failed: {0}")]
    Resampler(String),
    #[error("the loudness meter failed: {0}")]
    Meter(String),
    #[error("the timeline is longer than {limit_s} seconds")]
    TimelineTooLong { limit_s: u64 },
    #[error("clip {clip} has {found} samples and was planned with {planned}")]
    ClipLength { clip: usize, planned: u64, found: u64 },
    #[error("clip {clip} holds a sample that is not a finite number")]
    NotFinite { clip: usize },
    #[error("clip {clip} could not be read")]
    Clip {
        clip: usize,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("not a WAV file that can be read: {0}")]
    Wav(&'static str),
    #[error("the WAV file holds more than {limit_frames} samples")]
    WavTooLong { limit_frames: u64 },
    #[error("a WAV file of unknown length cannot grow beyond 4 GiB")]
    WavTooLarge,
    #[error("the WAV file was announced with {announced} samples and got {written}")]
    WavLength { announced: u64, written: u64 },
    #[error("input or output failed")]
    Io(#[source] std::io::Error),
}

impl AudioError {
    /// Stable, in upper case with underscores.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedRates { .. } => "UNSUPPORTED_SAMPLE_RATE",
            Self::Resampler(_) | Self::Meter(_) => "AUDIO_FAILED",
            Self::TimelineTooLong { .. } => "TIMELINE_TOO_LONG",
            Self::ClipLength { .. } | Self::NotFinite { .. } | Self::Clip { .. } => "CLIP_BROKEN",
            Self::Wav(_) => "WAV_INVALID",
            Self::WavTooLong { .. } | Self::WavTooLarge => "WAV_TOO_LARGE",
            Self::WavLength { .. } => "WAV_LENGTH_MISMATCH",
            Self::Io(_) => "AUDIO_IO_FAILED",
        }
    }
}
