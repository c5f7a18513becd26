//! Captions: cues with word times, laid out for reading, written as WebVTT, SRT, ASS, JSON and
//! Praat `TextGrid`.
//!
//! Pure, and independent of where the times come from. All times are whole milliseconds from the
//! start of the audio, so nothing can drift. The writers never put out a cue that ends before it
//! starts, a blank row inside a cue, or two cues of one speaker that overlap.

mod anchor;
mod ass;
mod cue;
mod json;
mod layout;
mod srt;
mod textgrid;
mod tidy;
mod tokens;
mod vtt;

pub use ass::to_ass;
pub use cue::{Captions, Cue, CueWord, TimeSource};
pub use json::{CaptionDocument, JSON_VERSION, from_json, to_json};
pub use layout::{CueLayout, layout};
pub use srt::{SrtOptions, to_srt, to_srt_with};
pub use textgrid::to_textgrid;
pub use vtt::{VttOptions, to_vtt};
