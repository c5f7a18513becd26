//! A request for an object becomes an answer: conditions, ranges, HEAD (RFC 9110).

use std::{
    collections::VecDeque, convert::Infallible, fs::File, io, ops::Range, sync::Arc, time::SystemTime,
};

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use sori_contracts::{MediaFault, MediaFiles, MediaId, Place, StoredMedia};
use sori_http::Problem;

use crate::{
    body::ObjectBody,
    conditions::{Validators, Verdict},
    multipart::{Segment, content_range, segments},
    object::Object,
    range::{Selection, select},
    send::SendMode,
    sessions::Watching,
    shelf::{Found, Shelf},
    wire::{Meter, Wire},
};

/// What of a request matters for the answer; an extractor.
#[derive(Clone, Debug)]
pub struct Asked {
    method: Method,
    headers: HeaderMap,
    wire: Option<Wire>,
    meter: Option<Arc<Meter>>,
    held: Option<Arc<Watching>>,
}

impl Asked {
    #[must_use]
    pub fn new(method: Method, headers: HeaderMap) -> Self {
        Self { method, headers, wire: None, meter: None, held: None }
    }

    /// The one `Range`, if there is one and it can be read.
    pub(crate) fn range(&self) -> Option<&str> {
        let mut lines = self.headers.get_all(header::RANGE).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => line.to_str().ok(),
            _ => None,
        }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Counts what leaves for this request, besides [`Streaming::sent`].
    #[must_use]
    pub fn counted(self, meter: Arc<Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Takes part in a session: counts for it, and holds it until the answer is at its end.
    #[must_use]
    pub fn held(self, watching: Watching) -> Self {
        Self { meter: Some(watching.meter()), held: Some(Arc::new(watching)), ..self }
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let wire = parts.extensions.get::<Wire>().cloned();
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        Ok(Self { method, headers, wire, meter: None, held: None })
    }
}

/// Answers requests for objects. Clones share everything.
#[derive(Clone)]
pub struct Streaming {
    shelf: Arc<Shelf>,
    mode: SendMode,
    sent: Arc<Meter>,
}

impl Streaming {
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(files: Arc<dyn MediaFiles>, mode: SendMode) -> Self {
        Self { shelf: Arc::new(Shelf::new(files)), mode, sent: Arc::default() }
    }

    /// Bytes of objects that left this process. What was handed to a client that went away is not
    /// among them.
    #[must_use]
    pub fn sent(&self) -> &Meter {
        &self.sent
    }

    /// From where the bytes of an object would come now.
    pub(crate) async fn place(&self, id: MediaId) -> Place {
        self.shelf.place(id).await
    }

    /// Reads a span of an object into memory, ahead of whoever will ask for it.
    pub(crate) async fn preload(&self, id: MediaId, span: Range<u64>) {
        let read = async {
            let found = self.shelf.get(id).await?;
            let span = span.start..span.end.min(found.media().size_bytes);
            let object = match found {
                Found::Whole(object) => object,
                Found::Parts(_, parts) => return fetch(&*parts, id, span).await,
            };
            let warm = tokio::task::spawn_blocking(move || object.warm(span)).await;
            warm.map_err(io::Error::other).flatten().map_err(|e| MediaFault::from_io("preloading", e))
        };
        if let Err(fault) = read.await {
            tracing::debug!(%id, %fault, "an object was not preloaded");
        }
    }

    /// Answers a GET or HEAD for one object: 200, 206, 304, 412 or 416.
    ///
    /// Memory does not depend on the size. The caller adds what only it knows, such as
    /// `Content-Disposition`.
    ///
    /// # Errors
    /// [`MediaFault::NotFound`], [`MediaFault::Unavailable`] and failures of the store.
    pub async fn answer(&self, id: MediaId, asked: Asked) -> Result<Response, MediaFault> {
        self.try_answer(id, &asked).await
    }

    /// The same for who may want to ask again for another object.
    pub(crate) async fn try_answer(&self, id: MediaId, asked: &Asked) -> Result<Response, MediaFault> {
        let found = self.shelf.get(id).await?;
        let media = found.media();
        let validators = Validators::of(media, SystemTime::now());
        let verdict = validators.judge(&asked.method, &asked.headers);
        let body = |segments| {
            let meters = [Some(Arc::clone(&self.sent)), asked.meter.clone()];
            let held = asked.held.clone();
            ObjectBody::new(found.clone(), segments, self.mode, asked.wire.clone(), meters, held)
        };
        let selection = match verdict {
            Verdict::Proceed => selection(asked, media.size_bytes),
            _ => Selection::Whole,
        };
        if matches!(verdict, Verdict::Proceed | Verdict::ProceedWhole)
            && !asked.is_head()
            && let Found::Parts(_, parts) = &found
            && let Some(first) = selection.first_byte(media.size_bytes)
        {
            // Before anything is said: an origin that is away is a status, and no body that breaks off.
            fetch(&**parts, id, first..first + 1).await?;
        }
        let mut response = match verdict {
            Verdict::PreconditionFailed => Problem::from(MediaFault::PreconditionFailed).into_response(),
            Verdict::NotModified => StatusCode::NOT_MODIFIED.into_response(),
            // Range is defined for GET only (14.2).
            _ if asked.method == Method::HEAD => whole(media, Body::empty()),
            Verdict::ProceedWhole | Verdict::Proceed => match selection {
                Selection::Whole => whole(media, Body::new(body(span(0..media.size_bytes)))),
                Selection::Unsatisfiable => unsatisfiable(media),
                Selection::Parts(parts) => partial(media, &parts, body),
            },
        };
        insert(&mut response, header::ETAG, &validators.etag);
        if let Some(made) = validators.last_modified {
            insert(&mut response, header::LAST_MODIFIED, &httpdate::fmt_http_date(made));
        }
        response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        Ok(response)
    }

    /// Answers a GET or HEAD for one range of a file that is still written, of which the first
    /// `whole_bytes` stay as they are: how long it will be is not known (14.4). `None` when the range is
    /// not there yet, or none is asked for.
    pub(crate) fn answer_growing(
        &self,
        file: &File,
        whole_bytes: u64,
        content_type: &str,
        asked: &Asked,
    ) -> io::Result<Option<Response>> {
        let Some(Selection::Parts(parts)) = asked.range().map(|range| select(range, whole_bytes)) else {
            return Ok(None);
        };
        let [part] = &parts[..] else { return Ok(None) };
        let mut response = StatusCode::PARTIAL_CONTENT.into_response();
        insert(&mut response, header::CONTENT_TYPE, content_type);
        insert(&mut response, header::CONTENT_RANGE, &content_range(part, None));
        response.headers_mut().insert(header::CONTENT_LENGTH, (part.end - part.start).into());
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if !asked.is_head() {
            // Only to be read: a mapping would be of a file whose length changes.
            let media = StoredMedia {
                id: MediaId(uuid::Uuid::nil()),
                content_type: content_type.to_owned(),
                size_bytes: whole_bytes,
                sha256: String::new(),
                created_at_ms: 0,
            };
            let found = Found::Whole(Arc::new(Object::new(media, file.try_clone()?)));
            let meters = [Some(Arc::clone(&self.sent)), asked.meter.clone()];
            let (wire, held) = (asked.wire.clone(), asked.held.clone());
            let body = ObjectBody::new(found, span(part.clone()), SendMode::Read, wire, meters, held);
            *response.body_mut() = Body::new(body);
        }
        Ok(Some(response))
    }
}

/// Has a span brought here by whoever keeps it in parts.
async fn fetch(
    parts: &dyn sori_contracts::Parts,
    id: MediaId,
    mut span: Range<u64>,
) -> Result<(), MediaFault> {
    while !span.is_empty() {
        let piece = parts.read(span.clone()).await.map_err(|error| {
            tracing::warn!(%id, %error, "an object cannot be fetched");
            MediaFault::Unavailable(id)
        })?;
        span.start += piece.len() as u64;
    }
    Ok(())
}

/// `Range` is no list: two of them say nothing.
fn selection(asked: &Asked, size_bytes: u64) -> Selection {
    asked.range().map_or(Selection::Whole, |range| select(range, size_bytes))
}

fn span(span: Range<u64>) -> VecDeque<Segment> {
    [Segment::Span(span)].into()
}

fn whole(media: &StoredMedia, body: Body) -> Response {
    let mut response = Response::new(body);
    insert(&mut response, header::CONTENT_TYPE, media_type(media));
    response.headers_mut().insert(header::CONTENT_LENGTH, media.size_bytes.into());
    response
}

fn partial(
    media: &StoredMedia,
    parts: &[Range<u64>],
    body: impl FnOnce(VecDeque<Segment>) -> ObjectBody,
) -> Response {
    let (segments, content_type) = match parts {
        [part] => (span(part.clone()), media_type(media).to_owned()),
        // By chance in the data once in 2^122 answers.
        parts => {
            let boundary = uuid::Uuid::new_v4().simple().to_string();
            let segments = segments(parts, media.size_bytes, media_type(media), &boundary);
            (segments, format!("multipart/byteranges; boundary={boundary}"))
        }
    };
    let length: u64 = segments.iter().map(Segment::length_bytes).sum();
    let mut response = Response::new(Body::new(body(segments)));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    insert(&mut response, header::CONTENT_TYPE, &content_type);
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    if let [part] = parts {
        insert(&mut response, header::CONTENT_RANGE, &content_range(part, Some(media.size_bytes)));
    }
    response
}

fn unsatisfiable(media: &StoredMedia) -> Response {
    let fault = MediaFault::RangeNotSatisfiable { size_bytes: media.size_bytes };
    let mut response = Problem::from(fault).into_response();
    insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", media.size_bytes));
    response
}

/// A stored media type is as its writer gave it, and may not be fit for a header.
fn media_type(media: &StoredMedia) -> &str {
    match HeaderValue::from_str(&media.content_type) {
        Ok(_) => &media.content_type,
        Err(_) => "application/octet-stream",
    }
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
