//! Coming in through somebody else, and connecting somebody else to one's account.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{Credential, Member};
use sori_http::{AccessFault, Json, Path, Problem, ProblemBody, Query, Sender, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answered, Begun, GOOGLE_ID, Oidc, OidcFault, cookie_name};
use crate::{
    Actor, Auth, AuthFault, Device, Moment,
    routes::answer::{SessionView, set_cookies, signed_in},
};

/// The cookies of flows go here and nowhere else.
const COOKIE_PATH: &str = "/api/auth/providers";

pub(crate) fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(sign_in_with_google))
        .routes(routes!(start))
        .routes(routes!(callback))
        .routes(routes!(list_identities))
        .routes(routes!(connect_identity, disconnect_identity))
}

/// What Google gave to an app.
#[derive(Deserialize, utoipa::ToSchema)]
struct GoogleToken {
    /// An ID token for this server's client id.
    id_token: String,
    /// What the app had asked Google to put into the token; the token is good once then.
    nonce: Option<String>,
    /// Put the tokens into cookies instead of the answer.
    #[serde(default)]
    cookies: bool,
    /// What this device is called in the list of devices.
    device_name: Option<String>,
}

/// Sign in with an ID token of Google
#[utoipa::path(post, path = "/api/auth/google", operation_id = "sign_in_with_google", tag = "auth", security(()),
    request_body = GoogleToken,
    responses(
        (status = 200, description = "Signed in; the first time with a new account", body = SessionView),
        (status = 400, description = "The body is malformed", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN` or `AUTH_EMAIL_UNVERIFIED`", body = ProblemBody),
        (status = 403, description = "`AUTH_USER_PENDING`, `AUTH_USER_SUSPENDED`, `AUTH_SIGN_UP_CLOSED` or `AUTH_LINK_REQUIRED`", body = ProblemBody),
        (status = 404, description = "Google is not set up here: `AUTH_PROVIDER_UNKNOWN`", body = ProblemBody),
        (status = 503, description = "Google's keys cannot be fetched: `AUTH_PROVIDER_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn sign_in_with_google(
    State(auth): State<Auth>,
    sender: Sender,
    headers: HeaderMap,
    Json(token): Json<GoogleToken>,
) -> Result<Response, Problem> {
    let now_ms = auth.config().now_ms();
    let oidc = oidc(&auth)?;
    let person = oidc.person_of_id_token(GOOGLE_ID, &token.id_token, token.nonce.as_deref(), now_ms).await;
    let person = person.inspect_err(|fault| tracing::info!(%fault, "an ID token was refused"))?;
    let account = auth.account_of(&person, Actor { account: None, address: sender.0 }).await?;
    let device = Device { name: token.device_name.unwrap_or_else(|| agent(&headers)), address: sender.0 };
    let tokens = auth.sessions().open(&account, device).await?;
    Ok(signed_in(StatusCode::OK, &account, &tokens, token.cookies, auth.config().is_secure))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Start {
    /// A path of this site to go to afterwards.
    return_to: Option<String>,
}

/// Go to a provider to sign in
#[utoipa::path(get, path = "/api/auth/providers/{id}/start", operation_id = "start_provider_sign_in", tag = "auth",
    security(()), params(("id" = String, Path, description = "Of `GET /api/auth/options`"), Start),
    responses(
        (status = 303, description = "To the provider's page"),
        (status = 400, description = "The query is malformed", body = ProblemBody),
        (status = 404, description = "`AUTH_PROVIDER_UNKNOWN`", body = ProblemBody),
        (status = 429, description = "`AUTH_FLOWS_FULL`", body = ProblemBody),
        (status = 503, description = "`AUTH_PROVIDER_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn start(
    State(auth): State<Auth>,
    Path(id): Path<String>,
    Query(start): Query<Start>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let begun = begin(&auth, &id, &headers, start.return_to.as_deref(), None).await?;
    let mut response = see(&begun.location);
    take_along(&mut response, &begun, auth.config().is_secure);
    Ok(response)
}

/// Come back from a provider
///
/// For browsers only; whatever happens, they land on a page of this site.
#[utoipa::path(get, path = "/api/auth/providers/{id}/callback", operation_id = "finish_provider_sign_in", tag = "auth",
    security(()), params(("id" = String, Path, description = "Of `GET /api/auth/options`"), Answered),
    responses(
        (status = 303, description = "Signed in with cookies, or to `/sign-in?error=CODE`"),
        (status = 400, description = "The query is malformed", body = ProblemBody),
        (status = 404, description = "The id is none", body = ProblemBody),
    ))]
async fn callback(
    State(auth): State<Auth>,
    Path(id): Path<String>,
    Query(answered): Query<Answered>,
    sender: Sender,
    headers: HeaderMap,
) -> Response {
    let name = cookie_name(answered.state.as_deref().unwrap_or_default());
    let mut response = match finish(&auth, &id, &answered, cookie(&headers, &name), sender, &headers).await {
        Ok(response) => response,
        Err(fault) => {
            let fault = Problem::from(fault);
            tracing::info!(provider = id, fault = %fault.fault(), "a sign-in through a provider failed");
            see(&format!("/sign-in?error={}", fault.fault().code()))
        }
    };
    set_cookie(&mut response, &name, "", 0, auth.config().is_secure);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn finish(
    auth: &Auth,
    id: &str,
    answered: &Answered,
    cookie: Option<&str>,
    sender: Sender,
    headers: &HeaderMap,
) -> Result<Response, OidcFault> {
    let now_ms = auth.config().now_ms();
    let finished = oidc(auth)?.finish(id, answered, cookie, now_ms).await?;
    if let Some(account) = finished.connect {
        let actor = Actor { account: Some(account), address: sender.0 };
        auth.connect(account, &finished.person, actor).await?;
        return Ok(see(&finished.return_to));
    }
    let account = auth.account_of(&finished.person, Actor { account: None, address: sender.0 }).await?;
    let device = Device { name: agent(headers), address: sender.0 };
    let tokens = auth.sessions().open(&account, device).await?;
    let mut response = see(&finished.return_to);
    set_cookies(response.headers_mut(), &tokens, auth.config().is_secure);
    Ok(response)
}

/// Somebody else through whom an account can be signed in to.
#[derive(Serialize, utoipa::ToSchema)]
struct Identity {
    /// Of `GET /api/auth/options`; null for one that is not in the settings any more.
    provider: Option<String>,
    issuer: String,
    created_at: Moment,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Identities {
    items: Vec<Identity>,
}

/// List the providers that are connected
#[utoipa::path(get, path = "/api/me/identities", operation_id = "list_identities", tag = "account",
    security(("account" = ["account"])),
    responses(
        (status = 200, description = "The oldest first", body = Identities),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "`AUTH_FORBIDDEN`", body = ProblemBody),
    ))]
async fn list_identities(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
) -> Result<Json<Identities>, Problem> {
    let found = auth.accounts().identities(member.account).await?;
    let provider = |issuer: &str| auth.oidc().and_then(|oidc| oidc.id_of(issuer)).map(str::to_owned);
    let item = |(issuer, created_at_ms): (String, i64)| Identity {
        provider: provider(&issuer),
        issuer,
        created_at: Moment(created_at_ms),
    };
    Ok(Json(Identities { items: found.into_iter().map(item).collect() }))
}

/// Where the browser has to go.
#[derive(Serialize, utoipa::ToSchema)]
struct Onward {
    location: String,
}

/// Connect a provider with one's account
///
/// Answers with the provider's page; the browser goes there and comes back connected. It is a POST
/// with the CSRF token, so that no other site can connect its own identity to somebody's account.
#[utoipa::path(post, path = "/api/me/identities/{id}", operation_id = "connect_identity", tag = "account",
    security(("account" = ["account"])),
    params(("id" = String, Path, description = "Of `GET /api/auth/options`"), Start),
    responses(
        (status = 200, description = "Go there", body = Onward),
        (status = 400, description = "The query is malformed", body = ProblemBody),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "Not by an API key: `AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`AUTH_PROVIDER_UNKNOWN`", body = ProblemBody),
        (status = 429, description = "`AUTH_FLOWS_FULL`", body = ProblemBody),
        (status = 503, description = "`AUTH_PROVIDER_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn connect_identity(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    Path(id): Path<String>,
    Query(start): Query<Start>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    refuse_keys(&member)?;
    let begun = begin(&auth, &id, &headers, start.return_to.as_deref(), Some(&member)).await?;
    let mut response = Json(Onward { location: begun.location.clone() }).into_response();
    take_along(&mut response, &begun, auth.config().is_secure);
    Ok(response)
}

/// Disconnect a provider from one's account
#[utoipa::path(delete, path = "/api/me/identities/{id}", operation_id = "disconnect_identity", tag = "account",
    security(("account" = ["account"])),
    params(("id" = String, Path, description = "Of `GET /api/auth/options`")),
    responses(
        (status = 204, description = "It does not let in any more"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`", body = ProblemBody),
        (status = 403, description = "Not by an API key: `AUTH_FORBIDDEN`", body = ProblemBody),
        (status = 404, description = "`AUTH_PROVIDER_UNKNOWN`", body = ProblemBody),
        (status = 409, description = "Nothing else lets in: `AUTH_LAST_WAY_IN`", body = ProblemBody),
    ))]
async fn disconnect_identity(
    State(auth): State<Auth>,
    SignedIn(member): SignedIn,
    sender: Sender,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    refuse_keys(&member)?;
    let issuer = oidc(&auth)?.issuer_of(&id)?;
    auth.accounts().disconnect_identity(member.account, issuer, Actor::member(&member, sender.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key that leaked must not open another way in, or close one.
fn refuse_keys(member: &Member) -> Result<(), AccessFault> {
    match member.credential {
        Credential::Session(_) => Ok(()),
        _ => Err(AccessFault::Forbidden),
    }
}

fn oidc(auth: &Auth) -> Result<&Oidc, OidcFault> {
    auth.oidc().ok_or(OidcFault::UnknownProvider)
}

async fn begin(
    auth: &Auth,
    id: &str,
    headers: &HeaderMap,
    return_to: Option<&str>,
    connect: Option<&Member>,
) -> Result<Begun, OidcFault> {
    let redirect_uri = format!("{}{COOKIE_PATH}/{id}/callback", origin(auth, headers)?);
    let connect = connect.map(|member| member.account);
    oidc(auth)?.begin(id, &redirect_uri, return_to, connect, auth.config().now_ms()).await
}

/// Where this browser reaches the server. The border lets in only hosts that are meant; a public
/// address in the settings says it for good.
fn origin(auth: &Auth, headers: &HeaderMap) -> Result<String, OidcFault> {
    if let Some(url) = &auth.config().public_url {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or(OidcFault::UnknownState)?;
    let scheme = if auth.config().is_secure { "https" } else { "http" };
    Ok(format!("{scheme}://{host}"))
}

fn agent(headers: &HeaderMap) -> String {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned()
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn take_along(response: &mut Response, begun: &Begun, is_secure: bool) {
    set_cookie(response, &begun.cookie_name, &begun.cookie_value, 600, is_secure);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// `Lax`: the browser comes back from another site, by a link that its person followed.
fn set_cookie(response: &mut Response, name: &str, value: &str, max_age_s: u32, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path={COOKIE_PATH}; Max-Age={max_age_s}; SameSite=Lax; HttpOnly{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// 303: whatever brought the browser here, it goes on with a GET.
fn see(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => Problem::from(AuthFault::Internal("an address with other letters".into())).into_response(),
    }
}
