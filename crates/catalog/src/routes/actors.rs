//! `/v1/actors`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use sori_contracts::ActorId;
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, Who};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::created;
use crate::{ActorChange, ActorView, Catalog, NewActor};

pub(super) fn routes() -> OpenApiRouter<Catalog> {
    OpenApiRouter::new()
        .routes(routes!(create_actor, list_actors))
        .routes(routes!(get_actor, update_actor, delete_actor))
        .routes(routes!(add_alias))
        .routes(routes!(remove_alias))
}

/// Make an actor
///
/// Lines whose speaker has this name, and no actor yet, become the actor's.
#[utoipa::path(post, path = "/v1/actors", operation_id = "create_actor", tag = "actors",
    security(("account" = ["scripts:write", "role:editor"])),
    request_body = NewActor,
    responses(
        (status = 201, description = "Made; `Location` names it", body = ActorView),
        (status = 400, description = "`FIELD_INVALID`: `details.field` names the field", body = ProblemBody),
        (status = 409, description = "`ALIAS_TAKEN`: `details.actor_id` has this name or alias", body = ProblemBody),
    ))]
async fn create_actor(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Json(new): Json<NewActor>,
) -> Result<Response, Problem> {
    let id = catalog.create_actor(new).await?;
    Ok(created(format!("/v1/actors/{id}"), catalog.actor(&caller, id).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ActorFilter {
    /// Part of a name or of an alias; case makes no difference.
    query: Option<String>,
}

/// List actors
///
/// Newest first.
#[utoipa::path(get, path = "/v1/actors", operation_id = "list_actors", tag = "actors",
    security((), ("account" = ["scripts:read"])),
    params(ActorFilter, PageQuery),
    responses(
        (status = 200, description = "A page of actors", body = Page<ActorView>),
        (status = 400, description = "`FIELD_INVALID`: limit or cursor", body = ProblemBody),
    ))]
async fn list_actors(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Query(filter): Query<ActorFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ActorView>>, Problem> {
    Ok(Json(catalog.actors(&caller, filter.query.as_deref(), &page).await?))
}

/// An actor
#[utoipa::path(get, path = "/v1/actors/{id}", operation_id = "get_actor", tag = "actors",
    security((), ("account" = ["scripts:read"])),
    params(("id" = ActorId, Path, description = "Actor")),
    responses(
        (status = 200, description = "The actor", body = ActorView),
        (status = 404, description = "`ACTOR_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_actor(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ActorId>,
) -> Result<Json<ActorView>, Problem> {
    Ok(Json(catalog.actor(&caller, id).await?))
}

/// Change an actor
#[utoipa::path(patch, path = "/v1/actors/{id}", operation_id = "update_actor", tag = "actors",
    security(("account" = ["scripts:write", "role:editor"])),
    params(("id" = ActorId, Path, description = "Actor")),
    request_body = ActorChange,
    responses(
        (status = 200, description = "The actor as it is now", body = ActorView),
        (status = 400, description = "`FIELD_INVALID`: `details.field` names the field", body = ProblemBody),
        (status = 404, description = "`ACTOR_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`ALIAS_TAKEN`: `details.actor_id` has this name or alias", body = ProblemBody),
    ))]
async fn update_actor(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ActorId>,
    Json(change): Json<ActorChange>,
) -> Result<Json<ActorView>, Problem> {
    Ok(Json(catalog.change_actor(&caller, id, change).await?))
}

/// Delete an actor
///
/// The lines stay, without an actor.
#[utoipa::path(delete, path = "/v1/actors/{id}", operation_id = "delete_actor", tag = "actors",
    security(("account" = ["scripts:write", "role:editor"])),
    params(("id" = ActorId, Path, description = "Actor")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "`ACTOR_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_actor(
    State(catalog): State<Catalog>,
    Path(id): Path<ActorId>,
) -> Result<StatusCode, Problem> {
    catalog.delete_actor(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAlias {
    #[schema(example = "MINA", max_length = 80)]
    alias: String,
}

/// Give an actor another name
#[utoipa::path(post, path = "/v1/actors/{id}/aliases", operation_id = "add_alias", tag = "actors",
    security(("account" = ["scripts:write", "role:editor"])),
    params(("id" = ActorId, Path, description = "Actor")),
    request_body = NewAlias,
    responses(
        (status = 201, description = "The actor as it is now", body = ActorView),
        (status = 400, description = "`FIELD_INVALID`", body = ProblemBody),
        (status = 404, description = "`ACTOR_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`ALIAS_TAKEN`: `details.actor_id` has this name or alias", body = ProblemBody),
    ))]
async fn add_alias(
    State(catalog): State<Catalog>,
    Who(caller): Who,
    Path(id): Path<ActorId>,
    Json(new): Json<NewAlias>,
) -> Result<Response, Problem> {
    catalog.add_alias(id, &new.alias).await?;
    Ok(created(format!("/v1/actors/{id}"), catalog.actor(&caller, id).await?))
}

/// Take an alias from an actor
#[utoipa::path(delete, path = "/v1/actors/{id}/aliases/{alias}", operation_id = "remove_alias", tag = "actors",
    security(("account" = ["scripts:write", "role:editor"])),
    params(("id" = ActorId, Path, description = "Actor"), ("alias" = String, Path, description = "Alias; case makes no difference")),
    responses(
        (status = 204, description = "Taken; lines stay the actor's"),
        (status = 404, description = "`ACTOR_NOT_FOUND` or `ALIAS_NOT_FOUND`", body = ProblemBody),
    ))]
async fn remove_alias(
    State(catalog): State<Catalog>,
    Path((id, alias)): Path<(ActorId, String)>,
) -> Result<StatusCode, Problem> {
    catalog.remove_alias(id, &alias).await?;
    Ok(StatusCode::NO_CONTENT)
}
