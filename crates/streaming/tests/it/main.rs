//! Streaming over real sockets.

mod conformance;
mod damage;
mod model;
mod patience;
mod server;
