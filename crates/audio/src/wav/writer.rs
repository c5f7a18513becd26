//! Writes mono WAV, block by block.

use std::io::{Seek, SeekFrom, Write};

use super::TAG_PCM;
use crate::AudioError;

/// How samples are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// To the nearest of 65,536 steps: silence stays digital silence.
    Int16,
    /// With triangular noise of one step on either side, which turns rounding distortion of very
    /// quiet sounds into hiss. The same seed gives the same file.
    Int16Dithered {
        seed: u64,
    },
    Int24,
}

impl Depth {
    #[must_use]
    pub fn bytes(self) -> u16 {
        match self {
            Self::Int16 | Self::Int16Dithered { .. } => 2,
            Self::Int24 => 3,
        }
    }
}

/// What is known of the length before the first sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// In samples. The header is right from the start; beyond 4 GiB it is RF64.
    Known(u64),
    /// The header says 0xFFFFFFFF, as is usual on a pipe; [`Writer::finish_and_patch`] puts it right.
    Unknown,
}

const HEADER_BYTES: u64 = 44;
/// The `ds64` chunk of RF64: 8 bytes of chunk header and 28 of content.
const DS64_BYTES: u64 = 36;

/// Writes samples as they come; nothing is buffered beyond a block.
pub struct Writer<W: Write> {
    out: W,
    length: Length,
    quantiser: Quantiser,
    written: u64,
    bytes: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`AudioError::Io`] from `out`.
    pub fn new(mut out: W, sample_rate_hz: u32, depth: Depth, length: Length) -> Result<Self, AudioError> {
        out.write_all(&header(sample_rate_hz, depth, length)).map_err(AudioError::Io)?;
        Ok(Self { out, length, quantiser: Quantiser::new(depth), written: 0, bytes: Vec::new() })
    }

    /// Values beyond full scale are clipped.
    ///
    /// # Errors
    /// [`AudioError::Io`], or [`AudioError::WavTooLarge`] when a file of unknown length outgrows
    /// its header.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        self.written += samples.len() as u64;
        if self.length == Length::Unknown && self.data_bytes() + HEADER_BYTES > u64::from(u32::MAX) - 8 {
            return Err(AudioError::WavTooLarge);
        }
        self.bytes.clear();
        self.quantiser.quantise(samples, &mut self.bytes);
        self.out.write_all(&self.bytes).map_err(AudioError::Io)
    }

    /// Ends the file and gives the output back.
    ///
    /// # Errors
    /// [`AudioError::WavLength`] when another length was announced.
    pub fn finish(mut self) -> Result<W, AudioError> {
        if let Length::Known(announced) = self.length
            && announced != self.written
        {
            return Err(AudioError::WavLength { announced, written: self.written });
        }
        if self.data_bytes() % 2 == 1 {
            self.out.write_all(&[0]).map_err(AudioError::Io)?;
        }
        self.out.flush().map_err(AudioError::Io)?;
        Ok(self.out)
    }

    fn data_bytes(&self) -> u64 {
        self.written * u64::from(self.quantiser.depth.bytes())
    }
}

impl<W: Write + Seek> Writer<W> {
    /// Ends the file and writes its true length into the header.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub fn finish_and_patch(self) -> Result<W, AudioError> {
        let (length, data) = (self.length, self.data_bytes());
        let mut out = self.finish()?;
        if length == Length::Unknown {
            // Both fit: `write` refuses to go further.
            patch(&mut out, 4, (HEADER_BYTES - 8 + data + data % 2) as u32)?;
            patch(&mut out, 40, data as u32)?;
            out.seek(SeekFrom::End(0)).map_err(AudioError::Io)?;
        }
        Ok(out)
    }
}

fn patch(out: &mut (impl Write + Seek), position: u64, value: u32) -> Result<(), AudioError> {
    out.seek(SeekFrom::Start(position)).map_err(AudioError::Io)?;
    out.write_all(&value.to_le_bytes()).map_err(AudioError::Io)
}

fn header(sample_rate_hz: u32, depth: Depth, length: Length) -> Vec<u8> {
    let frame_bytes = depth.bytes();
    let data = match length {
        Length::Known(frames) => Some((frames, frames.saturating_mul(u64::from(frame_bytes)))),
        Length::Unknown => None,
    };
    let too_large = data.is_some_and(|(_, bytes)| bytes + HEADER_BYTES > u64::from(u32::MAX) - 8);
    let small = |bytes: u64| if too_large { u32::MAX } else { bytes as u32 };
    let (riff_size, data_size) = data.map_or((u32::MAX, u32::MAX), |(_, bytes)| {
        (small(HEADER_BYTES - 8 + bytes + bytes % 2), small(bytes))
    });
    let mut header = Vec::with_capacity((HEADER_BYTES + DS64_BYTES) as usize);
    header.extend(if too_large { b"RF64" } else { b"RIFF" });
    header.extend(riff_size.to_le_bytes());
    header.extend(b"WAVE");
    if let (true, Some((frames, bytes))) = (too_large, data) {
        header.extend(b"ds64");
        header.extend((DS64_BYTES as u32 - 8).to_le_bytes());
        header.extend((HEADER_BYTES - 8 + DS64_BYTES + bytes + bytes % 2).to_le_bytes());
        header.extend(bytes.to_le_bytes());
        header.extend(frames.to_le_bytes());
        header.extend(0_u32.to_le_bytes());
    }
    header.extend(b"fmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(TAG_PCM.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(sample_rate_hz.to_le_bytes());
    header.extend((sample_rate_hz * u32::from(frame_bytes)).to_le_bytes());
    header.extend(frame_bytes.to_le_bytes());
    header.extend((frame_bytes * 8).to_le_bytes());
    header.extend(b"data");
    header.extend(data_size.to_le_bytes());
    header
}

/// Rounds samples to whole numbers, little endian.
#[derive(Clone, Debug)]
pub struct Quantiser {
    depth: Depth,
    noise: u64,
}

impl Quantiser {
    #[must_use]
    pub fn new(depth: Depth) -> Self {
        let seed = if let Depth::Int16Dithered { seed } = depth { seed } else { 0 };
        // Xorshift must not start at 0.
        Self { depth, noise: seed ^ 0x9E37_79B9_7F4A_7C15 | 1 }
    }

    /// Appends the samples, [`Depth::bytes`] for each; values beyond full scale are clipped.
    pub fn quantise(&mut self, samples: &[f32], bytes: &mut Vec<u8>) {
        match self.depth {
            // 32768 and not 32767: the same scale as every decoder uses, so that a value that
            // came out of a 16-bit file goes back unchanged.
            Depth::Int16 => {
                bytes.extend(samples.iter().flat_map(|x| ((x * 32_768.0).round() as i16).to_le_bytes()));
            }
            Depth::Int16Dithered { .. } => {
                for x in samples {
                    let dithered = x * 32_768.0 + self.uniform() - self.uniform();
                    bytes.extend((dithered.round() as i16).to_le_bytes());
                }
            }
            Depth::Int24 => {
                for x in samples {
                    let value = (f64::from(*x) * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32;
                    bytes.extend(&value.to_le_bytes()[..3]);
                }
            }
        }
    }

    /// In 0 to 1 (Marsaglia's xorshift, 64 bits).
    fn uniform(&mut self) -> f32 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 40) as f32 / (1_u32 << 24) as f32
    }
}
