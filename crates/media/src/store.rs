//! Stores of immutable objects.

mod local;
pub mod tiered;

pub use local::LocalStore;
pub use tiered::{TieredStore, Tiers};
