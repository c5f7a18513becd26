//! The wiring: every block gets what it needs, and their routes become one router.

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use sori_auth::{Auth, AuthFault};
use sori_catalog::Catalog;
use sori_contracts::{Contents, MediaFault};
use sori_db::{Clock, Db, DbError, JobQueue};
use sori_events::Bus;
use sori_jobs::{Jobs, JobsConfig, JobsError};
use sori_listening::{Clips, Listening, ListeningParts};
use sori_media::{Library, LibraryParts, ffmpeg::FfmpegPackager};
use sori_metering::{Metering, MeteringParts, Metrics};
use sori_streaming::{Hls, HlsParts, SessionParts, Sessions, Streaming};
use sori_voice::{Engines, LineCache, Voice, VoiceParts};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    accounts,
    border::{Border, Secret, outgoing, secret},
    config::Config,
    encoders::FfmpegEncoders,
    flows, health,
    idempotency::Idempotency,
    observe, openapi,
    serve::Sockets,
    storage::Storage,
    tls::{Certificate, TlsError},
    web,
};

/// A running product without its listener.
pub struct App {
    pub router: Router,
    /// The OpenAPI document of the routes.
    pub document: OpenApi,
    pub auth: Auth,
    pub catalog: Catalog,
    pub voice: Voice,
    pub jobs: Jobs,
    pub listening: Listening,
    pub hls: Hls,
    pub sessions: Sessions,
    pub metering: Metering,
    /// What happens, as it happens.
    pub events: Bus,
    pub db: Db,
    /// What the routes ask of a caller.
    pub border: Border,
    /// With it the server speaks TLS.
    pub certificate: Option<Arc<Certificate>>,
    pub(crate) sockets: Sockets,
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
    #[error("the secret of the data folder cannot be read or made: {0}")]
    Secret(#[source] std::io::Error),
    #[error("accounts: {0}")]
    Auth(#[from] AuthFault),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
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
        db.migrate(&[
            sori_auth::MIGRATIONS,
            sori_catalog::MIGRATIONS,
            sori_media::MIGRATIONS,
            sori_voice::MIGRATIONS,
            sori_jobs::MIGRATIONS,
            sori_listening::MIGRATIONS,
            sori_streaming::MIGRATIONS,
            sori_metering::MIGRATIONS,
            crate::MIGRATIONS,
        ])
        .await?;
        let secret = Secret::load(config).map_err(StartError::Secret)?;
        let certificate = match (&config.tls_certificate, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(Certificate::load(certificate, key)?),
            _ => None,
        };
        let auth = accounts::open(db.clone(), config, &secret).await?;
        let Storage { media, files } = Storage::open(config).await?;
        let streaming = Streaming::new(Arc::clone(&files), config.media.send);
        let keep_days = Some(u64::from(config.keep_jobs_days)).filter(|days| *days > 0);
        let job_settings = JobsConfig {
            workers: config.workers,
            keep_finished_for: keep_days.map(|days| Duration::from_secs(days * 86_400)),
            ..JobsConfig::default()
        };
        let jobs = Jobs::new(db.clone(), job_settings).await?;
        let queue: Arc<dyn JobQueue> = Arc::new(jobs.clone());
        let catalog =
            Catalog::new(db.clone()).with_queue(Arc::clone(&queue)).with_accounts(Arc::new(auth.clone()));
        let voice = Voice::new(VoiceParts {
            db: db.clone(),
            engines,
            cache: LineCache::open(data.join("lines"))?,
            encoders: Arc::new(FfmpegEncoders),
            media: Arc::clone(&media),
            queue: Arc::clone(&queue),
            scripts: Arc::new(flows::ask_catalog::AskCatalog(catalog.clone())),
            listener: Arc::new(flows::keep_catalog_in_step::KeepCatalogInStep(catalog.clone())),
            scratch: data.join("scratch"),
            lanes: config.lanes(),
        });
        let library = Library::open(LibraryParts {
            db: db.clone(),
            store: Arc::clone(&media),
            packager: Arc::new(FfmpegPackager),
            shows: Arc::new(flows::ask_catalog::AskCatalog(catalog.clone())),
            folder: data.join("uploads"),
            settings: config.media.library(),
        })
        .await?;
        let find = flows::find_content::FindContent::new(
            catalog.clone(),
            voice.clone(),
            library.clone(),
            Clips::new(db.clone()),
        );
        let contents: Arc<dyn Contents> = Arc::new(find.clone());
        let (events, metrics) = (Bus::default(), Metrics::new());
        let announce = metrics.counting(Arc::new(events.clone()));
        let sessions = Sessions::new(SessionParts {
            db: db.clone(),
            streaming: streaming.clone(),
            contents: Arc::clone(&contents),
            announce: Arc::clone(&announce),
            limits: config.limits.streams,
            clock: Clock::system(),
        });
        let listening = Listening::new(ListeningParts {
            db: db.clone(),
            contents: Arc::clone(&contents),
            sessions: Arc::new(sessions.clone()),
            lines: Arc::new(flows::ask_catalog::AskCatalog(catalog.clone())),
            cutter: Arc::new(flows::cut_clip::CutClips {
                voice: voice.clone(),
                media: Arc::clone(&media),
                files: Arc::clone(&files),
                scratch: data.join("scratch"),
            }),
            queue: Arc::clone(&queue),
            check_every: sori_listening::CHECK_EVERY,
        });
        let hls = Hls::new(HlsParts {
            db: db.clone(),
            streaming: streaming.clone(),
            sessions: sessions.clone(),
            media,
            files,
            packager: Arc::new(FfmpegPackager),
            contents,
            captions: Arc::new(flows::show_captions::ShowCaptions(voice.clone())),
            queue: Arc::clone(&queue),
            announce,
            folder: data.join("packages"),
            workers: config.media.packagers(),
            keep_unused: config.media.keep_packages(),
        });
        let metering = Metering::new(MeteringParts {
            db: db.clone(),
            clock: Clock::system(),
            queue,
            outgoing: outgoing(config),
            gauges: Arc::new(flows::read_gauges::ReadGauges {
                jobs: jobs.clone(),
                sessions: sessions.clone(),
                streaming: streaming.clone(),
            }),
            metrics: metrics.clone(),
            metrics_settings: config.metrics.clone(),
            alert_settings: config.alerts.clone(),
        });
        let queues = flows::subsonic::PlayQueues::new(db.clone());
        // Jobs first: what they are about to make would outlive what is forgotten before them.
        auth.set_personal_data(vec![
            Arc::new(jobs.clone()),
            Arc::new(voice.clone()),
            Arc::new(catalog.clone()),
            Arc::new(library.clone()),
            Arc::new(listening.clone()),
            Arc::new(sessions.clone()),
            Arc::new(queues.clone()),
        ]);
        jobs.start(
            [
                flows::forget_script::handlers(&voice, &listening),
                hls.handlers(),
                listening.handlers(),
                metering.handlers(),
            ]
            .concat(),
        )
        .await?;
        let podcasts = flows::podcast::Podcasts {
            auth: auth.clone(),
            catalog: catalog.clone(),
            voice: voice.clone(),
            streaming: streaming.clone(),
            sessions: sessions.clone(),
            public_url: config.public_url.clone(),
        };
        let routes = [
            auth.routes(),
            catalog.routes(),
            voice.routes(),
            library.routes(),
            jobs.routes(),
            listening.routes(),
            hls.routes(),
            sessions.routes(),
            metering.routes(),
            flows::play_script::routes(flows::play_script::Radio {
                sessions: sessions.clone(),
                hls: hls.clone(),
                resumes: Arc::new(listening.clone()),
            }),
            flows::render_script::routes(catalog.clone(), voice.clone()),
            flows::serve_rendering_audio::routes(voice.clone(), streaming.clone(), sessions.clone()),
            flows::serve_clip::routes(find.clone(), streaming),
            flows::subsonic::routes(flows::subsonic::Subsonic {
                auth: auth.clone(),
                catalog: catalog.clone(),
                voice: voice.clone(),
                contents: find,
                sessions: sessions.clone(),
                listening: listening.clone(),
                queues,
                public_url: config.public_url.clone(),
            }),
            flows::podcast::routes(podcasts),
            health::routes(db.clone(), voice.clone()),
        ];
        let base = OpenApiRouter::with_openapi(openapi::base());
        let (routes, document) = routes.into_iter().fold(base, OpenApiRouter::merge).split_for_parts();
        let border = Border::new(
            config,
            &document,
            Arc::new(auth.clone()),
            secret::url_signer(&secret, config),
            Idempotency::new(db.clone(), &secret),
        );
        let document = openapi::publish(document);
        let router = router(
            &border,
            routes,
            document.clone(),
            observe::Observed { is_secure: config.is_secure(), metrics },
        );
        let sockets = Sockets {
            most: config.limits.connections as usize,
            send_buffer_bytes: Some(config.media.send_buffer as usize).filter(|bytes| *bytes > 0),
        };
        Ok(Self {
            router,
            document,
            auth,
            catalog,
            voice,
            jobs,
            listening,
            hls,
            sessions,
            metering,
            events,
            db,
            border,
            certificate,
            sockets,
        })
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

fn router(border: &Border, routes: Router, document: OpenApi, observed: observe::Observed) -> Router {
    let routes = border.around_api(routes).merge(openapi::routes(document)).merge(web::routes());
    border
        .around_all(routes.layer(tower_http::catch_panic::CatchPanicLayer::new()))
        .layer(from_fn_with_state(observed, observe::observe))
}
