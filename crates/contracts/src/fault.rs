//! What went wrong, in words that are independent of HTTP.
//!
//! Every fault says its [`Kind`] and a stable code. One `match` in the product turns a kind into
//! an HTTP status (`http/problem.rs`); the same kind decides whether a job is tried again.

use crate::UiLanguage;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; the same request will always fail.
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    /// The state of the thing does not allow it now (already finished, changed by another).
    Conflict,
    /// More bytes than the route takes.
    TooLarge,
    UnsupportedMedia,
    RangeNotSatisfiable,
    /// The thing is not in the state that the request names.
    PreconditionFailed,
    /// A limit in time or number; trying later helps.
    Busy,
    /// Something this server needs is missing or out of order; trying later may help.
    Unavailable,
    /// No room left to store what was sent.
    StorageFull,
    /// A defect or a surprise: logged whole and told to nobody.
    Internal,
}

impl Kind {
    /// Whether the same work may succeed when it is tried again.
    #[must_use]
    pub fn is_worth_retrying(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable | Self::StorageFull | Self::Internal)
    }
}

/// An error that can cross the border of a block.
///
/// `Display` is for the log. [`Fault::message`] is what a client may see: no paths, no internals.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    fn kind(&self) -> Kind;

    /// Stable, in upper case with underscores: clients switch on it.
    fn code(&self) -> &'static str;

    /// What a person may read, in the language of the caller.
    fn message(&self, language: UiLanguage) -> String;

    /// Facts for a program, such as the problems of a script by line and column.
    fn details(&self) -> Option<serde_json::Value> {
        None
    }
}
