//! Proves who calls, once per request, and puts the [`Caller`] into its extensions.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use sori_contracts::{Caller, Identity, Kind, Member, Presented, Recheck, SignedRequest};
use sori_http::{AccessFault, Problem, RequestFault, signed::Signature};

use super::{
    Access, Border,
    credentials::{Carried, SignatureHeaders, UNSIGNED_PAYLOAD, has_csrf_token},
    hosts::{is_from_our_page, is_upgrade},
};

/// A signed body is read whole before its signature can be checked.
const MAX_SIGNED_BODY: usize = 16 << 20;
/// Says that the signature was made without the body; for uploads only.
const CONTENT_SHA256: &str = "x-sori-content-sha256";

pub(super) async fn layer(State(border): State<Border>, request: Request, next: Next) -> Response {
    let (mut parts, mut body) = request.into_parts();
    match prove(&border, &parts, &mut body).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            parts.extensions.insert(border.signer.clone());
            if let Some(recheck) = recheck(&border, &parts.headers) {
                parts.extensions.insert(recheck);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// What a socket was opened with, kept to be asked about again. A signature and a signed address are
/// good for one request.
enum Kept {
    Bearer(String),
    Key(String),
}

struct AskAgain {
    identity: Arc<dyn Identity>,
    kept: Kept,
}

#[async_trait]
impl Recheck for AskAgain {
    async fn is_still_good(&self) -> bool {
        let presented = match &self.kept {
            Kept::Bearer(token) => Presented::Bearer(token),
            Kept::Key(key) => Presented::ApiKey(key),
        };
        match self.identity.identify(presented).await {
            Ok(_) => true,
            // What cannot be asked now was not refused.
            Err(fault) => !matches!(fault.kind(), Kind::Unauthenticated | Kind::Forbidden),
        }
    }
}

fn recheck(border: &Border, headers: &HeaderMap) -> Option<Arc<dyn Recheck>> {
    let kept = match Carried::by(headers) {
        _ if !is_upgrade(headers) => return None,
        Carried::Bearer(token) | Carried::Cookie(token) => Kept::Bearer(token.to_owned()),
        Carried::Key(key) => Kept::Key(key.to_owned()),
        Carried::Signed(_) | Carried::Nothing => return None,
    };
    Some(Arc::new(AskAgain { identity: Arc::clone(&border.identity), kept }))
}

async fn prove(border: &Border, parts: &Parts, body: &mut Body) -> Result<Caller, Problem> {
    let (method, uri) = (&parts.method, &parts.uri);
    let signature = border.signer.verify(method, uri.path(), uri.query(), SystemTime::now());
    if let Signature::Valid(member) = signature {
        return Ok(Caller::Account(member));
    }
    match Carried::by(&parts.headers) {
        Carried::Nothing if signature == Signature::Bad => Err(AccessFault::InvalidToken.into()),
        Carried::Nothing => Ok(Caller::Visitor),
        Carried::Bearer(token) => identify(border, Presented::Bearer(token)).await,
        Carried::Key(key) => identify(border, Presented::ApiKey(key)).await,
        Carried::Signed(headers) => {
            let hash = hash_of(parts, body).await?;
            identify(border, Presented::Signed(signed(parts, headers, &hash))).await
        }
        Carried::Cookie(token) => by_cookie(border, parts, token).await,
    }
}

async fn identify(border: &Border, presented: Presented<'_>) -> Result<Caller, Problem> {
    let member: Member = border.identity.identify(presented).await.map_err(Problem::from_boxed)?;
    Ok(Caller::Account(member))
}

/// A browser sends its cookie everywhere: where nobody needs to be known (signing in again,
/// refreshing) one that has expired is nothing.
async fn by_cookie(border: &Border, parts: &Parts, token: &str) -> Result<Caller, Problem> {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_public = border.access.find(&parts.method, path) == Some(Access::Public);
    match identify(border, Presented::Bearer(token)).await {
        // A socket can repeat no token; browsers say whose page opens it.
        Ok(_) if is_upgrade(&parts.headers) && !is_from_our_page(&border.config, &parts.headers) => {
            Err(AccessFault::CrossSite.into())
        }
        Ok(_) if !is_public && !parts.method.is_safe() && !has_csrf_token(&parts.headers) => {
            Err(AccessFault::CsrfToken.into())
        }
        Err(problem) if is_public && is_refusal(&problem) => Ok(Caller::Visitor),
        outcome => outcome,
    }
}

fn is_refusal(problem: &Problem) -> bool {
    matches!(problem.fault().kind(), Kind::Unauthenticated | Kind::Forbidden)
}

fn signed<'a>(parts: &'a Parts, headers: SignatureHeaders<'a>, body_sha256: &'a str) -> SignedRequest<'a> {
    let uri = &parts.uri;
    SignedRequest {
        key: headers.key,
        timestamp: headers.timestamp,
        nonce: headers.nonce,
        signature: headers.signature,
        method: parts.method.as_str(),
        path_and_query: uri.path_and_query().map_or(uri.path(), |whole| whole.as_str()),
        body_sha256,
    }
}

/// Lower-case hex of the SHA-256 of the body, which is put back.
async fn hash_of(parts: &Parts, body: &mut Body) -> Result<String, Problem> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_upload = text(header::CONTENT_TYPE.as_str()).starts_with("multipart/");
    if is_upload && text(CONTENT_SHA256) == UNSIGNED_PAYLOAD {
        return Ok(UNSIGNED_PAYLOAD.to_owned());
    }
    let bytes: Bytes = axum::body::to_bytes(std::mem::take(body), MAX_SIGNED_BODY)
        .await
        .map_err(|_| RequestFault::TooLarge)?;
    let hash = Sha256::digest(&bytes);
    *body = Body::from(bytes);
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}
