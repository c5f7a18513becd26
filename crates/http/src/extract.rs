//! axum's extractors, with refusals that are problems instead of plain text.

use std::convert::Infallible;

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use sori_contracts::UiLanguage;

use crate::{Problem, RequestFault};

/// A JSON body, read strictly; also a JSON answer.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(RequestFault::UnsupportedMedia.into()),
            Err(JsonRejection::BytesRejection(refused)) if refused.status() == 413 => {
                Err(RequestFault::TooLarge.into())
            }
            Err(refused) => Err(RequestFault::Malformed(reason(&refused.body_text())).into()),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// serde's own sentence names the field, the line and the column; the wrapper around it says nothing.
fn reason(text: &str) -> String {
    let text = text.rsplit_once("target type: ").map_or(text, |(_, reason)| reason);
    text.chars().take(300).collect()
}

pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|refused| RequestFault::Malformed(reason(&refused.body_text())).into())
    }
}

/// Ids in a path: one that cannot be an id names nothing, so the answer is 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| RequestFault::NoSuchRoute.into())
    }
}

/// The language of messages that the caller asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ui(pub UiLanguage);

impl<S: Send + Sync> FromRequestParts<S> for Ui {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let asked = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self(UiLanguage::from_accept_language(asked.unwrap_or_default())))
    }
}
