//! Why somebody may not stream now.

use std::sync::Arc;

use sori_contracts::{Fault, Kind, StreamId, UiLanguage};
use sori_db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum SessionFault {
    /// Everybody together has as many streams as the settings allow.
    #[error("all {most} slots are taken")]
    AllTaken { most: u32 },
    /// This viewer alone has as many.
    #[error("the viewer has {most} streams")]
    TooManyOfOne { most: u32 },
    #[error("no open session {0}")]
    NotFound(StreamId),
    #[error("there is no quality {asked:?}, but {known}")]
    NoQuality { asked: String, known: String },
    /// Shared, since many may wait for one statement.
    #[error(transparent)]
    Db(Arc<DbError>),
    #[error("the sessions are closed")]
    Closed,
}

impl From<DbError> for SessionFault {
    fn from(error: DbError) -> Self {
        Self::Db(Arc::new(error))
    }
}

impl Fault for SessionFault {
    fn kind(&self) -> Kind {
        match self {
            Self::AllTaken { .. } | Self::TooManyOfOne { .. } => Kind::Busy,
            Self::NotFound(_) => Kind::NotFound,
            Self::NoQuality { .. } => Kind::Invalid,
            Self::Db(fault) => fault.kind(),
            Self::Closed => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AllTaken { .. } | Self::TooManyOfOne { .. } => "STREAM_RATE_LIMITED",
            Self::NotFound(_) => "SESSION_NOT_FOUND",
            Self::NoQuality { .. } => "QUALITY_UNKNOWN",
            Self::Db(fault) => fault.code(),
            Self::Closed => "STREAM_CLOSED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let fixed = |en: &str, ko: &str| language.pick(en, ko).to_owned();
        match self {
            Self::AllTaken { .. } => {
                fixed("The server has as many streams as it allows.", "서버 동시 접속 한도 초과입니다.")
            }
            Self::TooManyOfOne { most } => match language {
                UiLanguage::En => format!("You have more than {most} streams at the same time."),
                UiLanguage::Ko => format!("동시 재생 {most}개 초과"),
            },
            Self::NotFound(_) => fixed("This session is not open.", "열려 있는 재생 세션이 아닙니다."),
            Self::NoQuality { known, .. } => match language {
                UiLanguage::En => format!("This quality does not exist: choose one of {known}."),
                UiLanguage::Ko => format!("없는 음질입니다. {known} 중에서 고르세요."),
            },
            Self::Db(fault) => fault.message(language),
            Self::Closed => fixed("The server is being stopped.", "서버가 종료되는 중입니다."),
        }
    }
}
