//! SQLite or PostgreSQL behind one small handle: the same statement text runs on both.
//!
//! Times are whole milliseconds, ids are UUIDs, JSON is text. Statements use `$1`, `$2`, …,
//! which both engines understand. Each block owns its tables and its migrations; there are no
//! joins across blocks.

mod clock;
mod error;
mod handle;
mod migrate;
mod query;
mod queue;
pub mod testing;
mod value;

pub use clock::Clock;
pub use error::DbError;
pub use handle::{Backend, Db, Tx};
pub use migrate::{Migration, MigrationSet};
pub use query::{Query, Row};
pub use queue::JobQueue;
pub use value::Value;

/// Milliseconds since 1970 by this machine's clock.
#[must_use]
pub fn now_ms() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
