//! What can go wrong with the database.

use sori_contracts::{Fault, Kind, UiLanguage};

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("cannot open the database: {0}")]
    Open(#[source] sqlx::Error),
    #[error("{0:?} is no database address: use sqlite:///path or postgres://…")]
    BadUrl(String),
    /// A unique index says no.
    #[error("already there: {constraint}")]
    Conflict { constraint: String },
    #[error("the database is full")]
    Full,
    #[error("the row is not there")]
    RowMissing,
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] sqlx::Error),
    #[error("the database refused a statement: {0}")]
    Statement(#[source] sqlx::Error),
    #[error("migration {block}/{name}: {reason}")]
    Migration { block: String, name: String, reason: String },
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::RowMissing,
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => Self::Conflict {
                constraint: refusal.constraint().unwrap_or_else(|| refusal.message()).to_owned(),
            },
            // SQLITE_FULL is 13; PostgreSQL's disk_full is 53100.
            sqlx::Error::Database(refusal) if matches!(refusal.code().as_deref(), Some("13" | "53100")) => {
                Self::Full
            }
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unreachable(error),
            // PostgreSQL: 08 connection exceptions, 57P shutdowns, 53 out of resources.
            sqlx::Error::Database(refusal)
                if refusal
                    .code()
                    .is_some_and(|code| ["08", "57P", "53"].iter().any(|class| code.starts_with(class))) =>
            {
                Self::Unreachable(error)
            }
            _ => Self::Statement(error),
        }
    }
}

impl Fault for DbError {
    fn kind(&self) -> Kind {
        match self {
            Self::Conflict { .. } => Kind::Conflict,
            Self::Full => Kind::StorageFull,
            Self::RowMissing => Kind::NotFound,
            Self::Open(_) | Self::Unreachable(_) => Kind::Unavailable,
            Self::BadUrl(_) | Self::Statement(_) | Self::Migration { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "ALREADY_EXISTS",
            Self::Full => "STORAGE_FULL",
            Self::RowMissing => "CONTENT_NOT_FOUND",
            Self::Open(_) | Self::Unreachable(_) => "DATABASE_UNAVAILABLE",
            Self::BadUrl(_) | Self::Statement(_) | Self::Migration { .. } => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::Conflict { .. } => ("This exists already.", "이미 존재합니다."),
            Self::Full => ("The server's storage is full.", "서버 저장 공간이 가득 찼습니다."),
            Self::RowMissing => ("The content was not found.", "콘텐츠를 찾을 수 없습니다."),
            Self::Open(_) | Self::Unreachable(_) => (
                "The database cannot be reached. Try again in a moment.",
                "데이터베이스에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.",
            ),
            Self::BadUrl(_) | Self::Statement(_) | Self::Migration { .. } => {
                ("Something went wrong on the server.", "서버에 오류가 발생했습니다.")
            }
        };
        language.pick(en, ko).to_owned()
    }
}
