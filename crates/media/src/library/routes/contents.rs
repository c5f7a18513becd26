//! `/v1/contents`: what was uploaded.

use axum::{
    body::HttpBody,
    extract::{
        FromRequest, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, TryStreamExt, channel::mpsc, future, stream};
use sori_contracts::{ByteStream, Caller, ContentId, MediaFault};
use sori_http::{Json, Once, Page, PageQuery, Path, Problem, ProblemBody, Query, SignedIn, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::library::{
    ContentChange, ContentView, Library, LibraryFault, Wishes, contents::ContentFilter, routes::pieces,
};

pub(super) fn routes() -> OpenApiRouter<Library> {
    OpenApiRouter::new().routes(routes!(list_contents, create_content)).routes(routes!(
        get_content,
        change_content,
        delete_content
    ))
}

/// What was uploaded
///
/// Newest first.
#[utoipa::path(get, path = "/v1/contents", operation_id = "list_contents", tag = "contents",
    security((), ("account" = ["scripts:read"])),
    params(ContentFilter, PageQuery),
    responses((status = 200, description = "One page", body = Page<ContentView>)))]
async fn list_contents(
    State(library): State<Library>,
    Who(caller): Who,
    Query(filter): Query<ContentFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ContentView>>, Problem> {
    Ok(Json(library.list(&caller, &filter, &page).await?))
}

/// Upload a file at once
///
/// The body is the file, or `multipart/form-data` with it in the field `file`. For large files and bad
/// lines there is `/v1/uploads`.
#[utoipa::path(post, path = "/v1/contents", operation_id = "create_content", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(Wishes),
    request_body(content((Vec<u8> = "application/octet-stream"), (Object = "multipart/form-data"))),
    responses(
        (status = 201, description = "It can be played at once", body = ContentView),
        (status = 400, description = "`AUDIO_FORMAT_UNSUPPORTED` with the formats that are; `BODY_BROKEN`", body = ProblemBody),
        (status = 409, description = "`CONTENTS_FULL`", body = ProblemBody),
        (status = 413, description = "`CONTENT_TOO_LARGE`", body = ProblemBody),
        (status = 507, description = "`STORAGE_FULL`", body = ProblemBody),
    ))]
async fn create_content(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Once(once): Once,
    Query(mut wishes): Query<Wishes>,
    request: Request,
) -> Result<Response, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    let at_most = request.body().size_hint().upper();
    let id = if is_form {
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|refused| LibraryFault::from(MediaFault::BodyBroken(refused.body_text())))?;
        let field = loop {
            match form.next_field().await.map_err(broken)? {
                None => return Err(LibraryFault::Unsupported { reason: "no file in the form".into() }.into()),
                Some(field) if field.name() == Some("file") => break field,
                Some(_) => {}
            }
        };
        wishes.filename = wishes.filename.or_else(|| field.file_name().map(str::to_owned));
        // A field lives as long as its form: what is read of it goes on by a channel.
        let (sender, receiver) = mpsc::channel(1);
        let (id, _) = tokio::join!(
            library.take_in(member, &wishes, at_most, to_the_end(receiver), once),
            feed(field, sender)
        );
        id?
    } else {
        library.take_in(member, &wishes, at_most, pieces(request.into_body()), once).await?
    };
    let view = library.view(&Caller::Account(member), id).await?;
    let location = [(header::LOCATION, format!("/v1/contents/{id}"))];
    Ok((StatusCode::CREATED, location, axum::Json(view)).into_response())
}

/// Pieces of a field; an empty one says that it came to its end.
async fn feed(
    field: Field<'_>,
    mut sender: mpsc::Sender<Result<Bytes, MediaFault>>,
) -> Result<(), mpsc::SendError> {
    let mut pieces = field.map_err(broken).try_filter(|piece| future::ready(!piece.is_empty()));
    while let Some(piece) = pieces.next().await {
        sender.send(piece).await?;
    }
    sender.send(Ok(Bytes::new())).await
}

/// The pieces up to the empty one; a channel that ends without it broke off.
fn to_the_end(receiver: mpsc::Receiver<Result<Bytes, MediaFault>>) -> ByteStream {
    Box::pin(stream::unfold(receiver, |mut receiver| async {
        match receiver.next().await {
            Some(Ok(piece)) if piece.is_empty() => None,
            Some(piece) => Some((piece, receiver)),
            None => Some((Err(MediaFault::BodyBroken("the form did not end".into())), receiver)),
        }
    }))
}

fn broken(error: MultipartError) -> MediaFault {
    MediaFault::BodyBroken(error.body_text())
}

/// One uploaded content
#[utoipa::path(get, path = "/v1/contents/{id}", operation_id = "get_content", tag = "contents",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ContentId, Path, description = "Content")),
    responses(
        (status = 200, description = "It", body = ContentView),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_content(
    State(library): State<Library>,
    Who(caller): Who,
    Path(id): Path<ContentId>,
) -> Result<Json<ContentView>, Problem> {
    Ok(Json(library.view(&caller, id).await?))
}

/// Change what is said about a content
#[utoipa::path(patch, path = "/v1/contents/{id}", operation_id = "change_content", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Content")),
    responses(
        (status = 200, description = "As it is now", body = ContentView),
        (status = 400, description = "`FIELD_INVALID`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may only see it, or may not publish", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`: this one, or the alternative; `SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn change_content(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
    Json(change): Json<ContentChange>,
) -> Result<Json<ContentView>, Problem> {
    Ok(Json(library.change(&Caller::Account(member), id, change).await?))
}

/// Delete a content and its file
#[utoipa::path(delete, path = "/v1/contents/{id}", operation_id = "delete_content", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Content")),
    responses(
        (status = 204, description = "Gone; who listens hears it to its end"),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may only see it", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_content(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
) -> Result<StatusCode, Problem> {
    library.delete(&Caller::Account(member), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
