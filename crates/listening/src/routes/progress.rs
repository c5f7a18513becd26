//! `/v1/progress`: everything begun, what was heard offline, the log, and the way back.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use sori_contracts::ContentId;
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, RequestFault, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Listening,
    device::DeviceId,
    progress::{LogEntry, Progress, Replay, ReplayAnswer, Undo},
};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new()
        .routes(routes!(list_progress))
        .routes(routes!(replay_progress))
        .routes(routes!(list_progress_log))
        .routes(routes!(undo_progress))
}

pub(super) fn written(progress: &Progress) -> Value {
    serde_json::to_value(progress).expect("a position can be written as JSON")
}

/// What you have begun, the last first
#[utoipa::path(get, path = "/v1/progress", operation_id = "list_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(PageQuery),
    responses((status = 200, description = "One page of positions", body = Page<Progress>)))]
async fn list_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Progress>>, Problem> {
    let limit = page.limit()?;
    let before: Option<Place> = page.after()?;
    let before = before.map(|Place(ms, id)| (ms, id));
    let rows = listening.recent(member.account, before, limit + 1).await?;
    let key = |progress: &Progress| format!("{}.{}", progress.updated_at_ms, progress.content_id);
    Ok(Json(Page::cut(rows, limit, key)))
}

/// A place in the list.
struct Place(i64, ContentId);

impl std::str::FromStr for Place {
    type Err = RequestFault;

    fn from_str(text: &str) -> Result<Self, RequestFault> {
        let parts = text.split_once('.').and_then(|(ms, id)| Some(Self(ms.parse().ok()?, id.parse().ok()?)));
        parts.ok_or_else(|| RequestFault::Malformed("cursor".into()))
    }
}

/// Tell what was heard without a connection
///
/// Entries are placed by how long before `sent_at` they were, so the device's clock may be wrong. Of
/// two devices whichever was listened on later wins. Sending the same again changes nothing.
#[utoipa::path(post, path = "/v1/progress/replay", operation_id = "replay_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    request_body = Replay,
    responses((status = 200, description = "What became of each, and what stands now", body = ReplayAnswer)))]
async fn replay_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Json(replay): Json<Replay>,
) -> Result<Json<ReplayAnswer>, Problem> {
    Ok(Json(listening.replay(member, &replay).await?))
}

/// Every update of a position that came, newest first
///
/// The last 200, and the last 50 by which listening was lost or jumped far.
#[utoipa::path(get, path = "/v1/progress/{content_id}/log", operation_id = "list_progress_log", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content"), PageQuery),
    responses(
        (status = 200, description = "One page of updates", body = Page<LogEntry>),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_progress_log(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LogEntry>>, Problem> {
    let limit = page.limit()?;
    let rows = listening.log(member, content, page.after()?, limit + 1).await?;
    Ok(Json(Page::cut(rows, limit, |entry: &LogEntry| entry.number.to_string())))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct UndoOrder {
    /// An entry of the log to go back to; the place before the last jump when left out.
    number: Option<i64>,
    device_id: Option<String>,
}

/// Go back to a position that was lost
///
/// To where the last jump came from, or to what an older device had heard that did not come through.
/// A second time goes forth again.
#[utoipa::path(post, path = "/v1/progress/{content_id}/undo", operation_id = "undo_progress", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content")),
    request_body = UndoOrder,
    responses(
        (status = 200, description = "What stands now", body = Progress),
        (status = 404, description = "`CONTENT_NOT_FOUND` or `NOTHING_TO_UNDO`", body = ProblemBody),
    ))]
async fn undo_progress(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(content): Path<ContentId>,
    Json(order): Json<UndoOrder>,
) -> Result<Json<Progress>, Problem> {
    let device = DeviceId::given_or_of(order.device_id.as_deref(), &member)?;
    let undo = order.number.map_or(Undo::LastJump, Undo::Entry);
    Ok(Json(listening.undo(member, content, &device, undo).await?))
}
