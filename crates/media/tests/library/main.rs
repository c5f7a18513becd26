//! Uploads and contents by their routes, on both engines.

mod contents;
mod rig;
mod uploads;
