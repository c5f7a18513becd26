//! `/v1/scripts/{id}/shares` and `/v1/shows/{id}/shares`

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use sori_contracts::{ScriptId, ShowId};
use sori_http::{Json, Path, Problem, ProblemBody, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Catalog, ShareView, ownership::Thing};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new()
        .routes(routes!(list_script_shares))
        .routes(routes!(share_script, unshare_script))
        .routes(routes!(list_show_shares))
        .routes(routes!(share_show, unshare_show))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Shares {
    /// Oldest first.
    items: Vec<ShareView>,
}

/// With whom a script is shared
#[utoipa::path(get, path = "/v1/scripts/{id}/shares", operation_id = "list_script_shares", tag = "scripts",
    security(("account" = ["scripts:read"])),
    params(("id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 200, description = "The accounts that may see it while its visibility is `shared`", body = Shares),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_script_shares(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ScriptId>,
) -> Result<Json<Shares>, Problem> {
    Ok(Json(Shares { items: catalog.shares(&caller, Thing::Script(id)).await? }))
}

/// Share a script with an account
///
/// They may see it and hear it, not change it. A private script is `shared` from now on.
#[utoipa::path(put, path = "/v1/scripts/{id}/shares/{account_id}", operation_id = "share_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ScriptId, Path, description = "Script"),
        ("account_id" = String, Path, description = "An account's id or its e-mail address", example = "mina@example.org")),
    responses(
        (status = 200, description = "Shared, or was already", body = ShareView),
        (status = 400, description = "`FIELD_INVALID`: it is theirs, or it is shared with 200 accounts", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND` or `ACCOUNT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn share_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path((id, account)): Path<(ScriptId, String)>,
) -> Result<Json<ShareView>, Problem> {
    Ok(Json(catalog.share(&caller, Thing::Script(id), &account).await?))
}

/// Stop sharing a script with an account
///
/// You may also take yourself off a script that is shared with you.
#[utoipa::path(delete, path = "/v1/scripts/{id}/shares/{account_id}", operation_id = "unshare_script", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ScriptId, Path, description = "Script"),
        ("account_id" = String, Path, description = "An account's id or its e-mail address")),
    responses(
        (status = 204, description = "Not shared any more"),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SCRIPT_NOT_FOUND`, `ACCOUNT_NOT_FOUND` or `SHARE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn unshare_script(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path((id, account)): Path<(ScriptId, String)>,
) -> Result<StatusCode, Problem> {
    catalog.unshare(&caller, Thing::Script(id), &account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With whom a show is shared
#[utoipa::path(get, path = "/v1/shows/{id}/shares", operation_id = "list_show_shares", tag = "scripts",
    security(("account" = ["scripts:read"])),
    params(("id" = ShowId, Path, description = "Show")),
    responses(
        (status = 200, description = "The accounts that may see it while its visibility is `shared`", body = Shares),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn list_show_shares(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ShowId>,
) -> Result<Json<Shares>, Problem> {
    Ok(Json(Shares { items: catalog.shares(&caller, Thing::Show(id)).await? }))
}

/// Share a show with an account
///
/// Its scripts are shared one by one: a show lists what each may see.
#[utoipa::path(put, path = "/v1/shows/{id}/shares/{account_id}", operation_id = "share_show", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ShowId, Path, description = "Show"),
        ("account_id" = String, Path, description = "An account's id or its e-mail address", example = "mina@example.org")),
    responses(
        (status = 200, description = "Shared, or was already", body = ShareView),
        (status = 400, description = "`FIELD_INVALID`: it is theirs, or it is shared with 200 accounts", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND` or `ACCOUNT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn share_show(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path((id, account)): Path<(ShowId, String)>,
) -> Result<Json<ShareView>, Problem> {
    Ok(Json(catalog.share(&caller, Thing::Show(id), &account).await?))
}

/// Stop sharing a show with an account
#[utoipa::path(delete, path = "/v1/shows/{id}/shares/{account_id}", operation_id = "unshare_show", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ShowId, Path, description = "Show"),
        ("account_id" = String, Path, description = "An account's id or its e-mail address")),
    responses(
        (status = 204, description = "Not shared any more"),
        (status = 403, description = "`AUTH_FORBIDDEN`: it is not yours", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`, `ACCOUNT_NOT_FOUND` or `SHARE_NOT_FOUND`", body = ProblemBody),
    ))]
async fn unshare_show(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path((id, account)): Path<(ShowId, String)>,
) -> Result<StatusCode, Problem> {
    catalog.unshare(&caller, Thing::Show(id), &account).await?;
    Ok(StatusCode::NO_CONTENT)
}
