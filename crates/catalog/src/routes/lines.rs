//! `/v1/lines`, and the lines of a script.

use axum::extract::State;
use sori_contracts::{LineId, ScriptId};
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, Ui, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Catalog, LineChange, LineFilter, LineView};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new()
        .routes(routes!(list_script_lines))
        .routes(routes!(search_lines))
        .routes(routes!(get_line, update_line))
}

/// The lines of a script, with their words
#[utoipa::path(get, path = "/v1/scripts/{id}/lines", operation_id = "list_script_lines", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script"), PageQuery),
    responses(
        (status = 200, description = "A page of lines in order", body = Page<LineView>),
        (status = 400, description = "`FIELD_INVALID`: limit or cursor", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_script_lines(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LineView>>, Problem> {
    Ok(Json(catalog.script_lines(&caller, id, &page).await?))
}

/// Find lines
///
/// Newest first.
#[utoipa::path(get, path = "/v1/lines", operation_id = "search_lines", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(LineFilter, PageQuery),
    responses(
        (status = 200, description = "A page of lines", body = Page<LineView>),
        (status = 400, description = "`FIELD_INVALID`: limit, cursor or a filter", body = ProblemBody),
    ))]
async fn search_lines(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Query(filter): Query<LineFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LineView>>, Problem> {
    Ok(Json(catalog.search_lines(&caller, &filter, &page).await?))
}

/// A line, with its words
#[utoipa::path(get, path = "/v1/lines/{id}", operation_id = "get_line", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(("id" = LineId, Path, description = "Line")),
    responses(
        (status = 200, description = "The line", body = LineView),
        (status = 404, description = "`LINE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_line(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<LineId>,
) -> Result<Json<LineView>, Problem> {
    Ok(Json(catalog.line(&caller, id).await?))
}

/// Change a line
///
/// The script's revision counts up.
#[utoipa::path(patch, path = "/v1/lines/{id}", operation_id = "update_line", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = LineId, Path, description = "Line")),
    request_body(content = LineChange, example = json!({"text": "Three coffees, please.", "style": null})),
    responses(
        (status = 200, description = "The line as it is now", body = LineView),
        (status = 400, description = "`SCRIPT_INVALID`: `details.problems` says why", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`LINE_NOT_FOUND` or `ACTOR_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`SCRIPT_CHANGED`: `details.revision` is the current one", body = ProblemBody),
    ))]
async fn update_line(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Ui(language): Ui,
    Path(id): Path<LineId>,
    Json(change): Json<LineChange>,
) -> Result<Json<LineView>, Problem> {
    catalog.change_line(&caller, id, change).await.map_err(|fault| fault.told_in(language))?;
    Ok(Json(catalog.line(&caller, id).await?))
}
