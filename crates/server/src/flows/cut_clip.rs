//! A clip is cut out of the files of its source: from a rendering that is kept without loss exactly the
//! samples of the span, from anything else what FFmpeg decodes of it.

use std::{ops::Range, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use sori_captions::Captions;
use sori_contracts::{
    Caller, Cancel, Content, ContentFile, ContentKind, Fault, Kind, MediaFacts, MediaFault, MediaFiles,
    MediaId, MediaStore, Packager,
};
use sori_listening::{Clip, Cut, Cutter};
use sori_media::{
    Ffmpeg, FfmpegPackager,
    ffmpeg::{Cut as Span, CutFormat},
};
use sori_voice::Voice;

use super::show_captions::Asked;

/// Ten minutes of film on a slow machine; the job has a little more.
const LIMIT: Duration = Duration::from_secs(25 * 60);

pub struct CutClips {
    pub voice: Voice,
    pub media: Arc<dyn MediaStore>,
    pub files: Arc<dyn MediaFiles>,
    /// Where files are written before they are stored; on the same disk as the media.
    pub scratch: PathBuf,
}

#[async_trait]
impl Cutter for CutClips {
    async fn cut(&self, source: &Content, clip: &Clip, cancel: &Cancel) -> Result<Cut, Box<dyn Fault>> {
        self.cut_and_store(source, clip, cancel).await.map_err(|fault| Box::new(fault) as _)
    }

    async fn captions(&self, caller: &Caller, source: &Content) -> Result<Option<Captions>, Box<dyn Fault>> {
        let Some(rendering) = source.rendering else { return Ok(None) };
        match self.voice.rendering_for(caller, rendering).await {
            Ok(rendering) => Ok(Some(rendering.transcript.captions())),
            // Replaced meanwhile.
            Err(problem) if problem.fault().kind() == Kind::NotFound => Ok(None),
            Err(problem) => Err(Box::new(Asked(problem))),
        }
    }

    async fn discard(&self, media: MediaId) -> Result<(), Box<dyn Fault>> {
        self.media.delete(media).await.map_err(|fault| Box::new(fault) as _)
    }
}

impl CutClips {
    async fn cut_and_store(&self, source: &Content, clip: &Clip, cancel: &Cancel) -> Result<Cut, MediaFault> {
        let from = best(source).ok_or(MediaFault::NotFound(MediaId(source.id.0)))?;
        let (_, file) = self.files.open(from.media).await?;
        let folder = std::fs::create_dir_all(&self.scratch)
            .and_then(|()| tempfile::Builder::new().prefix("clip-").tempdir_in(&self.scratch))
            .map_err(|error| MediaFault::from_io("making a folder to cut in", error))?;
        let formats = formats(source, from);
        let outputs: Vec<(CutFormat, PathBuf)> =
            formats.iter().map(|format| (*format, folder.path().join(format.extension()))).collect();
        let work = {
            let (span_ms, is_exact) =
                (clip.start_ms..clip.end_ms, is_lossless(from) && source.rendering.is_some());
            let (title, has_picture) = (clip.title.clone(), source.kind == ContentKind::Video);
            let (outputs, cancel) = (outputs.clone(), cancel.clone());
            move || -> Result<Vec<MediaFacts>, MediaFault> {
                let span = match is_exact {
                    true => Span::Samples(samples(&span_ms, &FfmpegPackager.inspect(&file)?)),
                    false => Span::Time { span_ms, has_picture },
                };
                Ffmpeg::find()?.cut(&file, &span, &outputs, &title, LIMIT, &cancel)?;
                outputs.iter().map(|(_, path)| inspect(path)).collect()
            }
        };
        let facts = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| MediaFault::Ffmpeg(format!("the work broke off: {error}")))??;
        let mut files = Vec::with_capacity(outputs.len());
        for ((format, path), facts) in outputs.iter().zip(&facts) {
            match self.media.put_file(MediaId::generate(), format.mime(), path).await {
                Ok(stored) => files.push(content_file(stored.id, *format, stored.size_bytes, facts)),
                Err(fault) => {
                    // Half a clip is none.
                    for file in &files {
                        self.media.delete(file.media).await?;
                    }
                    return Err(fault);
                }
            }
        }
        let duration_ms = facts.iter().find_map(|facts| facts.duration_ms);
        Ok(Cut { duration_ms: duration_ms.unwrap_or(clip.end_ms - clip.start_ms), files })
    }
}

/// The file with most in it: one without loss, else the first.
fn best(source: &Content) -> Option<&ContentFile> {
    ["wav", "flac"]
        .iter()
        .find_map(|format| source.files.iter().find(|file| file.format == *format))
        .or_else(|| source.files.first())
}

fn is_lossless(file: &ContentFile) -> bool {
    ["wav", "flac"].contains(&file.format.as_str())
}

/// What every player plays first, then what loses nothing.
fn formats(source: &Content, from: &ContentFile) -> Vec<CutFormat> {
    match (source.kind, from.format.as_str()) {
        (ContentKind::Video, _) => vec![CutFormat::Mp4],
        (ContentKind::Audio, "wav") if source.rendering.is_some() => vec![CutFormat::M4a, CutFormat::Wav],
        (ContentKind::Audio, "flac") if source.rendering.is_some() => vec![CutFormat::M4a, CutFormat::Flac],
        (ContentKind::Audio, _) => vec![CutFormat::M4a],
    }
}

/// Each time is rounded once to the nearest sample.
fn samples(span_ms: &Range<u64>, facts: &MediaFacts) -> Range<u64> {
    let rate_hz = facts.sound.as_ref().map_or(0, |sound| u64::from(sound.sample_rate_hz));
    let sample = |ms: u64| (ms * rate_hz + 500) / 1_000;
    sample(span_ms.start)..sample(span_ms.end)
}

fn inspect(path: &std::path::Path) -> Result<MediaFacts, MediaFault> {
    let file = std::fs::File::open(path).map_err(|error| MediaFault::from_io("reading a clip", error))?;
    FfmpegPackager.inspect(&file)
}

fn content_file(media: MediaId, format: CutFormat, size_bytes: u64, facts: &MediaFacts) -> ContentFile {
    ContentFile {
        media,
        format: format.extension().to_owned(),
        content_type: format.mime().to_owned(),
        size_bytes,
        audio_codec: facts.sound.as_ref().map(|sound| sound.codec.clone()),
        channels: facts.sound.as_ref().map(|sound| sound.channels),
        sample_rate_hz: facts.sound.as_ref().map(|sound| sound.sample_rate_hz),
        video_codec: facts.picture.as_ref().map(|picture| picture.codec.clone()),
        width: facts.picture.as_ref().map(|picture| picture.width),
        height: facts.picture.as_ref().map(|picture| picture.height),
        bitrate_bps: facts.duration_ms.and_then(|ms| (size_bytes * 8_000).checked_div(ms)),
    }
}

#[cfg(test)]
mod tests {
    use sori_contracts::SoundFacts;

    use super::*;

    #[test]
    fn times_become_the_nearest_samples() {
        let facts = |sample_rate_hz| MediaFacts {
            sound: Some(SoundFacts {
                codec: "pcm_s16le".into(),
                channels: 1,
                sample_rate_hz,
                bitrate_bps: None,
            }),
            ..MediaFacts::default()
        };
        assert_eq!(samples(&(1_000..2_500), &facts(24_000)), 24_000..60_000);
        // 22.05 samples a millisecond.
        assert_eq!(samples(&(1..3), &facts(22_050)), 22..66);
    }
}
