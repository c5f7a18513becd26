//! Scripts: one canonical model, and readers and writers for the formats people already have.
//!
//! Pure: bytes and text in, values out. [`read`] takes JSON, `NAME: line` text, Fountain and the
//! subtitle formats SRT, WebVTT and ASS; every item keeps the line and column it came from.
//! A hostile file is an ordinary [`ScriptError`] with a place; nothing here panics or recurses
//! without a limit. It knows nothing of voices that exist, of storage or of HTTP.

mod decode;
mod findings;
mod format;
mod limits;
mod model;
mod problem;
mod read;
mod validate;
mod write;

pub use format::Format;
pub use limits::Limits;
pub use model::{
    CastMember, Chapter, DEFAULT_GAP_MS, DEFAULT_LANG, Item, Line, NARRATOR, Origin, Pause, Script,
};
pub use problem::{Problem, ScriptError, Severity};
pub use read::{Action, Options, Parsed, read, read_with};
pub use validate::validate;
pub use write::{to_fountain, to_json, to_text};
