//! `/api/stream/{content_id}`: the bytes, and what is known of them.

use axum::{extract::State, http::header, response::Response};
use serde::{Deserialize, Serialize};
use sori_contracts::{Content, ContentFile, ContentId, Source};
use sori_http::{Json, Path, Problem, ProblemBody, Query};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::told_when;
use crate::{Asked, Listener, Sessions, choose};

pub(super) fn routes() -> OpenApiRouter<Sessions> {
    OpenApiRouter::new().routes(routes!(get_stream)).routes(routes!(get_stream_info))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "the device is read by its extractor and stands here for the document")]
struct StreamQuery {
    /// One of the content's files, such as `mp3`; the best known one when left out.
    quality: Option<String>,
    /// What the player calls itself: 1 to 64 letters, digits and `-_.:`. Requests of one device are one
    /// session.
    device_id: Option<String>,
    /// Answer as a file to keep.
    #[serde(default)]
    download: bool,
}

/// Listen or watch, by range
///
/// Seeks and parallel connections of one viewer are one session.
#[utoipa::path(get, path = "/api/stream/{content_id}", operation_id = "get_stream", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content"), StreamQuery),
    responses(
        (status = 200, description = "The whole file", content_type = "audio/mpeg", body = String),
        (status = 206, description = "The range that was asked for (RFC 9110, 14)", content_type = "audio/mpeg", body = String),
        (status = 304, description = "Unchanged"),
        (status = 400, description = "`QUALITY_UNKNOWN`, `FIELD_INVALID`", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
        (status = 412, description = "`PRECONDITION_FAILED`: `If-Match` names another file", body = ProblemBody),
        (status = 416, description = "`RANGE_NOT_SATISFIABLE`", body = ProblemBody),
        (status = 429, description = "`STREAM_RATE_LIMITED`: no slot is free; `Retry-After` says when to come back", body = ProblemBody),
        (status = 503, description = "`STREAM_FILE_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn get_stream(
    State(sessions): State<Sessions>,
    listener: Listener,
    Path(id): Path<ContentId>,
    Query(query): Query<StreamQuery>,
    asked: Asked,
) -> Result<Response, Problem> {
    let quality = query.quality.as_deref();
    let mut response = match sessions.answer(&listener, id, quality, asked).await {
        Ok(response) => response,
        Err(problem) => return Ok(told_when(problem)),
    };
    if query.download {
        let content = sessions.content(&listener, id).await?;
        let name = sori_http::attachment(&content.title, extension(choose(&content, quality)?));
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// A rendering's file is named by its format; an upload's is the original, whatever that is.
fn extension(file: &ContentFile) -> &str {
    match (file.format.as_str(), file.content_type.split_once('/')) {
        ("original", Some(("audio", "mpeg"))) => "mp3",
        ("original", Some(("audio", "mp4"))) => "m4a",
        ("original", Some((_, kind))) => kind.trim_start_matches("x-"),
        (format, _) => format,
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct StreamInfo {
    content_id: ContentId,
    title: String,
    /// Seconds.
    #[schema(example = 3600.5)]
    duration: Option<f64>,
    /// Bytes.
    file_size: u64,
    #[schema(example = "video/mp4")]
    mime_type: String,
    codecs: Codecs,
    resolution: Option<Resolution>,
    /// Bits in a second, on average.
    bitrate: Option<u64>,
    /// `ssd`: a fast local disk; `nas`: the origin.
    source: Source,
    /// Nothing has to be fetched from the origin.
    cache_hit: bool,
    /// What `quality` may be.
    #[schema(example = json!(["mp3", "wav"]))]
    qualities: Vec<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Codecs {
    #[schema(example = "h264")]
    video: Option<String>,
    #[schema(example = "aac")]
    audio: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Resolution {
    width: u32,
    height: u32,
}

/// What is known of a content before it plays
#[utoipa::path(get, path = "/api/stream/{content_id}/info", operation_id = "get_stream_info", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content"), StreamQuery),
    responses(
        (status = 200, description = "Length, size, codecs and where it lies", body = StreamInfo),
        (status = 400, description = "`QUALITY_UNKNOWN`", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_stream_info(
    State(sessions): State<Sessions>,
    listener: Listener,
    Path(id): Path<ContentId>,
    Query(query): Query<StreamQuery>,
) -> Result<Json<StreamInfo>, Problem> {
    let content = sessions.content(&listener, id).await?;
    let file = choose(&content, query.quality.as_deref())?.clone();
    let place = sessions.place(&file).await;
    let qualities = content.files.iter().map(|file| file.format.clone()).collect();
    let Content { id: content_id, title, duration_ms, .. } = content;
    Ok(Json(StreamInfo {
        content_id,
        title,
        duration: duration_ms.map(|ms| ms as f64 / 1000.0),
        file_size: file.size_bytes,
        mime_type: file.content_type,
        codecs: Codecs { video: file.video_codec, audio: file.audio_codec },
        resolution: file.width.zip(file.height).map(|(width, height)| Resolution { width, height }),
        bitrate: file.bitrate_bps,
        source: place.source,
        cache_hit: place.cache_hit,
        qualities,
    }))
}
