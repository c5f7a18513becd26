//! What an attempt's end means for its job. Pure.

use serde_json::Value;
use sori_contracts::{Fault, JobError, JobState, Progress, UiLanguage};

use crate::{
    JobsConfig, JobsError,
    store::{ErrorTexts, Outcome},
};

/// How an attempt ended.
pub(crate) enum End {
    Done(Value),
    Failed(JobError),
    /// The server stops, and the job gave way or was given up.
    Interrupted,
    /// It was to be cancelled and did not answer in time.
    GivenUp,
}

pub(crate) struct Circumstances<'a> {
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    /// Somebody asked for the job to be cancelled.
    pub(crate) cancelled: bool,
    pub(crate) progress: Progress,
    pub(crate) now_ms: i64,
    pub(crate) config: &'a JobsConfig,
}

pub(crate) fn outcome_of(end: End, at: Circumstances<'_>) -> Outcome {
    let ended = |state, error| Outcome {
        state,
        progress: at.progress.clone(),
        result: None,
        error,
        run_after_ms: at.now_ms,
        give_attempt_back: false,
    };
    match end {
        // Work that is done stays done, even when the wish to cancel it came in between.
        End::Done(result) => Outcome {
            progress: Progress { percent: 100, ..at.progress.clone() },
            result: Some(result),
            ..ended(JobState::Succeeded, None)
        },
        End::Interrupted | End::GivenUp | End::Failed(_) if at.cancelled => ended(JobState::Cancelled, None),
        End::GivenUp | End::Failed(JobError::Cancelled) => ended(JobState::Cancelled, None),
        End::Interrupted => Outcome { give_attempt_back: true, ..ended(JobState::Queued, None) },
        End::Failed(JobError::Fault(fault)) => {
            let error = Some(texts_of(&*fault));
            if fault.kind().is_worth_retrying() && at.attempt < at.max_attempts {
                let pause = i64::try_from(at.config.retry_pause(at.attempt).as_millis()).unwrap_or(i64::MAX);
                Outcome { run_after_ms: at.now_ms.saturating_add(pause), ..ended(JobState::Queued, error) }
            } else {
                ended(JobState::Failed, error)
            }
        }
    }
}

pub(crate) fn texts_of(fault: &dyn Fault) -> ErrorTexts {
    ErrorTexts {
        code: fault.code().to_owned(),
        en: fault.message(UiLanguage::En),
        ko: fault.message(UiLanguage::Ko),
    }
}

/// Why a queued job must not be begun again, if so.
pub(crate) fn refusal(attempt: u32, max_attempts: u32) -> Option<JobsError> {
    // An attempt that ends otherwise puts the job into another state: these ended with their process.
    (attempt >= max_attempts).then_some(JobsError::WorkerDied(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> End {
        End::Failed(JobsError::TimedOut(std::time::Duration::from_secs(1)).into())
    }

    fn lasting_fault() -> End {
        End::Failed(JobsError::UnknownState("x".into()).into())
    }

    #[track_caller]
    fn check(end: End, attempt: u32, cancelled: bool, state: JobState, pause_ms: i64, back: bool) {
        let config = JobsConfig::default();
        let at = Circumstances {
            attempt,
            max_attempts: 3,
            cancelled,
            progress: Progress::default(),
            now_ms: 1_000,
            config: &config,
        };
        let outcome = outcome_of(end, at);
        assert_eq!(outcome.state, state);
        assert_eq!(outcome.run_after_ms, 1_000 + pause_ms);
        assert_eq!(outcome.give_attempt_back, back);
        assert_eq!(outcome.result.is_some(), state == JobState::Succeeded);
    }

    #[test]
    fn each_end_leads_to_one_state() {
        use JobState::{Cancelled, Failed, Queued, Succeeded};
        check(End::Done(Value::Null), 1, false, Succeeded, 0, false);
        check(End::Done(Value::Null), 1, true, Succeeded, 0, false);
        check(fault(), 1, false, Queued, 2_000, false);
        check(fault(), 2, false, Queued, 8_000, false);
        check(fault(), 3, false, Failed, 0, false);
        check(fault(), 1, true, Cancelled, 0, false);
        check(lasting_fault(), 1, false, Failed, 0, false);
        check(End::Failed(JobError::Cancelled), 1, false, Cancelled, 0, false);
        check(End::Interrupted, 1, false, Queued, 0, true);
        check(End::Interrupted, 1, true, Cancelled, 0, false);
        check(End::GivenUp, 1, true, Cancelled, 0, false);
    }

    #[test]
    fn a_job_that_ended_its_process_three_times_is_not_begun_again() {
        assert!(refusal(2, 3).is_none());
        assert!(matches!(refusal(3, 3), Some(JobsError::WorkerDied(3))));
    }
}
