//! WAV (RIFF WAVE; RF64 of EBU Tech 3306 beyond 4 GiB): a streaming writer and a strict reader.

mod reader;
mod writer;

pub use reader::{read, read_limited};
pub use writer::{Depth, Length, Quantiser, Writer};

/// Format tags of the `fmt ` chunk.
const TAG_PCM: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_EXTENSIBLE: u16 = 0xFFFE;
