//! What was said when: the rendering's own record, from which captions of every kind are written.

use serde::{Deserialize, Serialize};
use sori_audio::Timeline;
use sori_captions::{Captions, Cue, CueWord, TimeSource};
use sori_script::{Item, Script};

use crate::{cast::CastLine, voicing::VoicedLine};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Transcript {
    pub title: String,
    #[schema(example = "en-US")]
    pub lang: String,
    pub duration_ms: u64,
    pub chapters: Vec<TranscriptChapter>,
    pub lines: Vec<TranscriptLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TranscriptChapter {
    pub title: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TranscriptLine {
    /// The line's id in the catalog or in the author's file.
    pub line_id: Option<String>,
    /// Position among the spoken lines, from 0.
    pub index: usize,
    /// The name to show.
    pub speaker: String,
    pub voice: String,
    pub text: String,
    pub translation: Option<String>,
    pub start_ms: u64,
    pub end_ms: u64,
    /// It came out of the line cache.
    pub cached: bool,
    pub words: Vec<TranscriptWord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TranscriptWord {
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

impl Transcript {
    /// Everything follows from whole sample positions: each time is rounded once, so nothing
    /// drifts however long the script is.
    #[must_use]
    pub fn of(script: &Script, lines: &[CastLine<'_>], voiced: &[VoicedLine], timeline: &Timeline) -> Self {
        let lines_of: Vec<_> = lines
            .iter()
            .zip(voiced)
            .zip(&timeline.clips)
            .enumerate()
            .map(|(index, ((line, voiced), clip))| {
                let to_ms = |sample: u64| {
                    timeline.to_ms(
                        clip.start + rescale(sample, voiced.shape.sample_rate_hz, timeline.sample_rate_hz),
                    )
                };
                TranscriptLine {
                    line_id: line.line.id.clone(),
                    index,
                    speaker: script.display_name(&line.line.speaker).to_owned(),
                    voice: line.voice.to_string(),
                    text: line.line.text.clone(),
                    translation: line.line.translation.clone(),
                    start_ms: timeline.to_ms(clip.start),
                    end_ms: timeline.to_ms(clip.end()),
                    cached: voiced.was_cached,
                    words: voiced
                        .shape
                        .words
                        .iter()
                        .map(|word| TranscriptWord {
                            text: word.text.clone(),
                            start_ms: to_ms(word.start),
                            end_ms: to_ms(word.end),
                        })
                        .collect(),
                }
            })
            .collect();
        let duration_ms = timeline.total_ms();
        Self {
            title: script.title.clone(),
            lang: script.lang.clone(),
            duration_ms,
            chapters: chapters(script, lines, &lines_of, duration_ms),
            lines: lines_of,
        }
    }

    #[must_use]
    pub fn captions(&self) -> Captions {
        let cues = self.lines.iter().map(|line| Cue {
            start_ms: line.start_ms,
            end_ms: line.end_ms,
            speaker: (!line.speaker.is_empty()).then(|| line.speaker.clone()),
            text: plain_text(line),
            words: line
                .words
                .iter()
                .map(|word| CueWord {
                    text: word.text.clone(),
                    start_ms: word.start_ms,
                    end_ms: word.end_ms,
                    source: TimeSource::Engine,
                })
                .collect(),
            line: Some(line.index),
            line_id: line.line_id.clone(),
        });
        Captions {
            title: self.title.clone(),
            lang: self.lang.clone(),
            duration_ms: self.duration_ms,
            cues: cues.collect(),
        }
    }
}

/// What is shown: inline pronunciations are for the voice, not for the eye, and the words know
/// the text without them.
fn plain_text(line: &TranscriptLine) -> String {
    if line.text.contains("](/") {
        line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    } else {
        line.text.clone()
    }
}

pub(crate) fn rescale(sample: u64, from_hz: u32, to_hz: u32) -> u64 {
    let (from, to) = (u128::from(from_hz.max(1)), u128::from(to_hz));
    u64::try_from((u128::from(sample) * to + from / 2) / from).unwrap_or(u64::MAX)
}

/// A chapter begins with the first line after its heading and ends where the next begins. One
/// without lines has no length and is left out.
fn chapters(
    script: &Script,
    lines: &[CastLine<'_>],
    times: &[TranscriptLine],
    duration_ms: u64,
) -> Vec<TranscriptChapter> {
    let mut chapters: Vec<TranscriptChapter> = Vec::new();
    for (index, item) in script.items.iter().enumerate() {
        let Item::Chapter(chapter) = item else { continue };
        let Some(first) = lines.iter().position(|line| line.item > index) else { continue };
        let start_ms = times[first].start_ms;
        match chapters.last_mut() {
            Some(last) if last.start_ms == start_ms => last.title.clone_from(&chapter.title),
            Some(last) => {
                last.end_ms = start_ms;
                chapters.push(TranscriptChapter {
                    title: chapter.title.clone(),
                    start_ms,
                    end_ms: duration_ms,
                });
            }
            None => chapters.push(TranscriptChapter {
                title: chapter.title.clone(),
                start_ms,
                end_ms: duration_ms,
            }),
        }
    }
    // Players expect the first chapter to begin at the beginning.
    if let Some(first) = chapters.first_mut() {
        if lines.first().is_some_and(|line| times[0].start_ms == first.start_ms && line.item > 0) {
            first.start_ms = 0;
        } else if first.start_ms > 0 {
            let end_ms = first.start_ms;
            chapters.insert(0, TranscriptChapter { title: script.title.clone(), start_ms: 0, end_ms });
        }
    }
    chapters
}
