//! `/v1/uploads`: resumable uploads by the protocol tus 1.0.0.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    body::{Body, HttpBody},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sori_contracts::{ContentId, Member};
use sori_http::{Once, Path, Problem, ProblemBody, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::library::{Library, LibraryFault, Wishes, receive::Piece, routes::pieces, tus, uploads::Standing};

pub(super) fn routes() -> OpenApiRouter<Library> {
    OpenApiRouter::new().routes(routes!(create_upload, describe_uploads)).routes(routes!(
        get_upload,
        append_upload,
        delete_upload
    ))
}

/// Where an upload stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Upload {
    /// Also the id of the content that it becomes.
    id: ContentId,
    offset: u64,
    length: u64,
    is_finished: bool,
    expires_at_ms: Option<i64>,
}

/// What uploads can do
///
/// The versions, extensions and limits of tus.
#[utoipa::path(options, path = "/v1/uploads", operation_id = "describe_uploads", tag = "contents",
    security(()),
    responses((status = 204, description = "In the headers `Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`")))]
async fn describe_uploads(State(library): State<Library>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(tus::RESUMABLE, HeaderValue::from_static(tus::VERSION));
    headers.insert(tus::TUS_VERSION, HeaderValue::from_static(tus::VERSION));
    headers.insert(tus::TUS_EXTENSION, HeaderValue::from_static(tus::EXTENSIONS));
    headers.insert(tus::TUS_CHECKSUM, HeaderValue::from_static(tus::CHECKSUMS));
    headers.insert(tus::TUS_MAX_SIZE, library.0.settings.max_upload_bytes.into());
    response
}

/// Begin an upload
///
/// A body of the type `application/offset+octet-stream` is its beginning. With the last byte it becomes
/// a content of the same id.
#[utoipa::path(post, path = "/v1/uploads", operation_id = "create_upload", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Bytes of the whole file"),
        ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a key and a value in base64: `title`, `filename`, `visibility`, `show_id`, `alternative_id`")),
    responses(
        (status = 201, description = "`Location` is where its bytes go"),
        (status = 400, description = "`UPLOAD_HEADER_INVALID`; `AUDIO_FORMAT_UNSUPPORTED` with the formats that are", body = ProblemBody),
        (status = 409, description = "`CONTENTS_FULL`", body = ProblemBody),
        (status = 412, description = "`UPLOAD_VERSION_UNSUPPORTED`", body = ProblemBody),
        (status = 413, description = "`CONTENT_TOO_LARGE`", body = ProblemBody),
        (status = 507, description = "`STORAGE_FULL`", body = ProblemBody),
    ))]
async fn create_upload(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Once(once): Once,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let created = async {
        check_version(&headers)?;
        let length = tus::number(&headers, &tus::LENGTH)?;
        let wishes = Wishes::of(tus::metadata(&headers)?)?;
        let piece = Piece { at: 0, length: body.size_hint().exact(), sha256: tus::checksum(&headers)? };
        let id = library.create(member, length, &wishes, once).await?;
        let begins = is_body_of_upload(&headers) && !body.is_end_stream();
        let standing = if begins {
            library.append(member, id, piece, pieces(body)).await?
        } else {
            library.standing(member, id).await?
        };
        Ok((id, standing))
    };
    answer(created.await, |(id, standing)| {
        let location = [(header::LOCATION, format!("/v1/uploads/{id}"))];
        told((StatusCode::CREATED, location).into_response(), &standing)
    })
}

/// Where an upload stands
///
/// `HEAD` is what the protocol asks; whoever writes it meanwhile is ended.
#[utoipa::path(get, path = "/v1/uploads/{id}", operation_id = "get_upload", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Upload")),
    responses(
        (status = 200, description = "In the headers `Upload-Offset`, `Upload-Length` and `Upload-Expires` as well", body = Upload),
        (status = 404, description = "`UPLOAD_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_upload(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
) -> Response {
    answer(library.standing(member, id).await, |standing| {
        let upload = Upload {
            id,
            offset: standing.at,
            length: standing.length,
            is_finished: standing.is_finished(),
            expires_at_ms: standing.expires_at_ms,
        };
        let never_kept = [(header::CACHE_CONTROL, "no-store")];
        told((never_kept, axum::Json(upload)).into_response(), &standing)
    })
}

/// Go on with an upload
#[utoipa::path(patch, path = "/v1/uploads/{id}", operation_id = "append_upload", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Upload"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Where the body belongs: where the upload stands"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` and the hash of the body in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "`Upload-Offset` is where it stands now"),
        (status = 400, description = "`AUDIO_FORMAT_UNSUPPORTED` with the formats that are; `BODY_BROKEN`; `UPLOAD_HEADER_INVALID`", body = ProblemBody),
        (status = 404, description = "`UPLOAD_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`UPLOAD_OFFSET_DIFFERS`: it stands elsewhere; `UPLOAD_OVERTAKEN`", body = ProblemBody),
        (status = 412, description = "`UPLOAD_VERSION_UNSUPPORTED`", body = ProblemBody),
        (status = 413, description = "`CONTENT_TOO_LARGE`: more than the length that was said", body = ProblemBody),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`", body = ProblemBody),
        (status = 460, description = "`UPLOAD_CHECKSUM_DIFFERS`: nothing of the body is kept", body = ProblemBody),
        (status = 507, description = "`STORAGE_FULL`", body = ProblemBody),
    ))]
async fn append_upload(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(append(&library, member, id, &headers, body).await, |standing| {
        told(StatusCode::NO_CONTENT.into_response(), &standing)
    })
}

async fn append(
    library: &Library,
    member: Member,
    id: ContentId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Standing, LibraryFault> {
    library.require_own(member, id).await?;
    check_version(headers)?;
    if !is_body_of_upload(headers) {
        return Err(LibraryFault::OtherBody(tus::BODY_TYPE));
    }
    let at = tus::number(headers, &tus::OFFSET)?;
    let piece = Piece { at, length: body.size_hint().exact(), sha256: tus::checksum(headers)? };
    library.append(member, id, piece, pieces(body)).await
}

/// Give an upload up
///
/// One that is finished is deleted as a content.
#[utoipa::path(delete, path = "/v1/uploads/{id}", operation_id = "delete_upload", tag = "contents",
    security(("account" = ["scripts:write"])),
    params(("id" = ContentId, Path, description = "Upload")),
    responses(
        (status = 204, description = "Gone"),
        (status = 404, description = "`UPLOAD_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_upload(
    State(library): State<Library>,
    SignedIn(member): SignedIn,
    Path(id): Path<ContentId>,
) -> Response {
    answer(library.terminate(member, id).await, |()| StatusCode::NO_CONTENT.into_response())
}

fn check_version(headers: &HeaderMap) -> Result<(), LibraryFault> {
    match headers.get(tus::RESUMABLE) {
        Some(version) if version == tus::VERSION => Ok(()),
        _ => Err(LibraryFault::OtherVersion),
    }
}

fn is_body_of_upload(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == tus::BODY_TYPE)
}

/// Every answer says the version; one about another version says which there are.
fn answer<T>(outcome: Result<T, LibraryFault>, well: impl FnOnce(T) -> Response) -> Response {
    let mut response = match outcome {
        Ok(value) => well(value),
        Err(fault) => {
            let offset = match &fault {
                LibraryFault::OtherOffset { at, .. } => Some(*at),
                _ => None,
            };
            let is_checksum = matches!(fault, LibraryFault::ChecksumDiffers);
            let mut response = Problem::from(fault).into_response();
            if let Some(offset) = offset {
                response.headers_mut().insert(tus::OFFSET, offset.into());
            }
            if is_checksum && let Ok(mismatch) = StatusCode::from_u16(460) {
                // Of the protocol's own making.
                *response.status_mut() = mismatch;
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(tus::RESUMABLE, HeaderValue::from_static(tus::VERSION));
    headers.insert(tus::TUS_VERSION, HeaderValue::from_static(tus::VERSION));
    response
}

fn told(mut response: Response, standing: &Standing) -> Response {
    let headers = response.headers_mut();
    headers.insert(tus::OFFSET, standing.at.into());
    headers.insert(tus::LENGTH, standing.length.into());
    if let Some(expires_at_ms) = standing.expires_at_ms {
        let at = UNIX_EPOCH + Duration::from_millis(expires_at_ms.max(0) as u64);
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(at)) {
            headers.insert(tus::EXPIRES, date);
        }
    }
    response
}
