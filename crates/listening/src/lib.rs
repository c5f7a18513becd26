//! Listening: where everybody stopped, on every device.
mod fault;
#[allow(dead_code)]
mod rule;

pub use fault::ListeningFault;
