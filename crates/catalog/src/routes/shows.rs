//! `/v1/shows`

use axum::{extract::State, http::StatusCode, response::Response};
use sori_contracts::{Caller, ShowId};
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, SignedIn, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::created;
use crate::{Catalog, NewShow, ShowChange, ShowFilter, ShowView};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new().routes(routes!(create_show, list_shows)).routes(routes!(
        get_show,
        update_show,
        delete_show
    ))
}

/// Make a show
#[utoipa::path(post, path = "/v1/shows", operation_id = "create_show", tag = "scripts",
    security(("account" = ["scripts:write"])),
    request_body = NewShow,
    responses(
        (status = 201, description = "Made; `Location` names it", body = ShowView),
        (status = 400, description = "`FIELD_INVALID`: `details.field` names the field", body = ProblemBody),
    ))]
async fn create_show(
    State(catalog): State<Catalog>,
    SignedIn(member): SignedIn,
    Json(new): Json<NewShow>,
) -> Result<Response, Problem> {
    let id = catalog.create_show(&member, new).await?;
    let show = catalog.show(&Caller::Account(member), id).await?;
    Ok(created(format!("/v1/shows/{id}"), show))
}

/// List shows
///
/// Newest first.
#[utoipa::path(get, path = "/v1/shows", operation_id = "list_shows", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(ShowFilter, PageQuery),
    responses(
        (status = 200, description = "A page of shows", body = Page<ShowView>),
        (status = 400, description = "`FIELD_INVALID`: limit or cursor", body = ProblemBody),
    ))]
async fn list_shows(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Query(filter): Query<ShowFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ShowView>>, Problem> {
    Ok(Json(catalog.shows(&caller, &filter, &page).await?))
}

/// A show
#[utoipa::path(get, path = "/v1/shows/{id}", operation_id = "get_show", tag = "scripts",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ShowId, Path, description = "Show")),
    responses(
        (status = 200, description = "The show", body = ShowView),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_show(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ShowId>,
) -> Result<Json<ShowView>, Problem> {
    Ok(Json(catalog.show(&caller, id).await?))
}

/// Change a show
#[utoipa::path(patch, path = "/v1/shows/{id}", operation_id = "update_show", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ShowId, Path, description = "Show")),
    request_body = ShowChange,
    responses(
        (status = 200, description = "The show as it is now", body = ShowView),
        (status = 400, description = "`FIELD_INVALID`: `details.field` names the field", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn update_show(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ShowId>,
    Json(change): Json<ShowChange>,
) -> Result<Json<ShowView>, Problem> {
    Ok(Json(catalog.change_show(&caller, id, change).await?))
}

/// Delete a show
///
/// Its scripts stay, without a show.
#[utoipa::path(delete, path = "/v1/shows/{id}", operation_id = "delete_show", tag = "scripts",
    security(("account" = ["scripts:write"])),
    params(("id" = ShowId, Path, description = "Show")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "`AUTH_FORBIDDEN`: you may see it, not change it", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_show(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ShowId>,
) -> Result<StatusCode, Problem> {
    catalog.delete_show(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
