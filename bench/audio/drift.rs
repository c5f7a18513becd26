//! Times against the decoded file over 4 hours: no growth.

use std::f64::consts::TAU;

use sori_audio::Format;
use sori_media::{EncodeSpec, Ffmpeg};

use crate::{Anything, row};

const RATE_HZ: u32 = 8_000;
const HOURS: usize = 4;
/// A burst every ten minutes, at an odd sample.
const EVERY: usize = 600 * RATE_HZ as usize + 777;
const BURST: usize = 160;
/// Searched around every burst.
const REACH: usize = 400;

pub(crate) fn measure(ffmpeg: &Ffmpeg) -> Result<bool, Anything> {
    println!("| {HOURS} h at {RATE_HZ} Hz | worst lag of {} bursts | |\n|---|---|---|", total() / EVERY);
    let folder = tempfile::tempdir()?;
    let mut is_met = true;
    for (format, limit_ms) in
        [(Format::Wav, 1.0), (Format::Flac, 1.0), (Format::Mp3, 5.0), (Format::Opus, 5.0), (Format::M4a, 5.0)]
    {
        let path = folder.path().join("file");
        let mut encoder = ffmpeg.encoder(&EncodeSpec::new(format, RATE_HZ), &path)?;
        for start in (0..total()).step_by(1 << 16) {
            let block: Vec<f32> = (start..(start + (1 << 16)).min(total())).map(sample).collect();
            encoder.write(&block)?;
        }
        encoder.finish()?;
        let lags = lags_ms(ffmpeg, &path)?;
        let worst = lags.iter().fold(0.0_f64, |worst, lag| worst.max(lag.abs()));
        let (first, last) =
            (lags.first().copied().unwrap_or(f64::NAN), lags.last().copied().unwrap_or(f64::NAN));
        let value = format!("{worst:.3} ms (first {first:.3}, last {last:.3})");
        let fits = worst <= limit_ms && (first - last).abs() <= 0.25 && lags.len() == total() / EVERY;
        is_met &= row(&format.to_string(), &value, fits);
    }
    Ok(is_met)
}

fn total() -> usize {
    HOURS * 3_600 * RATE_HZ as usize
}

fn sample(position: usize) -> f32 {
    let within = position % EVERY;
    if position < EVERY || within >= BURST {
        return 0.0;
    }
    (0.6 * (TAU * 1_000.0 * within as f64 / f64::from(RATE_HZ)).cos()) as f32
}

/// Decodes in one go, and looks around every burst as it comes by.
fn lags_ms(ffmpeg: &Ffmpeg, path: &std::path::Path) -> Result<Vec<f64>, Anything> {
    let mut position = 0;
    let mut around = Vec::new();
    let mut lags = Vec::new();
    ffmpeg.decode_blocks(path, Some(RATE_HZ), &mut |block| {
        for &value in block {
            let within = (position + REACH) % EVERY;
            if position + REACH >= EVERY && within < 2 * REACH + BURST {
                around.push(value);
                if around.len() == 2 * REACH + BURST {
                    lags.push(lag_ms(&around));
                    around.clear();
                }
            }
            position += 1;
        }
        Ok(())
    })?;
    Ok(lags)
}

fn lag_ms(around: &[f32]) -> f64 {
    let fit = |shift: usize| -> f32 { (0..BURST).map(|n| around[shift + n] * sample(EVERY + n)).sum() };
    let best = (0..=2 * REACH).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).unwrap_or(REACH);
    (best as f64 - REACH as f64) * 1000.0 / f64::from(RATE_HZ)
}
