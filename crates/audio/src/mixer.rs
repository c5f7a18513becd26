//! From clips at their places to one stream of blocks.

use crate::{AudioError, Clip, Pcm, Timeline, db_to_factor};

/// Samples per block of a [`Mixer`]; the last block is shorter.
pub const BLOCK_FRAMES: usize = 8_192;

/// Hands over the sound of a clip when its time has come.
pub trait ClipSource {
    /// The samples of the clip with this [`Clip::id`], at the timeline's rate and as many as were planned.
    ///
    /// # Errors
    /// Most often [`AudioError::Clip`] around whatever the caller could not read.
    fn samples(&mut self, clip: usize) -> Result<Vec<f32>, AudioError>;
}

/// A stream of mono blocks that can be heard more than once.
pub trait BlockSource {
    fn sample_rate_hz(&self) -> u32;

    /// Goes back to the beginning.
    fn rewind(&mut self);

    /// The next samples, never an empty block; `None` at the end.
    ///
    /// # Errors
    /// What the source of the samples reports.
    fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError>;
}

/// Mixes a timeline block by block. Only the clips that sound at the moment are in memory.
pub struct Mixer<'a, S: ClipSource> {
    timeline: &'a Timeline,
    source: &'a mut S,
    /// Indices into the timeline's clips, by start.
    order: Vec<usize>,
    next: usize,
    position: u64,
    sounding: Vec<(usize, Vec<f32>)>,
    block: Vec<f32>,
}

impl<'a, S: ClipSource> Mixer<'a, S> {
    #[must_use]
    pub fn new(timeline: &'a Timeline, source: &'a mut S) -> Self {
        let mut order: Vec<usize> = (0..timeline.clips.len()).collect();
        order.sort_by_key(|&index| timeline.clips[index].start);
        Self { timeline, source, order, next: 0, position: 0, sounding: Vec::new(), block: Vec::new() }
    }

    fn start_clips_before(&mut self, end: u64) -> Result<(), AudioError> {
        while let Some(&index) = self.order.get(self.next) {
            let clip = &self.timeline.clips[index];
            if clip.start >= end {
                break;
            }
            self.next += 1;
            if clip.length == 0 {
                continue;
            }
            let samples = self.source.samples(clip.id)?;
            if samples.len() as u64 != clip.length {
                let found = samples.len() as u64;
                return Err(AudioError::ClipLength { clip: clip.id, planned: clip.length, found });
            }
            if !samples.iter().all(|sample| sample.is_finite()) {
                return Err(AudioError::NotFinite { clip: clip.id });
            }
            self.sounding.push((index, samples));
        }
        Ok(())
    }
}

impl<S: ClipSource> BlockSource for Mixer<'_, S> {
    fn sample_rate_hz(&self) -> u32 {
        self.timeline.sample_rate_hz
    }

    fn rewind(&mut self) {
        self.next = 0;
        self.position = 0;
        self.sounding.clear();
    }

    fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        let left = self.timeline.total.saturating_sub(self.position);
        if left == 0 {
            return Ok(None);
        }
        let frames = left.min(BLOCK_FRAMES as u64);
        let (start, end) = (self.position, self.position + frames);
        self.start_clips_before(end)?;
        self.block.clear();
        // At most BLOCK_FRAMES.
        self.block.resize(frames as usize, 0.0);
        for (index, samples) in &self.sounding {
            add_clip(&self.timeline.clips[*index], samples, start, &mut self.block);
        }
        self.sounding.retain(|(index, _)| self.timeline.clips[*index].end() > end);
        self.position = end;
        Ok(Some(&self.block))
    }
}

/// Adds the part of a clip that lies in the block starting at `start`.
fn add_clip(clip: &Clip, samples: &[f32], start: u64, block: &mut [f32]) {
    let gain = db_to_factor(f64::from(clip.gain_db)) as f32;
    let first = clip.start.max(start);
    let last = clip.end().min(start + block.len() as u64);
    let (fade_in_end, fade_out_start) =
        (u64::from(clip.fade_in), clip.length.saturating_sub(u64::from(clip.fade_out)));
    for position in first..last {
        let within = position - clip.start;
        let mut sample = samples[within as usize] * gain;
        if within < fade_in_end {
            sample *= raised_cosine(within, clip.fade_in);
        }
        if within >= fade_out_start {
            sample *= raised_cosine(clip.length - 1 - within, clip.fade_out);
        }
        block[(position - start) as usize] += sample;
    }
}

/// From 0 towards 1 over `length` samples.
fn raised_cosine(position: u64, length: u32) -> f32 {
    let phase = std::f32::consts::PI * (position as f32 + 0.5) / length as f32;
    0.5 - 0.5 * phase.cos()
}

/// A piece in memory as a stream of blocks.
#[derive(Clone, Debug)]
pub struct PcmBlocks {
    pcm: Pcm,
    position: usize,
}

impl PcmBlocks {
    #[must_use]
    pub fn new(pcm: Pcm) -> Self {
        Self { pcm, position: 0 }
    }
}

impl BlockSource for PcmBlocks {
    fn sample_rate_hz(&self) -> u32 {
        self.pcm.sample_rate_hz
    }

    fn rewind(&mut self) {
        self.position = 0;
    }

    fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        let rest = &self.pcm.samples[self.position..];
        let block = &rest[..rest.len().min(BLOCK_FRAMES)];
        self.position += block.len();
        Ok((!block.is_empty()).then_some(block))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{PlanOptions, PlannedLine, plan};

    #[derive(Default)]
    struct Clips {
        clips: HashMap<usize, Vec<f32>>,
        asked: Vec<usize>,
    }

    impl ClipSource for Clips {
        fn samples(&mut self, clip: usize) -> Result<Vec<f32>, AudioError> {
            self.asked.push(clip);
            self.clips.get(&clip).cloned().ok_or_else(|| AudioError::Clip { clip, source: "gone".into() })
        }
    }

    fn sources(clips: &[Vec<f32>]) -> Clips {
        Clips { clips: clips.iter().cloned().enumerate().collect(), asked: Vec::new() }
    }

    fn whole(mixer: &mut impl BlockSource) -> Vec<f32> {
        let mut all = Vec::new();
        while let Some(block) = mixer.next_block().unwrap() {
            assert!(!block.is_empty() && block.len() <= BLOCK_FRAMES);
            all.extend_from_slice(block);
        }
        all
    }

    fn clip(id: usize, start: u64, length: u64) -> Clip {
        Clip { id, start, length, gain_db: 0.0, fade_in: 0, fade_out: 0 }
    }

    #[test]
    fn clips_are_heard_at_their_samples_and_overlaps_add_up() {
        let timeline = Timeline {
            sample_rate_hz: 8_000,
            total: 20_000,
            clips: vec![clip(0, 8_190, 4), clip(1, 8_192, 9_000), Clip { gain_db: -6.0206, ..clip(2, 3, 1) }],
        };
        let mut clips = sources(&[vec![1.0; 4], vec![0.25; 9_000], vec![0.5]]);
        let mut mixer = Mixer::new(&timeline, &mut clips);
        let first = whole(&mut mixer);
        assert_eq!(first.len(), 20_000);
        assert_eq!(first[8_188..8_196], [0.0, 0.0, 1.0, 1.0, 1.25, 1.25, 0.25, 0.25]);
        assert!((first[3] - 0.25).abs() < 1e-6 && first[4] == 0.0);
        assert_eq!((first[17_191], first[17_192]), (0.25, 0.0));
        mixer.rewind();
        assert_eq!(whole(&mut mixer), first);
        assert_eq!(clips.asked, [2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn only_sounding_clips_are_in_memory() {
        let lines = vec![PlannedLine { length: 30_000, ..PlannedLine::default() }; 50];
        let timeline = plan(&lines, &PlanOptions::new(24_000)).unwrap();
        let mut clips = sources(&vec![vec![0.1; 30_000]; 50]);
        let mut mixer = Mixer::new(&timeline, &mut clips);
        let mut most = 0;
        while mixer.next_block().unwrap().is_some() {
            most = most.max(mixer.sounding.len());
        }
        assert!(most <= 2, "{most}");
    }

    #[test]
    fn a_join_has_no_click() {
        let lines = vec![PlannedLine { length: 4_000, ..PlannedLine::default() }; 2];
        let timeline = plan(&lines, &PlanOptions::new(48_000)).unwrap();
        let mut clips = sources(&[vec![0.9; 4_000], vec![-0.9; 4_000]]);
        let mixed = whole(&mut Mixer::new(&timeline, &mut clips));
        let steepest = mixed.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        // A raised cosine over 48 samples rises by at most pi / 2 / 48 of its height per sample.
        assert!(steepest < 0.9 * 0.033, "{steepest}");
        assert_eq!(mixed[2_000], 0.9);
    }

    #[test]
    fn a_broken_clip_is_an_error_that_names_it() {
        let timeline = Timeline { sample_rate_hz: 8_000, total: 10, clips: vec![clip(7, 0, 3)] };
        for (samples, code) in [
            (vec![0.0; 2], "CLIP_BROKEN"),
            (vec![0.0, f32::NAN, 0.0], "CLIP_BROKEN"),
            (vec![0.0; 4], "CLIP_BROKEN"),
        ] {
            let mut clips = Clips::default();
            clips.clips.insert(7, samples);
            let error = Mixer::new(&timeline, &mut clips).next_block().unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains("clip 7"), "{error}");
        }
        let error = Mixer::new(&timeline, &mut Clips::default()).next_block().unwrap_err();
        assert!(matches!(error, AudioError::Clip { clip: 7, .. }));
    }

    #[test]
    fn an_empty_timeline_has_no_blocks_and_a_silent_one_has_silence() {
        let mut timeline = Timeline { sample_rate_hz: 8_000, ..Timeline::default() };
        assert_eq!(whole(&mut Mixer::new(&timeline, &mut Clips::default())), Vec::<f32>::new());
        timeline.total = 3;
        timeline.clips.push(clip(0, 1, 0));
        assert_eq!(whole(&mut Mixer::new(&timeline, &mut Clips::default())), [0.0; 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Block by block gives the same as adding every clip to one long buffer.
        #[test]
        fn blocks_add_up_to_the_whole(
            lines in prop::collection::vec((1_u64..6_000, 0_u64..20_000, 0_u32..40), 0..12)
        ) {
            let timeline = Timeline {
                sample_rate_hz: 16_000,
                total: 26_000,
                clips: lines.iter().enumerate().map(|(id, &(length, start, fade))| {
                    let fade = fade.min(length as u32 / 2);
                    Clip { fade_in: fade, fade_out: fade, ..clip(id, start, length) }
                }).collect(),
            };
            let samples: Vec<Vec<f32>> =
                lines.iter().enumerate().map(|(id, line)| vec![(id + 1) as f32 / 16.0; line.0 as usize]).collect();
            let mut expected = vec![0.0; 26_000];
            for clip in &timeline.clips {
                add_clip(clip, &samples[clip.id], 0, &mut expected);
            }
            let mixed = whole(&mut Mixer::new(&timeline, &mut sources(&samples)));
            prop_assert!(mixed.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
