//! Sessions: one's own, everybody's, and what was.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use sori_contracts::StreamId;
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, SignedIn, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{HistoryView, Sessions, StreamView};

pub(super) fn routes() -> OpenApiRouter<Sessions> {
    OpenApiRouter::new()
        .routes(routes!(end_session, change_session))
        .routes(routes!(list_my_streams))
        .routes(routes!(list_streams))
        .routes(routes!(get_history, clear_history))
}

/// End a session
///
/// Its slot is free at once. An admin may end anybody's.
#[utoipa::path(delete, path = "/api/v1/audio/sessions/{id}", operation_id = "end_session", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("id" = StreamId, Path, description = "Session")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "`SESSION_NOT_FOUND`: no such session of yours is open", body = ProblemBody),
    ))]
async fn end_session(
    State(sessions): State<Sessions>,
    Who(caller): Who,
    Path(id): Path<StreamId>,
) -> Result<StatusCode, Problem> {
    sessions.end(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionChange {
    /// Whether it plays. A session that is paused is kept for a quarter of an hour.
    playing: bool,
}

/// Pause a session, or go on
#[utoipa::path(patch, path = "/api/v1/audio/sessions/{id}", operation_id = "change_session", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("id" = StreamId, Path, description = "Session")),
    request_body = SessionChange,
    responses(
        (status = 204, description = "Noted"),
        (status = 404, description = "`SESSION_NOT_FOUND`: no such session of yours is open", body = ProblemBody),
    ))]
async fn change_session(
    State(sessions): State<Sessions>,
    Who(caller): Who,
    Path(id): Path<StreamId>,
    Json(change): Json<SessionChange>,
) -> Result<StatusCode, Problem> {
    sessions.hear(&caller, id, Some(change.playing)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What you are listening to now, on all devices
#[utoipa::path(get, path = "/api/me/streams", operation_id = "list_my_streams", tag = "streaming",
    security(("account" = ["scripts:read"])),
    params(PageQuery),
    responses((status = 200, description = "Open sessions, newest first", body = Page<StreamView>)))]
async fn list_my_streams(
    State(sessions): State<Sessions>,
    SignedIn(member): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<StreamView>>, Problem> {
    Ok(Json(sessions.streams(Some(member.account), &page).await?))
}

/// Everybody's open sessions
#[utoipa::path(get, path = "/api/admin/streams", operation_id = "list_streams", tag = "streaming",
    security(("account" = ["admin", "role:admin"])),
    params(PageQuery),
    responses((status = 200, description = "Open sessions of all servers, newest first", body = Page<StreamView>)))]
async fn list_streams(
    State(sessions): State<Sessions>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<StreamView>>, Problem> {
    Ok(Json(sessions.streams(None, &page).await?))
}

/// What you listened to and watched
#[utoipa::path(get, path = "/api/me/history", operation_id = "get_history", tag = "streaming",
    security(("account" = ["account"])),
    params(PageQuery),
    responses((status = 200, description = "Sessions, newest first", body = Page<HistoryView>)))]
async fn get_history(
    State(sessions): State<Sessions>,
    SignedIn(member): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<HistoryView>>, Problem> {
    Ok(Json(sessions.history(member.account, &page).await?))
}

/// Forget what you listened to and watched
#[utoipa::path(delete, path = "/api/me/history", operation_id = "clear_history", tag = "streaming",
    security(("account" = ["account"])),
    responses((status = 204, description = "Forgotten; what is open stays")))]
async fn clear_history(
    State(sessions): State<Sessions>,
    SignedIn(member): SignedIn,
) -> Result<StatusCode, Problem> {
    sessions.clear_history(member.account).await?;
    Ok(StatusCode::NO_CONTENT)
}
