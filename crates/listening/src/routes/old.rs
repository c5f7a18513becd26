//! `/api/progress/{content_id}` as earlier clients know it: seconds, and a `success` that is always
//! true. A client that names neither its device nor a version does not understand a conflict: it is
//! told what stands with 200, and what it said is in the log. One that names either gets 409.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sori_contracts::{ContentId, Moment};
use sori_http::{Json, Path, Problem, ProblemBody, Query, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{input, time::ClientTime};
use crate::{
    Listening,
    device::DeviceId,
    progress::{Progress, Report},
};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new().routes(routes!(get_progress, put_progress))
}

/// A position in seconds.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct OldReport {
    #[schema(example = 1_234.5)]
    position: f64,
    #[schema(example = 7_200.0)]
    duration: Option<f64>,
    /// A name that the player gives itself and keeps; its sign-in when left out.
    device_id: Option<String>,
    /// The device's clock at that position.
    client_time: Option<ClientTime>,
    /// `version` of what the player knows.
    base_version: Option<i64>,
    /// The listener went there on purpose: needed to go back to the start.
    #[serde(default)]
    seek: bool,
    playing: Option<bool>,
    speed: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OldSaved {
    /// Always true: the request was understood.
    success: bool,
    /// Of what stands now.
    #[schema(example = 17)]
    progress_percent: u8,
    /// Whether this position was taken. It is not when newer listening stands.
    accepted: bool,
    version: i64,
    /// Seconds.
    position: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OldProgress {
    content_id: ContentId,
    /// Seconds.
    #[schema(example = 1_234.5)]
    position: f64,
    /// Seconds; 0 while it is unknown.
    #[schema(example = 7_200.0)]
    duration: f64,
    #[schema(example = 17)]
    progress_percent: u8,
    updated_at: Moment,
    version: i64,
    device_id: String,
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

impl From<&Progress> for OldProgress {
    fn from(progress: &Progress) -> Self {
        Self {
            content_id: progress.content_id,
            position: seconds(progress.position_ms),
            duration: progress.duration_ms.map_or(0.0, seconds),
            progress_percent: progress.progress_percent.unwrap_or(0),
            updated_at: Moment(progress.updated_at_ms),
            version: progress.version,
            device_id: progress.device_id.clone(),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asking {
    /// The player that asks; its sign-in when left out.
    device_id: Option<String>,
}

/// Where you are in a content
#[utoipa::path(get, path = "/api/progress/{content_id}", operation_id = "get_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content"), Asking),
    responses(
        (status = 200, description = "The position, in seconds", body = OldProgress),
        (status = 404, description = "`CONTENT_NOT_FOUND`, or `PROGRESS_NOT_FOUND`: not begun", body = ProblemBody),
    ))]
async fn get_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
    Query(asking): Query<Asking>,
) -> Result<Json<OldProgress>, Problem> {
    let device = DeviceId::given_or_of(asking.device_id.as_deref(), &member)?;
    Ok(Json((&listening.progress_for(member, content, &device).await?).into()))
}

/// Save where you are
///
/// Newer listening is never overwritten: an update that does not know what stands, or that is at the
/// start without `seek`, loses. The loser is told what stands: with 409 when it named its device or a
/// version, else with 200 and `accepted: false`.
#[utoipa::path(put, path = "/api/progress/{content_id}", operation_id = "put_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content")),
    request_body = OldReport,
    responses(
        (status = 200, description = "What stands now", body = OldSaved),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`PROGRESS_CONFLICT`: `details.progress` is what stands", body = ProblemBody),
    ))]
async fn put_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
    Json(given): Json<OldReport>,
) -> Result<Json<OldSaved>, Problem> {
    let knows_conflicts = given.device_id.is_some() || given.base_version.is_some();
    let report = Report {
        content,
        position_ms: input::seconds("position", given.position)?,
        duration_ms: given.duration.map(|duration| input::seconds("duration", duration)).transpose()?,
        device: DeviceId::given_or_of(given.device_id.as_deref(), &member)?,
        client_time_ms: given.client_time.map(ClientTime::ms),
        base_version: given.base_version,
        sought: given.seek,
        playing: given.playing,
        speed: given.speed.map(input::speed).transpose()?,
    };
    let outcome = listening.save(member, report).await?;
    let accepted = outcome.lost.is_none();
    let progress = if knows_conflicts { outcome.or_conflict(written)? } else { outcome.progress };
    Ok(Json(OldSaved {
        success: true,
        progress_percent: progress.progress_percent.unwrap_or(0),
        accepted,
        version: progress.version,
        position: seconds(progress.position_ms),
    }))
}

fn written(progress: &Progress) -> Value {
    serde_json::to_value(OldProgress::from(progress)).expect("a position can be written as JSON")
}
