//! Media: objects on a local folder, served by range, and FFmpeg for the formats of the world.

pub mod ffmpeg;
pub mod range;
mod serve;
mod store;

pub use ffmpeg::{Chapter, EncodeSpec, Encoded, Encoder, Ffmpeg, Probe, Tags};
pub use serve::serve;
pub use store::LocalStore;
