//! Routes of streaming: files by range, what is known of them, and the sessions.

mod sessions;
mod stream;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use sori_contracts::Kind;
use sori_http::Problem;
use utoipa_axum::router::OpenApiRouter;

use crate::Sessions;

/// When a slot of somebody who went away comes back, roughly.
const AGAIN_AFTER_S: &str = "15";

impl Sessions {
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().merge(stream::routes()).merge(sessions::routes()).with_state(self.clone())
    }
}

/// A refusal for want of a slot says when to come back.
#[must_use]
pub fn told_when(problem: Problem) -> Response {
    let is_busy = problem.fault().kind() == Kind::Busy;
    let mut response = problem.into_response();
    if is_busy {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER_S));
    }
    response
}
