//! Coming in and going out.

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{Credential, Role};
use sori_http::{AccessFault, Json, Problem, ProblemBody, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Refusal, SessionView, clear_cookies, refresh_cookie, signed_in};
use crate::{
    Actor, Auth, AuthFault, Device, Email, NewAccount, Password, ProviderName, SignUp, Status,
    accounts::{language_of, name_of},
    oidc::Oidc,
};

pub(super) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(options))
        .routes(routes!(set_up))
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
        .routes(routes!(sign_out_everywhere))
}

#[derive(Serialize, utoipa::ToSchema)]
struct Options {
    sign_up: SignUp,
    /// For Google's own button.
    google_client_id: Option<String>,
    /// `/api/auth/providers/{id}/start` begins.
    providers: Vec<ProviderName>,
    /// There is no admin yet: look for the link that the server showed when it started.
    needs_setup: bool,
    /// Who is not signed in sees what is public.
    visitors: bool,
}

/// Tell how people come in
#[utoipa::path(get, path = "/api/auth/options", operation_id = "get_auth_options", tag = "auth", security(()),
    responses((status = 200, description = "What a sign-in page has to offer", body = Options)))]
async fn options(State(auth): State<Auth>) -> Result<Json<Options>, Problem> {
    let config = auth.config();
    Ok(Json(Options {
        sign_up: config.sign_up,
        google_client_id: auth.oidc().and_then(|oidc| oidc.google_client_id()).map(str::to_owned),
        providers: auth.oidc().map(Oidc::names).unwrap_or_default(),
        needs_setup: auth.accounts().needs_setup().await?,
        visitors: config.visitors,
    }))
}

/// Who somebody is, and how they will come in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Newcomer {
    email: String,
    /// 10 to 128 letters.
    #[schema(format = Password)]
    password: String,
    name: String,
    /// `ko` or `en`
    language: Option<String>,
    /// Put the tokens into cookies instead of the answer.
    #[serde(default)]
    cookies: bool,
    /// What this device is called in the list of devices.
    device_name: Option<String>,
    /// Of the first-run link; for `/api/auth/setup` only.
    token: Option<String>,
}

impl Newcomer {
    fn account(&self) -> Result<NewAccount, AuthFault> {
        let email = Email::parse(&self.email)?;
        let name = name_of(&self.name)?;
        let password = Password::new(&self.password, &email, &name)?;
        let language = self.language.as_deref().map(language_of).transpose()?;
        Ok(NewAccount {
            email,
            name,
            password: Some(password),
            role: Role::Learner,
            status: Status::Pending,
            language,
            email_verified: false,
        })
    }
}

fn device(headers: &HeaderMap, name: Option<String>, sender: Sender) -> Device {
    let agent =
        || headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Device { name: name.filter(|name| !name.trim().is_empty()).unwrap_or_else(agent), address: sender.0 }
}

/// Make the first admin
///
/// With the token of the link that the server shows when it starts without an admin.
#[utoipa::path(post, path = "/api/auth/setup", operation_id = "set_up", tag = "auth", security(()),
    request_body = Newcomer,
    responses(
        (status = 201, description = "Signed in as the admin", body = SessionView),
        (status = 400, description = "`AUTH_LINK_INVALID`, `AUTH_PASSWORD_WEAK` or a wrong field", body = ProblemBody),
        (status = 409, description = "`AUTH_EMAIL_TAKEN`", body = ProblemBody),
        (status = 429, description = "`AUTH_TOO_MANY_TRIES`", body = ProblemBody),
    ))]
async fn set_up(
    State(auth): State<Auth>,
    sender: Sender,
    headers: HeaderMap,
    Json(new): Json<Newcomer>,
) -> Result<Response, Refusal> {
    let actor = Actor { account: None, address: sender.0 };
    let token = new.token.as_deref().unwrap_or_default();
    let account = auth.accounts().set_up(token, new.account()?, actor).await?;
    let tokens = auth.sessions().open(&account, device(&headers, new.device_name, sender)).await?;
    Ok(signed_in(StatusCode::CREATED, &account, &tokens, new.cookies, auth.config().is_secure))
}

#[derive(Serialize, utoipa::ToSchema)]
struct Waiting {
    /// Always `pending`: an admin has to let them in.
    status: Status,
}

/// Make an account
#[utoipa::path(post, path = "/api/auth/sign-up", operation_id = "sign_up", tag = "auth", security(()),
    request_body = Newcomer,
    responses(
        (status = 201, description = "Signed in", body = SessionView),
        (status = 202, description = "An admin has to approve it first", body = Waiting),
        (status = 400, description = "`AUTH_PASSWORD_WEAK` or a wrong field", body = ProblemBody),
        (status = 403, description = "`AUTH_SIGN_UP_CLOSED`", body = ProblemBody),
        (status = 409, description = "`AUTH_EMAIL_TAKEN`", body = ProblemBody),
        (status = 429, description = "`AUTH_TOO_MANY_TRIES`", body = ProblemBody),
    ))]
async fn sign_up(
    State(auth): State<Auth>,
    sender: Sender,
    headers: HeaderMap,
    Json(new): Json<Newcomer>,
) -> Result<Response, Refusal> {
    if auth.config().sign_up == SignUp::Closed {
        return Err(AuthFault::SignUpClosed.into());
    }
    let actor = Actor { account: None, address: sender.0 };
    let Some(account) = auth.accounts().sign_up(new.account()?, actor).await? else {
        return Ok((StatusCode::ACCEPTED, Json(Waiting { status: Status::Pending })).into_response());
    };
    let tokens = auth.sessions().open(&account, device(&headers, new.device_name, sender)).await?;
    Ok(signed_in(StatusCode::CREATED, &account, &tokens, new.cookies, auth.config().is_secure))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    #[schema(format = Password)]
    password: String,
    /// Put the tokens into cookies instead of the answer.
    #[serde(default)]
    cookies: bool,
    /// What this device is called in the list of devices.
    device_name: Option<String>,
}

/// Sign in with a password
#[utoipa::path(post, path = "/api/auth/sign-in", operation_id = "sign_in", tag = "auth", security(()),
    request_body = SignIn,
    responses(
        (status = 200, description = "Signed in", body = SessionView),
        (status = 400, description = "A field is wrong", body = ProblemBody),
        (status = 401, description = "`AUTH_SIGN_IN_FAILED`", body = ProblemBody),
        (status = 403, description = "`AUTH_USER_PENDING` or `AUTH_USER_SUSPENDED`", body = ProblemBody),
        (status = 429, description = "`AUTH_TOO_MANY_TRIES`; see `Retry-After`", body = ProblemBody),
    ))]
async fn sign_in(
    State(auth): State<Auth>,
    sender: Sender,
    headers: HeaderMap,
    Json(form): Json<SignIn>,
) -> Result<Response, Refusal> {
    let device = device(&headers, form.device_name, sender);
    let (account, tokens) = auth.sign_in(&form.email, &form.password, device).await?;
    Ok(signed_in(StatusCode::OK, &account, &tokens, form.cookies, auth.config().is_secure))
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// Browsers leave it out: their cookie has it.
    refresh_token: Option<String>,
}

/// Get new tokens for a refresh token
///
/// A refresh token is good once. Used a second time, it ends the session for everybody who holds it.
#[utoipa::path(post, path = "/api/auth/refresh", operation_id = "refresh", tag = "auth", security(()),
    request_body(content = Option<Refresh>),
    responses(
        (status = 200, description = "The next tokens, the way the last ones came", body = SessionView),
        (status = 400, description = "The body is malformed", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`: sign in again", body = ProblemBody),
        (status = 403, description = "`AUTH_USER_PENDING` or `AUTH_USER_SUSPENDED`", body = ProblemBody),
    ))]
async fn refresh(State(auth): State<Auth>, sender: Sender, request: Request) -> Result<Response, Problem> {
    let from_cookie = refresh_cookie(request.headers()).map(str::to_owned);
    let form = match request.headers().contains_key("content-type") {
        true => Json::<Refresh>::from_request(request, &()).await?.0,
        false => Refresh::default(),
    };
    let by_cookies = form.refresh_token.is_none();
    let token = form.refresh_token.or(from_cookie).ok_or(AccessFault::InvalidToken)?;
    match auth.sessions().refresh(&token, sender.0).await {
        Ok((account, tokens)) => {
            Ok(signed_in(StatusCode::OK, &account, &tokens, by_cookies, auth.config().is_secure))
        }
        Err(fault) => {
            let mut response = Refusal::from(fault).into_response();
            if by_cookies && response.status().is_client_error() {
                clear_cookies(response.headers_mut(), auth.config().is_secure);
            }
            Ok(response)
        }
    }
}

/// Sign this device out
#[utoipa::path(post, path = "/api/auth/sign-out", operation_id = "sign_out", tag = "auth",
    security(("account" = ["account"])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "Not by an API key: `AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn sign_out(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
) -> Result<Response, Problem> {
    let Credential::Session(session) = member.credential else {
        return Err(AccessFault::Forbidden.into());
    };
    auth.sessions().end(member.account, session, Actor::member(&member, sender.0)).await?;
    Ok(gone(&auth))
}

/// Sign all devices out
#[utoipa::path(post, path = "/api/auth/sign-out-everywhere", operation_id = "sign_out_everywhere", tag = "auth",
    security(("account" = ["account"])),
    responses(
        (status = 204, description = "Signed out on all devices; API keys stay"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn sign_out_everywhere(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
) -> Result<Response, Problem> {
    auth.sessions().end_all(member.account, Actor::member(&member, sender.0)).await?;
    Ok(gone(&auth))
}

fn gone(auth: &Auth) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookies(response.headers_mut(), auth.config().is_secure);
    response
}
