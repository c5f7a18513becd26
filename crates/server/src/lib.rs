//! The server: settings, the blocks wired together, and the stories between them.

pub mod app;
pub mod config;
pub mod encoders;
pub mod first_run;
pub mod flows;
mod health;
pub mod observe;
mod openapi;
mod web;

use std::future::Future;

use tokio::net::TcpListener;

pub use app::{App, StartError};
pub use config::{Config, ConfigError};

impl App {
    /// Serves until `stop`, then lets running requests end and puts running jobs back.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let jobs = self.jobs.clone();
        let stopped = async move {
            stop.await;
            // Open event streams end with the jobs block; without that they would hold the server.
            jobs.close_streams();
        };
        axum::serve(listener, self.router).with_graceful_shutdown(stopped).await?;
        self.jobs.stop().await;
        self.db.close().await;
        Ok(())
    }
}
