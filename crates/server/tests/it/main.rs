//! The whole product over real HTTP, on SQLite and on PostgreSQL, with the tone engine whose word
//! times are known to the sample.

mod app;
mod architecture;
mod bad_input;
mod first_run;
mod forged;
mod hls;
mod idempotency;
mod limits;
mod listen;
mod listening;
mod matrix;
mod metering;
mod page;
mod people;
mod podcast;
mod slow;
mod streams;
mod subsonic;
mod synthesize;
mod tls;
mod uploads;
