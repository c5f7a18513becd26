//! Bodies that are hashed or copied on their way.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    response::Response,
};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use sori_http::{Problem, RequestFault};

use super::seal::Answer;

/// The hash of a body, once it was read to its end.
#[derive(Clone, Default)]
pub(super) struct BodyHash(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    hash: Sha256,
    ended: bool,
}

impl BodyHash {
    /// `None` when nobody read all of it.
    pub(super) fn get(&self) -> Option<[u8; 32]> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended.then(|| state.hash.clone().finalize().into())
    }

    fn add(&self, bytes: &Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hash.update(bytes);
    }

    fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    }
}

/// The same request, which notes the hash of its body as it is read.
pub(super) fn hashed(request: Request) -> (Request, BodyHash) {
    let hash = BodyHash::default();
    // A handler that needs no body does not read it: none is read to its end already.
    if request.body().size_hint().exact() == Some(0) {
        hash.end();
    }
    let noted = hash.clone();
    let request = request.map(|body| {
        let (seen, end) = (noted.clone(), noted);
        let pieces = body.into_data_stream().inspect(move |piece| {
            if let Ok(bytes) = piece {
                seen.add(bytes);
            }
        });
        let ending = futures::stream::once(async move {
            end.end();
            Ok(Bytes::new())
        });
        Body::from_stream(pieces.chain(ending))
    });
    (request, hash)
}

pub(super) async fn hash(body: Body) -> Result<[u8; 32], Problem> {
    let mut hash = Sha256::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        hash.update(piece.map_err(|_| RequestFault::Malformed("the body broke off".into()))?);
    }
    Ok(hash.finalize().into())
}

/// The same response, and a copy of what has to be repeated when it is small enough.
pub(super) async fn copied(response: Response, largest: usize) -> (Response, Option<Answer>) {
    let (parts, body) = response.into_parts();
    let is_small = body.size_hint().upper().is_some_and(|size| size <= largest as u64);
    if !parts.status.is_success() || !is_small {
        return (Response::from_parts(parts, body), None);
    }
    let Ok(bytes) = axum::body::to_bytes(body, largest).await else {
        return (Response::from_parts(parts, Body::empty()), None);
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = String::from_utf8(bytes.to_vec()).ok().map(|body| Answer {
        location: text(header::LOCATION),
        content_type: text(header::CONTENT_TYPE),
        body,
    });
    (Response::from_parts(parts, Body::from(bytes)), answer)
}
