//! Spoken lines, kept by the hash of everything that shapes their sound.
//!
//! Changing one line of a hundred speaks one line. The key holds engine and model version, voice,
//! text, speed, seed, the lexicon entries that apply and the sample rate; it does not hold
//! loudness, format, or the speaker's name, which change nothing about the line itself.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sori_contracts::MediaFault;

use crate::engine::{LineRequest, SpokenLine, SpokenPhone, SpokenWord};

/// Raise it when the meaning of a stored line changes.
const FORMAT: &[u8; 8] = b"SORILN01";
/// A header larger than this is not ours.
const MAX_HEADER_BYTES: u32 = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineKey(String);

impl LineKey {
    /// Every part is written with its length, so that no two different requests collide by
    /// running together.
    #[must_use]
    pub fn of(line: &LineRequest<'_>, engine_id: &str, engine_version: &str, sample_rate_hz: u32) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(FORMAT);
        part(sori_text::VERSION.as_bytes());
        part(engine_id.as_bytes());
        part(engine_version.as_bytes());
        part(line.voice.to_string().as_bytes());
        part(line.text.trim().as_bytes());
        part(&line.speed.to_bits().to_le_bytes());
        part(&line.seed.to_le_bytes());
        part(&sample_rate_hz.to_le_bytes());
        for (word, pronunciation) in line.lexicon.entries_used_in(line.text) {
            part(word.as_bytes());
            part(pronunciation.as_bytes());
        }
        Self(hex(&hash.finalize()))
    }
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Serialize, Deserialize)]
struct Header {
    sample_rate_hz: u32,
    sample_count: u64,
    words: Vec<SpokenWord>,
    phones: Vec<SpokenPhone>,
}

/// What is known of a stored line without reading its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LineShape {
    pub sample_rate_hz: u32,
    pub sample_count: u64,
    pub words: Vec<SpokenWord>,
    pub phones: Vec<SpokenPhone>,
}

/// A folder of spoken lines. Files appear whole or not at all; one that cannot be read is as good
/// as absent.
#[derive(Clone, Debug)]
pub struct LineCache {
    folder: PathBuf,
}

impl LineCache {
    /// Uses `folder`, made when it is missing.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, MediaFault> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|e| MediaFault::from_io("making the line cache", e))?;
        Ok(Self { folder })
    }

    fn path(&self, key: &LineKey) -> PathBuf {
        self.folder.join(&key.0[..2]).join(format!("{}.line", &key.0[2..]))
    }

    /// Times and length of a stored line.
    #[must_use]
    pub fn shape(&self, key: &LineKey) -> Option<LineShape> {
        let (header, file) = self.open_line(key)?;
        let length = file.metadata().ok()?.len();
        let stored = io::Seek::stream_position(&mut &file).ok()?;
        (length.checked_sub(stored)? == header.sample_count * 2).then_some(LineShape {
            sample_rate_hz: header.sample_rate_hz,
            sample_count: header.sample_count,
            words: header.words,
            phones: header.phones,
        })
    }

    /// The samples of a stored line.
    #[must_use]
    pub fn samples(&self, key: &LineKey) -> Option<Vec<f32>> {
        let (header, mut file) = self.open_line(key)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 != header.sample_count * 2 {
            return None;
        }
        Some(
            bytes
                .chunks_exact(2)
                .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
                .collect(),
        )
    }

    fn open_line(&self, key: &LineKey) -> Option<(Header, fs::File)> {
        let mut file = fs::File::open(self.path(key)).ok()?;
        let mut start = [0_u8; 12];
        file.read_exact(&mut start).ok()?;
        let length = u32::from_le_bytes(start[8..].try_into().ok()?);
        if start[..8] != FORMAT[..] || length > MAX_HEADER_BYTES {
            return None;
        }
        let mut json = vec![0; length as usize];
        file.read_exact(&mut json).ok()?;
        Some((serde_json::from_slice(&json).ok()?, file))
    }

    /// Keeps a line. 16-bit samples: the engines' own noise lies far above their rounding.
    pub fn put(&self, key: &LineKey, line: &SpokenLine) -> Result<LineShape, MediaFault> {
        let header = Header {
            sample_rate_hz: line.sample_rate_hz,
            sample_count: line.samples.len() as u64,
            words: line.words.clone(),
            phones: line.phones.clone(),
        };
        let json = serde_json::to_vec(&header).expect("a header of numbers and texts can be written");
        let mut bytes = Vec::with_capacity(12 + json.len() + line.samples.len() * 2);
        bytes.extend_from_slice(FORMAT);
        bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&json);
        for sample in &line.samples {
            let rounded = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            bytes.extend_from_slice(&rounded.to_le_bytes());
        }
        write_whole(&self.path(key), &bytes).map_err(|e| MediaFault::from_io("keeping a spoken line", e))?;
        Ok(LineShape {
            sample_rate_hz: header.sample_rate_hz,
            sample_count: header.sample_count,
            words: header.words,
            phones: header.phones,
        })
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("a line's path has a folder");
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sori_contracts::Cancel;
    use sori_text::Lexicon;

    use super::*;
    use crate::{
        engine::{Engine, Reading, tone::Tone},
        voices::VoiceName,
    };

    fn key(voice: &str, text: &str, speed: f32, seed: u64, rate: u32) -> LineKey {
        let voice: VoiceName = voice.parse().unwrap();
        let lexicon = Lexicon::default();
        let line = LineRequest { voice: &voice, text, speed, seed, lexicon: &lexicon, lanes: 1 };
        LineKey::of(&line, "tone", "1", rate)
    }

    #[test]
    fn whatever_shapes_the_sound_changes_the_key() {
        let base = key("tone:440", "Hello", 1.0, 7, 24_000);
        assert_eq!(base, key("tone:440", " Hello ", 1.0, 7, 24_000));
        for other in [
            key("tone:441", "Hello", 1.0, 7, 24_000),
            key("tone:440", "Hello!", 1.0, 7, 24_000),
            key("tone:440", "Hello", 1.1, 7, 24_000),
            key("tone:440", "Hello", 1.0, 8, 24_000),
            key("tone:440", "Hello", 1.0, 7, 16_000),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_line_comes_back_as_it_was_kept_and_a_cut_one_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LineCache::open(folder.path()).unwrap();
        let voice: VoiceName = "tone:440".parse().unwrap();
        let lexicon = Lexicon::default();
        let request =
            LineRequest { voice: &voice, text: "one two", speed: 1.0, seed: 0, lexicon: &lexicon, lanes: 1 };
        let line = Tone::default().synth(&request, &Reading::default(), &Cancel::new()).unwrap();
        let key = LineKey::of(&request, "tone", "1", 24_000);
        assert_eq!(cache.shape(&key), None);

        let shape = cache.put(&key, &line).unwrap();
        assert_eq!(cache.shape(&key), Some(shape.clone()));
        assert_eq!(shape.words, line.words);
        let samples = cache.samples(&key).unwrap();
        assert!(samples.iter().zip(&line.samples).all(|(a, b)| (a - b).abs() < 1.0 / 32_768.0));

        let path = cache.path(&key);
        let bytes = fs::read(&path).unwrap();
        for cut in [0, 5, 11, 40, bytes.len() - 1] {
            fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(cache.shape(&key), None, "cut at {cut}");
            assert_eq!(cache.samples(&key), None, "cut at {cut}");
        }
    }
}
