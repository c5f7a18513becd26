//! FFmpeg from the media block as the encoders that the voices block asks for.

use std::path::Path;

use sori_audio::Format;
use sori_contracts::MediaFault;
use sori_media::{Chapter, EncodeSpec, Encoder, Ffmpeg, Tags};
use sori_voice::{EncodedFile, Encoders, FileEncoder, FileOrder};

/// Looks for FFmpeg when a file needs it: WAV works without.
pub struct FfmpegEncoders;

impl Encoders for FfmpegEncoders {
    fn begin(&self, order: &FileOrder, path: &Path) -> Result<Box<dyn FileEncoder>, MediaFault> {
        let spec = EncodeSpec {
            tags: Tags {
                title: Some(order.title.clone()).filter(|title| !title.is_empty()),
                language: Some(order.lang.clone()),
                ..Tags::default()
            },
            chapters: order
                .chapters
                .iter()
                .map(|chapter| Chapter {
                    start_ms: chapter.start_ms,
                    end_ms: chapter.end_ms,
                    title: chapter.title.clone(),
                })
                .collect(),
            ..EncodeSpec::new(order.format, order.sample_rate_hz)
        };
        let encoder = match order.format {
            Format::Wav => Encoder::wav(&spec, path)?,
            _ => Ffmpeg::find()?.encoder(&spec, path)?,
        };
        Ok(Box::new(OneFile(encoder)))
    }

    fn decoded_peak_dbtp(&self, path: &Path) -> Result<f64, MediaFault> {
        Ffmpeg::find()?.true_peak_dbtp(path)
    }
}

struct OneFile(Encoder);

impl FileEncoder for OneFile {
    fn write(&mut self, samples: &[f32]) -> Result<(), MediaFault> {
        self.0.write(samples)
    }

    fn finish(self: Box<Self>) -> Result<EncodedFile, MediaFault> {
        let encoded = self.0.finish()?;
        Ok(EncodedFile { size_bytes: encoded.bytes, sha256: encoded.sha256 })
    }
}
