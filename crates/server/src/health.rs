//! `/health`: whether this server can do its work, check by check.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sori_db::Db;
use sori_media::Ffmpeg;
use sori_voice::Voice;
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Clone)]
struct Checked {
    db: Db,
    voice: Voice,
}

pub(crate) fn routes(db: Db, voice: Voice) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(health)).with_state(Checked { db, voice })
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Health {
    /// `ok`, `degraded` (serving, but something is missing) or `down`.
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Checks {
    database: Check,
    /// Whether any bundled neural voice is installed.
    voices: Check,
    ffmpeg: Check,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Check {
    ok: bool,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl Check {
    fn of(ok: bool, advice: &'static str) -> Self {
        Self { ok, advice: (!ok).then_some(advice) }
    }
}

/// Whether the server can work
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "server",
    security(()),
    security(()),
    responses(
        (status = 200, description = "Serving; `degraded` when something is missing", body = Health),
        (status = 503, description = "The database cannot be reached", body = Health),
    ))]
async fn health(State(checked): State<Checked>) -> Response {
    let database = checked.db.query("SELECT 1").execute().await.is_ok();
    let voices = checked.voice.has_neural_voice();
    let ffmpeg = tokio::task::spawn_blocking(|| Ffmpeg::find().is_ok()).await.unwrap_or(false);
    let (code, status) = match (database, voices && ffmpeg) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        (true, false) => (StatusCode::OK, "degraded"),
        (true, true) => (StatusCode::OK, "ok"),
    };
    let checks = Checks {
        database: Check::of(database, "see the server's log"),
        voices: Check::of(voices, "run `make assets`"),
        ffmpeg: Check::of(ffmpeg, "apt-get install ffmpeg"),
    };
    (code, axum::Json(Health { status, version: env!("CARGO_PKG_VERSION"), checks })).into_response()
}
