//! `/v1/playback/{content_id}`: speed and A-B repeat, remembered.

use axum::extract::State;
use serde::Deserialize;
use sori_contracts::{Caller, ContentId};
use sori_http::{Json, Path, Problem, ProblemBody, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    playback::{PlaybackView, Span},
};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new().routes(routes!(get_playback, put_playback))
}

/// How you listen to a content
#[utoipa::path(get, path = "/v1/playback/{content_id}", operation_id = "get_playback", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content")),
    responses(
        (status = 200, description = "What is remembered, or speed 1 and no repeat", body = PlaybackView),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_playback(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
) -> Result<Json<PlaybackView>, Problem> {
    let found = listening.0.contents.content(&Caller::Account(member), content).await;
    found.map_err(ListeningFault::from)?;
    Ok(Json(listening.playback(member.account, content).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct PlaybackOrder {
    /// 0.1 to 8.
    #[schema(example = 1.25)]
    speed: f64,
    /// A-B repeat; none when left out.
    #[serde(rename = "loop")]
    repeat: Option<Span>,
    /// Whose change it is: the other devices are told.
    device_id: Option<String>,
}

/// Remember how you listen to a content
#[utoipa::path(put, path = "/v1/playback/{content_id}", operation_id = "put_playback", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content")),
    request_body = PlaybackOrder,
    responses(
        (status = 200, description = "What is remembered", body = PlaybackView),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn put_playback(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
    Json(order): Json<PlaybackOrder>,
) -> Result<Json<PlaybackView>, Problem> {
    let device = DeviceId::given_or_of(order.device_id.as_deref(), &member)?;
    Ok(Json(listening.set_playback(member, &device, content, order.speed, order.repeat).await?))
}
