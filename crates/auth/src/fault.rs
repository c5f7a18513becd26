//! What can go wrong with accounts and credentials.

use serde_json::{Value, json};
use sori_contracts::{Fault, Kind, UiLanguage};
use sori_db::DbError;
use sori_http::{AccessFault, RequestFault};

use crate::password::Weakness;

#[derive(Debug, thiserror::Error)]
pub enum AuthFault {
    #[error(transparent)]
    Access(#[from] AccessFault),
    /// Unknown e-mail, wrong password or no password at all: told apart for nobody.
    #[error("e-mail or password is wrong")]
    SignInFailed,
    /// The password that was to be confirmed is wrong.
    #[error("the present password is wrong")]
    WrongPassword,
    #[error("too many tries; again in {retry_after_s} s")]
    TooManyTries { retry_after_s: u64 },
    #[error("sign-up is closed")]
    SignUpClosed,
    #[error("the e-mail has an account")]
    EmailTaken,
    #[error("the password is too weak: {0:?}")]
    WeakPassword(Weakness),
    /// A one-time link was used, is too old, or was never made.
    #[error("the link is not valid")]
    LinkInvalid,
    #[error("no such account")]
    AccountNotFound,
    #[error("no such device")]
    DeviceNotFound,
    #[error("no such API key")]
    KeyNotFound,
    #[error("an account has {0} API keys at the most")]
    TooManyKeys(u32),
    /// Somebody has to be able to run the server.
    #[error("the last admin cannot go")]
    LastAdmin,
    #[error(transparent)]
    Request(#[from] RequestFault),
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another block could not export or forget what it has of an account.
    #[error("{block}: {fault}")]
    Personal { block: &'static str, fault: Box<dyn Fault> },
    #[error("internal: {0}")]
    Internal(String),
}

impl AuthFault {
    pub(crate) fn field(field: &'static str, en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self::Request(RequestFault::Field { field, en: en.into(), ko: ko.into() })
    }
}

impl Fault for AuthFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Access(fault) => fault.kind(),
            Self::SignInFailed => Kind::Unauthenticated,
            Self::SignUpClosed | Self::WrongPassword => Kind::Forbidden,
            Self::TooManyTries { .. } => Kind::Busy,
            Self::EmailTaken | Self::LastAdmin | Self::TooManyKeys(_) => Kind::Conflict,
            Self::WeakPassword(_) | Self::LinkInvalid => Kind::Invalid,
            Self::AccountNotFound | Self::DeviceNotFound | Self::KeyNotFound => Kind::NotFound,
            Self::Request(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Personal { fault, .. } => fault.kind(),
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Access(fault) => fault.code(),
            Self::SignInFailed => "AUTH_SIGN_IN_FAILED",
            Self::WrongPassword => "AUTH_PASSWORD_WRONG",
            Self::TooManyTries { .. } => "AUTH_TOO_MANY_TRIES",
            Self::SignUpClosed => "AUTH_SIGN_UP_CLOSED",
            Self::EmailTaken => "AUTH_EMAIL_TAKEN",
            Self::WeakPassword(_) => "AUTH_PASSWORD_WEAK",
            Self::LinkInvalid => "AUTH_LINK_INVALID",
            Self::AccountNotFound => "ACCOUNT_NOT_FOUND",
            Self::DeviceNotFound => "DEVICE_NOT_FOUND",
            Self::KeyNotFound => "API_KEY_NOT_FOUND",
            Self::TooManyKeys(_) => "AUTH_TOO_MANY_KEYS",
            Self::LastAdmin => "AUTH_LAST_ADMIN",
            Self::Request(fault) => fault.code(),
            Self::Db(fault) => fault.code(),
            Self::Personal { fault, .. } => fault.code(),
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::Access(fault) => return fault.message(language),
            Self::SignInFailed => (
                "The e-mail address or the password is wrong.",
                "이메일 주소 또는 비밀번호가 올바르지 않습니다.",
            ),
            Self::WrongPassword => ("The present password is wrong.", "현재 비밀번호가 올바르지 않습니다."),
            Self::TooManyTries { retry_after_s } => {
                return language.pick(
                    format!("Too many tries. Try again in {retry_after_s} s."),
                    format!("시도 횟수가 너무 많습니다. {retry_after_s}초 후에 다시 시도해 주세요."),
                );
            }
            Self::SignUpClosed => (
                "This server takes no sign-ups. Ask its admin for an account.",
                "이 서버는 가입을 받지 않습니다. 관리자에게 계정을 요청해 주세요.",
            ),
            Self::EmailTaken => {
                ("This e-mail address has an account already.", "이미 사용 중인 이메일 주소입니다.")
            }
            Self::WeakPassword(weakness) => return weakness.message(language),
            Self::LinkInvalid => (
                "This link was used already or is too old. Ask for a new one.",
                "이미 사용했거나 만료된 링크입니다. 새 링크를 요청해 주세요.",
            ),
            Self::AccountNotFound => ("This account does not exist.", "계정을 찾을 수 없습니다."),
            Self::DeviceNotFound => ("This device is not signed in.", "로그인된 기기를 찾을 수 없습니다."),
            Self::KeyNotFound => ("This API key does not exist.", "API 키를 찾을 수 없습니다."),
            Self::TooManyKeys(limit) => {
                return language.pick(
                    format!("An account has {limit} API keys at the most. Remove one first."),
                    format!("API 키는 계정당 최대 {limit}개입니다. 먼저 하나를 삭제해 주세요."),
                );
            }
            Self::LastAdmin => {
                ("The last admin has to stay.", "마지막 관리자는 변경하거나 삭제할 수 없습니다.")
            }
            Self::Request(fault) => return fault.message(language),
            Self::Db(fault) => return fault.message(language),
            Self::Personal { fault, .. } => return fault.message(language),
            Self::Internal(_) => ("Something went wrong on the server.", "서버에 오류가 발생했습니다."),
        };
        language.pick(en, ko).to_owned()
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::TooManyTries { retry_after_s } => Some(json!({ "retry_after_s": retry_after_s })),
            Self::WeakPassword(weakness) => Some(json!({ "field": "password", "reason": weakness.as_str() })),
            Self::Request(fault) => fault.details(),
            Self::Personal { fault, .. } => fault.details(),
            _ => None,
        }
    }
}
