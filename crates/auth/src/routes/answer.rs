//! How tokens reach a client: as JSON, or as cookies that no script can read.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sori_http::{Json, Problem};

use crate::{Account, AuthFault, Tokens, User};

const ACCESS: &str = "sori_access";
const REFRESH: &str = "sori_refresh";
const CSRF: &str = "sori_csrf";
/// The refresh token goes nowhere else.
const REFRESH_PATH: &str = "/api/auth";

/// What signing in answers. For a browser that wants cookies the tokens are in them only.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SessionView {
    pub(crate) user: User,
    /// Seconds until the access token ends.
    pub(crate) expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// With cookies: to be sent back as `X-CSRF-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) csrf_token: Option<String>,
}

/// The answer that hands tokens over. `is_secure`: cookies for `https` only.
pub(crate) fn signed_in(
    status: StatusCode,
    account: &Account,
    tokens: &Tokens,
    by_cookies: bool,
    is_secure: bool,
) -> Response {
    let body = SessionView {
        user: User::from(account),
        expires_in: tokens.access_lifetime.as_secs(),
        access_token: (!by_cookies).then(|| tokens.access_token.clone()),
        refresh_token: (!by_cookies).then(|| tokens.refresh_token.clone()),
        csrf_token: by_cookies.then(|| tokens.csrf_token.clone()),
    };
    let mut response = (status, Json(body)).into_response();
    if by_cookies {
        set_cookies(response.headers_mut(), tokens, is_secure);
    }
    // RFC 6749, 5.1: an answer with tokens is for its receiver only.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The three cookies of a browser that is signed in.
///
/// `Lax`, so that a link from elsewhere finds its reader signed in; what changes something needs the
/// CSRF token besides. The refresh token needs no links: `Strict`.
pub(crate) fn set_cookies(headers: &mut HeaderMap, tokens: &Tokens, is_secure: bool) {
    let mut set = |name, value, path, rest, lifetime| {
        append(headers, &cookie(name, value, path, rest, lifetime, is_secure));
    };
    set(ACCESS, &tokens.access_token, "/", "; SameSite=Lax; HttpOnly", tokens.access_lifetime);
    set(REFRESH, &tokens.refresh_token, REFRESH_PATH, "; SameSite=Strict; HttpOnly", tokens.refresh_lifetime);
    // Read by our own page; it outlives the access token, so that the page knows that it can refresh.
    set(CSRF, &tokens.csrf_token, "/", "; SameSite=Lax", tokens.refresh_lifetime);
}

/// Takes them away.
pub(crate) fn clear_cookies(headers: &mut HeaderMap, is_secure: bool) {
    for (name, path, rest) in [
        (ACCESS, "/", "; SameSite=Lax; HttpOnly"),
        (REFRESH, REFRESH_PATH, "; SameSite=Strict; HttpOnly"),
        (CSRF, "/", "; SameSite=Lax"),
    ] {
        append(headers, &cookie(name, "", path, rest, Duration::ZERO, is_secure));
    }
}

fn cookie(name: &str, value: &str, path: &str, rest: &str, lifetime: Duration, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; Max-Age={}{rest}{secure}", lifetime.as_secs())
}

fn append(headers: &mut HeaderMap, cookie: &str) {
    // Tokens are hex, base64url and dots: always a header value.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// The refresh token of a browser.
pub(crate) fn refresh_cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == REFRESH && !value.is_empty()).then_some(value))
}

/// A problem; with `Retry-After` when waiting helps.
pub(crate) struct Refusal {
    problem: Problem,
    retry_after_s: Option<u64>,
}

impl<F: Into<AuthFault>> From<F> for Refusal {
    fn from(fault: F) -> Self {
        let fault: AuthFault = fault.into();
        let retry_after_s = match &fault {
            AuthFault::TooManyTries { retry_after_s } => Some(*retry_after_s),
            _ => None,
        };
        Self { problem: fault.into(), retry_after_s }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(retry_after_s) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
        }
        response
    }
}
