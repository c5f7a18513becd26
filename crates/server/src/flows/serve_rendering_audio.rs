//! `GET /v1/renderings/{id}/audio/{format}`: the voices know which object it is, the streaming
//! block sends its bytes. Listening to a script this way is a session at that script.

use axum::{extract::State, http::header, response::Response};
use serde::Deserialize;
use sori_contracts::{ContentId, MediaId, RenderingId};
use sori_http::{Path, Problem, ProblemBody, Query};
use sori_streaming::{Asked, Listener, Sessions, Streaming, told_when};
use sori_voice::{RenderingFault, Voice};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Clone)]
struct Blocks {
    voice: Voice,
    streaming: Streaming,
    sessions: Sessions,
}

pub fn routes(voice: Voice, streaming: Streaming, sessions: Sessions) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_rendering_audio)).with_state(Blocks {
        voice,
        streaming,
        sessions,
    })
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AudioQuery {
    /// Answer as a file to keep.
    #[serde(default)]
    download: bool,
}

/// Audio of a rendering, by range
#[utoipa::path(get, path = "/v1/renderings/{id}/audio/{format}", operation_id = "get_rendering_audio", tag = "voices",
    security((), ("account" = ["scripts:read"])),
    params(("id" = RenderingId, Path, description = "Rendering"),
        ("format" = String, Path, description = "`wav`, `flac`, `mp3`, `opus` or `m4a`", example = "mp3"), AudioQuery),
    responses(
        (status = 200, description = "The whole file", content_type = "audio/mpeg", body = String),
        (status = 206, description = "The range that was asked for (RFC 9110, 14)", content_type = "audio/mpeg", body = String),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "No such rendering, or not in this format", body = ProblemBody),
        (status = 412, description = "`PRECONDITION_FAILED`: `If-Match` names another file", body = ProblemBody),
        (status = 416, description = "The range lies outside of the file", body = ProblemBody),
        (status = 429, description = "`STREAM_RATE_LIMITED`: no slot is free; `Retry-After` says when to come back", body = ProblemBody),
    ))]
async fn get_rendering_audio(
    State(blocks): State<Blocks>,
    listener: Listener,
    Path((id, format)): Path<(RenderingId, String)>,
    Query(query): Query<AudioQuery>,
    asked: Asked,
) -> Result<Response, Problem> {
    let rendering = blocks.voice.rendering_for(listener.caller(), id).await?;
    let audio =
        rendering.audio.iter().find(|audio| audio.format == format).ok_or(RenderingFault::NotFound(id))?;
    let joined = match rendering.script_id.filter(|_| !query.download) {
        Some(script) => blocks.sessions.join(&listener, ContentId(script.0), asked).await,
        None => Ok(asked),
    };
    let asked = match joined {
        Ok(asked) => asked,
        Err(problem) => return Ok(told_when(problem)),
    };
    let mut response = blocks.streaming.answer(MediaId(audio.media_id), asked).await?;
    if query.download {
        let name = sori_http::attachment(&rendering.transcript.title, &audio.format);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
