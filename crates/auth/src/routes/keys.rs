//! One's own API keys.

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::{Deserialize, Deserializer, Serialize};
use sori_contracts::{ApiKeyId, Member, Role, Scope, Scopes};
use sori_http::{AccessFault, Json, Path, Problem, ProblemBody, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Actor, ApiKey, Auth, KeyChange, Moment, NewKey, Policy};

pub(super) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new().routes(routes!(list_keys, create_key)).routes(routes!(change_key, revoke_key))
}

#[derive(Serialize, utoipa::ToSchema)]
struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    /// The visible part: the key begins with `sori_` and this.
    prefix: String,
    scopes: Vec<Scope>,
    policy: Policy,
    created_at: Moment,
    /// Null: never.
    expires_at: Option<Moment>,
    /// Up to a minute late.
    last_used_at: Option<Moment>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.iter().collect(),
            policy: key.policy,
            created_at: Moment(key.created_at_ms),
            expires_at: key.expires_at_ms.map(Moment),
            last_used_at: key.last_used_at_ms.map(Moment),
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct ApiKeys {
    items: Vec<ApiKeyView>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct NewApiKeyView {
    #[serde(flatten)]
    key: ApiKeyView,
    /// The whole key. It is shown this once.
    secret: String,
}

/// A key can do no more than whoever makes it.
fn granted(member: &Member, asked: &[Scope]) -> Result<Scopes, AccessFault> {
    let may =
        |scope: &Scope| member.scopes.has(*scope) && (*scope != Scope::Admin || member.role == Role::Admin);
    if asked.iter().all(may) { Ok(asked.iter().copied().collect()) } else { Err(AccessFault::Forbidden) }
}

/// List one's API keys
#[utoipa::path(get, path = "/v1/api-keys", operation_id = "list_api_keys", tag = "account",
    security(("account" = ["account"])),
    responses(
        (status = 200, description = "Newest first", body = ApiKeys),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn list_keys(State(auth): State<Auth>, SignedIn(member): SignedIn) -> Result<Json<ApiKeys>, Problem> {
    let keys = auth.api_keys().list(member.account).await?;
    Ok(Json(ApiKeys { items: keys.into_iter().map(ApiKeyView::from).collect() }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyOrder {
    name: String,
    scopes: Vec<Scope>,
    #[serde(default)]
    policy: Policy,
    expires_at: Option<Moment>,
}

/// Make an API key
///
/// It acts in one's own name, within its scopes. With the policy `signed` it is good for signed requests
/// only.
#[utoipa::path(post, path = "/v1/api-keys", operation_id = "create_api_key", tag = "account",
    security(("account" = ["account"])), request_body = KeyOrder,
    responses(
        (status = 201, description = "The key with its secret", body = NewApiKeyView),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: a scope that one does not have oneself", body = ProblemBody),
        (status = 409, description = "`AUTH_TOO_MANY_KEYS`", body = ProblemBody),
    ))]
async fn create_key(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Json(order): Json<KeyOrder>,
) -> Result<(StatusCode, [(HeaderName, &'static str); 1], Json<NewApiKeyView>), Problem> {
    let new = NewKey {
        name: order.name,
        scopes: granted(&member, &order.scopes)?,
        policy: order.policy,
        expires_at_ms: order.expires_at.map(|moment| moment.0),
    };
    let actor = Actor::member(&member, sender.0);
    let (key, secret) = auth.api_keys().create(member.account, new, actor).await?;
    let only_for_them = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, only_for_them, Json(NewApiKeyView { key: key.into(), secret })))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyPatch {
    name: Option<String>,
    scopes: Option<Vec<Scope>>,
    policy: Option<Policy>,
    /// Null takes the end away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
}

/// Tells a field that is null from one that is left out.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// Change an API key
#[utoipa::path(patch, path = "/v1/api-keys/{id}", operation_id = "change_api_key", tag = "account",
    security(("account" = ["account"])), params(("id" = ApiKeyId, Path, description = "Key")),
    request_body = KeyPatch,
    responses(
        (status = 200, description = "As it is now", body = ApiKeyView),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`: a scope that one does not have oneself", body = ProblemBody),
        (status = 404, description = "`API_KEY_NOT_FOUND`", body = ProblemBody),
    ))]
async fn change_key(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<ApiKeyId>,
    Json(patch): Json<KeyPatch>,
) -> Result<Json<ApiKeyView>, Problem> {
    let before = auth.api_keys().get(member.account, id).await?;
    // Nor may a key that can do little change one that can do more.
    granted(&member, &before.scopes.iter().collect::<Vec<_>>())?;
    let change = KeyChange {
        name: patch.name,
        scopes: patch.scopes.map(|scopes| granted(&member, &scopes)).transpose()?,
        policy: patch.policy,
        expires_at_ms: patch.expires_at.map(|end| end.map(|moment| moment.0)),
    };
    let actor = Actor::member(&member, sender.0);
    Ok(Json(auth.api_keys().change(member.account, id, change, actor).await?.into()))
}

/// Revoke an API key
///
/// It is refused from now on, and cannot be brought back.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "account",
    security(("account" = ["account"])), params(("id" = ApiKeyId, Path, description = "Key")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`API_KEY_NOT_FOUND`", body = ProblemBody),
    ))]
async fn revoke_key(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    auth.api_keys().revoke(member.account, id, Actor::member(&member, sender.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}
