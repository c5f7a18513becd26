//! Who calls, for handlers.
//!
//! The server's middleware proves the caller and puts it into the request's extensions; a test of
//! a block does the same with `axum::Extension(caller)`. Without it nobody is signed in.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use sori_contracts::{Caller, Fault, Kind, Member, UiLanguage};
use uuid::Uuid;

use crate::Problem;

/// The caller of a route that visitors may use as well.
#[derive(Clone, Copy, Debug)]
pub struct Who(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Caller>().copied().unwrap_or(Caller::Visitor)))
    }
}

/// The account behind a request; a visitor is refused with 401.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn(pub Member);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Account(member)) => Ok(Self(*member)),
            Some(Caller::Visitor) | None => Err(AccessFault::InvalidToken.into()),
        }
    }
}

/// The id that a request gives to what it makes, when its client named the request
/// (`Idempotency-Key`): the same each time, even after a process died in the middle of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once(pub Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

/// Why a caller may not. The first three codes and their Korean texts are those of the earlier
/// systems; clients switch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessFault {
    /// No credential where one is needed, or one that proves nothing. Which of the two, and what is
    /// wrong with it, is told to nobody.
    #[error("no valid credential")]
    InvalidToken,
    #[error("the account waits for approval")]
    Pending,
    #[error("the account is suspended")]
    Suspended,
    /// The role is too low, or the credential lacks a scope.
    #[error("not allowed")]
    Forbidden,
    /// A browser sent the cookie without the token that only our own page can read.
    #[error("the CSRF token is missing or wrong")]
    CsrfToken,
    /// A browser sent this on behalf of another site.
    #[error("cross-site request")]
    CrossSite,
    /// The route says nothing about who may use it: a defect of the server, not of the request.
    #[error("the route declares no security")]
    NotDeclared,
}

impl Fault for AccessFault {
    fn kind(&self) -> Kind {
        match self {
            Self::InvalidToken => Kind::Unauthenticated,
            Self::Pending
            | Self::Suspended
            | Self::Forbidden
            | Self::CsrfToken
            | Self::CrossSite
            | Self::NotDeclared => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken => "AUTH_INVALID_TOKEN",
            Self::Pending => "AUTH_USER_PENDING",
            Self::Suspended => "AUTH_USER_SUSPENDED",
            Self::Forbidden => "AUTH_FORBIDDEN",
            Self::CsrfToken => "AUTH_CSRF_INVALID",
            Self::CrossSite => "ORIGIN_FORBIDDEN",
            Self::NotDeclared => "ROUTE_NOT_DECLARED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::InvalidToken => {
                ("The authentication token is not valid.", "인증 토큰이 유효하지 않습니다.")
            }
            Self::Pending => ("This account is waiting for approval.", "승인 대기 중인 계정입니다."),
            Self::Suspended => ("This account is suspended.", "이용이 정지된 계정입니다."),
            Self::Forbidden => ("You are not allowed to do this.", "이 작업을 수행할 권한이 없습니다."),
            Self::CsrfToken => (
                "The page is out of date: reload it and try again.",
                "페이지가 오래되었습니다. 새로 고친 뒤 다시 시도하세요.",
            ),
            Self::CrossSite => {
                ("Another site may not send this request.", "다른 사이트에서 보낸 요청은 허용되지 않습니다.")
            }
            Self::NotDeclared => {
                ("This address is not open to anybody.", "아직 누구에게도 열려 있지 않은 주소입니다.")
            }
        };
        language.pick(en, ko).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use sori_contracts::{AccountId, ApiKeyId, Credential, Role, Scopes};

    use super::*;

    fn member() -> Member {
        Member {
            account: AccountId::generate(),
            role: Role::Teacher,
            scopes: Scopes::all(),
            credential: Credential::ApiKey(ApiKeyId::generate()),
        }
    }

    async fn extracted(caller: Option<Caller>) -> (Caller, Result<Member, &'static str>) {
        let mut request = Request::new(());
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let (mut parts, ()) = request.into_parts();
        let Who(who) = Who::from_request_parts(&mut parts, &()).await.unwrap_or_else(|never| match never {});
        let signed_in = SignedIn::from_request_parts(&mut parts, &()).await;
        (who, signed_in.map(|SignedIn(member)| member).map_err(|problem| problem.fault().code()))
    }

    #[tokio::test]
    async fn nobody_is_a_visitor_and_no_member() {
        for caller in [None, Some(Caller::Visitor)] {
            assert_eq!(extracted(caller).await, (Caller::Visitor, Err("AUTH_INVALID_TOKEN")));
        }
    }

    #[tokio::test]
    async fn an_account_is_handed_over_whole() {
        let member = member();
        let caller = Caller::Account(member);
        assert_eq!(extracted(Some(caller)).await, (caller, Ok(member)));
    }
}
