//! `Idempotency-Key`: a POST that is sent again is done once, and answered with the first answer.
//!
//! The first request with a key takes it; the same while that one is under way is told so (409);
//! later ones get its answer again for a day, or 422 when their body is another. An answer that made
//! nothing (an error) frees the key. Bodies are hashed as they pass, never held.
//!
//! A request that has begun is carried to its end even when its client goes away, so that what it
//! made is remembered. A process that dies between the work and the note of it frees the key after
//! ten seconds; what is then made again gets the same id ([`sori_http::Once`]), so that a job is still
//! made once.
//!
//! What is kept can be a secret (a new API key): it is sealed with a key that is made from the
//! server's secret and from the client's `Idempotency-Key`, of which the table has only a hash.

mod body;
mod seal;
mod store;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use sori_contracts::{Caller, Credential, Fault, Kind, Member, UiLanguage};
use sori_db::{Db, now_ms};
use sori_http::{Once, Problem};

use self::{
    seal::{Answer, Seal},
    store::{Claim, Held, Kept, Renewal, Store},
};
use crate::border::{Border, Secret};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 255;
/// Answers of POSTs that create are small; a larger one is given and not kept.
const LARGEST_ANSWER: usize = 1 << 20;
const SWEEP_EVERY_MS: i64 = 600_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Idempotency(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    secret: [u8; 32],
    swept_at_ms: AtomicI64,
}

impl Idempotency {
    /// The tables of [`crate::MIGRATIONS`] must be there.
    #[must_use]
    pub fn new(db: Db, secret: &Secret) -> Self {
        Self(Arc::new(Inner {
            store: Arc::new(Store::new(db, store::LEASE)),
            secret: secret.derive("idempotency"),
            swept_at_ms: AtomicI64::new(now_ms()),
        }))
    }

    /// Now and then, beside a request.
    fn sweep(&self) {
        let (now, last) = (now_ms(), self.0.swept_at_ms.load(Ordering::Relaxed));
        let is_due = now - last > SWEEP_EVERY_MS;
        if is_due
            && self.0.swept_at_ms.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let store = Arc::clone(&self.0.store);
            tokio::spawn(async move {
                if let Err(error) = store.forget_old().await {
                    tracing::warn!(%error, "old idempotency keys stay a while longer");
                }
            });
        }
    }
}

/// Innermost: who calls is known, and that they may.
pub(crate) async fn layer(State(border): State<Border>, request: Request, next: Next) -> Response {
    let Some(Caller::Account(member)) = request.extensions().get::<Caller>() else {
        return next.run(request).await;
    };
    let Some(key) = request.headers().get(KEY).filter(|_| request.method() == Method::POST) else {
        return next.run(request).await;
    };
    let id = match id_of(member, &request, key) {
        Ok(id) => id,
        Err(fault) => return fault.into_response(),
    };
    let idempotency = border.idempotency.clone();
    idempotency.sweep();
    let seal = Seal::new(&idempotency.0.secret, key.as_bytes());
    // Spawned: a client that goes away stops it nowhere, not even between the claim and the work.
    let work = tokio::spawn(async move {
        match idempotency.0.store.claim(id).await {
            Ok(Claim::Ours(held)) => first_time(idempotency, held, seal, request, next).await,
            Ok(Claim::UnderWay) => IdempotencyFault::UnderWay.into_response(),
            Ok(Claim::Answered(kept)) => again(&id, kept, &seal, request.into_body()).await,
            Err(error) => Problem::from(error).into_response(),
        }
    });
    work.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The same key of another account, or for another route, is another key.
fn id_of(member: &Member, request: &Request, key: &HeaderValue) -> Result<store::Id, IdempotencyFault> {
    let key = key.as_bytes();
    if key.is_empty() || key.len() > LONGEST_KEY || !key.iter().all(u8::is_ascii_graphic) {
        return Err(IdempotencyFault::BadKey);
    }
    let who = match member.credential {
        Credential::ApiKey(key) => key.0,
        Credential::Session(_) | Credential::External | Credential::Link => member.account.0,
    };
    let mut hash = Sha256::new();
    hash.update(who.as_bytes());
    hash.update(request.uri().path().as_bytes());
    hash.update([0]);
    hash.update(key);
    Ok(hash.finalize().into())
}

async fn first_time(
    idempotency: Idempotency,
    held: Held,
    seal: Seal,
    request: Request,
    next: Next,
) -> Response {
    let store = &idempotency.0.store;
    let renewal = Renewal::of(Arc::clone(store), held.clone());
    let (mut request, hash) = body::hashed(request);
    request.extensions_mut().insert(Once(Some(held.makes)));
    let response = next.run(request).await;
    let (response, answer) = body::copied(response, LARGEST_ANSWER).await;
    drop(renewal);
    let outcome = match (answer, hash.get()) {
        (Some(answer), Some(body)) if response.status().is_success() => {
            let sealed = seal.close(&held.id, &answer);
            store.keep(&held, body, response.status().as_u16(), sealed).await
        }
        _ => store.release(&held).await,
    };
    if let Err(error) = outcome {
        tracing::error!(%error, "an idempotency key was not noted: the same request may be done again");
    }
    response
}

async fn again(id: &store::Id, kept: Kept, seal: &Seal, body: Body) -> Response {
    match body::hash(body).await {
        Err(problem) => problem.into_response(),
        Ok(hash) if hash != kept.body_sha256.as_slice() => IdempotencyFault::OtherBody.into_response(),
        Ok(_) => match seal.open(id, kept.answer) {
            Some(answer) => replay(kept.status, answer),
            None => IdempotencyFault::Sealed.into_response(),
        },
    }
}

fn replay(status: i64, answer: Answer) -> Response {
    let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let mut headers = HeaderMap::new();
    for (name, value) in [(header::LOCATION, answer.location), (header::CONTENT_TYPE, answer.content_type)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    (status.unwrap_or(StatusCode::OK), headers, Body::from(answer.body)).into_response()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum IdempotencyFault {
    #[error("the idempotency key is empty, too long or not plain text")]
    BadKey,
    #[error("a request with this idempotency key is under way")]
    UnderWay,
    #[error("this idempotency key came with another body before")]
    OtherBody,
    /// Made with a secret that the server no longer has.
    #[error("the kept answer cannot be opened")]
    Sealed,
}

impl IntoResponse for IdempotencyFault {
    fn into_response(self) -> Response {
        let mut response = Problem::from(self).into_response();
        match self {
            Self::UnderWay => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The draft on the header (draft-ietf-httpapi-idempotency-key-header) asks for 422 here.
            Self::OtherBody => *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadKey | Self::Sealed => {}
        }
        response
    }
}

impl Fault for IdempotencyFault {
    fn kind(&self) -> Kind {
        match self {
            Self::BadKey => Kind::Invalid,
            Self::UnderWay | Self::OtherBody | Self::Sealed => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadKey => "IDEMPOTENCY_KEY_INVALID",
            Self::UnderWay => "IDEMPOTENCY_KEY_IN_USE",
            Self::OtherBody => "IDEMPOTENCY_KEY_REUSED",
            Self::Sealed => "IDEMPOTENCY_ANSWER_LOST",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::BadKey => (
                "Idempotency-Key must be 1 to 255 letters, digits or signs.",
                "Idempotency-Key는 1~255자의 영문자, 숫자, 기호여야 합니다.",
            ),
            Self::UnderWay => (
                "The same request is under way. Try again in a second.",
                "같은 요청을 처리하고 있습니다. 잠시 후 다시 시도해 주세요.",
            ),
            Self::OtherBody => (
                "This Idempotency-Key was used with another body.",
                "이 Idempotency-Key는 다른 내용의 요청에 이미 사용되었습니다.",
            ),
            Self::Sealed => (
                "The request was done before, but its answer can no longer be read.",
                "이미 처리된 요청이지만 응답을 더 이상 읽을 수 없습니다.",
            ),
        };
        language.pick(en, ko).to_owned()
    }
}

/// How long a key is held by a process that died.
pub const LEASE: Duration = store::LEASE;
