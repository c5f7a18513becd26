//! Routes of the voices block: synthesize, voices, renderings, captions.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_audio::{Format, SAMPLE_RATES_HZ, wav};
use sori_captions::{CueLayout, VttOptions};
use sori_contracts::{Caller, Cancel, JobId, Priority, RenderingId, ScriptId};
use sori_http::{
    Json, Links, Once, Path, Problem, ProblemBody, Query, RequestFault, SignedIn, Who, attachment,
};
use sori_script::{Limits, ScriptError};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Voice,
    engine::LineRequest,
    fault::RenderFault,
    line_cache::LineKey,
    renderings::Rendering,
    synthesize::{RenderScript, lexicon},
    transcript::{TranscriptChapter, TranscriptLine},
    voices::{VoiceInfo, VoiceName},
};

/// Scripts of any sensible length; the readers have finer limits of their own.
const MAX_SCRIPT_BYTES: usize = 10 << 20;
const PREVIEW_TEXT: &str = "Hello! This is how I sound. Shall we read the next line together?";

impl Voice {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(synthesize))
            .routes(routes!(list_voices))
            .routes(routes!(preview_voice))
            .routes(routes!(get_rendering))
            .routes(routes!(get_captions))
            .layer(DefaultBodyLimit::max(MAX_SCRIPT_BYTES))
            .with_state(self.clone())
    }
}

/// What may stand beside the script in the body of `POST /v1/synthesize`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SynthesizeRequest {
    /// Lines as `{"speaker_id","text"}`, or with `speaker`, `style`, `speed`, `pause_after_ms`,
    /// between them `{"pause_ms"}` and `{"chapter"}`. Read by the script readers, skipped here.
    #[schema(value_type = Option<Vec<Object>>)]
    script: Option<serde::de::IgnoredAny>,
    /// Instead of `script`: one of the library, as it stands now. The result is yours alone;
    /// `POST /v1/scripts/{id}/render` makes the one that belongs to the script.
    script_id: Option<ScriptId>,
    /// One format, by its name in the older API.
    #[schema(example = "mp3")]
    output_format: Option<String>,
    output: Option<Output>,
    /// 8000, 16000, 22050, 24000, 44100 or 48000.
    sample_rate: Option<u32>,
    /// Accepted for older clients: every caption format is always there.
    #[serde(rename = "caption_format")]
    _caption_format: Option<CaptionFormat>,
    seed: Option<u64>,
    /// Word or phrase to `/phonemes/` or to other words.
    lexicon: Option<std::collections::BTreeMap<String, String>>,
    priority: Option<Priority>,
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub struct Output {
    /// `wav`, `flac`, `mp3`, `opus`, `m4a`.
    formats: Option<Vec<String>>,
    sample_rate: Option<u32>,
    loudness: Option<LoudnessRequest>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct LoudnessRequest {
    /// -30 to -9; -16 when left out.
    target_lufs: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JobAccepted {
    pub job_id: JobId,
    #[schema(example = "queued")]
    pub status: &'static str,
}

/// The answer to an accepted order.
pub fn accepted(job_id: JobId) -> Response {
    let location = [(header::LOCATION, format!("/v1/jobs/{job_id}"))];
    (StatusCode::ACCEPTED, location, axum::Json(JobAccepted { job_id, status: "queued" })).into_response()
}

/// Voice a script
///
/// Answers at once; follow the job by `GET /v1/jobs/{id}/events`.
#[utoipa::path(post, path = "/v1/synthesize", operation_id = "synthesize", tag = "voices",
    security(("account" = ["synth"])),
    request_body(content = SynthesizeRequest, example = json!({
        "script": [{"speaker_id": "af_heart", "text": "Two coffees, please."}, {"speaker_id": "am_michael", "text": "Coming right up!"}],
        "output_format": "mp3", "sample_rate": 24000, "caption_format": "vtt"})),
    responses(
        (status = 202, description = "Queued; `Location` names the job", body = JobAccepted),
        (status = 400, description = "The script cannot be read or spoken; `details.problems` names each place", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`: of `script_id`", body = ProblemBody),
        (status = 413, description = "Larger than 10 MB", body = ProblemBody),
        (status = 503, description = "`VOICE_MODEL_MISSING`: the voice's model is not installed", body = ProblemBody),
    ))]
async fn synthesize(
    State(voice): State<Voice>,
    SignedIn(member): SignedIn,
    once: Once,
    body: Bytes,
) -> Result<Response, Problem> {
    let read = || {
        let parsed = sori_script::read(&body, sori_script::Format::Json, &Limits::default());
        parsed.map(|parsed| parsed.script).map_err(RenderFault::Script)
    };
    let request: SynthesizeRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            // The script's reader names the place better.
            read()?;
            return Err(RequestFault::Malformed(error.to_string()).into());
        }
    };
    let script = match request.script_id {
        Some(_) if request.script.is_some() => return Err(two_scripts().into()),
        Some(id) => {
            let saved = voice.scripts.read(&Caller::Account(member), id).await;
            saved.map_err(Problem::from_boxed)?
        }
        None => read()?,
    };
    let output = request.output.unwrap_or_default();
    let named: Vec<&str> = match &request.output_format {
        Some(format) => vec![format],
        None => output.formats.iter().flatten().map(String::as_str).collect(),
    };
    let order = RenderScript {
        script,
        script_id: None,
        revision: 0,
        line_ids: Vec::new(),
        formats: parse_formats(&named)?,
        sample_rate_hz: request.sample_rate.or(output.sample_rate).unwrap_or(24_000),
        target_lufs: output
            .loudness
            .and_then(|loudness| loudness.target_lufs)
            .unwrap_or(crate::render::TARGET_LUFS),
        seed: request.seed.unwrap_or(0),
        lexicon: request.lexicon.unwrap_or_default().into_iter().collect(),
    };
    Ok(accepted(voice.order(order, Some(member.account), request.priority.unwrap_or_default(), once).await?))
}

fn two_scripts() -> RequestFault {
    RequestFault::Field {
        field: "script_id",
        en: "Give a script or the id of one, not both.".into(),
        ko: "script와 script_id 중 하나만 보내 주세요.".into(),
    }
}

/// Formats by their names, without repetition; MP3 when none is named.
pub fn parse_formats(named: &[&str]) -> Result<Vec<Format>, RenderFault> {
    let mut formats = Vec::new();
    for name in named {
        let format: Format = name.parse().map_err(|_| RenderFault::BadRequest {
            code: "AUDIO_FORMAT_UNSUPPORTED",
            en: format!(
                "\"{}\" is no audio format: use wav, flac, mp3, opus or m4a.",
                name.chars().take(40).collect::<String>()
            ),
            ko: "지원하지 않는 오디오 형식입니다. wav, flac, mp3, opus, m4a 중에서 고르세요.".into(),
        })?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    Ok(if formats.is_empty() { vec![Format::Mp3] } else { formats })
}

/// What can be known of an order before any work: refused now, with every place named, rather
/// than as a failed job.
pub(crate) fn check_order(voice: &Voice, order: &RenderScript) -> Result<(), Problem> {
    if !SAMPLE_RATES_HZ.contains(&order.sample_rate_hz) {
        return Err(RenderFault::BadRequest {
            code: "SAMPLE_RATE_UNSUPPORTED",
            en: format!("The sample rate must be one of {SAMPLE_RATES_HZ:?}."),
            ko: format!("샘플레이트는 {SAMPLE_RATES_HZ:?} 중 하나여야 합니다."),
        }
        .into());
    }
    if !(-30.0..=-9.0).contains(&order.target_lufs) {
        return Err(RenderFault::BadRequest {
            code: "LOUDNESS_OUT_OF_RANGE",
            en: "The loudness must lie between -30 and -9 LUFS.".into(),
            ko: "음량은 -30에서 -9 LUFS 사이여야 합니다.".into(),
        }
        .into());
    }
    lexicon(&order.lexicon)?;
    let problems = sori_script::validate(&order.script, &Limits::default());
    if problems.iter().any(sori_script::Problem::is_error) {
        return Err(RenderFault::Script(ScriptError::Invalid(problems)).into());
    }
    let voices = crate::cast::voices(&order.script, None)?;
    let bad: Vec<_> = order
        .script
        .lines()
        .filter_map(|(item, line)| {
            let name = &voices[&line.speaker];
            let found = voice.engines.for_voice(name).and_then(|engine| engine.find(name));
            found.err().map(|error| crate::fault::BadLine::of(item, line, error))
        })
        .collect();
    if voices.is_empty() {
        return Err(RenderFault::Empty.into());
    }
    if bad.is_empty() { Ok(()) } else { Err(RenderFault::BadLines(bad).into()) }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct VoiceList {
    items: Vec<VoiceInfo>,
}

/// All voices
#[utoipa::path(get, path = "/v1/voices", operation_id = "list_voices", tag = "voices",
    security((), ("account" = [])),
    responses((status = 200, description = "Built-in voices, and whether their models are installed", body = VoiceList)))]
async fn list_voices(State(voice): State<Voice>) -> Json<VoiceList> {
    Json(VoiceList { items: voice.engines.voices() })
}

/// Hear a voice
#[utoipa::path(get, path = "/v1/voices/{voice}/preview", operation_id = "preview_voice", tag = "voices",
    security(("account" = ["synth"])),
    params(("voice" = String, Path, description = "Name of a voice or a blend", example = "af_heart")),
    responses(
        (status = 200, description = "A short sentence", content_type = "audio/wav", body = String),
        (status = 400, description = "`VOICE_UNKNOWN`", body = ProblemBody),
        (status = 503, description = "`VOICE_MODEL_MISSING`", body = ProblemBody),
    ))]
async fn preview_voice(State(voice): State<Voice>, Path(name): Path<String>) -> Result<Response, Problem> {
    let _one_at_a_time = voice.previews.acquire().await.map_err(|_| RenderFault::Cancelled)?;
    let name: VoiceName = name.parse().map_err(|_| crate::engine::EngineError::VoiceUnknown(name))?;
    let speaking = voice.clone();
    let bytes = tokio::task::spawn_blocking(move || preview(&speaking, &name))
        .await
        .map_err(|panic| RenderFault::Internal(panic.to_string()))??;
    let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "private, max-age=86400")];
    Ok((headers, bytes).into_response())
}

fn preview(voice: &Voice, name: &VoiceName) -> Result<Vec<u8>, RenderFault> {
    let engine = voice.engines.for_voice(name)?;
    let no_entries = sori_text::Lexicon::default();
    let request = LineRequest {
        voice: name,
        text: PREVIEW_TEXT,
        speed: 1.0,
        seed: 0,
        lexicon: &no_entries,
        lanes: voice.lanes,
    };
    let can = engine.capabilities();
    let key = LineKey::of(&request, can.id, &engine.version(name)?, can.sample_rate_hz);
    let samples = match voice.cache.samples(&key) {
        Some(samples) => samples,
        None => {
            let line = engine.synth(&request, &engine.read(&request)?, &Cancel::new())?;
            voice.cache.put(&key, &line)?;
            line.samples
        }
    };
    let mut file = wav::Writer::new(
        Vec::new(),
        can.sample_rate_hz,
        wav::Depth::Int16,
        wav::Length::Known(samples.len() as u64),
    )?;
    file.write(&samples)?;
    Ok(file.finish()?)
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RenderingView {
    id: RenderingId,
    job_id: JobId,
    script_id: Option<ScriptId>,
    title: String,
    lang: String,
    duration_ms: u64,
    sample_rate: u32,
    created_at_ms: i64,
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    audio: Vec<AudioView>,
    captions: CaptionUrls,
    chapters: Vec<TranscriptChapter>,
    lines: Vec<TranscriptLine>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AudioView {
    #[schema(example = "mp3")]
    format: String,
    content_type: String,
    size_bytes: i64,
    /// Serves ranges. Signed for whoever asked, and good for a quarter of an hour.
    url: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CaptionUrls {
    vtt: String,
    srt: String,
    ass: String,
    json: String,
    textgrid: String,
}

impl RenderingView {
    fn of(rendering: Rendering, links: &Links) -> Self {
        let base = format!("/v1/renderings/{}", rendering.id);
        let captions = |format: CaptionFormat| links.to(&format!("{base}/captions/{}", format.as_str())).url;
        Self {
            id: rendering.id,
            job_id: rendering.job_id,
            script_id: rendering.script_id,
            title: rendering.transcript.title,
            lang: rendering.transcript.lang,
            duration_ms: rendering.transcript.duration_ms,
            sample_rate: rendering.sample_rate_hz,
            created_at_ms: rendering.created_at_ms,
            integrated_lufs: rendering.integrated_lufs,
            true_peak_dbtp: rendering.true_peak_dbtp,
            audio: rendering
                .audio
                .into_iter()
                .map(|audio| AudioView {
                    url: links.to(&format!("{base}/audio/{}", audio.format)).url,
                    format: audio.format,
                    content_type: audio.content_type,
                    size_bytes: audio.size_bytes,
                })
                .collect(),
            captions: CaptionUrls {
                vtt: captions(CaptionFormat::Vtt),
                srt: captions(CaptionFormat::Srt),
                ass: captions(CaptionFormat::Ass),
                json: captions(CaptionFormat::Json),
                textgrid: captions(CaptionFormat::Textgrid),
            },
            chapters: rendering.transcript.chapters,
            lines: rendering.transcript.lines,
        }
    }
}

/// A finished voicing, with the time of every word
#[utoipa::path(get, path = "/v1/renderings/{id}", operation_id = "get_rendering", tag = "voices",
    security((), ("account" = ["scripts:read"])),
    params(("id" = RenderingId, Path, description = "Rendering")),
    responses(
        (status = 200, description = "Audio, captions and timing", body = RenderingView),
        (status = 404, description = "`RENDERING_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_rendering(
    State(voice): State<Voice>,
    Who(caller): Who,
    links: Links,
    Path(id): Path<RenderingId>,
) -> Result<Json<RenderingView>, Problem> {
    Ok(Json(RenderingView::of(voice.rendering_for(&caller, id).await?, &links)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptionFormat {
    Vtt,
    Srt,
    Ass,
    Json,
    Textgrid,
}

impl CaptionFormat {
    pub const ALL: [Self; 5] = [Self::Vtt, Self::Srt, Self::Ass, Self::Json, Self::Textgrid];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Ass => "ass",
            Self::Json => "json",
            Self::Textgrid => "textgrid",
        }
    }

    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Json => "application/json",
            Self::Ass | Self::Textgrid => "text/plain; charset=utf-8",
        }
    }

    /// The usual ending of such a file.
    #[must_use]
    pub fn extension(self) -> &'static str {
        if self == Self::Textgrid { "TextGrid" } else { self.as_str() }
    }
}

impl std::str::FromStr for CaptionFormat {
    type Err = RenderFault;

    fn from_str(text: &str) -> Result<Self, RenderFault> {
        let wanted = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.as_str() == wanted).ok_or_else(|| {
            RenderFault::BadRequest {
                code: "CAPTION_FORMAT_UNKNOWN",
                en: format!(
                    "\"{}\" is no caption format: use vtt, srt, ass, json or textgrid.",
                    text.chars().take(40).collect::<String>()
                ),
                ko: "지원하지 않는 자막 형식입니다. vtt, srt, ass, json, textgrid 중에서 고르세요.".into(),
            }
        })
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CaptionQuery {
    /// Times of words inside the cues (`vtt` and `ass`).
    #[serde(default)]
    karaoke: bool,
    /// Letters in a line of a cue, 10 to 200; 42 when left out.
    max_chars: Option<usize>,
    /// Lines in a cue, 1 to 4; 2 when left out.
    max_lines: Option<usize>,
    /// Answer as a file to keep.
    #[serde(default)]
    download: bool,
}

/// How captions are laid out and written.
#[derive(Clone, Debug, Default)]
pub struct CaptionOptions {
    pub karaoke: bool,
    pub layout: CueLayout,
}

/// Writes the captions of a transcript; every format comes from the same record.
#[must_use]
pub fn write_captions(
    transcript: &crate::Transcript,
    format: CaptionFormat,
    options: &CaptionOptions,
) -> String {
    let mut captions = transcript.captions();
    if matches!(format, CaptionFormat::Vtt | CaptionFormat::Srt | CaptionFormat::Ass) {
        captions.cues = sori_captions::layout(&captions.cues, &options.layout);
    }
    match format {
        CaptionFormat::Vtt => {
            sori_captions::to_vtt(&captions, &VttOptions { karaoke: options.karaoke, speakers: true })
        }
        CaptionFormat::Srt => sori_captions::to_srt(&captions),
        CaptionFormat::Ass => sori_captions::to_ass(&captions, options.karaoke),
        CaptionFormat::Json => sori_captions::to_json(&captions),
        CaptionFormat::Textgrid => sori_captions::to_textgrid(&captions),
    }
}

/// Captions of a rendering
///
/// Written on demand from the timeline, so every format agrees to the millisecond.
#[utoipa::path(get, path = "/v1/renderings/{id}/captions/{format}", operation_id = "get_captions", tag = "voices",
    security((), ("account" = ["scripts:read"])),
    params(("id" = RenderingId, Path, description = "Rendering"),
        ("format" = CaptionFormat, Path, description = "Caption format"), CaptionQuery),
    responses(
        (status = 200, description = "The captions", content_type = "text/vtt", body = String),
        (status = 400, description = "`CAPTION_FORMAT_UNKNOWN`", body = ProblemBody),
        (status = 404, description = "`RENDERING_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_captions(
    State(voice): State<Voice>,
    Who(caller): Who,
    Path((id, format)): Path<(RenderingId, String)>,
    Query(query): Query<CaptionQuery>,
) -> Result<Response, Problem> {
    let format: CaptionFormat = format.parse()?;
    let rendering = voice.rendering_for(&caller, id).await?;
    let layout = CueLayout {
        max_chars: query.max_chars.unwrap_or(42).clamp(10, 200),
        max_lines: query.max_lines.unwrap_or(2).clamp(1, 4),
    };
    let text =
        write_captions(&rendering.transcript, format, &CaptionOptions { karaoke: query.karaoke, layout });
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(format.content_type()));
    if query.download {
        headers
            .insert(header::CONTENT_DISPOSITION, attachment(&rendering.transcript.title, format.extension()));
    }
    Ok((headers, text).into_response())
}
