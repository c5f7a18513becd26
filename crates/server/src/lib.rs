//! The server: settings, the blocks wired together, and the stories between them.

mod accounts;
pub mod app;
pub mod border;
pub mod config;
pub mod encoders;
pub mod first_run;
pub mod flows;
mod health;
pub mod idempotency;
pub mod observe;
mod openapi;
mod serve;
mod storage;
pub mod tls;
mod web;

use std::{future::Future, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use accounts::accounts_of;
pub use app::{App, StartError};
pub use config::{Config, ConfigError};

/// The server's own tables.
pub const MIGRATIONS: sori_db::MigrationSet =
    sori_db::migrations!("server", "0001_idempotency", "0002_idempotent_ids", "0003_play_queue");

impl App {
    /// Serves until `stop`, then lets running requests end and puts running jobs back.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let (jobs, listening, hls) = (self.jobs.clone(), self.listening.clone(), self.hls.clone());
        let stopped = async move {
            stop.await;
            // Open event streams end with the jobs block; without that they would hold the server.
            jobs.close_streams();
            listening.close_sockets();
        };
        let watching =
            self.certificate.as_ref().map(|certificate| tokio::spawn(Arc::clone(certificate).watch()));
        let acceptor = self.certificate.as_ref().map(tls::Certificate::acceptor);
        let done = CancellationToken::new();
        let (auth, until) = (self.auth.clone(), done.clone());
        let tending = tokio::spawn(async move { auth.keep_tending(until).await });
        let (metering, until) = (self.metering.clone(), done.clone());
        let looking = tokio::spawn(async move { metering.keep_looking(until).await });
        let (sessions, until) = (self.sessions.clone(), done.clone());
        let tending_sessions = tokio::spawn(async move { sessions.keep_tending(until).await });
        serve::run(listener, self.router, acceptor, self.sockets, stopped).await;
        if let Some(watching) = watching {
            watching.abort();
        }
        hls.stop();
        self.jobs.stop().await;
        done.cancel();
        let _ended = tokio::join!(tending, tending_sessions, looking);
        self.db.close().await;
        Ok(())
    }
}
