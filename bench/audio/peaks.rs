//! The true peak after decoding, for a ceiling before encoding.

use sori_audio::{AudioError, Format, Loudness, Pcm, PcmBlocks, loudness_of, master};
use sori_media::{EncodeSpec, Ffmpeg};

use crate::{Anything, material, row};

/// What the voices block uses for lossy formats.
const CEILING_DBTP: f64 = -1.5;

pub(crate) fn measure(ffmpeg: &Ffmpeg) -> Result<bool, Anything> {
    println!(
        "| ceiling {CEILING_DBTP} dBTP before encoding | decoded peak; loudness | <= -1 dBTP, -16 +- 0.5 LUFS |\n|---|---|---|"
    );
    let folder = tempfile::tempdir()?;
    let mut is_met = true;
    for sample_rate_hz in [24_000, 44_100] {
        let seconds = 30 * sample_rate_hz as usize;
        let materials = [
            ("flite, a woman", spoken(ffmpeg, "slt", sample_rate_hz)?, true),
            ("flite, a man", spoken(ffmpeg, "rms", sample_rate_hz)?, true),
            (
                "flite, a man, 12 dB too loud",
                spoken(ffmpeg, "kal16", sample_rate_hz)?.iter().map(|x| x * 4.0).collect(),
                true,
            ),
            ("pulse train", material::voice(sample_rate_hz, seconds, 140.0), false),
            ("white noise", material::noise(seconds, 0.5), false),
        ];
        for (name, samples, is_speech) in materials {
            let mut mastered = Vec::new();
            let mut mix = PcmBlocks::new(Pcm { samples, sample_rate_hz });
            let target = Loudness { ceiling_dbtp: CEILING_DBTP, ..Loudness::default() };
            master(&mut mix, &target, &mut |block: &[f32]| {
                mastered.extend_from_slice(block);
                Ok::<(), AudioError>(())
            })?;
            for format in [Format::Mp3, Format::Opus, Format::M4a] {
                let path = folder.path().join("file");
                let mut encoder = ffmpeg.encoder(&EncodeSpec::new(format, sample_rate_hz), &path)?;
                encoder.write(&mastered)?;
                encoder.finish()?;
                let peak = ffmpeg.true_peak_dbtp(&path)?;
                let decoded = ffmpeg.decode(&path, sample_rate_hz, 1 << 24)?;
                let lufs = loudness_of(&decoded.samples, sample_rate_hz)?.unwrap_or(f64::NEG_INFINITY);
                let fits = !is_speech || (peak <= -1.0 && (lufs + 16.0).abs() <= 0.5);
                is_met &= row(
                    &format!("{name}, {format} {sample_rate_hz} Hz"),
                    &format!("{peak:.2} dBTP; {lufs:.2} LUFS"),
                    fits,
                );
            }
        }
    }
    Ok(is_met)
}

/// Debian's FFmpeg speaks: real speech that every machine with it can make.
fn spoken(ffmpeg: &Ffmpeg, voice: &str, sample_rate_hz: u32) -> Result<Vec<f32>, Anything> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("speech.wav");
    let text = "Good evening. The harbour lights are out tonight and nobody knows why. \
        Peter Piper picked a peck of pickled peppers. Stop. Who is there. It is only me, Captain.";
    let status = std::process::Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i"])
        .arg(format!("flite=text='{text}':voice={voice}"))
        .arg(&path)
        .status()?;
    if !status.success() {
        return Err("this FFmpeg has no flite voices".into());
    }
    Ok(ffmpeg.decode(&path, sample_rate_hz, 1 << 24)?.samples)
}
