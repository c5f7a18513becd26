//! What the measures of streaming need: a server of the block alone, and a client that costs little.
//!
//! `serve FOLDER MODE PORT` answers `/{id}` with the file of that name, with Sori's connections and
//! byte counting, on two threads as the reference has two workers.
//! `load ADDR SECONDS CONNECTIONS SPAN PATH...` asks for random spans and prints what came and how long
//! it took; with `once` in the place of the seconds it asks for every span of every path, once.
//! `slow ADDR SECONDS CONNECTIONS SPAN PATH` reads 32 KB a second on each connection.

#![allow(clippy::print_stdout, reason = "the answer of a program")]

mod client;
mod server;

use std::time::Duration;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", folder, mode, port] => server::run(folder.into(), mode, port.parse()?),
        [kind @ ("load" | "slow"), address, seconds, connections, span, paths @ ..] => {
            let work = client::Work {
                address: address.parse()?,
                time: seconds.parse().ok().map(Duration::from_secs_f64),
                connections: connections.parse()?,
                span_bytes: span.parse()?,
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
                header: std::env::var("BENCH_HEADER").unwrap_or_default(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let report = match *kind {
                "load" => runtime.block_on(work.load())?,
                _ => runtime.block_on(work.slow())?,
            };
            println!("{report}");
            Ok(())
        }
        _ => Err("serve FOLDER MODE PORT | load|slow ADDR SECONDS|once CONNECTIONS SPAN PATH...".into()),
    }
}
