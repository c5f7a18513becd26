//! A span of a media file as files of their own.

use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sori_contracts::{Cancel, MediaFault};

use super::{Ffmpeg, UNTRUSTED, child::Running, file_address};

/// For one report; FFmpeg writes five a second once it reads.
const PATIENCE: Duration = Duration::from_secs(60);
/// The child's standard input is the file: opened anew by its name, it can be read anywhere in it.
const INPUT: &str = "/dev/stdin";

/// What is cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Whole samples, by number, of a file that holds them as they were: the same samples come out.
    Samples(Range<u64>),
    /// By time, decoded from the last place before it that can be decoded from.
    Time { span_ms: Range<u64>, has_picture: bool },
}

/// How a file of a cut is written; the ending of its name and its media type follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutFormat {
    Wav,
    Flac,
    /// AAC.
    M4a,
    /// H.264 and AAC.
    Mp4,
}

impl CutFormat {
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::M4a => "m4a",
            Self::Mp4 => "mp4",
        }
    }

    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::M4a => "audio/mp4",
            Self::Mp4 => "video/mp4",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Wav => &["-c:a", "pcm_s16le", "-f", "wav"],
            Self::Flac => &["-c:a", "flac", "-f", "flac"],
            Self::M4a => &["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", "-f", "ipod"],
            // Even sides and 4:2:0: what every player decodes.
            Self::Mp4 => &[
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-crf",
                "21",
                "-pix_fmt",
                "yuv420p",
                "-vf",
                "scale=trunc(iw/2)*2:trunc(ih/2)*2",
                "-c:a",
                "aac",
                "-b:a",
                "160k",
                "-movflags",
                "+faststart",
                "-f",
                "mp4",
            ],
        }
    }
}

impl Ffmpeg {
    /// Writes the span into every one of `files`, in one pass. Blocks.
    ///
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what cannot be read or is not done within `limit`,
    /// [`MediaFault::Cancelled`].
    pub fn cut(
        &self,
        source: &File,
        cut: &Cut,
        files: &[(CutFormat, PathBuf)],
        title: &str,
        limit: Duration,
        cancel: &Cancel,
    ) -> Result<(), MediaFault> {
        let mut command = self.ffmpeg();
        arguments(&mut command, cut, files, title);
        let input = source.try_clone().map_err(|e| MediaFault::from_io("handing a file to FFmpeg", e))?;
        let end_by = Instant::now() + limit;
        let mut child = Running::start_with(command, Stdio::from(input), PATIENCE)?;
        let mut buffer = [0; 4_096];
        loop {
            // Dropping the child ends it.
            if cancel.is_cancelled() {
                return Err(MediaFault::Cancelled);
            }
            if Instant::now() > end_by {
                return Err(MediaFault::Ffmpeg(format!("not done within {limit:?}")));
            }
            if child.read(&mut buffer)? == 0 {
                return child.finish();
            }
        }
    }
}

fn arguments(command: &mut Command, cut: &Cut, files: &[(CutFormat, PathBuf)], title: &str) {
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1_000, ms % 1_000);
    command.args(UNTRUSTED).args(["-y", "-progress", "pipe:1", "-stats_period", "0.2"]);
    if let Cut::Time { span_ms, .. } = cut {
        command.args(["-ss", &seconds(span_ms.start), "-t", &seconds(span_ms.end - span_ms.start)]);
    }
    command.arg("-i").arg(file_address(Path::new(INPUT)));
    for (format, path) in files {
        match cut {
            Cut::Samples(samples) => {
                let trim = format!(
                    "atrim=start_sample={}:end_sample={},asetpts=PTS-STARTPTS",
                    samples.start, samples.end
                );
                command.args(["-map", "0:a:0", "-af", &trim]);
            }
            Cut::Time { has_picture: true, .. } => {
                // `V`: no cover pictures. A film may be silent.
                command.args(["-map", "0:V:0", "-map", "0:a:0?"]);
            }
            Cut::Time { has_picture: false, .. } => {
                command.args(["-map", "0:a:0"]);
            }
        }
        command.args(["-map_metadata", "-1", "-map_chapters", "-1"]);
        command.arg("-metadata").arg(format!("title={title}"));
        command.args(format.arguments()).arg(file_address(path));
    }
}

#[cfg(test)]
mod tests {
    use sori_audio::wav::{self, Depth, Length, Writer};

    use super::*;

    const RATE_HZ: u32 = 8_000;

    /// Every sample says where it is.
    fn counted(seconds: u32) -> (tempfile::NamedTempFile, Vec<f32>) {
        let samples: Vec<f32> =
            (0..RATE_HZ * seconds).map(|n| ((n * 7_919) % 32_768) as f32 / 32_768.0 - 0.5).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let length = Length::Known(samples.len() as u64);
        let mut writer = Writer::new(file.reopen().unwrap(), RATE_HZ, Depth::Int16, length).unwrap();
        writer.write(&samples).unwrap();
        writer.finish_and_patch().unwrap();
        let samples = wav::read(File::open(file.path()).unwrap()).unwrap().samples;
        (file, samples)
    }

    #[test]
    fn samples_come_out_as_they_went_in() {
        let (file, samples) = counted(3);
        let folder = tempfile::tempdir().unwrap();
        let outputs =
            [CutFormat::Wav, CutFormat::Flac].map(|format| (format, folder.path().join(format.extension())));
        let cut = Cut::Samples(4_003..17_121);
        let ffmpeg = Ffmpeg::find().unwrap();
        let limit = Duration::from_secs(100);
        ffmpeg.cut(file.as_file(), &cut, &outputs, "A = \"clip\"", limit, &Cancel::new()).unwrap();
        let cut = wav::read(File::open(&outputs[0].1).unwrap()).unwrap().samples;
        assert!(cut == samples[4_003..17_121], "{} samples", cut.len());
        let flac = ffmpeg.decode(&outputs[1].1, RATE_HZ, 1 << 20).unwrap().samples;
        assert!(flac == cut);
    }

    #[test]
    fn nothing_is_left_running_and_nonsense_is_refused() {
        let (file, _) = counted(1);
        let folder = tempfile::tempdir().unwrap();
        let outputs = [(CutFormat::M4a, folder.path().join("a.m4a"))];
        let cut = Cut::Time { span_ms: 0..500, has_picture: false };
        let ffmpeg = Ffmpeg::find().unwrap();
        let limit = Duration::from_secs(100);
        let cancel = Cancel::new();
        cancel.cancel();
        let cancelled = ffmpeg.cut(file.as_file(), &cut, &outputs, "", limit, &cancel);
        assert!(matches!(cancelled, Err(MediaFault::Cancelled)));
        let text = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(text.path(), "no media at all").unwrap();
        let refused = ffmpeg.cut(text.as_file(), &cut, &outputs, "", limit, &Cancel::new());
        assert!(matches!(refused, Err(MediaFault::Ffmpeg(_))));
    }
}
