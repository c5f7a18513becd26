//! The wiring: every block gets what it needs, and their routes become one router.

use std::sync::Arc;

use axum::{Router, middleware};
use sori_catalog::Catalog;
use sori_contracts::{MediaFault, MediaStore};
use sori_db::{Db, DbError, JobQueue};
use sori_jobs::{Jobs, JobsConfig, JobsError};
use sori_media::LocalStore;
use sori_voice::{Engines, LineCache, Renderings, Voice, VoiceParts};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{config::Config, encoders::FfmpegEncoders, flows, health, observe, openapi, web};

/// A running product without its listener.
pub struct App {
    pub router: Router,
    /// The OpenAPI document of the routes.
    pub document: OpenApi,
    pub catalog: Catalog,
    pub voice: Voice,
    pub jobs: Jobs,
    pub db: Db,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the database cannot be used: {0}")]
    Db(#[from] DbError),
    #[error("the data folder cannot be used: {0}")]
    Media(#[from] MediaFault),
    #[error("the data folder {0} cannot be made: {1}")]
    DataFolder(std::path::PathBuf, std::io::Error),
    #[error("the job queue cannot start: {0}")]
    Jobs(#[from] JobsError),
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
}

impl App {
    /// Opens the data, brings the tables up to date, starts the workers.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_with(config, Engines::bundled(&config.assets_dir)).await
    }

    /// The same with other engines.
    pub async fn start_with(config: &Config, engines: Engines) -> Result<Self, StartError> {
        let data = &config.data_dir;
        std::fs::create_dir_all(data).map_err(|e| StartError::DataFolder(data.clone(), e))?;
        sweep(&data.join("scratch"));
        let db = Db::open(&config.database_url()).await?;
        db.migrate(&[sori_catalog::MIGRATIONS, sori_voice::MIGRATIONS, sori_jobs::MIGRATIONS]).await?;
        let media: Arc<dyn MediaStore> = Arc::new(LocalStore::open(data.join("media")).await?);
        let jobs =
            Jobs::new(db.clone(), JobsConfig { workers: config.workers, ..JobsConfig::default() }).await?;
        let queue: Arc<dyn JobQueue> = Arc::new(jobs.clone());
        let catalog = Catalog::new(db.clone()).with_queue(Arc::clone(&queue));
        let voice = Voice::new(VoiceParts {
            db: db.clone(),
            engines,
            cache: LineCache::open(data.join("lines"))?,
            encoders: Arc::new(FfmpegEncoders),
            media: Arc::clone(&media),
            queue,
            listener: Arc::new(flows::keep_catalog_in_step::KeepCatalogInStep(catalog.clone())),
            scratch: data.join("scratch"),
            lanes: config.lanes(),
        });
        jobs.start(voice.handlers()).await?;
        let (routes, document) =
            api(&catalog, &voice, &jobs, Renderings::new(db.clone()), media, &db).split_for_parts();
        Ok(Self { router: router(routes, document.clone()), document, catalog, voice, jobs, db })
    }
}

/// What a killed server was writing is worth nothing: its lines are in the cache, its jobs in the queue.
fn sweep(scratch: &std::path::Path) {
    if let Err(error) = std::fs::remove_dir_all(scratch)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "old scratch files stay");
    }
}

fn api(
    catalog: &Catalog,
    voice: &Voice,
    jobs: &Jobs,
    renderings: Renderings,
    media: Arc<dyn MediaStore>,
    db: &Db,
) -> OpenApiRouter {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(catalog.routes())
        .merge(voice.routes())
        .merge(jobs.routes())
        .merge(flows::render_script::routes(catalog.clone(), voice.clone()))
        .merge(flows::serve_rendering_audio::routes(renderings, media))
        .merge(health::routes(db.clone(), voice.clone()))
}

fn router(routes: Router, document: OpenApi) -> Router {
    routes
        .merge(openapi::routes(document))
        .merge(web::routes())
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .layer(middleware::from_fn(observe::observe))
}
