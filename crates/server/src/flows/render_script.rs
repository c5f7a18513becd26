//! `POST /v1/scripts/{id}/render`: the catalog's script becomes an order for the voices.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use sori_catalog::{Catalog, ScriptDocument};
use sori_contracts::{AccountId, Caller, JobId, Priority, Right, ScriptId};
use sori_http::{Json, Once, Path, Problem, ProblemBody, SignedIn};
use sori_script::Item;
use sori_voice::{
    RenderScript, Voice,
    routes::{JobAccepted, accepted, parse_formats},
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Clone)]
struct Blocks {
    catalog: Catalog,
    voice: Voice,
}

pub fn routes(catalog: Catalog, voice: Voice) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(render_script)).with_state(Blocks { catalog, voice })
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// `wav`, `flac`, `mp3`, `opus`, `m4a`; MP3 when left out.
    #[schema(example = json!(["mp3"]))]
    pub formats: Option<Vec<String>>,
    /// 8000, 16000, 22050, 24000, 44100 or 48000; 24000 when left out.
    pub sample_rate: Option<u32>,
    pub seed: Option<u64>,
    pub priority: Option<Priority>,
}

/// Voice a script of the catalog
///
/// Only lines that changed since the last time are spoken again.
#[utoipa::path(post, path = "/v1/scripts/{id}/render", operation_id = "render_script", tag = "scripts",
    params(("id" = ScriptId, Path, description = "Script")),
    security(("account" = ["synth"])),
    request_body = RenderRequest,
    responses(
        (status = 202, description = "Queued; `Location` names the job", body = JobAccepted),
        (status = 400, description = "A line cannot be spoken; `details.problems` names each place", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may hear it, not change it", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
        (status = 503, description = "`VOICE_MODEL_MISSING`: the voice's model is not installed", body = ProblemBody),
    ))]
async fn render_script(
    State(blocks): State<Blocks>,
    SignedIn(member): SignedIn,
    Path(id): Path<ScriptId>,
    once: Once,
    Json(request): Json<RenderRequest>,
) -> Result<Response, Problem> {
    let caller = Caller::Account(member);
    let document = blocks.catalog.document_for(&caller, id, Right::Write).await?;
    Ok(accepted(order(&blocks.voice, document, Some(member.account), &request, once).await?))
}

/// Orders a rendering of a script as it stands now, for an account or for the server itself.
pub async fn order(
    voice: &Voice,
    document: ScriptDocument,
    owner: Option<AccountId>,
    request: &RenderRequest,
    once: Once,
) -> Result<JobId, Problem> {
    let mut script = document.script;
    let lines = script.items.iter_mut().filter_map(|item| match item {
        Item::Line(line) => Some(line),
        Item::Pause(_) | Item::Chapter(_) => None,
    });
    for (line, id) in lines.zip(&document.line_ids) {
        line.id = Some(id.to_string());
    }
    let formats: Vec<&str> = request.formats.iter().flatten().map(String::as_str).collect();
    let order = RenderScript {
        script,
        script_id: Some(document.id),
        revision: document.revision,
        line_ids: document.line_ids,
        formats: parse_formats(&formats)?,
        sample_rate_hz: request.sample_rate.unwrap_or(24_000),
        target_lufs: sori_voice::render::TARGET_LUFS,
        seed: request.seed.unwrap_or(0),
        lexicon: Vec::new(),
    };
    voice.order(order, owner, request.priority.unwrap_or_default(), once).await
}
