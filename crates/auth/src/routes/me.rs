//! One's own account: profile, devices, data.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{Credential, SessionId};
use sori_http::{AccessFault, Json, Path, Problem, ProblemBody, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::clear_cookies;
use crate::{
    Actor, Auth, AuthFault, Moment, ProfileChange, User,
    audit::{Event, Kind},
};

pub(super) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(get_me, change_me, delete_me))
        .routes(routes!(export_me))
        .routes(routes!(list_devices))
        .routes(routes!(remove_device))
}

/// Who am I
#[utoipa::path(get, path = "/api/me", operation_id = "get_me", tag = "account",
    security(("account" = [])),
    responses(
        (status = 200, description = "The account behind the request", body = User),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn get_me(State(auth): State<Auth>, SignedIn(member): SignedIn) -> Result<Json<User>, Problem> {
    Ok(Json(User::from(&auth.accounts().get(member.account).await?)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct MeChange {
    name: Option<String>,
    /// `ko` or `en`
    language: Option<String>,
}

/// Change one's name or language
#[utoipa::path(patch, path = "/api/me", operation_id = "change_me", tag = "account",
    security(("account" = ["account"])), request_body = MeChange,
    responses(
        (status = 200, description = "As it is now", body = User),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn change_me(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    Json(change): Json<MeChange>,
) -> Result<Json<User>, Problem> {
    let change = ProfileChange { name: change.name, language: change.language };
    Ok(Json(User::from(&auth.accounts().change(member.account, change).await?)))
}

/// Delete one's account and everything that is only theirs
#[utoipa::path(delete, path = "/api/me", operation_id = "delete_me", tag = "account",
    security(("account" = ["account"])),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "Not by an API key: `AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 409, description = "`AUTH_LAST_ADMIN`", body = ProblemBody),
    ))]
async fn delete_me(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
) -> Result<Response, Problem> {
    // A key that leaked must not be able to end the account.
    if !matches!(member.credential, Credential::Session(_) | Credential::External) {
        return Err(AccessFault::Forbidden.into());
    }
    auth.delete_account(member.account, Actor::member(&member, sender.0)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookies(response.headers_mut(), auth.config().is_secure);
    Ok(response)
}

/// Export everything that is one's own
#[utoipa::path(get, path = "/api/me/export", operation_id = "export_me", tag = "account",
    security(("account" = ["account"])),
    responses(
        (status = 200, description = "Account, devices, keys, log, and what every other part has", body = Object),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn export_me(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
) -> Result<Response, Problem> {
    let data = auth.export(member.account).await?;
    let event = Event::new(Kind::AccountExported).about(member.account).by(Actor::member(&member, sender.0));
    event.write_alone(&auth.0.db, auth.0.config.now_ms()).await.map_err(AuthFault::from)?;
    let mut response = Json(data).into_response();
    let attachment = HeaderValue::from_static("attachment; filename=\"sori-account.json\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, attachment);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[derive(Serialize, utoipa::ToSchema)]
struct DeviceView {
    id: SessionId,
    name: String,
    /// From where it was last used.
    address: Option<String>,
    created_at: Moment,
    last_used_at: Moment,
    /// The one that asks.
    is_current: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Devices {
    items: Vec<DeviceView>,
}

/// List the devices that are signed in
#[utoipa::path(get, path = "/api/me/devices", operation_id = "list_devices", tag = "account",
    security(("account" = ["account"])),
    responses(
        (status = 200, description = "The one that was used last comes first", body = Devices),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn list_devices(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
) -> Result<Json<Devices>, Problem> {
    let devices = auth.sessions().list(member.account).await?;
    let view = |device: crate::DeviceEntry| DeviceView {
        id: device.session,
        name: device.name,
        address: device.address,
        created_at: Moment(device.created_at_ms),
        last_used_at: Moment(device.last_used_at_ms),
        is_current: member.credential == Credential::Session(device.session),
    };
    Ok(Json(Devices { items: devices.into_iter().map(view).collect() }))
}

/// Sign a device out
#[utoipa::path(delete, path = "/api/me/devices/{id}", operation_id = "remove_device", tag = "account",
    security(("account" = ["account"])), params(("id" = SessionId, Path, description = "Device")),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`DEVICE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn remove_device(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let event = Event::new(Kind::DeviceRemoved).about(member.account).by(Actor::member(&member, sender.0));
    let event = event.with(serde_json::json!({ "session": id }));
    match auth.sessions().end_with(member.account, id, event).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(AuthFault::DeviceNotFound.into()),
    }
}
