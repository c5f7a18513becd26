//! Reads WAV into memory, up to a limit. Whatever is not understood is an error, never a guess.

use std::io::{ErrorKind, Read};

use super::{TAG_EXTENSIBLE, TAG_FLOAT, TAG_PCM};
use crate::{AudioError, Pcm};

const MAX_CHANNELS: u16 = 8;
/// Unknown chunks are skipped up to this many bytes each; cover pictures are smaller.
const MAX_SKIPPED_BYTES: u64 = 64 << 20;
const MAX_CHUNKS: usize = 256;
/// A sample rate above this is a broken header.
const MAX_RATE_HZ: u32 = 384_000;

/// [`read_limited`] with the limit of one hour at 48 kHz.
///
/// # Errors
/// As [`read_limited`].
pub fn read(input: impl Read) -> Result<Pcm, AudioError> {
    read_limited(input, 48_000 * 3_600)
}

/// Reads 8, 16, 24 and 32-bit integers and 32-bit floats; several channels become their mean.
/// A `data` chunk of size 0xFFFFFFFF goes on to the end of the input.
///
/// # Errors
/// [`AudioError::Wav`] for anything else, [`AudioError::WavTooLong`] beyond `limit_frames`.
/// Memory is taken as bytes arrive and never on the word of a header.
pub fn read_limited(mut input: impl Read, limit_frames: u64) -> Result<Pcm, AudioError> {
    let mut riff = [0; 12];
    fill(&mut input, &mut riff)?;
    if !matches!(&riff[..4], b"RIFF" | b"RF64") || &riff[8..] != b"WAVE" {
        return Err(AudioError::Wav("no RIFF WAVE header"));
    }
    let mut layout = None;
    let mut long_data_bytes = None;
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0; 8];
        fill(&mut input, &mut chunk)?;
        let size = u32_at(&chunk, 4);
        match &chunk[..4] {
            b"fmt " => layout = Some(read_layout(&mut input, size)?),
            b"ds64" => long_data_bytes = Some(read_ds64(&mut input, size)?),
            b"data" => {
                let layout = layout.ok_or(AudioError::Wav("samples before their format"))?;
                let bytes = match (size, long_data_bytes) {
                    (u32::MAX, Some(bytes)) => Some(bytes),
                    (u32::MAX, None) => None,
                    (size, _) => Some(u64::from(size)),
                };
                return read_samples(&mut input, layout, bytes, limit_frames);
            }
            _ => skip(&mut input, u64::from(size))?,
        }
    }
    Err(AudioError::Wav("too many chunks"))
}

#[derive(Clone, Copy)]
struct Layout {
    kind: Kind,
    channels: u16,
    sample_rate_hz: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Unsigned8,
    Int16,
    Int24,
    Int32,
    Float32,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 => 1,
            Self::Int16 => 2,
            Self::Int24 => 3,
            Self::Int32 | Self::Float32 => 4,
        }
    }

    fn value(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::Unsigned8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Self::Int16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::Int24, &[a, b, c]) => (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0,
            (Self::Int32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::Float32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        }
    }
}

fn read_layout(input: &mut impl Read, size: u32) -> Result<Layout, AudioError> {
    let mut fmt = [0; 40];
    let used = match size {
        16..=40 => size as usize,
        _ => return Err(AudioError::Wav("a format chunk of impossible size")),
    };
    fill(input, &mut fmt[..used])?;
    skip_padding(input, size)?;
    let mut tag = u16_at(&fmt, 0);
    if tag == TAG_EXTENSIBLE && used == 40 {
        // The first two bytes of the sub-format's GUID are the tag.
        tag = u16_at(&fmt, 24);
    }
    let channels = u16_at(&fmt, 2);
    let sample_rate_hz = u32_at(&fmt, 4);
    let kind = match (tag, u16_at(&fmt, 14)) {
        (TAG_PCM, 8) => Kind::Unsigned8,
        (TAG_PCM, 16) => Kind::Int16,
        (TAG_PCM, 24) => Kind::Int24,
        (TAG_PCM, 32) => Kind::Int32,
        (TAG_FLOAT, 32) => Kind::Float32,
        _ => return Err(AudioError::Wav("an encoding other than PCM of 8 to 32 bits or 32-bit float")),
    };
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(AudioError::Wav("no channels, or more than 8"));
    }
    if sample_rate_hz == 0 || sample_rate_hz > MAX_RATE_HZ {
        return Err(AudioError::Wav("an impossible sample rate"));
    }
    if usize::from(u16_at(&fmt, 12)) != kind.bytes() * usize::from(channels) {
        return Err(AudioError::Wav("a block size that does not fit the format"));
    }
    Ok(Layout { kind, channels, sample_rate_hz })
}

fn read_ds64(input: &mut impl Read, size: u32) -> Result<u64, AudioError> {
    let mut ds64 = [0; 28];
    if size < 28 {
        return Err(AudioError::Wav("a ds64 chunk of impossible size"));
    }
    fill(input, &mut ds64)?;
    skip(input, u64::from(size) - 28)?;
    Ok(u64::from_le_bytes([ds64[8], ds64[9], ds64[10], ds64[11], ds64[12], ds64[13], ds64[14], ds64[15]]))
}

fn read_samples(
    input: &mut impl Read,
    layout: Layout,
    bytes: Option<u64>,
    limit_frames: u64,
) -> Result<Pcm, AudioError> {
    let channels = usize::from(layout.channels);
    let frame_bytes = layout.kind.bytes() * channels;
    let too_long = AudioError::WavTooLong { limit_frames };
    if bytes.is_some_and(|bytes| bytes / frame_bytes as u64 > limit_frames) {
        return Err(too_long);
    }
    let mut samples = Vec::new();
    let mut buffer = vec![0; frame_bytes * 4_096];
    let mut left = bytes.unwrap_or(u64::MAX);
    while left >= frame_bytes as u64 {
        let wanted = left.min(buffer.len() as u64) as usize / frame_bytes * frame_bytes;
        let got = fill_some(input, &mut buffer[..wanted])?;
        for frame in buffer[..got].chunks_exact(frame_bytes) {
            let sum: f32 = frame.chunks_exact(layout.kind.bytes()).map(|b| layout.kind.value(b)).sum();
            samples.push(sum / channels as f32);
        }
        if samples.len() as u64 > limit_frames {
            return Err(too_long);
        }
        left -= got as u64;
        if got < wanted {
            if bytes.is_some() {
                return Err(AudioError::Wav("it ends before its samples do"));
            }
            break;
        }
    }
    if !samples.iter().all(|sample| sample.is_finite()) {
        return Err(AudioError::Wav("a sample that is not a finite number"));
    }
    Ok(Pcm { samples, sample_rate_hz: layout.sample_rate_hz })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), AudioError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => AudioError::Wav("it ends in its header"),
        _ => AudioError::Io(error),
    })
}

/// Reads until the buffer is full or the input ends.
fn fill_some(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, AudioError> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(AudioError::Io(error)),
        }
    }
    Ok(got)
}

/// Skips a chunk with its padding byte.
fn skip(input: &mut impl Read, size: u64) -> Result<(), AudioError> {
    if size > MAX_SKIPPED_BYTES {
        return Err(AudioError::Wav("a chunk of impossible size"));
    }
    let padded = size + size % 2;
    let skipped =
        std::io::copy(&mut input.by_ref().take(padded), &mut std::io::sink()).map_err(AudioError::Io)?;
    if skipped < padded { Err(AudioError::Wav("it ends in a chunk")) } else { Ok(()) }
}

/// The byte that makes an odd chunk even.
fn skip_padding(input: &mut impl Read, size: u32) -> Result<(), AudioError> {
    if size % 2 == 1 { fill(input, &mut [0]) } else { Ok(()) }
}
