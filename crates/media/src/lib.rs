//! Media: immutable objects in a local folder, FFmpeg for the formats of the world, and what people
//! upload.

pub mod ffmpeg;
pub mod library;
pub mod sniff;
mod store;

pub use ffmpeg::{Chapter, EncodeSpec, Encoded, Encoder, Ffmpeg, FfmpegPackager, Probe, Tags};
pub use library::{Library, LibraryFault, LibraryParts, LibrarySettings, MIGRATIONS, Shows};
pub use store::{LocalStore, TieredStore, Tiers, tiered};
