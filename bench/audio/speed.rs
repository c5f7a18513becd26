//! Mix, loudness and encoding: at least 60 times real time per core, in flat memory.

use std::time::Instant;

use sori_audio::{Format, Loudness, Mixer, analyse, master_analysed};
use sori_contracts::MediaFault;
use sori_media::{EncodeSpec, Ffmpeg};

use crate::{
    Anything,
    material::Script,
    process::{cpu_s, peak_memory_mb},
    row,
};

const MUST: f64 = 60.0;

pub(crate) fn measure(ffmpeg: &Ffmpeg) -> Result<bool, Anything> {
    println!(
        "| 10 min of dialogue, mono | times real time per core (CPU seconds, children counted) | |\n|---|---|---|"
    );
    let mut is_met = true;
    for sample_rate_hz in [24_000, 44_100] {
        for format in Format::ALL {
            let (rate, note) = post_production(ffmpeg, format, sample_rate_hz, 10)?;
            let must = if format == Format::Mp3 { MUST } else { 0.0 };
            is_met &=
                row(&format!("{format} {sample_rate_hz} Hz"), &format!("{rate:.0}x, {note}"), rate >= must);
        }
    }
    let before = peak_memory_mb();
    let (rate, _) = post_production(ffmpeg, Format::Mp3, 24_000, 60)?;
    let grown = peak_memory_mb() - before;
    is_met &= row(
        "mp3 24000 Hz, 60 min",
        &format!("{rate:.0}x, memory grew by {grown:.1} MB to {:.0} MB", before + grown),
        grown < 8.0,
    );
    Ok(is_met)
}

fn post_production(
    ffmpeg: &Ffmpeg,
    format: Format,
    sample_rate_hz: u32,
    minutes: usize,
) -> Result<(f64, String), Anything> {
    let mut script = Script::new(sample_rate_hz, minutes)?;
    let timeline = script.timeline.clone();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let (started, cpu_before) = (Instant::now(), cpu_s());
    let mut mix = Mixer::new(&timeline, &mut script);
    let analysis = analyse(&mut mix)?;
    let mut encoder = ffmpeg.encoder(&EncodeSpec::new(format, sample_rate_hz), &path)?;
    let target =
        Loudness { ceiling_dbtp: if format.is_lossy() { -1.5 } else { -1.0 }, ..Loudness::default() };
    let mut sink = |block: &[f32]| encoder.write(block).map_err(Failed::Media);
    let mastered = master_analysed(&mut mix, &analysis, &target, &mut sink)?;
    encoder.finish()?;
    let mastered_s = cpu_s() - cpu_before;
    let peak = if format.is_lossy() { ffmpeg.true_peak_dbtp(&path)? } else { mastered.true_peak_dbtp };
    let cpu = cpu_s() - cpu_before;
    let seconds = timeline.total as f64 / f64::from(sample_rate_hz);
    let note = format!(
        "{:.0}x wall, {mastered_s:.1} + {:.1} s to check the peak; {:.2} LUFS, {peak:.2} dBTP",
        seconds / started.elapsed().as_secs_f64(),
        cpu - mastered_s,
        mastered.integrated_lufs.unwrap_or(f64::NEG_INFINITY),
    );
    Ok((seconds / cpu, note))
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Audio(#[from] sori_audio::AudioError),
    #[error(transparent)]
    Media(MediaFault),
}
