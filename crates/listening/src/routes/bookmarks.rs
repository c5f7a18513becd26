//! `/api/mypage/bookmarks/`: under the names of the dubbing API (seconds, tokens), with ours beside them.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use sori_contracts::{BookmarkId, ContentId, LineId, Moment};
use sori_http::{Json, Path, Problem, ProblemBody, Query, RequestFault, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input;
use crate::{
    Listening,
    bookmarks::{Bookmark, Mark, NOTE_CHARS},
};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new()
        .routes(routes!(list_bookmarks, add_bookmark))
        .routes(routes!(change_bookmark, remove_bookmark))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BookmarkView {
    id: BookmarkId,
    content_id: ContentId,
    /// The line that was marked; the older API calls it a token.
    token_id: Option<LineId>,
    start_ms: u64,
    /// `null` for a place without length.
    end_ms: Option<u64>,
    /// The same in seconds.
    start_time: f64,
    end_time: Option<f64>,
    note: Option<String>,
    created_at: Moment,
    updated_at: Moment,
}

impl From<Bookmark> for BookmarkView {
    fn from(bookmark: Bookmark) -> Self {
        let seconds = |ms: i64| ms as f64 / 1_000.0;
        Self {
            id: BookmarkId(bookmark.id),
            content_id: ContentId(bookmark.content_id),
            token_id: bookmark.line_id.map(LineId),
            start_ms: bookmark.start_ms as u64,
            end_ms: bookmark.end_ms.map(|end| end as u64),
            start_time: seconds(bookmark.start_ms),
            end_time: bookmark.end_ms.map(seconds),
            note: bookmark.note,
            created_at: Moment(bookmark.created_at_ms),
            updated_at: Moment(bookmark.updated_at_ms),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct BookmarksQuery {
    /// Only of this content.
    content_id: Option<ContentId>,
}

/// Your bookmarks, newest first
#[utoipa::path(get, path = "/api/mypage/bookmarks/", operation_id = "list_bookmarks", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(BookmarksQuery),
    responses((status = 200, description = "All of them, 2000 at the most", body = Vec<BookmarkView>)))]
async fn list_bookmarks(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Query(query): Query<BookmarksQuery>,
) -> Result<Json<Vec<BookmarkView>>, Problem> {
    let bookmarks = listening.bookmarks(member, query.content_id).await?;
    Ok(Json(bookmarks.into_iter().map(BookmarkView::from).collect()))
}

/// A line by `token_id`, or a place or span of a content by `content_id`; times in milliseconds or
/// seconds.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct NewBookmark {
    #[serde(alias = "script_id")]
    content_id: Option<ContentId>,
    #[serde(alias = "line_id")]
    token_id: Option<LineId>,
    #[schema(example = 61_000)]
    start_ms: Option<u64>,
    #[schema(example = 64_500)]
    end_ms: Option<u64>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    /// Up to 2000 characters.
    note: Option<String>,
}

fn ms(field: &'static str, ms: Option<u64>, seconds: Option<f64>) -> Result<Option<u64>, RequestFault> {
    match (ms, seconds) {
        (Some(ms), _) => input::position(ms).map(Some),
        (None, Some(seconds)) => input::seconds(field, seconds).map(Some),
        (None, None) => Ok(None),
    }
}

impl NewBookmark {
    fn mark(&self) -> Result<Mark, RequestFault> {
        let start_ms = ms("start_time", self.start_ms, self.start_time)?;
        let end_ms = ms("end_time", self.end_ms, self.end_time)?;
        match (self.token_id, self.content_id) {
            (Some(line), _) => Ok(Mark::Line { line, start_ms, end_ms }),
            (None, Some(content)) => Ok(Mark::Span { content, start_ms: start_ms.unwrap_or(0), end_ms }),
            (None, None) => Err(input::refused(
                "content_id",
                "Name what is marked: content_id or token_id.".into(),
                "content_id나 token_id로 표시할 대상을 지정해 주세요.".into(),
            )),
        }
    }
}

/// Mark a line, a place or a span
#[utoipa::path(post, path = "/api/mypage/bookmarks/", operation_id = "add_bookmark", tag = "listening",
    security(("account" = ["scripts:read"])),
    request_body = NewBookmark,
    responses(
        (status = 201, description = "The bookmark", body = BookmarkView),
        (status = 404, description = "`CONTENT_NOT_FOUND` or `LINE_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`BOOKMARKS_FULL`", body = ProblemBody),
    ))]
async fn add_bookmark(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Json(new): Json<NewBookmark>,
) -> Result<(StatusCode, Json<BookmarkView>), Problem> {
    let note = input::optional_text("note", new.note.as_deref(), NOTE_CHARS)?;
    let bookmark = listening.add_bookmark(member, new.mark()?, note).await?;
    Ok((StatusCode::CREATED, Json(bookmark.into())))
}

/// Only what is named is changed; `null` takes it off.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct BookmarkChange {
    start_ms: Option<u64>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<u64>)]
    end_ms: Option<Option<u64>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
}

/// `null` is something else than nothing.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Change a bookmark's note or span
#[utoipa::path(patch, path = "/api/mypage/bookmarks/{id}", operation_id = "change_bookmark", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("id" = BookmarkId, Path, description = "Bookmark")),
    request_body = BookmarkChange,
    responses(
        (status = 200, description = "The bookmark", body = BookmarkView),
        (status = 404, description = "`BOOKMARK_NOT_FOUND`", body = ProblemBody),
    ))]
async fn change_bookmark(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(id): Path<BookmarkId>,
    Json(change): Json<BookmarkChange>,
) -> Result<Json<BookmarkView>, Problem> {
    let note = match change.note {
        Some(note) => Some(input::optional_text("note", note.as_deref(), NOTE_CHARS)?),
        None => None,
    };
    let start_ms = change.start_ms.map(input::position).transpose()?;
    let end_ms = match change.end_ms {
        Some(Some(end)) => Some(Some(input::position(end)?)),
        other => other,
    };
    let change = |bookmark: &mut Bookmark| {
        bookmark.start_ms = start_ms.map_or(bookmark.start_ms, |start| start as i64);
        bookmark.end_ms = end_ms.map_or(bookmark.end_ms, |end| end.map(|end| end as i64));
        bookmark.note = note.unwrap_or(bookmark.note.take());
    };
    Ok(Json(listening.change_bookmark(member, id, change).await?.into()))
}

/// Take a bookmark off
#[utoipa::path(delete, path = "/api/mypage/bookmarks/{id}", operation_id = "remove_bookmark", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(("id" = BookmarkId, Path, description = "Bookmark")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`BOOKMARK_NOT_FOUND`", body = ProblemBody),
    ))]
async fn remove_bookmark(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(id): Path<BookmarkId>,
) -> Result<StatusCode, Problem> {
    listening.remove_bookmark(member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
