//! Samples in, a finished file out.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};
use sori_audio::{
    AudioError, Format,
    wav::{Depth, Length, Quantiser, Writer},
};
use sori_contracts::MediaFault;
use tempfile::NamedTempFile;

use super::{
    EncodeSpec, Ffmpeg, PROTOCOLS,
    child::Running,
    file_address,
    metadata::ffmetadata,
    spec::{Wire, level_factor, output_arguments},
};

/// For one block, and for putting the index in front of a long M4A.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lossy files are filled with silence to this length: of a few samples libopus makes a file
/// that nothing can open.
const SHORTEST_LOSSY_MS: u64 = 100;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Ffmpeg {
    /// Begins a file, which appears at `destination` when [`Encoder::finish`] succeeds and not
    /// before.
    ///
    /// # Errors
    /// [`MediaFault::Io`], [`MediaFault::StorageFull`] or [`MediaFault::Ffmpeg`].
    pub fn encoder(&self, spec: &EncodeSpec, destination: &Path) -> Result<Encoder, MediaFault> {
        if spec.format == Format::Wav {
            return Encoder::wav(spec, destination);
        }
        let part = Part::create(destination)?;
        let metadata = write_metadata(spec, destination)?;
        let wire = Wire::of(spec.format);
        let mut command = self.ffmpeg();
        command.arg("-y").args(PROTOCOLS);
        command.args([
            "-f",
            wire.ffmpeg_name(),
            "-ar",
            &spec.sample_rate_hz.to_string(),
            "-ac",
            "1",
            "-i",
            "pipe:0",
        ]);
        if let Some(file) = &metadata {
            command.args(PROTOCOLS).args(["-f", "ffmetadata", "-i"]).arg(file_address(file.path()));
            command.args(["-map_metadata", "1", "-map_chapters", "1"]);
        }
        command.args(["-map", "0:a"]).args(output_arguments(spec)).arg(file_address(&part.path));
        let child = Running::start(command, PATIENCE)?;
        let quantiser = (wire == Wire::Int16).then(|| Quantiser::new(Depth::Int16));
        let shortest = u64::from(spec.sample_rate_hz) * SHORTEST_LOSSY_MS / 1000;
        let missing_frames = if spec.format.is_lossy() { shortest } else { 0 };
        let target = Target::Ffmpeg {
            child,
            quantiser,
            level: level_factor(spec),
            missing_frames,
            bytes: Vec::new(),
            _metadata: metadata,
        };
        Ok(Encoder { target, part })
    }
}

/// A file under way. Dropping it stops the work and leaves nothing behind.
pub struct Encoder {
    // Dropped before the file that it writes to.
    target: Target,
    part: Part,
}

enum Target {
    Wav(Writer<BufWriter<File>>),
    Ffmpeg {
        child: Running,
        quantiser: Option<Quantiser>,
        /// Undoes what the encoder does to the level.
        level: f32,
        /// Until the shortest length is reached.
        missing_frames: u64,
        bytes: Vec<u8>,
        _metadata: Option<NamedTempFile>,
    },
}

impl Encoder {
    /// A WAV file of 16 bits, for which FFmpeg is not needed; `spec.format` is not looked at.
    ///
    /// # Errors
    /// [`MediaFault::Io`] or [`MediaFault::StorageFull`].
    pub fn wav(spec: &EncodeSpec, destination: &Path) -> Result<Self, MediaFault> {
        let part = Part::create(destination)?;
        let file = File::create(&part.path).map_err(|e| MediaFault::from_io("creating a WAV file", e))?;
        let length = spec.frames.map_or(Length::Unknown, Length::Known);
        let writer = Writer::new(BufWriter::new(file), spec.sample_rate_hz, Depth::Int16, length)
            .map_err(audio_fault)?;
        Ok(Self { target: Target::Wav(writer), part })
    }

    /// Takes mono samples at the rate of the specification.
    ///
    /// # Errors
    /// [`MediaFault::StorageFull`], or [`MediaFault::Ffmpeg`] with what FFmpeg said.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), MediaFault> {
        match &mut self.target {
            Target::Wav(writer) => writer.write(samples).map_err(audio_fault),
            Target::Ffmpeg { child, quantiser, level, missing_frames, bytes, .. } => {
                *missing_frames = missing_frames.saturating_sub(samples.len() as u64);
                bytes.clear();
                match quantiser {
                    Some(quantiser) => quantiser.quantise(samples, bytes),
                    None => bytes.extend(samples.iter().flat_map(|sample| (sample * *level).to_le_bytes())),
                }
                child.write(bytes)
            }
        }
    }

    /// Ends the file, makes it durable and puts it at its destination.
    ///
    /// # Errors
    /// As [`Encoder::write`]; nothing is left behind then.
    pub fn finish(mut self) -> Result<Encoded, MediaFault> {
        if let Target::Ffmpeg { missing_frames: missing @ 1.., .. } = self.target {
            self.write(&vec![0.0; missing as usize])?;
        }
        match self.target {
            Target::Wav(writer) => {
                let mut file = writer.finish_and_patch().map_err(audio_fault)?;
                file.flush().map_err(|e| MediaFault::from_io("writing a WAV file", e))?;
            }
            Target::Ffmpeg { mut child, .. } => child.finish()?,
        }
        self.part.publish()
    }
}

/// The file beside the destination that becomes it in the end.
struct Part {
    path: PathBuf,
    destination: PathBuf,
}

impl Part {
    fn create(destination: &Path) -> Result<Self, MediaFault> {
        let mut name = OsString::from(".");
        name.push(destination.file_name().unwrap_or_default());
        name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        Ok(Self { path: destination.with_file_name(name), destination: destination.to_owned() })
    }

    fn publish(self) -> Result<Encoded, MediaFault> {
        let failed = |e| MediaFault::from_io("publishing an audio file", e);
        let mut file = File::open(&self.path).map_err(failed)?;
        let encoded = digest(&mut file).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&self.path, &self.destination).map_err(failed)?;
        Ok(encoded)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already when it was published.
        let _ = fs::remove_file(&self.path);
    }
}

fn digest(file: &mut File) -> std::io::Result<Encoded> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
    let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Encoded { bytes, sha256 })
}

/// Beside the destination and not in a shared folder for temporary files.
fn write_metadata(spec: &EncodeSpec, destination: &Path) -> Result<Option<NamedTempFile>, MediaFault> {
    let Some(text) = ffmetadata(spec) else { return Ok(None) };
    let failed = |e| MediaFault::from_io("writing tags", e);
    let folder =
        destination.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::Builder::new().prefix(".tags-").suffix(".part").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(Some(file))
}

fn audio_fault(error: AudioError) -> MediaFault {
    match error {
        AudioError::Io(source) => MediaFault::from_io("writing a WAV file", source),
        AudioError::WavTooLarge => MediaFault::TooLarge { limit_bytes: u64::from(u32::MAX) },
        other => MediaFault::Io { doing: "writing a WAV file", source: std::io::Error::other(other) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_fault_of_its_own() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = Writer::new(BufWriter::new(file), 8_000, Depth::Int16, Length::Unknown).unwrap();
        let error = (0..100).find_map(|_| writer.write(&[0.0; 8_192]).err()).unwrap();
        assert!(matches!(audio_fault(error), MediaFault::StorageFull));
    }
}
