//! The kinds of audio file that come out.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The sample rates a finished file can have, in Hz.
pub const SAMPLE_RATES_HZ: [u32; 6] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Wav,
    Flac,
    Mp3,
    /// Opus in Ogg (RFC 7845).
    Opus,
    /// AAC-LC in MP4.
    M4a,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Wav, Self::Flac, Self::Mp3, Self::Opus, Self::M4a];

    /// The media type to serve it with.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/ogg",
            Self::M4a => "audio/mp4",
        }
    }

    /// The file name's ending, without a dot; also the name of the format in the API.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::M4a => "m4a",
        }
    }

    /// Whether decoding gives other samples than were encoded.
    #[must_use]
    pub fn is_lossy(self) -> bool {
        matches!(self, Self::Mp3 | Self::Opus | Self::M4a)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no audio format: use wav, flac, mp3, opus or m4a")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Case does not matter; the usual other endings are understood (`wave`, `ogg`, `oga`, `mp4`, `aac`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "wav" | "wave" => Ok(Self::Wav),
            "flac" => Ok(Self::Flac),
            "mp3" => Ok(Self::Mp3),
            "opus" | "ogg" | "oga" => Ok(Self::Opus),
            "m4a" | "mp4" | "aac" | "m4b" => Ok(Self::M4a),
            _ => Err(UnknownFormat(text.chars().take(32).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_own_ending() {
        for format in Format::ALL {
            assert_eq!(format.extension().to_uppercase().parse(), Ok(format));
            assert_eq!(format.to_string(), format.extension());
            assert!(format.mime().starts_with("audio/"));
        }
    }

    #[test]
    fn an_unknown_ending_is_named_and_cut_short() {
        assert_eq!("xyz".parse::<Format>(), Err(UnknownFormat("xyz".into())));
        let UnknownFormat(name) = "y".repeat(9_000).parse::<Format>().unwrap_err();
        assert_eq!(name.len(), 32);
    }
}
