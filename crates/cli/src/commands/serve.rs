//! `sori serve --data-dir DIR --listen ADDR:PORT`

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use serde::Serialize;
use sori_server::{App, Config, config::LogFormat, first_run::Demo};
use tokio::{net::TcpListener, signal::unix::SignalKind};

use crate::{
    failure::{Failure, say},
    progress::Bar,
};

/// Flags that were given win over the environment and the file; those left out are not written.
#[derive(Args, Serialize)]
pub(crate) struct Serve {
    /// Database, media and line cache live here.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Address and port.
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// `sqlite:///path` or `postgres://…`.
    #[arg(long, value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Folder of the voice models.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    assets_dir: Option<PathBuf>,
    /// Leave an empty library empty.
    #[arg(long)]
    #[serde(skip)]
    no_demo: bool,
    /// Settings file (default: sori.toml here, when there is one).
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut config =
            Config::load(self.config.as_deref(), &self).map_err(|error| Failure::Usage(error.to_string()))?;
        config.demo &= !self.no_demo;
        start_logging(config.log);
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Other(error.to_string()))?;
        runtime.block_on(serve(config))
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    let started = |error: sori_server::StartError| Failure::Other(error.to_string());
    // The address is taken first: a second server on the same data fails before it touches them.
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| started(sori_server::StartError::Listen(config.listen, error)))?;
    let address = listener.local_addr().map_err(|error| Failure::Other(error.to_string()))?;
    let app = App::start(&config).await.map_err(started)?;
    if config.demo {
        prepare_demo(&app, &config).await;
    }
    let scheme = if app.certificate.is_some() { "https" } else { "http" };
    let base = config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    say(&format!("Sori is at {base}"));
    say(&format!("Data: {}   API: {base}/docs", config.data_dir.display()));
    show_setup_link(&app, &base).await;
    app.serve(listener, stop_signal()).await.map_err(|error| Failure::Other(error.to_string()))
}

/// Printed and never logged: whoever has it is the admin.
async fn show_setup_link(app: &App, base: &str) {
    match app.auth.setup_link().await {
        Ok(Some(link)) => {
            let link = if link.starts_with('/') { format!("{base}{link}") } else { link };
            say(&format!("There is no admin yet. Make the first one here, once, within a day: {link}"));
        }
        Ok(None) => {}
        Err(fault) => say(&format!("The link for the first admin could not be made: {fault}")),
    }
}

async fn prepare_demo(app: &App, config: &Config) {
    let bar = Bar::new();
    let outcome =
        app.prepare_demo(&config.data_dir, |percent| bar.set(percent, "rendering the demo show")).await;
    bar.finish();
    match outcome {
        Ok(Demo::NotNeeded) => {}
        Ok(Demo::Rendered) => say("The demo show is rendered."),
        Ok(Demo::Waiting(reason)) => say(&format!("The demo show is in the library without sound: {reason}")),
        Err(problem) => say(&format!("The demo show could not be added: {}", problem.fault())),
    }
}

async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate => {}
    }
}

/// `RUST_LOG` says what is logged; without it, what an operator wants to know.
fn start_logging(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,riverqueue=warn,sqlx=warn".into());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => {
            logs.json().flatten_event(true).with_current_span(true).with_span_list(false).init()
        }
        LogFormat::Text => logs.init(),
    }
}
