//! What surrounds every request: a trace id, one log line, numbers for the metrics, problems in the
//! caller's language, and security headers.

mod first_byte;

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use sori_contracts::UiLanguage;
use sori_http::{Problem, problem};
use sori_metering::Metrics;
use tracing::Instrument;
use uuid::Uuid;

pub const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// What the outermost layer knows of the server.
#[derive(Clone)]
pub struct Observed {
    /// Whether people come by `https`.
    pub is_secure: bool,
    pub metrics: Metrics,
}

/// On an answer of a route that answers with other things as well: this one is sound or pictures.
#[derive(Clone, Copy, Debug)]
pub struct IsStream;

/// Routes that answer with sound or pictures, for the metrics of streams. A segment of HLS is a request of its own.
const STREAMS: [&str; 4] = [
    "/api/stream/{content_id}",
    "/api/stream/{content_id}/hls/{file}",
    "/api/v1/audio/stream/{script_id}",
    "/v1/renderings/{id}/audio/{format}",
];

/// The outermost layer.
pub async fn observe(State(observed): State<Observed>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let under_way = observed.metrics.begin();
    let trace_id = trace_id(&request);
    let language = language(&request);
    let method = request.method().clone();
    // Never the raw path: labels stay few, and nothing a client sends reaches the log unasked.
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", trace_id, %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions().get::<Problem>()
        && problem.status().is_server_error()
    {
        let fault = problem.fault();
        span.in_scope(|| tracing::error!(code = fault.code(), error = chain(fault), "request failed"));
    }
    let mut response = problem::render(response, language, &trace_id);
    let status = response.status().as_u16();
    span.in_scope(|| tracing::info!(status, ms = started.elapsed().as_millis() as u64, "answered"));
    add_headers(&mut response, &trace_id, &route, observed.is_secure);
    drop(under_way);
    observed.metrics.answered(method.as_str(), &route, status, started.elapsed().as_secs_f64());
    if STREAMS.contains(&route.as_str()) || response.extensions().get::<IsStream>().is_some() {
        observed.metrics.stream_answered(status);
        return first_byte::timed(response, started, observed.metrics);
    }
    response
}

fn chain(fault: &dyn sori_contracts::Fault) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The caller's own (W3C Trace Context: `00-<trace id>-<span id>-<flags>`) or a new one.
fn trace_id(request: &Request) -> String {
    let is_hex = |id: &&str| {
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0')
    };
    let given = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    match given.and_then(|value| value.split('-').nth(1)).filter(is_hex) {
        Some(id) => id.to_ascii_lowercase(),
        None => Uuid::new_v4().simple().to_string(),
    }
}

fn language(request: &Request) -> UiLanguage {
    let asked = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    UiLanguage::from_accept_language(asked.unwrap_or_default())
}

const PAGE_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";
/// Swagger UI sets style attributes from its script.
const DOCS_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// The microphone is for speaking along.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(self), payment=(), usb=()";

fn is_api(route: &str) -> bool {
    ["/v1/", "/api/", "/rest/"].iter().any(|api| route.starts_with(api))
}

fn add_headers(response: &mut Response, trace_id: &str, route: &str, is_secure: bool) {
    let policy = if route.starts_with("/docs") { DOCS_POLICY } else { PAGE_POLICY };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // What an account asked for is nobody else's: a cache on the way keeps it only when told to.
    if is_api(route) && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(trace_id) {
        headers.insert(TRACE_ID, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_trace_goes_on() {
        let with = |value: &str| {
            Request::builder().header("traceparent", value).body(axum::body::Body::empty()).unwrap()
        };
        let given = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(&with(given)), "4bf92f3577b34da6a3ce929d0e0e4736");
        for broken in ["", "00-xyz-1-01", "00-00000000000000000000000000000000-1-01", "00-4bf9\u{7f}-1-1"] {
            if let Ok(value) = HeaderValue::from_str(broken) {
                let id = trace_id(&with(value.to_str().unwrap_or_default()));
                assert_eq!(id.len(), 32);
            }
        }
    }
}
