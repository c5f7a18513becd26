//! Names and shapes of the older dubbing API, all in this place: lines are tokens there, times
//! are seconds.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use sori_contracts::{ActorId, LineId, ScriptId};
use sori_http::{Json, PageQuery, Path, Problem, ProblemBody, Query, Who};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{Catalog, CatalogFault, LineView, lines::FoundLine};

pub(crate) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new()
        .routes(routes!(get_token))
        .routes(routes!(list_tokens))
        .routes(routes!(list_script_words))
        .routes(routes!(list_old_actors))
}

/// A line under its old name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Token {
    id: LineId,
    script_id: ScriptId,
    actor_id: Option<ActorId>,
    text: String,
    /// Seconds from the start of the script's audio; `null` while that is unknown.
    #[schema(example = 1.25)]
    start_time: Option<f64>,
    #[schema(example = 2.5)]
    end_time: Option<f64>,
    /// A signed address of the line's original audio; `null` without one.
    s3_url: Option<String>,
}

/// A word under its old names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenWord {
    script_id: ScriptId,
    token_id: LineId,
    word: String,
    /// Seconds from the start of the script's audio.
    start_time: f64,
    end_time: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OldActor {
    id: ActorId,
    name: String,
    aliases: Vec<String>,
}

/// Rendered times, else those of the timed file that the script came from.
fn token(
    id: LineId,
    script_id: ScriptId,
    actor_id: Option<ActorId>,
    text: String,
    times: [Option<i64>; 4],
) -> Token {
    let [start, end, fit_start, fit_end] = times;
    Token {
        id,
        script_id,
        actor_id,
        text,
        start_time: start.or(fit_start).map(seconds),
        end_time: end.or(fit_end).map(seconds),
        s3_url: None,
    }
}

impl From<LineView> for Token {
    fn from(line: LineView) -> Self {
        let times = [line.start_ms, line.end_ms, line.fit_start_ms, line.fit_end_ms];
        token(line.id, line.script_id, line.actor_id, line.text, times)
    }
}

impl From<FoundLine> for Token {
    fn from(FoundLine { script_id, row }: FoundLine) -> Self {
        let times = [row.start_ms, row.end_ms, row.fit_start_ms, row.fit_end_ms];
        token(LineId(row.id), ScriptId(script_id), row.actor_id.map(ActorId), row.text, times)
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// A line, under its old name
#[utoipa::path(get, path = "/api/tokens/{token_id}", operation_id = "get_token", tag = "legacy",
    security((), ("account" = ["scripts:read"])),
    params(("token_id" = LineId, Path, description = "Line")),
    responses(
        (status = 200, description = "The line as a token", body = Token),
        (status = 404, description = "`LINE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_token(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<LineId>,
) -> Result<Json<Token>, Problem> {
    Ok(Json(catalog.line(&caller, id).await?.into()))
}

/// The lines of a script, under their old name
#[utoipa::path(get, path = "/api/scripts/{id}/tokens", operation_id = "list_tokens", tag = "legacy",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 200, description = "All lines in order", body = Vec<Token>),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_tokens(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
) -> Result<Json<Vec<Token>>, Problem> {
    Ok(Json(catalog.all_lines(&caller, id).await?.into_iter().map(Token::from).collect()))
}

/// The words of a script, with times in seconds
#[utoipa::path(get, path = "/api/scripts/{id}/words", operation_id = "list_script_words", tag = "legacy",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 200, description = "All words in order; none before the script is rendered", body = Vec<TokenWord>),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_script_words(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
) -> Result<Json<Vec<TokenWord>>, Problem> {
    let lines: Vec<Uuid> =
        catalog.all_lines(&caller, id).await?.into_iter().map(|line| line.row.id).collect();
    let mut words = catalog.words_of(&lines).await.map_err(CatalogFault::from)?;
    let in_order = lines.iter().flat_map(|line| {
        words.remove(line).unwrap_or_default().into_iter().map(|word| TokenWord {
            script_id: id,
            token_id: LineId(*line),
            word: word.text,
            start_time: seconds(word.start_ms),
            end_time: seconds(word.end_ms),
        })
    });
    Ok(Json(in_order.collect()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OldActorQuery {
    /// Part of a name or alias.
    query: Option<String>,
}

/// Actors with their aliases
///
/// At most 200, newest first; `GET /v1/actors` has pages.
#[utoipa::path(get, path = "/api/actors", operation_id = "list_old_actors", tag = "legacy",
    security((), ("account" = ["scripts:read"])),
    params(OldActorQuery),
    responses((status = 200, description = "Actors", body = Vec<OldActor>)))]
async fn list_old_actors(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Query(query): Query<OldActorQuery>,
) -> Result<Json<Vec<OldActor>>, Problem> {
    let first = PageQuery { cursor: None, limit: Some(sori_http::page::MAX_LIMIT) };
    let actors = catalog.actors(&caller, query.query.as_deref(), &first).await?.items;
    let old =
        actors.into_iter().map(|actor| OldActor { id: actor.id, name: actor.name, aliases: actor.aliases });
    Ok(Json(old.collect()))
}
