//! A media file as fragmented MP4 (ISO/IEC 14496-12), one file a rendition, written in one pass.
//!
//! The header is written together with the first fragment (`delay_moov`), so that it can hold an edit
//! list: without one, players would put out the 1024 samples that an AAC encoder lets run ahead, and
//! captions would be early by 43 ms at 24 kHz.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde::Deserialize;
use sori_contracts::{
    Cancel, MediaFacts, MediaFault, Packager, PackagingOrder, PictureFacts, RenditionOrder, Sound, SoundFacts,
};

use super::{Ffmpeg, UNTRUSTED, child::Running, file_address};

/// For one report; FFmpeg writes five a second once it reads. A slow origin may let it wait.
const PATIENCE: Duration = Duration::from_secs(60);
/// A description longer than this is an attack.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// The child's standard input is the file: opened anew by its name, it can be read anywhere in it.
const INPUT: &str = "/dev/stdin";

/// Looks for FFmpeg when it is needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FfmpegPackager;

impl Packager for FfmpegPackager {
    fn inspect(&self, source: &File) -> Result<MediaFacts, MediaFault> {
        let mut command = Ffmpeg::find()?.ffprobe();
        command.args(UNTRUSTED).args(["-of", "json", "-show_format", "-show_streams"]);
        command.arg(file_address(Path::new(INPUT)));
        let mut child = Running::start_with(command, input(source)?, PATIENCE)?;
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
        Ok(answer.into_facts())
    }

    fn package(
        &self,
        order: &PackagingOrder,
        done_ms: &mut dyn FnMut(u64),
        cancel: &Cancel,
    ) -> Result<(), MediaFault> {
        let mut command = Ffmpeg::find()?.ffmpeg();
        arguments(&mut command, order);
        let end_by = Instant::now() + order.timeout;
        let mut child = Running::start_with(command, input(&order.source)?, PATIENCE)?;
        let mut reports = Reports::default();
        let mut buffer = [0; 4_096];
        loop {
            // Dropping the child ends it.
            if cancel.is_cancelled() {
                return Err(MediaFault::Cancelled);
            }
            if Instant::now() > end_by {
                return Err(MediaFault::Ffmpeg(format!("not done within {:?}", order.timeout)));
            }
            match child.read(&mut buffer)? {
                0 => return child.finish(),
                count => reports.read(&buffer[..count], done_ms),
            }
        }
    }
}

fn input(source: &File) -> Result<Stdio, MediaFault> {
    let source = source.try_clone().map_err(|e| MediaFault::from_io("handing a file to FFmpeg", e))?;
    Ok(source.into())
}

fn arguments(command: &mut Command, order: &PackagingOrder) {
    command.args(UNTRUSTED).args(["-progress", "pipe:1", "-stats_period", "0.2"]);
    if order.is_tolerant {
        command.args(["-err_detect", "ignore_err", "-fflags", "+discardcorrupt+genpts"]);
    } else {
        // Otherwise FFmpeg passes over what it cannot decode, and says that all went well.
        command.arg("-xerror");
    }
    command.arg("-i").arg(file_address(Path::new(INPUT)));
    for rendition in &order.renditions {
        tracks(command, rendition);
        let fragment_us = (u64::from(order.fragment_ms) * 1000).to_string();
        let cut = if rendition.has_picture { "-min_frag_duration" } else { "-frag_duration" };
        command.args([cut, &fragment_us]).args([
            "-movflags",
            "+frag_keyframe+delay_moov+default_base_moof+skip_trailer",
            "-use_editlist",
            "1",
            // Whoever plays along finds each fragment as soon as it is written.
            "-flush_packets",
            "1",
            "-map_metadata",
            "-1",
            "-map_chapters",
            "-1",
            "-f",
            "mp4",
            "-y",
        ]);
        command.arg(file_address(&rendition.path));
    }
}

fn tracks(command: &mut Command, rendition: &RenditionOrder) {
    if rendition.has_picture {
        // `V`: no cover pictures.
        command.args(["-map", "0:V:0", "-c:v", "copy"]);
    }
    match rendition.sound {
        None => {}
        Some(Sound::Copied) => {
            command.args(["-map", "0:a:0", "-c:a", "copy"]);
        }
        Some(Sound::Aac { bitrate_bps, channels, sample_rate_hz }) => {
            let (bitrate, channels, rate) =
                (bitrate_bps.to_string(), channels.to_string(), sample_rate_hz.to_string());
            command.args(["-map", "0:a:0", "-c:a", "aac"]);
            command.args(["-b:a", &bitrate, "-ac", &channels, "-ar", &rate]);
        }
    }
}

/// What `-progress` writes: `name=value`, a row each.
#[derive(Default)]
struct Reports {
    row: Vec<u8>,
}

/// Longer than any row that is looked at.
const LONGEST_ROW: usize = 200;

impl Reports {
    fn read(&mut self, bytes: &[u8], done_ms: &mut dyn FnMut(u64)) {
        for &byte in bytes {
            if byte != b'\n' {
                if self.row.len() < LONGEST_ROW {
                    self.row.push(byte);
                }
                continue;
            }
            // `N/A` and what lies before the beginning are no progress.
            let row = std::str::from_utf8(&self.row).unwrap_or_default();
            let done_us = row.strip_prefix("out_time_us=").and_then(|value| value.trim().parse::<u64>().ok());
            if let Some(done_us) = done_us {
                done_ms(done_us / 1000);
            }
            self.row.clear();
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Container,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    bit_rate: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Default, Deserialize)]
struct Container {
    duration: Option<String>,
}

impl Answer {
    fn into_facts(self) -> MediaFacts {
        let of_kind = |kind: &str| {
            let is_it =
                |s: &&Stream| s.codec_type.as_deref() == Some(kind) && s.disposition.attached_pic == 0;
            self.streams.iter().find(is_it)
        };
        let bitrate = |stream: &Stream| stream.bit_rate.as_ref().and_then(|rate| rate.parse().ok());
        let codec = |stream: &Stream| stream.codec_name.clone().unwrap_or_default();
        let seconds = self.format.duration.as_ref().and_then(|seconds| seconds.parse::<f64>().ok());
        MediaFacts {
            duration_ms: seconds.filter(|s| *s > 0.0).map(|s| (s * 1000.0).round() as u64),
            sound: of_kind("audio").map(|stream| SoundFacts {
                codec: codec(stream),
                channels: stream.channels.unwrap_or(0),
                sample_rate_hz: stream.sample_rate.as_ref().and_then(|rate| rate.parse().ok()).unwrap_or(0),
                bitrate_bps: bitrate(stream),
            }),
            picture: of_kind("video").map(|stream| PictureFacts {
                codec: codec(stream),
                width: stream.width.unwrap_or(0),
                height: stream.height.unwrap_or(0),
                bitrate_bps: bitrate(stream),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_whatever_the_pieces() {
        let text = b"out_time_us=N/A\nspeed=1x\nout_time_us=-12\nout_time_us=1500000\nprogress=end\nout_time_us=2000999\n";
        for size in [1, 3, 7, text.len()] {
            let (mut reports, mut seen) = (Reports::default(), Vec::new());
            for piece in text.chunks(size) {
                reports.read(piece, &mut |ms| seen.push(ms));
            }
            assert_eq!(seen, [1500, 2000], "in pieces of {size}");
        }
    }
}
