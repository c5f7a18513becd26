//! `/v1/scripts`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use sori_contracts::{Caller, ScriptId, ShowId};
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, RequestFault, SignedIn, Ui, Who};
use sori_script::{Format, Script};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::created;
use crate::{
    Catalog, CatalogFault, Document, NewScript, ScriptChange, ScriptFilter, ScriptSummary, ScriptView,
    import::import,
};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new().routes(routes!(create_script, list_scripts)).routes(routes!(
        get_script,
        replace_script,
        update_script,
        delete_script
    ))
}

/// A script to store: the canonical script, or a text in any format that can be read, or both
/// (then the text is only kept for the editor).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateScript {
    #[serde(default)]
    script: Option<Script>,
    #[serde(default)]
    source_text: Option<String>,
    /// Found by what stands in the text when left out.
    #[serde(default)]
    source_format: Option<Format>,
    #[serde(default)]
    show_id: Option<ShowId>,
    /// Such as `A2` or `beginner`.
    #[serde(default)]
    level: Option<String>,
    /// Where it came from on the web.
    #[serde(default)]
    source_urls: Vec<String>,
}

/// A new document for a script: the canonical script, or a text, or both.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplaceScript {
    /// The revision that the changes were made on.
    revision: i64,
    #[serde(default)]
    script: Option<Script>,
    /// On its own it is read; titles and voices that it does not name stay as they are.
    #[serde(default)]
    source_text: Option<String>,
    #[serde(default)]
    source_format: Option<Format>,
}

/// The document that a body gives, and whether it was read from the text.
async fn document(
    script: Option<Script>,
    source_text: Option<String>,
    source_format: Option<Format>,
) -> Result<Document, CatalogFault> {
    match (script, source_text) {
        (Some(script), source_text) => {
            let source_format = source_format.filter(|_| source_text.is_some());
            Ok(Document { script, source_text, source_format, is_read_from_text: false })
        }
        (None, Some(text)) => {
            let imported = import(text, None, source_format).await?;
            Ok(Document {
                script: imported.parsed.script,
                source_text: Some(imported.source_text),
                source_format: Some(imported.format),
                is_read_from_text: true,
            })
        }
        (None, None) => Err(RequestFault::Field {
            field: "script",
            en: "Give a script or a source_text.".into(),
            ko: "script 또는 source_text를 보내 주세요.".into(),
        }
        .into()),
    }
}

/// Store a script
#[utoipa::path(post, path = "/v1/scripts", operation_id = "create_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    request_body(content = CreateScript, example = json!({"script": {
        "title": "Two coffees", "lang": "en-US",
        "cast": {"MINA": {"voice": "af_heart"}, "JOE": {"voice": "am_michael"}},
        "items": [{"type": "line", "speaker": "MINA", "text": "Two coffees, please."},
            {"type": "line", "speaker": "JOE", "text": "Coming right up!"}]}})),
    responses(
        (status = 201, description = "Stored; `Location` names it", body = ScriptView),
        (status = 400, description = "`SCRIPT_INVALID` and others: `details.problems` names each place", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
        (status = 413, description = "Larger than 10 MB", body = ProblemBody),
    ))]
async fn create_script(
    State(catalog): State<Catalog>,
    SignedIn(member): SignedIn,
    Ui(language): Ui,
    Json(body): Json<CreateScript>,
) -> Result<Response, Problem> {
    let told = |fault: CatalogFault| fault.told_in(language);
    let document = document(body.script, body.source_text, body.source_format).await.map_err(told)?;
    let new = NewScript {
        script: document.script,
        source_text: document.source_text,
        source_format: document.source_format,
        show_id: body.show_id,
        level: body.level,
        source_urls: body.source_urls,
    };
    let id = catalog.create_script(&member, new).await.map_err(told)?;
    let script = catalog.script(&Caller::Account(member), id).await?;
    Ok(created(format!("/v1/scripts/{id}"), script))
}

/// Search the library
#[utoipa::path(get, path = "/v1/scripts", operation_id = "list_scripts", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(ScriptFilter, PageQuery),
    responses(
        (status = 200, description = "A page of scripts", body = Page<ScriptSummary>),
        (status = 400, description = "`FIELD_INVALID`: limit, cursor or a filter", body = ProblemBody),
    ))]
async fn list_scripts(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Query(filter): Query<ScriptFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ScriptSummary>>, Problem> {
    Ok(Json(catalog.scripts(&caller, &filter, &page).await?))
}

/// A whole script
#[utoipa::path(get, path = "/v1/scripts/{id}", operation_id = "get_script", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 200, description = "The script", body = ScriptView),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
) -> Result<Json<ScriptView>, Problem> {
    Ok(Json(catalog.script(&caller, id).await?))
}

/// Save a script
///
/// Lines that are still there keep their ids.
#[utoipa::path(put, path = "/v1/scripts/{id}", operation_id = "replace_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ScriptId, Path, description = "Script")),
    request_body(content = ReplaceScript, example = json!({
        "revision": 1, "source_text": "MINA: Two coffees, please.\nJOE: Coming right up!\n"})),
    responses(
        (status = 200, description = "The script as it is now", body = ScriptView),
        (status = 400, description = "`SCRIPT_INVALID` and others: `details.problems` names each place", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`SCRIPT_CHANGED`: `details.revision` is the current one", body = ProblemBody),
        (status = 413, description = "Larger than 10 MB", body = ProblemBody),
    ))]
async fn replace_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Ui(language): Ui,
    Path(id): Path<ScriptId>,
    Json(body): Json<ReplaceScript>,
) -> Result<Json<ScriptView>, Problem> {
    let told = |fault: CatalogFault| fault.told_in(language);
    let document = document(body.script, body.source_text, body.source_format).await.map_err(told)?;
    catalog.replace_script(&caller, id, body.revision, document).await.map_err(told)?;
    Ok(Json(catalog.script(&caller, id).await?))
}

/// Change what stands beside the lines
#[utoipa::path(patch, path = "/v1/scripts/{id}", operation_id = "update_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ScriptId, Path, description = "Script")),
    request_body(content = ScriptChange, example = json!({"title": "Two coffees", "cast": {"MINA": {"voice": "af_heart"}}})),
    responses(
        (status = 200, description = "The script as it is now", body = ScriptView),
        (status = 400, description = "`FIELD_INVALID` or `SCRIPT_INVALID`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND` or `SHOW_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`SCRIPT_CHANGED`: `details.revision` is the current one", body = ProblemBody),
    ))]
async fn update_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Ui(language): Ui,
    Path(id): Path<ScriptId>,
    Json(change): Json<ScriptChange>,
) -> Result<Json<ScriptView>, Problem> {
    catalog.change_script(&caller, id, change).await.map_err(|fault| fault.told_in(language))?;
    Ok(Json(catalog.script(&caller, id).await?))
}

/// Delete a script
///
/// With its lines and words.
#[utoipa::path(delete, path = "/v1/scripts/{id}", operation_id = "delete_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
) -> Result<StatusCode, Problem> {
    catalog.delete_script(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
