//! Media: immutable objects in a local folder, and FFmpeg for the formats of the world.

pub mod ffmpeg;
mod store;

pub use ffmpeg::{Chapter, EncodeSpec, Encoded, Encoder, Ffmpeg, FfmpegPackager, Probe, Tags};
pub use store::LocalStore;
