//! The ass reader takes any bytes; what it accepts is valid and survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sori_script::Format;

mod check;

fuzz_target!(|bytes: &[u8]| check::file(bytes, Format::Ass));
