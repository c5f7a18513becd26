//! Accounts and the log, for admins.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sori_contracts::{AccountId, Role};
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    AccountFilter, Actor, Auth, AuthFault, Email, Moment, NewAccount, Status, User,
    accounts::name_of,
    audit::{self, Filter, Kind},
};

pub(super) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(list_accounts, make_account))
        .routes(routes!(change_account, delete_account))
        .routes(routes!(make_reset_link))
        .routes(routes!(list_audit))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// `pending`, `active` or `suspended`.
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    /// A part of the name or the e-mail address.
    q: Option<String>,
}

/// List accounts, newest first
#[utoipa::path(get, path = "/api/admin/accounts", operation_id = "list_accounts", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(AccountsQuery, PageQuery),
    responses(
        (status = 200, description = "One page of accounts", body = Page<User>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn list_accounts(
    State(auth): State<Auth>,
    Query(query): Query<AccountsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<User>>, Problem> {
    let limit = page.limit()?;
    let status = query.status.as_deref().filter(|status| !status.is_empty()).map(status_of).transpose()?;
    let text = query.q.filter(|text| !text.trim().is_empty());
    let filter = AccountFilter { status, text, before: page.after()? };
    let accounts = auth.accounts().list(&filter, limit + 1).await?;
    let users = accounts.iter().map(User::from).collect();
    Ok(Json(Page::cut(users, limit, |user: &User| user.id.to_string())))
}

fn status_of(text: &str) -> Result<Status, AuthFault> {
    Status::parse(text).ok_or_else(|| {
        AuthFault::field(
            "status",
            "status must be pending, active or suspended.",
            "status는 pending, active, suspended 중 하나여야 합니다.",
        )
    })
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountOrder {
    email: String,
    name: String,
    #[serde(default = "learner")]
    role: Role,
}

fn learner() -> Role {
    Role::Learner
}

#[derive(Serialize, utoipa::ToSchema)]
struct MadeAccount {
    user: User,
    /// Where its owner chooses a password; good once, for a day.
    url: String,
}

/// Make an account for somebody
///
/// It has no password yet: hand its owner the link.
#[utoipa::path(post, path = "/api/admin/accounts", operation_id = "make_account", tag = "admin",
    security(("account" = ["admin", "role:admin"])), request_body = AccountOrder,
    responses(
        (status = 201, description = "The account, and the link for its owner", body = MadeAccount),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 409, description = "`AUTH_EMAIL_TAKEN`", body = ProblemBody),
    ))]
async fn make_account(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Json(order): Json<AccountOrder>,
) -> Result<Response, Problem> {
    let actor = Actor::member(&member, sender.0);
    let new = NewAccount {
        email: Email::parse(&order.email)?,
        name: name_of(&order.name)?,
        password: None,
        role: order.role,
        status: Status::Active,
        language: None,
        email_verified: false,
    };
    let account = auth.accounts().make(new, actor).await?;
    let url = auth.reset_link(account.id, actor).await?;
    let made = MadeAccount { user: User::from(&account), url };
    Ok(private((StatusCode::CREATED, Json(made)).into_response()))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountPatch {
    role: Option<Role>,
    status: Option<Status>,
}

/// Change the role of an account, approve it or suspend it
///
/// What it was given before is taken back at once: devices get new tokens, or none.
#[utoipa::path(patch, path = "/api/admin/accounts/{id}", operation_id = "change_account", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(("id" = AccountId, Path, description = "Account")),
    request_body = AccountPatch,
    responses(
        (status = 200, description = "As it is now", body = User),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`AUTH_LAST_ADMIN`", body = ProblemBody),
    ))]
async fn change_account(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<AccountId>,
    Json(patch): Json<AccountPatch>,
) -> Result<Json<User>, Problem> {
    let actor = Actor::member(&member, sender.0);
    let account = auth.accounts().set_role_and_status(id, patch.role, patch.status, actor).await?;
    Ok(Json(User::from(&account)))
}

/// Delete an account and everything that is only its
#[utoipa::path(delete, path = "/api/admin/accounts/{id}", operation_id = "delete_account", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(("id" = AccountId, Path, description = "Account")),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`AUTH_LAST_ADMIN`", body = ProblemBody),
    ))]
async fn delete_account(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<AccountId>,
) -> Result<StatusCode, Problem> {
    auth.delete_account(id, Actor::member(&member, sender.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, utoipa::ToSchema)]
struct LinkView {
    /// Good once, for a day.
    url: String,
}

/// Make a link with which the owner of an account chooses a new password
///
/// Links made before end.
#[utoipa::path(post, path = "/api/admin/accounts/{id}/reset-link", operation_id = "make_reset_link", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(("id" = AccountId, Path, description = "Account")),
    responses(
        (status = 201, description = "The link", body = LinkView),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`ACCOUNT_NOT_FOUND`", body = ProblemBody),
    ))]
async fn make_reset_link(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<AccountId>,
) -> Result<Response, Problem> {
    let url = auth.reset_link(id, Actor::member(&member, sender.0)).await?;
    Ok(private((StatusCode::CREATED, Json(LinkView { url })).into_response()))
}

/// Not to be kept by anything on the way.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Such as `sign_in_failed`.
    kind: Option<String>,
    /// About this account.
    account: Option<AccountId>,
}

/// One line of the log of security events.
#[derive(Serialize, utoipa::ToSchema)]
struct AuditView {
    id: Uuid,
    at: Moment,
    #[schema(example = "role_changed")]
    kind: String,
    /// Whom it is about.
    account_id: Option<AccountId>,
    account_email: Option<String>,
    /// Who did it; null for the command line and for who is not known.
    actor_id: Option<AccountId>,
    actor_email: Option<String>,
    address: Option<String>,
    #[schema(value_type = Object)]
    details: Value,
}

impl From<audit::Entry> for AuditView {
    fn from(entry: audit::Entry) -> Self {
        Self {
            id: entry.id,
            at: Moment(entry.at_ms),
            kind: entry.kind,
            account_id: entry.account_id.map(AccountId),
            account_email: entry.account_email,
            actor_id: entry.actor_id.map(AccountId),
            actor_email: entry.actor_email,
            address: entry.address,
            details: serde_json::from_str(&entry.details).unwrap_or_default(),
        }
    }
}

/// List security events, newest first
#[utoipa::path(get, path = "/api/admin/audit", operation_id = "list_audit", tag = "admin",
    security(("account" = ["admin", "role:admin"])), params(AuditQuery, PageQuery),
    responses(
        (status = 200, description = "One page of the log", body = Page<AuditView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn list_audit(
    State(auth): State<Auth>,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let limit = page.limit()?;
    let kind = query.kind.as_deref().filter(|kind| !kind.is_empty()).map(kind_of).transpose()?;
    let filter = Filter { kind, account: query.account, before: page.after()? };
    let entries = audit::list(&auth.0.db, &filter, limit + 1).await.map_err(AuthFault::from)?;
    let views = entries.into_iter().map(AuditView::from).collect();
    Ok(Json(Page::cut(views, limit, |line: &AuditView| line.id.to_string())))
}

fn kind_of(text: &str) -> Result<Kind, AuthFault> {
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let names = names.join(", ");
        AuthFault::field(
            "kind",
            format!("kind must be one of {names}."),
            format!("kind는 다음 중 하나여야 합니다: {names}."),
        )
    })
}
