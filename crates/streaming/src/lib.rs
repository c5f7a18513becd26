//! Streaming: media objects over HTTP, exactly as RFC 9110 says and without copying them.
//!
//! [`Streaming::answer`] is the one place that turns a request for an object into an answer. What a
//! request means is decided by pure functions ([`range`], [`conditions`], [`multipart`]); how its
//! bytes travel by the connection ([`Conn`], which the server puts around every socket) and the
//! setting [`SendMode`].
//!
//! On a plain connection a body is made of slices of a file mapping. The connection knows them
//! again by their address ([`Wire`]): those of pages that are mapped already go to the socket with
//! `writev`, the others with `sendfile`, and nothing is copied in this process. Through TLS, and on
//! systems without these calls, bodies are read in pieces.
//!
//! [`Sessions`] knows who is streaming what: who asks for a range asks within a session, which the body
//! holds until it ends, and which takes a slot where the settings allow only so many.
//!
//! [`hls`] gives a content several qualities: playlists over byte ranges of such objects.

mod answer;
mod body;
pub mod conditions;
mod conn;
mod direct;
mod heat;
pub mod hls;
mod mapping;
mod multipart;
mod object;
pub mod range;
mod routes;
mod send;
mod sessions;
mod shelf;
mod wire;

pub use answer::{Asked, Streaming};
pub use conn::{Conn, tune};
pub use direct::choose;
pub use hls::{Hls, HlsParts, Quality};
pub use routes::told_when;
pub use send::SendMode;
pub use sessions::{
    HistoryView, Listener, SessionFault, SessionParts, Sessions, SlotsTaken, Status, StreamLimits,
    StreamView, Watching,
};
pub use wire::{Meter, Wire};

/// The block's own tables.
pub const MIGRATIONS: sori_db::MigrationSet =
    sori_db::migrations!("streaming", "0001_package", "0002_session");
