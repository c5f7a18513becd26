//! `PUT /api/v1/audio/progress`: a position within a streaming session.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use sori_contracts::{Caller, StreamId};
use sori_http::{Json, Problem, ProblemBody, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{input, progress::written, time::ClientTime};
use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    progress::{Progress, Report},
};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new().routes(routes!(put_session_progress))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct SessionReport {
    /// From `POST /api/v1/audio/play`.
    session_id: StreamId,
    #[schema(example = 1_234_500)]
    position_ms: u64,
    playing: Option<bool>,
    /// The device's clock at that position.
    client_time: Option<ClientTime>,
    /// `version` of what the player knows. A player that names it is answered with 409 when it loses.
    base_version: Option<i64>,
    /// The listener went there on purpose.
    #[serde(default)]
    seek: bool,
    speed: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SessionSaved {
    success: bool,
    /// Whether this position was taken. It is not when newer listening stands.
    accepted: bool,
    #[serde(flatten)]
    progress: Progress,
}

/// Save where you are in a session
///
/// It also says that the player is there: a session that nothing is heard of ends.
#[utoipa::path(put, path = "/api/v1/audio/progress", operation_id = "put_session_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    request_body = SessionReport,
    responses(
        (status = 200, description = "What stands now", body = SessionSaved),
        (status = 404, description = "No such session of yours is open", body = ProblemBody),
        (status = 409, description = "`PROGRESS_CONFLICT`: `details.progress` is what stands", body = ProblemBody),
    ))]
async fn put_session_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Json(given): Json<SessionReport>,
) -> Result<Json<SessionSaved>, Problem> {
    let caller = Caller::Account(member);
    let position_ms = input::position(given.position_ms)?;
    let speed = given.speed.map(input::speed).transpose()?;
    let session = listening.0.sessions.heard_from(&caller, given.session_id, given.playing).await;
    let session = session.map_err(ListeningFault::from)?;
    let report = Report {
        content: session.content,
        position_ms,
        duration_ms: None,
        device: DeviceId::given_or_of(session.device.as_deref(), &member)?,
        client_time_ms: given.client_time.map(ClientTime::ms),
        base_version: given.base_version,
        sought: given.seek,
        playing: given.playing,
        speed,
    };
    let outcome = listening.save(member, report).await?;
    let accepted = outcome.lost.is_none();
    let knows_conflicts = given.base_version.is_some();
    let progress = if knows_conflicts { outcome.or_conflict(written)? } else { outcome.progress };
    Ok(Json(SessionSaved { success: true, accepted, progress }))
}
