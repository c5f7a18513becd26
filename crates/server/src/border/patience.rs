//! How long a request may take until its answer begins. What comes after that, an event stream or
//! the bytes of a recording, may take as long as somebody listens.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use sori_http::{Problem, RequestFault};
use tower_http::timeout::TimeoutBody;

/// The longest answer is a voice's first sentence, which may wait for two others.
const REQUEST: Duration = Duration::from_secs(30);
/// 50 MB over a slow line of 0.5 Mbit/s.
const UPLOAD: Duration = Duration::from_secs(15 * 60);
/// A resumable upload may be one request: 20 GB at 4 Mbit/s. It is the end of it that a client waits for.
const RESUMABLE: Duration = Duration::from_secs(12 * 3_600);
/// Between two pieces of a body.
const BODY_IDLE: Duration = Duration::from_secs(20);

/// By the type of the body.
fn limit(kind: &[u8]) -> Duration {
    match kind {
        b"application/offset+octet-stream" => RESUMABLE,
        kind if [b"multipart/".as_slice(), b"audio/", b"video/"]
            .iter()
            .any(|upload| kind.starts_with(upload)) =>
        {
            UPLOAD
        }
        _ => REQUEST,
    }
}

pub(super) async fn layer(request: Request, next: Next) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let limit = kind.map_or(REQUEST, |kind| limit(kind.as_bytes()));
    let request = request.map(|body| Body::new(TimeoutBody::new(BODY_IDLE, body)));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::from(RequestFault::TimedOut).into_response(),
    }
}
