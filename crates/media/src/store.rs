//! Stores of immutable objects.

mod local;

pub use local::LocalStore;
