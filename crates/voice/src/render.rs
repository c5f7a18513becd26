//! A script to sound: voiced line by line, placed, mixed, mastered, encoded, with its transcript.
//!
//! The same code serves the server's jobs and the command line. It blocks, and uses every core it
//! is given. Memory stays flat: samples of a line are read when its turn in the mix comes.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use sori_audio::{AudioError, ClipSource, Format, Loudness, Mixer, Timeline, resample};
use sori_contracts::{Cancel, Progress, ProgressReport};
use sori_script::Script;
use sori_text::Lexicon;

use crate::{
    cast::{self, CastLine},
    encode::{ChapterMark, EncodedFile, Encoders, FileEncoder, FileOrder},
    engines::Engines,
    fault::RenderFault,
    line_cache::LineCache,
    placement::{fitting_speed, place},
    transcript::Transcript,
    voices::VoiceName,
    voicing::{VoicedLine, Voicing},
};

/// Loudness of finished speech: what Apple asks of podcasts, and close to what others play at.
pub const TARGET_LUFS: f64 = -16.0;
/// What a player may put out at the most.
pub const CEILING_DBTP: f64 = -1.0;
/// Lossy coders overshoot: the signal they are given stays this much lower.
const LOSSY_MARGIN_DB: f64 = 1.0;
/// Beyond this many tries with a lower ceiling something else is wrong.
const MAX_CEILING_TRIES: usize = 3;

#[derive(Clone, Debug)]
pub struct RenderOptions {
    pub formats: Vec<Format>,
    pub sample_rate_hz: u32,
    pub target_lufs: f64,
    pub seed: u64,
    pub lexicon: Lexicon,
    /// For speakers without a voice; otherwise each gets a different one.
    pub default_voice: Option<VoiceName>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            formats: vec![Format::Mp3],
            sample_rate_hz: 24_000,
            target_lufs: TARGET_LUFS,
            seed: 0,
            lexicon: Lexicon::default(),
            default_voice: None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Rendered {
    pub transcript: Transcript,
    pub sample_rate_hz: u32,
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub files: Vec<RenderedFile>,
    pub lines_cached: usize,
}

#[derive(Clone, Debug)]
pub struct RenderedFile {
    pub format: Format,
    pub path: PathBuf,
    pub file: EncodedFile,
}

pub struct Renderer<'a> {
    pub engines: &'a Engines,
    pub cache: &'a LineCache,
    pub encoders: &'a dyn Encoders,
    /// How many threads speak at once.
    pub lanes: usize,
    pub progress: &'a dyn ProgressReport,
    pub cancel: &'a Cancel,
}

impl Renderer<'_> {
    /// Writes `{stem}.{format}` for every format into `folder`. On failure nothing is left there
    /// but lines in the cache, which make the next try cheaper.
    pub fn render(
        &self,
        script: &Script,
        options: &RenderOptions,
        folder: &Path,
        stem: &str,
    ) -> Result<Rendered, RenderFault> {
        let voices = cast::voices(script, options.default_voice.as_ref())?;
        let mut lines = cast::cast_lines(script, &voices);
        if lines.is_empty() {
            return Err(RenderFault::Empty);
        }
        let voiced = self.voice_to_fit(&mut lines, options)?;
        let timeline = place(script, &lines, &voiced, options.sample_rate_hz)?;
        let transcript = Transcript::of(script, &lines, &voiced, &timeline);
        let mastered = self.master(&timeline, &voiced, &transcript, options, folder, stem)?;
        Ok(Rendered {
            sample_rate_hz: options.sample_rate_hz,
            integrated_lufs: mastered.integrated_lufs,
            true_peak_dbtp: mastered.true_peak_dbtp,
            files: mastered.files,
            lines_cached: voiced.iter().filter(|line| line.was_cached).count(),
            transcript,
        })
    }

    /// Timed lines that came out too long for their slot are spoken again, faster.
    fn voice_to_fit(
        &self,
        lines: &mut [CastLine<'_>],
        options: &RenderOptions,
    ) -> Result<Vec<VoicedLine>, RenderFault> {
        let voicing = Voicing {
            engines: self.engines,
            cache: self.cache,
            lexicon: &options.lexicon,
            seed: options.seed,
            lanes: self.lanes,
            progress: self.progress,
            cancel: self.cancel,
        };
        let voiced = voicing.voice(lines)?;
        let speeds: Vec<f32> = (0..lines.len())
            .map(|index| {
                let shape = &voiced[index].shape;
                fitting_speed(lines, index, shape.sample_count * 1000 / u64::from(shape.sample_rate_hz))
            })
            .collect();
        if speeds.iter().all(|speed| *speed == 1.0) {
            return Ok(voiced);
        }
        for (line, speed) in lines.iter_mut().zip(speeds) {
            let fastest = self
                .engines
                .for_voice(&line.voice)
                .map_or(line.speed, |engine| *engine.capabilities().speed.end());
            line.speed = (line.speed * speed).min(fastest.max(line.speed));
        }
        voicing.voice(lines)
    }

    fn master(
        &self,
        timeline: &Timeline,
        voiced: &[VoicedLine],
        transcript: &Transcript,
        options: &RenderOptions,
        folder: &Path,
        stem: &str,
    ) -> Result<Masters, RenderFault> {
        self.report("mixing", 90, voiced);
        // The encoders load their libraries (0.1 s) while the mix is analysed.
        let begun = self.begin_files(transcript, options, folder, stem)?;
        let mut clips = CachedClips { cache: self.cache, voiced, sample_rate_hz: timeline.sample_rate_hz };
        let mut mix = Mixer::new(timeline, &mut clips);
        let analysis = sori_audio::analyse(&mut mix)?;
        self.stop_if_cancelled()?;
        self.report("encoding", 94, voiced);
        let (lossy, lossless) = begun.into_iter().partition(|file| file.format.is_lossy());
        let mut passes = VecDeque::from([
            Pass { ceiling_dbtp: CEILING_DBTP, attempt: 1, files: lossless },
            Pass { ceiling_dbtp: CEILING_DBTP - LOSSY_MARGIN_DB, attempt: 1, files: lossy },
        ]);
        let mut done = Vec::new();
        while let Some(Pass { ceiling_dbtp, attempt, mut files }) = passes.pop_front() {
            if files.is_empty() {
                continue;
            }
            let loudness = Loudness { target_lufs: options.target_lufs, ceiling_dbtp };
            let mut sink = |block: &[f32]| self.write(&mut files, block);
            let mastered = sori_audio::master_analysed(&mut mix, &analysis, &loudness, &mut sink)?;
            for file in files {
                let file = file.finish()?;
                let over_db = self.decoded_peak(&file)?.map_or(0.0, |peak| peak - CEILING_DBTP);
                if over_db > 0.0 && attempt < MAX_CEILING_TRIES {
                    let again = RenderOptions { formats: vec![file.format], ..options.clone() };
                    passes.push_back(Pass {
                        ceiling_dbtp: ceiling_dbtp.min(mastered.true_peak_dbtp) - over_db - 0.1,
                        attempt: attempt + 1,
                        files: self.begin_files(transcript, &again, folder, stem)?,
                    });
                } else {
                    done.push((file, mastered.integrated_lufs, mastered.true_peak_dbtp));
                }
            }
        }
        self.report("storing", 98, voiced);
        done.sort_by_key(|(file, ..)| options.formats.iter().position(|format| *format == file.format));
        let first =
            done.first().map(|(_, integrated_lufs, true_peak_dbtp)| (*integrated_lufs, *true_peak_dbtp));
        Ok(Masters {
            integrated_lufs: first.and_then(|(lufs, _)| lufs),
            true_peak_dbtp: first.map(|(_, peak)| peak).filter(|peak| peak.is_finite()),
            files: done.into_iter().map(|(file, ..)| file).collect(),
        })
    }

    fn begin_files(
        &self,
        transcript: &Transcript,
        options: &RenderOptions,
        folder: &Path,
        stem: &str,
    ) -> Result<Vec<OpenFile>, RenderFault> {
        let chapters: Vec<_> = transcript
            .chapters
            .iter()
            .map(|chapter| ChapterMark {
                start_ms: chapter.start_ms,
                end_ms: chapter.end_ms,
                title: chapter.title.clone(),
            })
            .collect();
        options
            .formats
            .iter()
            .map(|&format| {
                let path = folder.join(format!("{stem}.{}", format.extension()));
                let order = FileOrder {
                    format,
                    sample_rate_hz: options.sample_rate_hz,
                    title: transcript.title.clone(),
                    lang: transcript.lang.clone(),
                    chapters: chapters.clone(),
                };
                Ok(OpenFile { format, encoder: self.encoders.begin(&order, &path)?, path })
            })
            .collect()
    }

    fn write(&self, files: &mut [OpenFile], block: &[f32]) -> Result<(), RenderFault> {
        self.stop_if_cancelled()?;
        files.iter_mut().try_for_each(|file| Ok(file.encoder.write(block)?))
    }

    /// What a player puts out, where that is not what was written.
    fn decoded_peak(&self, file: &RenderedFile) -> Result<Option<f64>, RenderFault> {
        if !file.format.is_lossy() {
            return Ok(None);
        }
        Ok(Some(self.encoders.decoded_peak_dbtp(&file.path)?))
    }

    fn stop_if_cancelled(&self) -> Result<(), RenderFault> {
        if self.cancel.is_cancelled() { Err(RenderFault::Cancelled) } else { Ok(()) }
    }

    fn report(&self, stage: &str, percent: u8, voiced: &[VoicedLine]) {
        self.progress.report(Progress {
            percent,
            stage: stage.to_owned(),
            lines_done: voiced.len() as u32,
            lines_total: voiced.len() as u32,
            lines_cached: voiced.iter().filter(|line| line.was_cached).count() as u32,
        });
    }
}

/// Files that are written together, under one ceiling. Each format has its own: what one coder
/// overshoots lowers no other file.
struct Pass {
    ceiling_dbtp: f64,
    /// 1 is the first.
    attempt: usize,
    files: Vec<OpenFile>,
}

/// Loudness and peak are those of the first format.
struct Masters {
    files: Vec<RenderedFile>,
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
}

struct OpenFile {
    format: Format,
    path: PathBuf,
    encoder: Box<dyn FileEncoder>,
}

impl OpenFile {
    fn finish(self) -> Result<RenderedFile, RenderFault> {
        Ok(RenderedFile { format: self.format, path: self.path, file: self.encoder.finish()? })
    }
}

/// Reads a line's samples when the mixer comes to it.
struct CachedClips<'a> {
    cache: &'a LineCache,
    voiced: &'a [VoicedLine],
    sample_rate_hz: u32,
}

impl ClipSource for CachedClips<'_> {
    fn samples(&mut self, clip: usize) -> Result<Vec<f32>, AudioError> {
        let line = &self.voiced[clip];
        let samples = self
            .cache
            .samples(&line.key)
            .ok_or_else(|| AudioError::Clip { clip, source: "it left the cache".into() })?;
        resample(&samples, line.shape.sample_rate_hz, self.sample_rate_hz)
    }
}
