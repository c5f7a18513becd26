//! The web app, embedded in the binary: files compressed once by its build, hashed names cached
//! for ever, and every other address answered with the one page.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use sori_http::{Problem, RequestFault};

#[derive(RustEmbed)]
#[folder = "$SORI_WEB_DIST"]
struct Dist;

pub(crate) fn routes() -> Router {
    Router::new().fallback(page)
}

async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_api = ["v1/", "api/"].iter().any(|prefix| path.starts_with(prefix));
    let names_a_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_api {
        return Problem::from(RequestFault::NoSuchRoute).into_response();
    }
    match find(path, accepted) {
        Some(found) => send(path, found, &headers),
        None if names_a_file => Problem::from(RequestFault::NoSuchRoute).into_response(),
        None => match find("index.html", accepted) {
            Some(found) => send("index.html", found, &headers),
            None => Problem::from(RequestFault::NoSuchRoute).into_response(),
        },
    }
}

struct Found {
    file: EmbeddedFile,
    encoding: Option<&'static str>,
}

fn find(path: &str, accepted: &str) -> Option<Found> {
    if path.is_empty() || path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        let is_accepted =
            accepted.split(',').any(|one| one.split(';').next().is_some_and(|name| name.trim() == encoding));
        if is_accepted && let Some(file) = Dist::get(&format!("{path}.{ending}")) {
            return Some(Found { file, encoding: Some(encoding) });
        }
    }
    Dist::get(path).map(|file| Found { file, encoding: None })
}

fn send(path: &str, found: Found, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex(&found.file.metadata.sha256_hash()[..16]));
    let cached = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes"));
    if request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.to_str().is_ok_and(|tags| tags.contains(&etag)))
    {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if let Some(encoding) = found.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, found.file.data).into_response()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The kinds of file that the web app's build writes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
