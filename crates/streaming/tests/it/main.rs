//! Streaming over real sockets.

mod conformance;
mod damage;
mod hls;
mod model;
mod patience;
mod server;
mod sessions;
