//! Pages of other origins, by setting. They send bearer tokens; cookies stay with our own pages.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// `None` when no other origin is allowed.
pub(super) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = match origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => {
            let values = origins.iter().map(|origin| origin.trim_end_matches('/'));
            AllowOrigin::list(values.filter_map(|origin| HeaderValue::from_str(origin).ok()))
        }
    };
    let name = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            header::RANGE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            name("x-api-key"),
            name("x-sori-key"),
            name("x-sori-timestamp"),
            name("x-sori-nonce"),
            name("x-sori-signature"),
            name("x-sori-content-sha256"),
            name("idempotency-key"),
            name("last-event-id"),
            name("traceparent"),
            name("tus-resumable"),
            name("upload-checksum"),
            name("upload-length"),
            name("upload-metadata"),
            name("upload-offset"),
        ])
        .expose_headers([
            header::LOCATION,
            header::ETAG,
            header::CONTENT_RANGE,
            header::RETRY_AFTER,
            name("x-trace-id"),
            name("idempotency-replayed"),
            name("ratelimit"),
            name("ratelimit-policy"),
            name("ratelimit-limit"),
            name("ratelimit-remaining"),
            name("ratelimit-reset"),
            name("tus-resumable"),
            name("tus-version"),
            name("tus-extension"),
            name("tus-max-size"),
            name("tus-checksum-algorithm"),
            name("upload-expires"),
            name("upload-length"),
            name("upload-offset"),
        ])
        .max_age(Duration::from_secs(3_600));
    Some(layer)
}
