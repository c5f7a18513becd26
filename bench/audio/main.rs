//! Measures of the audio side: speed of post-production, peaks after decoding, drift over hours.
//!
//! `cargo run -p sori-media --example audio_bench -- [speed|peaks|drift]...` (all by default).
//! Exits with 1 when a measure is missed.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

mod drift;
mod material;
mod peaks;
mod process;
mod speed;

use std::process::ExitCode;

use sori_media::Ffmpeg;

type Anything = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Anything> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let ffmpeg = Ffmpeg::find()?;
    let mut all_met = true;
    for (name, measure) in [
        ("speed", speed::measure as fn(&Ffmpeg) -> Result<bool, Anything>),
        ("peaks", peaks::measure),
        ("drift", drift::measure),
    ] {
        if wanted.is_empty() || wanted.iter().any(|other| other == name) {
            println!("## {name}");
            all_met &= measure(&ffmpeg)?;
            println!();
        }
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One row of the table: what, how much, whether it is enough.
fn row(what: &str, value: &str, is_met: bool) -> bool {
    println!("| {what} | {value} | {} |", if is_met { "met" } else { "MISSED" });
    is_met
}
