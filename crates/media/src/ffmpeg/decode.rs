//! Any audio file as samples.

use std::{path::Path, time::Duration};

use sori_audio::{Pcm, TruePeakMeter, factor_to_db};
use sori_contracts::MediaFault;

use super::{Ffmpeg, UNTRUSTED, child::Running, file_address};

/// For one read. A file that needs longer to give its next samples is broken.
const PATIENCE: Duration = Duration::from_secs(60);

impl Ffmpeg {
    /// The whole file as mono samples at `sample_rate_hz`.
    ///
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what is no audio, [`MediaFault::TooLarge`] beyond `limit_frames`.
    pub fn decode(&self, path: &Path, sample_rate_hz: u32, limit_frames: u64) -> Result<Pcm, MediaFault> {
        let mut samples = Vec::new();
        self.decode_blocks(path, Some(sample_rate_hz), &mut |block| {
            samples.extend_from_slice(block);
            if samples.len() as u64 > limit_frames {
                return Err(MediaFault::TooLarge { limit_bytes: limit_frames * 4 });
            }
            Ok(())
        })?;
        Ok(Pcm { samples, sample_rate_hz })
    }

    /// The true peak of what a player puts out, in dBTP; minus infinity for silence.
    ///
    /// # Errors
    /// [`MediaFault::Ffmpeg`] for what is no audio.
    pub fn true_peak_dbtp(&self, path: &Path) -> Result<f64, MediaFault> {
        let mut meter = TruePeakMeter::new();
        self.decode_blocks(path, None, &mut |block| {
            meter.add(block);
            Ok(())
        })?;
        Ok(factor_to_db(f64::from(meter.finish())))
    }

    /// Hands mono samples to `sink` as they come, at the file's own rate when none is asked for.
    ///
    /// # Errors
    /// What FFmpeg or `sink` reports.
    pub fn decode_blocks(
        &self,
        path: &Path,
        sample_rate_hz: Option<u32>,
        sink: &mut dyn FnMut(&[f32]) -> Result<(), MediaFault>,
    ) -> Result<(), MediaFault> {
        let mut command = self.ffmpeg();
        command.args(UNTRUSTED).arg("-i").arg(file_address(path)).args(["-map", "0:a:0", "-vn", "-ac", "1"]);
        if let Some(rate) = sample_rate_hz {
            command.args(["-ar", &rate.to_string()]);
        }
        command.args(["-f", "f32le", "pipe:1"]);
        let mut child = Running::start(command, PATIENCE)?;
        child.close_input();
        let mut buffer = vec![0; 64 << 10];
        let mut filled = 0;
        let mut samples = Vec::with_capacity(buffer.len() / 4);
        loop {
            let count = child.read(&mut buffer[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
            let whole = filled / 4 * 4;
            samples.clear();
            samples.extend(
                buffer[..whole].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            );
            sink(&samples)?;
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
        }
        child.finish()
    }
}
