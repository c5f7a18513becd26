//! What can go wrong with a sign-in through somebody else.

use sori_contracts::{Fault, Kind, UiLanguage};
use sori_db::DbError;
use sori_http::AccessFault;

use super::claims::BadClaims;
use crate::AuthFault;

/// Why a token is not taken. For the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error("it is not a token that is understood")]
    Malformed,
    #[error("its algorithm is not one that its issuer announces and this server takes")]
    Algorithm,
    #[error("its key is not one of its issuer's")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("its nonce was used before")]
    NonceUsed,
    #[error(transparent)]
    Claims(#[from] BadClaims),
}

#[derive(Debug, thiserror::Error)]
pub enum OidcFault {
    #[error("the token of an issuer is not taken: {0}")]
    BadToken(#[from] BadToken),
    #[error("no provider has this id")]
    UnknownProvider,
    #[error("the provider cannot be asked")]
    ProviderUnavailable,
    /// The person said no there, or the provider did.
    #[error("the provider ended the sign-in: {0}")]
    Refused(String),
    /// The state is unknown, used, too old, or of another browser.
    #[error("the answer belongs to no sign-in of this browser")]
    UnknownState,
    #[error("too many sign-ins are under way")]
    TooManyStates,
    #[error("the provider has not verified the e-mail")]
    EmailUnverified,
    /// Somebody has an account with this e-mail, and nothing proves that it is the same person.
    #[error("an account with this e-mail exists and is not connected")]
    LinkRequired,
    #[error("the identity belongs to another account")]
    IdentityTaken,
    /// An account without a password keeps an identity.
    #[error("nothing else lets its owner in")]
    LastWayIn,
    #[error(transparent)]
    Auth(#[from] AuthFault),
}

impl From<DbError> for OidcFault {
    fn from(error: DbError) -> Self {
        Self::Auth(error.into())
    }
}

impl From<BadClaims> for OidcFault {
    fn from(bad: BadClaims) -> Self {
        BadToken::from(bad).into()
    }
}

impl Fault for OidcFault {
    fn kind(&self) -> Kind {
        match self {
            Self::BadToken(_) | Self::EmailUnverified => Kind::Unauthenticated,
            Self::UnknownProvider => Kind::NotFound,
            Self::ProviderUnavailable => Kind::Unavailable,
            Self::UnknownState => Kind::Invalid,
            Self::TooManyStates => Kind::Busy,
            Self::Refused(_) | Self::LinkRequired => Kind::Forbidden,
            Self::IdentityTaken | Self::LastWayIn => Kind::Conflict,
            Self::Auth(fault) => fault.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadToken(_) => "AUTH_INVALID_TOKEN",
            Self::EmailUnverified => "AUTH_EMAIL_UNVERIFIED",
            Self::UnknownProvider => "AUTH_PROVIDER_UNKNOWN",
            Self::ProviderUnavailable => "AUTH_PROVIDER_UNAVAILABLE",
            Self::Refused(_) => "AUTH_PROVIDER_REFUSED",
            Self::UnknownState => "AUTH_FLOW_UNKNOWN",
            Self::TooManyStates => "AUTH_FLOWS_FULL",
            Self::LinkRequired => "AUTH_LINK_REQUIRED",
            Self::IdentityTaken => "AUTH_IDENTITY_TAKEN",
            Self::LastWayIn => "AUTH_LAST_WAY_IN",
            Self::Auth(fault) => fault.code(),
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::BadToken(_) => return AccessFault::InvalidToken.message(language),
            Self::Auth(fault) => return fault.message(language),
            Self::EmailUnverified => (
                "The provider has not verified your e-mail address.",
                "제공자가 이메일 주소를 확인하지 않은 계정입니다.",
            ),
            Self::UnknownProvider => ("There is no such sign-in provider.", "없는 로그인 제공자입니다."),
            Self::ProviderUnavailable => (
                "The sign-in provider cannot be reached. Try again later.",
                "로그인 제공자에 연결할 수 없습니다. 잠시 후 다시 시도하세요.",
            ),
            Self::Refused(_) => {
                ("The sign-in was cancelled at the provider.", "제공자 쪽에서 로그인이 취소되었습니다.")
            }
            Self::UnknownState => (
                "This sign-in was not begun in this browser, or too long ago. Begin again.",
                "이 브라우저에서 시작하지 않았거나 시간이 지난 로그인입니다. 다시 시작하세요.",
            ),
            Self::TooManyStates => (
                "Too many people are signing in at once. Try again in a minute.",
                "동시에 로그인하는 사람이 너무 많습니다. 잠시 후 다시 시도하세요.",
            ),
            Self::LinkRequired => (
                "An account with this e-mail exists. Sign in to it with your password and connect this provider on your account page.",
                "같은 이메일의 계정이 이미 있습니다. 비밀번호로 로그인한 뒤 계정 페이지에서 연결하세요.",
            ),
            Self::IdentityTaken => {
                ("This identity is connected to another account.", "이미 다른 계정에 연결되어 있습니다.")
            }
            Self::LastWayIn => (
                "This is the only way into your account. Ask for a password first.",
                "계정에 로그인할 수 있는 유일한 방법입니다. 먼저 비밀번호를 만드세요.",
            ),
        };
        language.pick(en, ko).to_owned()
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Auth(fault) => fault.details(),
            _ => None,
        }
    }
}
