//! `GET /v1/clips/{id}/file/{format}`: the clips know which object it is, the streaming block sends it.

use axum::{extract::State, http::header, response::Response};
use serde::Deserialize;
use sori_contracts::{ContentId, Contents as _, MediaFault, MediaId};
use sori_http::{Path, Problem, ProblemBody, Query, Who};
use sori_streaming::{Asked, Streaming};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::find_content::FindContent;

#[derive(Clone)]
struct Blocks {
    contents: FindContent,
    streaming: Streaming,
}

pub fn routes(contents: FindContent, streaming: Streaming) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_clip_file)).with_state(Blocks { contents, streaming })
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct FileQuery {
    /// Answer as a file to keep.
    #[serde(default)]
    download: bool,
}

/// A clip as a file, by range
#[utoipa::path(get, path = "/v1/clips/{id}/file/{format}", operation_id = "get_clip_file", tag = "listening",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ContentId, Path, description = "Clip"),
        ("format" = String, Path, description = "One of the clip's files", example = "m4a"), FileQuery),
    responses(
        (status = 200, description = "The whole file", content_type = "audio/mp4", body = String),
        (status = 206, description = "The range that was asked for (RFC 9110, 14)", content_type = "audio/mp4", body = String),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "No such clip, or not in this format", body = ProblemBody),
        (status = 412, description = "`PRECONDITION_FAILED`: `If-Match` names another file", body = ProblemBody),
        (status = 416, description = "The range lies outside of the file", body = ProblemBody),
    ))]
async fn get_clip_file(
    State(blocks): State<Blocks>,
    Who(caller): Who,
    Path((id, format)): Path<(ContentId, String)>,
    Query(query): Query<FileQuery>,
    asked: Asked,
) -> Result<Response, Problem> {
    let content = blocks.contents.content(&caller, id).await.map_err(Problem::from_boxed)?;
    let file = content.files.iter().find(|file| file.format == format);
    let file = file.ok_or(MediaFault::NotFound(MediaId(id.0)))?;
    let mut response = blocks.streaming.answer(file.media, asked).await?;
    if query.download {
        let name = sori_http::attachment(&content.title, &file.format);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
