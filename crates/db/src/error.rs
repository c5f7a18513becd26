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
            sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| is_passing(&code)) => {
                Self::Unreachable(error)
            }
            _ => Self::Statement(error),
        }
    }
}

/// SQLite's extended codes are decimal numbers with the primary code in the lowest byte; those of
/// PostgreSQL have five characters, the first two (or three) of which name a class.
fn is_passing(code: &str) -> bool {
    /// `SQLITE_BUSY`, `SQLITE_LOCKED`, `SQLITE_PROTOCOL`: another connection was in the way for too long.
    const IN_THE_WAY: [u32; 3] = [5, 6, 15];
    /// Connection exceptions, out of resources, shutdowns, and transactions that lost against others.
    const CLASSES: [&str; 4] = ["08", "53", "57P", "40"];
    if code.len() == 5 {
        CLASSES.iter().any(|class| code.starts_with(class))
    } else {
        code.parse::<u32>().is_ok_and(|code| IN_THE_WAY.contains(&(code & 0xff)))
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

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[track_caller]
    fn check(code: &str, passing: bool) {
        assert_eq!(is_passing(code), passing, "{code}");
    }

    #[test]
    fn what_may_go_better_the_next_time_is_told_from_what_will_not() {
        check("5", true);
        // SQLITE_BUSY_SNAPSHOT
        check("517", true);
        // SQLITE_CONSTRAINT_COMMITHOOK: begins like a class of PostgreSQL.
        check("531", false);
        check("1", false);
        check("08006", true);
        check("57P01", true);
        check("40P01", true);
        check("42P01", false);
        check("23505", false);
    }
}
