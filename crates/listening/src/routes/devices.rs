//! `/v1/devices`: the players of an account. (Its sign-ins are `/api/me/devices`.)

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use sori_http::{Json, Path, Problem, ProblemBody, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input;
use crate::{Listening, device::DeviceId, devices::DeviceView};

pub(super) const NAME_CHARS: usize = 80;

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new().routes(routes!(list_players)).routes(routes!(change_player, remove_player))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Devices {
    /// At most 50.
    items: Vec<DeviceView>,
}

/// The devices you listen on, the last first
#[utoipa::path(get, path = "/v1/devices", operation_id = "list_players", tag = "listening",
    security(("account" = ["scripts:read"])),
    responses((status = 200, description = "All of them", body = Devices)))]
async fn list_players(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
) -> Result<Json<Devices>, Problem> {
    Ok(Json(Devices { items: listening.devices(member.account).await? }))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct PlayerChange {
    /// Empty or `null` takes the name off.
    name: Option<String>,
}

/// Call a device by a name
#[utoipa::path(patch, path = "/v1/devices/{id}", operation_id = "change_player", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("id" = String, Path, description = "Device")),
    request_body = PlayerChange,
    responses(
        (status = 200, description = "The device", body = DeviceView),
        (status = 404, description = "`DEVICE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn change_player(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(id): Path<String>,
    Json(change): Json<PlayerChange>,
) -> Result<Json<DeviceView>, Problem> {
    let name = input::optional_text("name", change.name.as_deref(), NAME_CHARS)?;
    Ok(Json(listening.rename_device(member.account, &DeviceId::parse(&id)?, name).await?))
}

/// Forget a device
#[utoipa::path(delete, path = "/v1/devices/{id}", operation_id = "remove_player", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("id" = String, Path, description = "Device")),
    responses(
        (status = 204, description = "Forgotten; when it is used again it comes back"),
        (status = 404, description = "`DEVICE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn remove_player(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    listening.remove_device(member.account, &DeviceId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
