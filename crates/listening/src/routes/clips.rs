//! `/v1/clips`.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_captions::{CueLayout, VttOptions};
use sori_contracts::{ContentId, ContentKind, JobId};
use sori_http::{Json, Once, Page, PageQuery, Path, Problem, ProblemBody, Query, SignedIn, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::input;
use crate::{Clip, Listening, ListeningFault, clips::TITLE_CHARS, playback::Span};

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new()
        .routes(routes!(list_clips, add_clip))
        .routes(routes!(get_clip, remove_clip))
        .routes(routes!(get_clip_captions))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ClipView {
    /// Play it at `/api/stream/{id}` when it is ready.
    id: ContentId,
    /// What it was cut from. Who may see that may see the clip.
    content_id: ContentId,
    title: String,
    kind: ContentKind,
    start_ms: u64,
    end_ms: u64,
    /// `cutting`, `ready` or `failed`.
    status: &'static str,
    /// The code of what went wrong.
    error: Option<String>,
    /// `GET /v1/jobs/{id}/events` tells when it is ready.
    job_id: Option<JobId>,
    files: Vec<ClipFile>,
    created_at_ms: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ClipFile {
    /// `m4a`, `mp4`, `wav` or `flac`.
    format: String,
    content_type: String,
    size_bytes: u64,
    /// To play it; with `?download=true` to keep it.
    url: String,
}

impl From<Clip> for ClipView {
    fn from(clip: Clip) -> Self {
        let files = clip.files.iter().map(|file| ClipFile {
            format: file.format.clone(),
            content_type: file.content_type.clone(),
            size_bytes: file.size_bytes,
            url: format!("/v1/clips/{}/file/{}", clip.id, file.format),
        });
        Self {
            id: clip.id,
            content_id: clip.source,
            kind: clip.kind,
            start_ms: clip.start_ms,
            end_ms: clip.end_ms,
            status: match (&clip.duration_ms, &clip.error) {
                (Some(_), _) => "ready",
                (None, Some(_)) => "failed",
                (None, None) => "cutting",
            },
            job_id: clip.job,
            files: files.collect(),
            created_at_ms: clip.created_at_ms,
            error: clip.error,
            title: clip.title,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ClipsQuery {
    /// Only of this content.
    content_id: Option<ContentId>,
}

/// Your clips, newest first
#[utoipa::path(get, path = "/v1/clips", operation_id = "list_clips", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(ClipsQuery, PageQuery),
    responses((status = 200, description = "One page of clips", body = Page<ClipView>)))]
async fn list_clips(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Query(query): Query<ClipsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ClipView>>, Problem> {
    let limit = page.limit()?;
    let clips =
        listening.0.clips.of_owner(member.account, query.content_id, page.after()?, limit + 1).await?;
    let views = clips.into_iter().map(ClipView::from).collect();
    Ok(Json(Page::cut(views, limit, |clip: &ClipView| clip.id.to_string())))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct NewClip {
    content_id: ContentId,
    #[schema(example = 61_000)]
    start_ms: u64,
    /// At most ten minutes later.
    #[schema(example = 64_500)]
    end_ms: u64,
    /// That of the content when left out.
    title: Option<String>,
}

/// Cut a span out as a content of its own
///
/// From a script's rendering exactly these samples, with the captions of the span; from an upload by
/// decoding it. It is ready when its job is done.
#[utoipa::path(post, path = "/v1/clips", operation_id = "add_clip", tag = "listening",
    security(("account" = ["scripts:write"])),
    request_body = NewClip,
    responses(
        (status = 202, description = "It is being cut", body = ClipView),
        (status = 404, description = "`CONTENT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`CLIPS_FULL`", body = ProblemBody),
    ))]
async fn add_clip(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Once(id): Once,
    Json(new): Json<NewClip>,
) -> Result<(StatusCode, Json<ClipView>), Problem> {
    let title = input::optional_text("title", new.title.as_deref(), TITLE_CHARS)?;
    let span = Span { start_ms: new.start_ms, end_ms: new.end_ms };
    let clip = listening.add_clip(member, new.content_id, span, title, id.map(ContentId)).await?;
    Ok((StatusCode::ACCEPTED, Json(clip.into())))
}

/// Look at a clip
#[utoipa::path(get, path = "/v1/clips/{id}", operation_id = "get_clip", tag = "listening",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ContentId, Path, description = "Clip")),
    responses(
        (status = 200, description = "The clip", body = ClipView),
        (status = 404, description = "`CLIP_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_clip(
    State(listening): State<Listening>,
    Who(caller): Who,
    Path(id): Path<ContentId>,
) -> Result<Json<ClipView>, Problem> {
    Ok(Json(listening.clip(&caller, id).await?.into()))
}

/// Remove a clip with its files
#[utoipa::path(delete, path = "/v1/clips/{id}", operation_id = "remove_clip", tag = "listening",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Clip")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`CLIP_NOT_FOUND`", body = ProblemBody),
    ))]
async fn remove_clip(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
) -> Result<StatusCode, Problem> {
    listening.remove_clip(member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is said in a clip
#[utoipa::path(get, path = "/v1/clips/{id}/captions/{format}", operation_id = "get_clip_captions", tag = "listening",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ContentId, Path, description = "Clip"),
        ("format" = String, Path, description = "`vtt`, `srt` or `json`", example = "vtt")),
    responses(
        (status = 200, description = "The captions", content_type = "text/vtt", body = String),
        (status = 404, description = "`CLIP_NOT_FOUND`, or `CAPTIONS_NOT_FOUND`: it has none, or not in this format", body = ProblemBody),
    ))]
async fn get_clip_captions(
    State(listening): State<Listening>,
    Who(caller): Who,
    Path((id, format)): Path<(ContentId, String)>,
) -> Result<Response, Problem> {
    let mut captions = listening.clip_captions(&caller, id).await?;
    if format != "json" {
        captions.cues = sori_captions::layout(&captions.cues, &CueLayout::default());
    }
    let (kind, text) = match format.as_str() {
        "vtt" => ("text/vtt; charset=utf-8", sori_captions::to_vtt(&captions, &VttOptions::default())),
        "srt" => ("application/x-subrip; charset=utf-8", sori_captions::to_srt(&captions)),
        "json" => ("application/json", sori_captions::to_json(&captions)),
        _ => return Err(ListeningFault::NoCaptions(id).into()),
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
