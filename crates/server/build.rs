//! Names the folder of the built web app. It never runs npm: where the app is not built, a page
//! that says so takes its place, so that the Rust side always builds.

use std::{env, fs, path::PathBuf};

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Sori</title>\
    <p>The web app is not built: run <code>make web</code>, then build again.</p>";

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let built = manifest.join("../../web/dist");
    println!("cargo:rerun-if-changed={}", built.display());
    println!("cargo:rerun-if-changed=build.rs");
    let dist = if built.join("index.html").is_file() {
        built
    } else {
        let placeholder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("web");
        fs::create_dir_all(&placeholder).expect("OUT_DIR is writable");
        fs::write(placeholder.join("index.html"), NOT_BUILT).expect("OUT_DIR is writable");
        placeholder
    };
    println!("cargo:rustc-env=SORI_WEB_DIST={}", dist.display());
}
