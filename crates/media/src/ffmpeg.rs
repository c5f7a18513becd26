//! FFmpeg as a child process: encoding, decoding and probing, with limits.
//!
//! Everything here blocks and belongs into the blocking pool. No shell is involved, arguments are
//! typed, files are named with the `file:` protocol so that no file name is taken for an option
//! or an address, and FFmpeg may open nothing but files and pipes.

mod child;
mod cut;
mod decode;
mod encoder;
mod metadata;
mod package;
mod probe;
mod spec;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use sori_contracts::MediaFault;

pub use cut::{Cut, CutFormat};
pub use encoder::{Encoded, Encoder};
pub use package::FfmpegPackager;
pub use probe::{Probe, ProbedChapter};
pub use spec::{Chapter, EncodeSpec, Tags};

/// Where the two programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
}

impl Ffmpeg {
    /// Looks through `PATH`; cheap enough to be asked again and again.
    ///
    /// # Errors
    /// [`MediaFault::FfmpegMissing`] when `ffmpeg` or `ffprobe` is not there.
    pub fn find() -> Result<Self, MediaFault> {
        let path = env::var_os("PATH").unwrap_or_default();
        let find =
            |name: &str| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
        match (find("ffmpeg"), find("ffprobe")) {
            (Some(ffmpeg), Some(ffprobe)) => Ok(Self { ffmpeg, ffprobe }),
            _ => Err(MediaFault::FfmpegMissing),
        }
    }

    fn ffmpeg(&self) -> Command {
        let mut command = Command::new(&self.ffmpeg);
        command.args(["-hide_banner", "-loglevel", "error", "-nostats", "-nostdin"]);
        command
    }

    fn ffprobe(&self) -> Command {
        let mut command = Command::new(&self.ffprobe);
        command.args(["-hide_banner", "-loglevel", "error"]);
        command
    }
}

/// What FFmpeg may open.
const PROTOCOLS: [&str; 2] = ["-protocol_whitelist", "file,pipe"];

/// What a file from outside may be. FFmpeg looks behind a tag and knows playlists by their text: without
/// this list, one that calls itself a song could have it open other files of this machine.
const UNTRUSTED: [&str; 4] = [
    PROTOCOLS[0],
    PROTOCOLS[1],
    "-format_whitelist",
    "mp3,wav,w64,flac,ogg,mov,mp4,aac,matroska,webm,aiff,caf",
];

/// The path as an address that can be nothing but a file.
fn file_address(path: &Path) -> OsString {
    let mut address = OsString::from("file:");
    address.push(path);
    address
}
