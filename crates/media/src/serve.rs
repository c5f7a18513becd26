//! An object as an HTTP answer: conditions, ranges, HEAD (RFC 9110).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use sori_contracts::{MediaFault, MediaId, MediaStore, StoredMedia};
use sori_http::Problem;

use crate::range::{Conditions, Selection, Verdict, judge, select};

/// Answers a GET or HEAD for one object: 200, 206, 304, 412 or 416.
///
/// The bytes are streamed; memory does not depend on the size. The caller adds what only it
/// knows, such as `Content-Disposition`.
///
/// # Errors
/// [`MediaFault::NotFound`] and failures of the store.
pub async fn serve(
    store: &dyn MediaStore,
    id: MediaId,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, MediaFault> {
    let media = store.stat(id).await?;
    let tag = format!("\"{}\"", media.sha256);
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let conditions = Conditions {
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        if_range: text(header::IF_RANGE),
    };
    let verdict = judge(conditions, &tag);
    // Range is defined for GET only (RFC 9110, 14.2).
    let range = text(header::RANGE).filter(|_| *method == Method::GET && verdict == Verdict::Proceed);
    let mut response =
        match (verdict, range.map_or(Selection::Whole, |range| select(range, media.size_bytes))) {
            (Verdict::PreconditionFailed, _) => Problem::from(MediaFault::PreconditionFailed).into_response(),
            (Verdict::NotModified, _) => StatusCode::NOT_MODIFIED.into_response(),
            (_, Selection::Unsatisfiable) => unsatisfiable(&media),
            (_, Selection::Whole) if *method == Method::HEAD => {
                described(&media, media.size_bytes, Body::empty())
            }
            (_, Selection::Whole) => {
                let (media, bytes) = store.get(id, None).await?;
                described(&media, media.size_bytes, Body::from_stream(bytes))
            }
            (_, Selection::Part(part)) => {
                let (media, bytes) = store.get(id, Some(part.clone())).await?;
                let mut response = described(&media, part.end - part.start, Body::from_stream(bytes));
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let content_range = format!("bytes {}-{}/{}", part.start, part.end - 1, media.size_bytes);
                insert(&mut response, header::CONTENT_RANGE, &content_range);
                response
            }
        };
    insert(&mut response, header::ETAG, &tag);
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

fn described(media: &StoredMedia, length: u64, body: Body) -> Response {
    let mut response = Response::new(body);
    insert(&mut response, header::CONTENT_TYPE, &media.content_type);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn unsatisfiable(media: &StoredMedia) -> Response {
    let fault = MediaFault::RangeNotSatisfiable { size_bytes: media.size_bytes };
    let mut response = Problem::from(fault).into_response();
    insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", media.size_bytes));
    response
}

/// Leaves out what cannot stand in a header: a stored media type is as its writer gave it.
fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
