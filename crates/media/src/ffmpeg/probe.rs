//! What a media file is.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;
use sori_contracts::MediaFault;

use super::{Ffmpeg, UNTRUSTED, child::Running, file_address};

const PATIENCE: Duration = Duration::from_secs(30);
/// A description longer than this is an attack.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// The first audio stream of a file, and what is said about the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// FFmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Such as `mp3` or `aac`.
    pub codec: String,
    pub sample_rate_hz: u32,
    pub channels: u32,
    pub duration_ms: u64,
    /// Bits per second of the whole file, when known.
    pub bitrate: Option<u32>,
    /// With keys in lower case.
    pub tags: BTreeMap<String, String>,
    pub chapters: Vec<ProbedChapter>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProbedChapter {
    pub start_ms: u64,
    pub end_ms: u64,
    pub title: String,
}

impl Ffmpeg {
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what holds no audio.
    pub fn probe(&self, path: &Path) -> Result<Probe, MediaFault> {
        let mut command = self.ffprobe();
        command.args(UNTRUSTED).args(["-of", "json", "-show_format", "-show_streams", "-show_chapters"]);
        command.arg(file_address(path));
        let mut child = Running::start(command, PATIENCE)?;
        child.close_input();
        let mut answer = Vec::new();
        let mut buffer = [0; 8_192];
        loop {
            match child.read(&mut buffer)? {
                0 => break,
                count => answer.extend_from_slice(&buffer[..count]),
            }
            if answer.len() > MAX_ANSWER_BYTES {
                return Err(MediaFault::Ffmpeg("the file describes itself without end".into()));
            }
        }
        child.finish()?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|e| MediaFault::Ffmpeg(format!("unexpected probe: {e}")))?;
        answer.into_probe().ok_or_else(|| MediaFault::Ffmpeg("no audio stream".into()))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Container,
    #[serde(default)]
    chapters: Vec<Part>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    duration: Option<String>,
    /// Ogg keeps its tags in the stream.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Container {
    format_name: String,
    duration: Option<String>,
    bit_rate: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Part {
    start_time: String,
    end_time: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

impl Answer {
    fn into_probe(self) -> Option<Probe> {
        let stream = self.streams.into_iter().find(|stream| stream.codec_type.as_deref() == Some("audio"))?;
        let mut tags = BTreeMap::new();
        for (key, value) in stream.tags.into_iter().chain(self.format.tags) {
            tags.insert(key.to_ascii_lowercase(), value);
        }
        Some(Probe {
            container: self.format.format_name,
            codec: stream.codec_name.unwrap_or_default(),
            sample_rate_hz: stream.sample_rate.and_then(|rate| rate.parse().ok()).unwrap_or(0),
            channels: stream.channels.unwrap_or(0),
            duration_ms: self.format.duration.or(stream.duration).map_or(0, |s| to_ms(&s)),
            bitrate: self.format.bit_rate.and_then(|rate| rate.parse().ok()),
            tags,
            chapters: self.chapters.into_iter().map(Part::into_chapter).collect(),
        })
    }
}

impl Part {
    fn into_chapter(mut self) -> ProbedChapter {
        ProbedChapter {
            start_ms: to_ms(&self.start_time),
            end_ms: to_ms(&self.end_time),
            title: self.tags.remove("title").unwrap_or_default(),
        }
    }
}

/// Decimal seconds; what is no number is 0, as FFmpeg says `N/A`.
fn to_ms(seconds: &str) -> u64 {
    seconds.parse::<f64>().map_or(0, |seconds| (seconds.max(0.0) * 1000.0).round() as u64)
}
