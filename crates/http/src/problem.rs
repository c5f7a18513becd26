//! The one answer for everything that goes wrong:
//! `{"error":{"code","message","trace_id",...}}` in Korean or English.
//!
//! A handler returns [`Problem`]; the language and the trace id of the request are known only to
//! the outermost layer, so the problem travels as an extension of the response and
//! [`render`] writes the body.

use std::sync::Arc;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sori_contracts::{Fault, Kind, UiLanguage};

/// Any [`Fault`], on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem(Arc<dyn Fault>);

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        Self(Arc::new(fault))
    }
}

impl Problem {
    #[must_use]
    pub fn from_boxed(fault: Box<dyn Fault>) -> Self {
        Self(Arc::from(fault))
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        status_of(self.0.kind())
    }

    #[must_use]
    pub fn fault(&self) -> &dyn Fault {
        &*self.0
    }

    #[must_use]
    pub fn body(&self, language: UiLanguage, trace_id: &str) -> ProblemBody {
        ProblemBody {
            error: ProblemError {
                code: self.0.code().to_owned(),
                message: self.0.message(language),
                trace_id: trace_id.to_owned(),
                details: self.0.details(),
            },
        }
    }
}

/// The only place where a kind becomes a status.
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::Busy => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    pub error: ProblemError,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemError {
    /// Stable; programs switch on it.
    #[schema(example = "CONTENT_NOT_FOUND")]
    pub code: String,
    /// For a person, in the language of `Accept-Language` (Korean or English).
    pub message: String,
    /// Find the request in the server's log by this.
    pub trace_id: String,
    /// Facts that belong to this code, such as the problems of a script by line and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub details: Option<serde_json::Value>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Called by the outermost layer: writes the body of a problem, and turns a bare error status
/// (a route that does not exist, a wrong method, a body over the limit) into a problem as well.
#[must_use]
pub fn render(mut response: Response, language: UiLanguage, trace_id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => match bare(&response) {
            Some(fault) => fault.into(),
            None => return response,
        },
    };
    let mut rendered = (response.status(), Json(problem.body(language, trace_id))).into_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}

fn bare(response: &Response) -> Option<RequestFault> {
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_text {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(RequestFault::NoSuchRoute),
        StatusCode::METHOD_NOT_ALLOWED => Some(RequestFault::MethodNotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Some(RequestFault::TooLarge),
        StatusCode::REQUEST_TIMEOUT => Some(RequestFault::TimedOut),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(RequestFault::UnsupportedMedia),
        status if status.is_client_error() => Some(RequestFault::Malformed("bad request".into())),
        status if status.is_server_error() => Some(RequestFault::Internal("unhandled".into())),
        _ => None,
    }
}

/// What can be wrong with a request before any block looks at it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestFault {
    #[error("no such route")]
    NoSuchRoute,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("request body too large")]
    TooLarge,
    #[error("request timed out")]
    TimedOut,
    #[error("unsupported media type")]
    UnsupportedMedia,
    /// The reason is shown to the client: it must speak of the request only.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// One field is wrong; both texts are shown to the client.
    #[error("{field}: {en}")]
    Field { field: &'static str, en: String, ko: String },
    #[error("forbidden host {0}")]
    ForbiddenHost(String),
    #[error("internal: {0}")]
    Internal(String),
}

impl Fault for RequestFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchRoute => Kind::NotFound,
            Self::TooLarge => Kind::TooLarge,
            Self::UnsupportedMedia => Kind::UnsupportedMedia,
            Self::ForbiddenHost(_) => Kind::Forbidden,
            Self::Internal(_) => Kind::Internal,
            Self::TimedOut => Kind::Unavailable,
            Self::MethodNotAllowed | Self::Malformed(_) | Self::Field { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchRoute => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::TooLarge => "BODY_TOO_LARGE",
            Self::TimedOut => "REQUEST_TIMED_OUT",
            Self::UnsupportedMedia => "MEDIA_TYPE_UNSUPPORTED",
            Self::Malformed(_) => "REQUEST_MALFORMED",
            Self::Field { .. } => "FIELD_INVALID",
            Self::ForbiddenHost(_) => "HOST_FORBIDDEN",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let fixed = |en: &str, ko: &str| language.pick(en, ko).to_owned();
        match self {
            Self::NoSuchRoute => fixed("There is nothing at this address.", "이 주소에는 아무것도 없습니다."),
            Self::MethodNotAllowed => {
                fixed("This address does not take that method.", "허용되지 않는 메서드입니다.")
            }
            Self::TooLarge => fixed("The request is too large.", "요청이 너무 큽니다."),
            Self::TimedOut => fixed("The request took too long.", "요청 시간이 초과되었습니다."),
            Self::UnsupportedMedia => {
                fixed("This content type is not supported.", "지원하지 않는 콘텐츠 형식입니다.")
            }
            Self::Malformed(why) => match language {
                UiLanguage::En => format!("The request is malformed: {why}"),
                UiLanguage::Ko => format!("요청 형식이 올바르지 않습니다: {why}"),
            },
            Self::Field { en, ko, .. } => language.pick(en, ko).clone(),
            Self::ForbiddenHost(_) => fixed(
                "This server does not answer to that name (see the setting allowed_hosts).",
                "이 서버가 응답하지 않는 이름입니다 (allowed_hosts 설정을 확인하세요).",
            ),
            Self::Internal(_) => fixed("Something went wrong on the server.", "서버에 오류가 발생했습니다."),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Field { field, .. } => Some(serde_json::json!({ "field": field })),
            _ => None,
        }
    }
}
