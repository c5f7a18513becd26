//! Orders: work that must happen, later, and survives a crash.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AccountId, Fault, JobId, Kind, ScriptId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobState {
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`JobState::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

/// Ordered when a script is deleted, with `{"script_id"}`: whoever made something for it removes it.
pub const FORGET_SCRIPT: &str = "forget_script";

/// What is handed to the queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Given by whoever may order the same thing again: a job that has it already is not made anew.
    pub id: Option<JobId>,
    /// An imperative in snake case, such as `render_script`: chooses the handler.
    pub kind: &'static str,
    /// The handler's own words. Old payloads may still be queued after an upgrade.
    pub payload: Value,
    pub priority: Priority,
    /// The script it works on, so that a page can show what is under way for it.
    pub script_id: Option<ScriptId>,
    /// Whose it is; nobody's for the server's own work, which only an admin sees.
    pub owner: Option<AccountId>,
}

/// How far a job is, pushed to whoever watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// 0 to 100.
    pub percent: u8,
    /// What is happening now: `reading`, `voicing`, `mixing`, `encoding`, `storing`.
    pub stage: String,
    pub lines_done: u32,
    pub lines_total: u32,
    /// Lines that came out of the line cache.
    pub lines_cached: u32,
}

/// Told to stop; asked between two pieces of work. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes progress from any thread; never blocks, may drop all but the latest.
pub trait ProgressReport: Send + Sync {
    fn report(&self, progress: Progress);
}

/// A job in the hands of its handler.
pub struct RunningJob {
    pub id: JobId,
    pub payload: Value,
    /// Whose it is, and so is what it makes.
    pub owner: Option<AccountId>,
    /// 1 for the first try.
    pub attempt: u32,
    pub progress: Arc<dyn ProgressReport>,
    pub cancel: Cancel,
}

/// Why a job did not succeed.
#[derive(Debug)]
pub enum JobError {
    /// Stopped because it was told to.
    Cancelled,
    /// The fault's kind decides whether it is tried again.
    Fault(Box<dyn Fault>),
}

impl JobError {
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Cancelled => false,
            Self::Fault(fault) => fault.kind().is_worth_retrying(),
        }
    }

    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Cancelled => None,
            Self::Fault(fault) => Some(fault.kind()),
        }
    }
}

impl<F: Fault> From<F> for JobError {
    fn from(fault: F) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// One kind of work. A handler may run twice (a worker can die after the work and before the
/// note of it), so what it does must be safe to repeat.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    fn kind(&self) -> &'static str;

    /// After this long one attempt is given up.
    fn timeout(&self) -> Duration;

    fn max_attempts(&self) -> u32 {
        3
    }

    /// The answer becomes the job's `result`.
    async fn run(&self, job: RunningJob) -> Result<Value, JobError>;

    /// Called when a finished job is deleted, with its result: removes what the job made.
    async fn discard(&self, _id: JobId, _result: Option<Value>) -> Result<(), JobError> {
        Ok(())
    }
}
