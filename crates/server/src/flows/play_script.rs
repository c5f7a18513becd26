//! The radio API: all that a player needs to play a script, and the session it plays in. The streaming
//! block has sessions and qualities, the voices have captions, listening knows where somebody stopped.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{Content, ContentId, Moment, Resume, Resumes, ScriptId, StreamId};
use sori_http::{Json, Links, Path, Problem, ProblemBody, Query};
use sori_streaming::{Hls, Listener, Quality, SessionFault, Sessions, choose, hls::lasting, told_when};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Clone)]
pub struct Radio {
    pub sessions: Sessions,
    pub hls: Hls,
    pub resumes: Arc<dyn Resumes>,
}

pub fn routes(radio: Radio) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_audio_stream)).routes(routes!(play_audio)).with_state(radio)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct QualityQuery {
    /// One of `qualities`; the best for the line when left out.
    quality: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct StreamInfo {
    script_id: ScriptId,
    title: String,
    duration_ms: Option<u64>,
    /// The multivariant playlist, or the playlist of the quality that was asked for.
    hls_url: String,
    /// The whole file, by range.
    direct_url: String,
    qualities: Vec<QualityView>,
    captions: Option<Captions>,
    /// Where you stopped.
    position_ms: u64,
    /// What the first update of the position names as its `base_version`.
    position_version: i64,
    /// How fast you listen to it.
    #[schema(example = 1.0)]
    speed: f64,
    /// Until then the addresses are good. Absent for visitors, whose addresses do not expire.
    expires_at: Option<Moment>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct QualityView {
    /// `64k` and the like are of HLS; `mp3` and the like are whole files.
    #[schema(example = "64k")]
    name: String,
    /// Bits in a second.
    #[schema(example = 64_000)]
    bitrate: Option<u64>,
    #[schema(example = "aac")]
    codec: Option<String>,
    url: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Captions {
    vtt: String,
    srt: String,
    json: String,
}

/// All that a player needs to play a script
///
/// Opens no session: the first request for its bytes does, or `POST /api/v1/audio/play`.
#[utoipa::path(get, path = "/api/v1/audio/stream/{script_id}", operation_id = "get_audio_stream", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("script_id" = ScriptId, Path, description = "Script"), QualityQuery),
    responses(
        (status = 200, description = "Addresses, qualities, captions, and where you stopped", body = StreamInfo),
        (status = 400, description = "`QUALITY_UNKNOWN`", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`: no such script, or it was not rendered yet", body = ProblemBody),
    ))]
async fn get_audio_stream(
    State(radio): State<Radio>,
    listener: Listener,
    links: Links,
    Path(script): Path<ScriptId>,
    Query(query): Query<QualityQuery>,
) -> Result<Json<StreamInfo>, Problem> {
    let content = radio.sessions.content(&listener, ContentId(script.0)).await?;
    Ok(Json(radio.info(&listener, &links, script, &content, query.quality.as_deref()).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PlayOrder {
    script_id: ScriptId,
    /// What the player calls itself: 1 to 64 letters, digits and `-_.:`.
    #[schema(example = "web-5f2c")]
    device_id: Option<String>,
    quality: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Playing {
    /// For `PUT /api/v1/audio/progress` and `DELETE /api/v1/audio/sessions/{id}`.
    session_id: StreamId,
    #[serde(flatten)]
    stream: StreamInfo,
}

/// Begin to play a script
///
/// A player that plays it already on the same device goes on with its session.
#[utoipa::path(post, path = "/api/v1/audio/play", operation_id = "play_audio", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    request_body = PlayOrder,
    responses(
        (status = 200, description = "The session, and all that a player needs", body = Playing),
        (status = 400, description = "`QUALITY_UNKNOWN`, `FIELD_INVALID`", body = ProblemBody),
        (status = 404, description = "`CONTENT_NOT_FOUND`: no such script, or it was not rendered yet", body = ProblemBody),
        (status = 429, description = "`STREAM_RATE_LIMITED`: no slot is free; `Retry-After` says when to come back", body = ProblemBody),
    ))]
async fn play_audio(
    State(radio): State<Radio>,
    listener: Listener,
    links: Links,
    Json(order): Json<PlayOrder>,
) -> Result<Response, Problem> {
    let listener = listener.on(order.device_id.as_deref())?;
    let content = radio.sessions.content(&listener, ContentId(order.script_id.0)).await?;
    let stream = radio.info(&listener, &links, order.script_id, &content, order.quality.as_deref()).await?;
    let played = radio.sessions.watch(&listener, &content, choose(&content, None)?).await;
    Ok(match played {
        Ok(watching) => Json(Playing { session_id: watching.id(), stream }).into_response(),
        Err(fault) => told_when(fault.into()),
    })
}

impl Radio {
    async fn info(
        &self,
        listener: &Listener,
        links: &Links,
        script_id: ScriptId,
        content: &Content,
        quality: Option<&str>,
    ) -> Result<StreamInfo, Problem> {
        let renditions = self.hls.qualities(content).await?;
        let (rendition, file) = picked(content, &renditions, quality)?;
        let links = links.to_parts(lasting(content));
        let direct = links.to(&format!("/api/stream/{}", content.id));
        let with = |fields: &[(&str, Option<&str>)]| {
            let said = fields.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}")));
            said.fold(direct.url.clone(), |url, said| {
                let separator = if url.contains('?') { '&' } else { '?' };
                format!("{url}{separator}{said}")
            })
        };
        let device = ("device_id", listener.device());
        let master = Hls::path(content.id);
        let resume = match listener.caller().account() {
            Some(account) => self.resumes.resume(account, content.id).await.map_err(Problem::from_boxed)?,
            None => Resume { position_ms: 0, version: 0, speed: 1.0 },
        };
        let of_hls = renditions.iter().map(|quality| QualityView {
            name: quality.name.clone(),
            bitrate: Some(quality.bitrate),
            codec: Some(quality.codec.clone()),
            url: links.to(&quality.path).url,
        });
        let of_files = content.files.iter().map(|file| QualityView {
            name: file.format.clone(),
            bitrate: file.bitrate_bps,
            codec: file.audio_codec.clone(),
            url: with(&[("quality", Some(&file.format)), device]),
        });
        let captions = content.rendering.map(|rendering| {
            let to = |format: &str| links.to(&format!("/v1/renderings/{rendering}/captions/{format}")).url;
            Captions { vtt: to("vtt"), srt: to("srt"), json: to("json") }
        });
        Ok(StreamInfo {
            script_id,
            title: content.title.clone(),
            duration_ms: content.duration_ms,
            hls_url: links.to(rendition.map_or(master.as_str(), |rendition| &rendition.path)).url,
            direct_url: with(&[("quality", file), device]),
            qualities: of_hls.chain(of_files).collect(),
            captions,
            position_ms: resume.position_ms,
            position_version: resume.version,
            speed: resume.speed,
            expires_at: direct.expires_at_ms.map(Moment),
        })
    }
}

/// The rendition or the file that a quality names.
fn picked<'a>(
    content: &Content,
    renditions: &'a [Quality],
    quality: Option<&'a str>,
) -> Result<(Option<&'a Quality>, Option<&'a str>), SessionFault> {
    let Some(name) = quality else { return Ok((None, None)) };
    if let Some(rendition) = renditions.iter().find(|rendition| rendition.name == name) {
        return Ok((Some(rendition), None));
    }
    match choose(content, quality) {
        Ok(_) => Ok((None, quality)),
        Err(SessionFault::NoQuality { asked, known }) => {
            let names = renditions.iter().map(|rendition| rendition.name.as_str()).chain([known.as_str()]);
            Err(SessionFault::NoQuality { asked, known: names.collect::<Vec<_>>().join(", ") })
        }
        Err(fault) => Err(fault),
    }
}
