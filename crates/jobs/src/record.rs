//! A row of `jobs_job`, and what a client sees of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sori_contracts::{AccountId, Caller, JobId, JobState, Priority, Progress, Role, ScriptId, UiLanguage};
use uuid::Uuid;

/// Without the payload, which can be megabytes and which only a handler reads.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct JobRecord {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) priority: String,
    pub(crate) script_id: Option<Uuid>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) attempt: i64,
    pub(crate) progress: String,
    pub(crate) result: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_en: Option<String>,
    pub(crate) error_ko: Option<String>,
    pub(crate) created_at_ms: i64,
    pub(crate) run_after_ms: i64,
    pub(crate) started_at_ms: Option<i64>,
    pub(crate) finished_at_ms: Option<i64>,
    /// Grows with every change: the number of an event.
    pub(crate) version: i64,
}

/// The columns of [`JobRecord`].
macro_rules! columns {
    () => {
        "id, kind, state, priority, script_id, owner_id, attempt, progress, result, error_code, error_en, error_ko, \
         created_at_ms, run_after_ms, started_at_ms, finished_at_ms, version"
    };
}
pub(crate) use columns;

impl JobRecord {
    pub(crate) fn job_id(&self) -> JobId {
        JobId(self.id)
    }

    pub(crate) fn owner(&self) -> Option<AccountId> {
        self.owner_id.map(AccountId)
    }

    /// Whether the job exists for this caller: it is theirs, or they run the server.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        caller.is_at_least(Role::Admin) || (self.owner_id.is_some() && caller.account() == self.owner())
    }

    /// Only this block writes the column, so another word means another version wrote it.
    pub(crate) fn state(&self) -> JobState {
        JobState::parse(&self.state).unwrap_or(JobState::Failed)
    }

    pub(crate) fn priority(&self) -> Priority {
        priority_of(&self.priority)
    }

    pub(crate) fn attempt(&self) -> u32 {
        u32::try_from(self.attempt).unwrap_or(u32::MAX)
    }

    pub(crate) fn result(&self) -> Option<Value> {
        self.result.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    pub(crate) fn view(&self, language: UiLanguage) -> JobView {
        let error = self.error_code.clone().map(|code| JobErrorView {
            code,
            message: language.pick(&self.error_en, &self.error_ko).clone().unwrap_or_default(),
        });
        JobView {
            id: self.job_id(),
            kind: self.kind.clone(),
            status: self.state(),
            priority: self.priority(),
            script_id: self.script_id.map(ScriptId),
            progress: serde_json::from_str(&self.progress).unwrap_or_default(),
            attempt: self.attempt(),
            created_at_ms: self.created_at_ms,
            started_at_ms: self.started_at_ms,
            finished_at_ms: self.finished_at_ms,
            result: self.result(),
            error,
        }
    }
}

pub(crate) fn name_of(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

pub(crate) fn priority_of(name: &str) -> Priority {
    match name {
        "high" => Priority::High,
        "low" => Priority::Low,
        _ => Priority::Normal,
    }
}

/// A job as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobView {
    pub id: JobId,
    #[schema(example = "render_script")]
    pub kind: String,
    pub status: JobState,
    pub priority: Priority,
    pub script_id: Option<ScriptId>,
    pub progress: Progress,
    /// How many times it was begun.
    pub attempt: u32,
    pub created_at_ms: i64,
    pub started_at_ms: Option<i64>,
    pub finished_at_ms: Option<i64>,
    /// What it made; present once it succeeded.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<JobErrorView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobErrorView {
    /// Stable; programs switch on it.
    #[schema(example = "VOICE_MODEL_MISSING")]
    pub code: String,
    /// In the language of `Accept-Language` (Korean or English).
    pub message: String,
}
