//! Whole files, read and written as a user would.

#[path = "it/captions.rs"]
mod captions;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/readers.rs"]
mod readers;
#[path = "it/regressions.rs"]
mod regressions;
#[path = "it/round_trip.rs"]
mod round_trip;
