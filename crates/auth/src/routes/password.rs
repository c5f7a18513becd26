//! A new password: chosen by its owner, or by whoever holds a one-time link.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use sori_contracts::Credential;
use sori_http::{AccessFault, Json, ProblemBody, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::Refusal;
use crate::{Actor, Auth};

pub(super) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new().routes(routes!(change_password)).routes(routes!(reset_password))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// Empty for an account that has none yet.
    #[serde(default)]
    #[schema(format = Password)]
    current: String,
    /// 10 to 128 letters.
    #[schema(format = Password)]
    new: String,
}

/// Change the password
///
/// All other devices are signed out. This one goes on with its refresh token.
#[utoipa::path(post, path = "/api/auth/password", operation_id = "change_password", tag = "auth",
    security(("account" = ["account"])), request_body = PasswordChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 400, description = "`AUTH_PASSWORD_WEAK`", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_PASSWORD_WRONG`; not by an API key: `AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 429, description = "`AUTH_TOO_MANY_TRIES`", body = ProblemBody),
    ))]
async fn change_password(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Json(form): Json<PasswordChange>,
) -> Result<StatusCode, Refusal> {
    let stays = match member.credential {
        Credential::Session(session) => Some(session),
        Credential::External => None,
        Credential::ApiKey(_) | Credential::Link => return Err(AccessFault::Forbidden.into()),
    };
    let actor = Actor::member(&member, sender.0);
    auth.accounts().change_password(member.account, &form.current, &form.new, stays, actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordReset {
    /// Of the link.
    token: String,
    /// 10 to 128 letters.
    #[schema(format = Password)]
    new: String,
}

/// Choose a new password by a one-time link
///
/// All devices are signed out.
#[utoipa::path(post, path = "/api/auth/password/reset", operation_id = "reset_password", tag = "auth",
    security(()), request_body = PasswordReset,
    responses(
        (status = 204, description = "Changed; sign in with it"),
        (status = 400, description = "`AUTH_LINK_INVALID` or `AUTH_PASSWORD_WEAK`", body = ProblemBody),
        (status = 429, description = "`AUTH_TOO_MANY_TRIES`", body = ProblemBody),
    ))]
async fn reset_password(
    State(auth): State<Auth>,
    sender: Sender,
    Json(form): Json<PasswordReset>,
) -> Result<StatusCode, Refusal> {
    let actor = Actor { account: None, address: sender.0 };
    auth.reset_password(&form.token, &form.new, actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
