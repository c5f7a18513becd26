//! From a mix to the loudness people expect: measure, then amplify and limit.

use crate::{
    AudioError, BlockSource, Limiter, LoudnessMeter, TruePeakMeter, db_to_factor, factor_to_db, gain_to,
    loudness::MAX_GAIN_DB,
};

/// What a finished piece must measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    pub target_lufs: f64,
    /// What the true peak must not exceed.
    pub ceiling_dbtp: f64,
}

impl Default for Loudness {
    /// -16 LUFS and -1 dBTP: what podcast directories ask for.
    fn default() -> Self {
        Self { target_lufs: -16.0, ceiling_dbtp: -1.0 }
    }
}

/// A mix as it is, before mastering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Analysis {
    /// `None` for silence.
    pub integrated_lufs: Option<f64>,
    /// As a factor of full scale.
    pub true_peak: f32,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mastered {
    /// `None` for silence.
    pub integrated_lufs: Option<f64>,
    /// Minus infinity for digital silence.
    pub true_peak_dbtp: f64,
    /// What was added before the limiter.
    pub gain_db: f64,
    /// Length in samples.
    pub frames: u64,
}

/// The limiter takes loudness away, which more gain makes up for. Where it works it also takes
/// its share of that: about a quarter, measured on speech.
const SHARE_OF_LIMITER: f64 = 1.3;
/// When less is missing, the correction needs no other look.
const SMALL_CORRECTION_DB: f64 = 0.5;
/// Extra gain for that, at most: more would flatten speech. Material that needs more (lone
/// clicks) stays quieter than the target.
const MAX_MAKE_UP_DB: f64 = 6.0;
const MAX_TRIES: usize = 4;

/// Listens to the whole mix once.
///
/// # Errors
/// What the mix or the meter reports.
pub fn analyse<S: BlockSource + ?Sized>(mix: &mut S) -> Result<Analysis, AudioError> {
    let mut loudness = LoudnessMeter::new(mix.sample_rate_hz())?;
    let mut peak = TruePeakMeter::new();
    mix.rewind();
    while let Some(block) = mix.next_block()? {
        loudness.add(block)?;
        peak.add(block);
    }
    Ok(Analysis { integrated_lufs: loudness.integrated_lufs()?, true_peak: peak.finish() })
}

/// Brings a mix to `target` and hands it to `sink` in blocks. As long as the mix, every sample
/// at its place. Listens to the mix twice, once more when peaks must be limited, and up to four
/// times more when that takes much.
///
/// # Errors
/// What the mix, the meter or the sink reports.
pub fn master<S, E>(
    mix: &mut S,
    target: &Loudness,
    sink: &mut dyn FnMut(&[f32]) -> Result<(), E>,
) -> Result<Mastered, E>
where
    S: BlockSource + ?Sized,
    E: From<AudioError>,
{
    let analysis = analyse(mix)?;
    master_analysed(mix, &analysis, target, sink)
}

/// As [`master`], for a mix that has been analysed already: for a second target.
///
/// # Errors
/// As [`master`].
pub fn master_analysed<S, E>(
    mix: &mut S,
    analysis: &Analysis,
    target: &Loudness,
    sink: &mut dyn FnMut(&[f32]) -> Result<(), E>,
) -> Result<Mastered, E>
where
    S: BlockSource + ?Sized,
    E: From<AudioError>,
{
    let gain_db = find_gain(mix, analysis, target)?;
    let mut loudness = LoudnessMeter::new(mix.sample_rate_hz())?;
    let mut peak = TruePeakMeter::new();
    let mut frames = 0_u64;
    amplify(mix, gain_db, target, &mut |block: &[f32]| {
        loudness.add(block)?;
        peak.add(block);
        frames += block.len() as u64;
        sink(block)
    })?;
    Ok(Mastered {
        integrated_lufs: loudness.integrated_lufs()?,
        true_peak_dbtp: factor_to_db(f64::from(peak.finish())),
        gain_db,
        frames,
    })
}

/// The gain that meets the target after the limiter.
fn find_gain<S: BlockSource + ?Sized>(
    mix: &mut S,
    analysis: &Analysis,
    target: &Loudness,
) -> Result<f64, AudioError> {
    let first = gain_to(target.target_lufs, analysis.integrated_lufs);
    let highest = (first + MAX_MAKE_UP_DB).min(MAX_GAIN_DB.max(first));
    let mut gain_db = first;
    for _ in 0..MAX_TRIES {
        if factor_to_db(f64::from(analysis.true_peak)) + gain_db <= target.ceiling_dbtp {
            break;
        }
        let mut loudness = LoudnessMeter::new(mix.sample_rate_hz())?;
        amplify(mix, gain_db, target, &mut |block: &[f32]| loudness.add(block))?;
        let Some(limited_lufs) = loudness.integrated_lufs()? else { break };
        let missing_db = target.target_lufs - limited_lufs;
        gain_db = (gain_db + missing_db * SHARE_OF_LIMITER).min(highest);
        if missing_db.abs() <= SMALL_CORRECTION_DB || gain_db >= highest {
            break;
        }
    }
    Ok(gain_db)
}

fn amplify<S, E>(
    mix: &mut S,
    gain_db: f64,
    target: &Loudness,
    sink: &mut dyn FnMut(&[f32]) -> Result<(), E>,
) -> Result<(), E>
where
    S: BlockSource + ?Sized,
    E: From<AudioError>,
{
    let factor = db_to_factor(gain_db) as f32;
    let mut limiter = Limiter::new(mix.sample_rate_hz(), target.ceiling_dbtp);
    let (mut amplified, mut limited) = (Vec::new(), Vec::new());
    mix.rewind();
    while let Some(block) = mix.next_block()? {
        amplified.clear();
        amplified.extend(block.iter().map(|sample| sample * factor));
        limiter.process(&amplified, &mut limited);
        if !limited.is_empty() {
            sink(&limited)?;
            limited.clear();
        }
    }
    limiter.finish(&mut limited);
    if limited.is_empty() { Ok(()) } else { sink(&limited) }
}
