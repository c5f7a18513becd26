//! What a file shall be, and the arguments that make FFmpeg write it.

use sori_audio::Format;

/// One audio file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeSpec {
    pub format: Format,
    /// The rate of the samples that will be written; also the file's, except for Opus, which
    /// gets the next higher of its own rates.
    pub sample_rate_hz: u32,
    /// In bits per second; a value that suits speech when not given. WAV and FLAC have none.
    pub bitrate: Option<u32>,
    /// How many samples will come, when that is known: needed only for WAV beyond 4 GiB.
    pub frames: Option<u64>,
    pub tags: Tags,
    /// Written into MP3 (ID3 CHAP and CTOC) and M4A (chapter track).
    pub chapters: Vec<Chapter>,
}

impl EncodeSpec {
    #[must_use]
    pub fn new(format: Format, sample_rate_hz: u32) -> Self {
        let (bitrate, frames) = (None, None);
        Self { format, sample_rate_hz, bitrate, frames, tags: Tags::default(), chapters: Vec::new() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    pub title: Option<String>,
    pub artist: Option<String>,
    pub album: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    pub start_ms: u64,
    pub end_ms: u64,
    pub title: String,
}

/// How samples travel to FFmpeg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Float32,
    /// Rounded by us, so that FLAC and WAV hold the same samples.
    Int16,
}

impl Wire {
    pub(super) fn of(format: Format) -> Self {
        if format == Format::Flac { Self::Int16 } else { Self::Float32 }
    }

    pub(super) fn ffmpeg_name(self) -> &'static str {
        match self {
            Self::Float32 => "f32le",
            Self::Int16 => "s16le",
        }
    }
}

/// Codec and container.
pub(super) fn output_arguments(spec: &EncodeSpec) -> Vec<String> {
    let bitrate =
        spec.bitrate.unwrap_or_else(|| speech_bitrate(spec.format, spec.sample_rate_hz)).to_string();
    let rate = file_rate_hz(spec).to_string();
    let arguments: &[&str] = match spec.format {
        Format::Wav => &["-c:a", "pcm_s16le", "-f", "wav"],
        Format::Flac => &["-c:a", "flac", "-compression_level", "5", "-f", "flac"],
        // The Xing/LAME frame tells players how much to cut at both ends.
        Format::Mp3 => {
            &["-c:a", "libmp3lame", "-b:a", &bitrate, "-write_xing", "1", "-id3v2_version", "3", "-f", "mp3"]
        }
        Format::Opus => &["-c:a", "libopus", "-b:a", &bitrate, "-ar", &rate, "-f", "ogg"],
        Format::M4a => &["-c:a", "aac", "-b:a", &bitrate, "-movflags", "+faststart", "-f", "ipod"],
    };
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}

fn bitrate_of(spec: &EncodeSpec) -> u32 {
    spec.bitrate.unwrap_or_else(|| speech_bitrate(spec.format, spec.sample_rate_hz))
}

/// What samples are multiplied with so that they come out as loud as they went in: LAME lowers
/// its input by up to 0.45 dB, by bit rate (`abr_switch_map` in its `presets.c`).
pub(super) fn level_factor(spec: &EncodeSpec) -> f32 {
    match (spec.format, bitrate_of(spec)) {
        (Format::Mp3, ..176_000) => 1.0 / 0.95,
        (Format::Mp3, 176_000..208_000) => 1.0 / 0.97,
        (Format::Mp3, 208_000..240_000) => 1.0 / 0.98,
        _ => 1.0,
    }
}

/// libopus takes 8, 12, 16, 24 and 48 kHz.
fn file_rate_hz(spec: &EncodeSpec) -> u32 {
    match spec.format {
        Format::Opus => [8_000, 12_000, 16_000, 24_000]
            .into_iter()
            .find(|&rate| rate >= spec.sample_rate_hz)
            .unwrap_or(48_000),
        _ => spec.sample_rate_hz,
    }
}

/// Bits per second at which mono speech has no audible damage. MP3 below 16 kHz is MPEG-2.5,
/// whose largest rate is 64 kbit/s.
fn speech_bitrate(format: Format, sample_rate_hz: u32) -> u32 {
    let (low, middle, high, full) = match format {
        Format::Opus => (16_000, 24_000, 32_000, 48_000),
        Format::Wav | Format::Flac | Format::Mp3 | Format::M4a => (32_000, 48_000, 64_000, 96_000),
    };
    match sample_rate_hz {
        ..12_000 => low,
        12_000..20_000 => middle,
        20_000..32_000 => high,
        _ => full,
    }
}
