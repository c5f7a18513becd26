//! What can go wrong with a job as such.

use sori_contracts::{Fault, JobId, JobState, Kind, UiLanguage};
use sori_db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error("no job {0}")]
    NotFound(JobId),
    /// Only a job that failed or was cancelled can be tried again.
    #[error("a {} job cannot be retried", .0.as_str())]
    NotRetryable(JobState),
    #[error("there is no job state {0:?}")]
    UnknownState(String),
    #[error("no handler for jobs of kind {0:?}")]
    UnknownKind(String),
    /// The process that ran it ended each time.
    #[error("the worker died in each of {0} attempts")]
    WorkerDied(u32),
    #[error("gave up after {0:?}")]
    TimedOut(std::time::Duration),
    #[error("the handler panicked: {0}")]
    Panicked(String),
    #[error("what the job made cannot be removed now: it was told to stop")]
    DiscardInterrupted,
    #[error("the workers were already started")]
    AlreadyStarted,
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the queue failed: {0}")]
    Queue(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fault for JobsError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::NotRetryable(_) | Self::DiscardInterrupted => Kind::Conflict,
            Self::UnknownState(_) => Kind::Invalid,
            Self::TimedOut(_) => Kind::Unavailable,
            Self::UnknownKind(_)
            | Self::WorkerDied(_)
            | Self::Panicked(_)
            | Self::AlreadyStarted
            | Self::Queue(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "JOB_NOT_FOUND",
            Self::NotRetryable(_) => "JOB_NOT_RETRYABLE",
            Self::UnknownState(_) => "FIELD_INVALID",
            Self::UnknownKind(_) => "JOB_KIND_UNKNOWN",
            Self::WorkerDied(_) => "WORKER_DIED",
            Self::TimedOut(_) => "JOB_TIMED_OUT",
            Self::DiscardInterrupted => "CANCELLED",
            Self::Panicked(_) | Self::AlreadyStarted | Self::Queue(_) => "INTERNAL",
            Self::Db(error) => error.code(),
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::NotFound(_) => ("The job was not found.", "작업을 찾을 수 없습니다."),
            Self::NotRetryable(_) => (
                "Only a failed or cancelled job can be retried.",
                "실패했거나 취소된 작업만 다시 시도할 수 있습니다.",
            ),
            Self::UnknownState(_) => (
                "state must be queued, running, succeeded, failed or cancelled.",
                "state는 queued, running, succeeded, failed, cancelled 중 하나여야 합니다.",
            ),
            Self::UnknownKind(_) => (
                "This server does not know this kind of job.",
                "이 서버에서 처리할 수 없는 종류의 작업입니다.",
            ),
            Self::WorkerDied(_) => (
                "The server stopped each time it worked on this job.",
                "이 작업을 처리할 때마다 서버가 중단되었습니다.",
            ),
            Self::TimedOut(_) => ("The job took too long.", "작업 시간이 초과되었습니다."),
            Self::DiscardInterrupted => ("The work was cancelled.", "작업이 취소되었습니다."),
            Self::Panicked(_) | Self::AlreadyStarted | Self::Queue(_) => {
                ("Something went wrong on the server.", "서버에 오류가 발생했습니다.")
            }
            Self::Db(error) => return error.message(language),
        };
        language.pick(en, ko).to_owned()
    }
}
