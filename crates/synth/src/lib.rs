//! Neural voices: phonemes in, samples and the time of every phone out.
//!
//! Pure: the bytes of the models are handed in, nothing is read, fetched or kept. A voice gives [`Speech`] for
//! one phrase; [`join`] makes a line of the phrases, [`word_marks`] says when each of its words is heard.

mod blend;
mod error;
mod hibari;
mod join;
mod kokoro;
mod network;
mod oov;
mod speech;
mod symbols;
mod vectors;
mod words;

pub use blend::Blend;
pub use error::{BlendFault, SynthError};
pub use hibari::Hibari;
pub use join::{Joined, JoinedPhone, join};
pub use kokoro::Kokoro;
pub use oov::OovNetwork;
pub use speech::{PhoneMark, Speech};
pub use vectors::VoiceVectors;
pub use words::{WordMark, word_marks};

/// Part of every cache key of rendered speech: raised whenever the same input would sound different.
pub const ENGINE_VERSION: &str = "7";

/// Both voices speak at this rate.
pub const SAMPLE_RATE_HZ: u32 = 24_000;
