//! Orders that survive a crash: the queue, its workers, and the routes to watch them.
//!
//! The row in `jobs_job` is the truth. River carries *wake-ups*: durable notes that say no more
//! than "look at this job". A wake-up may come late, twice or for a job that is gone; all of that is
//! harmless, because work begins only with [`store::Store::claim`], which one of them wins. What may
//! never happen is a queued job without a wake-up, so both are always written in one transaction.
//!
//! Everything that names River stays in [`wake`] and [`worker`].

mod config;
mod counts;
mod error;
mod events;
mod jobs;
mod nodes;
mod personal;
mod progress;
mod queue;
mod reader;
mod record;
mod retention;
mod routes;
mod running;
mod settle;
mod store;
mod together;
mod wake;
mod worker;

pub use config::JobsConfig;
pub use error::JobsError;
pub use jobs::Jobs;
pub use record::{JobErrorView, JobView};

/// The block's own tables; River's are brought up to date by [`Jobs::new`].
pub const MIGRATIONS: sori_db::MigrationSet = sori_db::migrations!("jobs", "0001_job", "0002_owner");
