//! Promises of the queue.

use std::time::Duration;

use serde_json::json;
use sori_contracts::{JobState, NewJob, Priority};
use sori_db::JobQueue;

use crate::rig::{PATIENCE, play, quick, rigs, rigs_with};

#[test]
fn both_engines_have_the_same_migrations() {
    sori_db::testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &sori_jobs::MIGRATIONS);
}

#[tokio::test]
async fn a_job_is_worked_and_its_result_kept() {
    for rig in rigs().await {
        let id = rig.order("succeed").await;
        let view = rig.ends(id).await;
        assert_eq!(view.status, JobState::Succeeded);
        assert_eq!(view.result, Some(json!({ "attempt": 1 })));
        assert_eq!(view.progress.percent, 100);
        assert!(view.created_at_ms <= view.started_at_ms.unwrap());
        assert!(view.started_at_ms.unwrap() <= view.finished_at_ms.unwrap());
        assert_eq!(view.error, None);
    }
}

#[tokio::test]
async fn an_order_in_a_transaction_that_is_undone_leaves_nothing() {
    for rig in rigs().await {
        let mut tx = rig.db.begin().await.unwrap();
        let undone = rig.jobs.enqueue(&mut tx, play("succeed")).await.unwrap();
        drop(tx);
        let kept = rig.order("succeed").await;
        rig.ends(kept).await;
        assert!(rig.jobs.get(undone).await.is_err());
        assert_eq!(rig.stage.begun().len(), 1);
        let wakes: i64 = rig.db.query("SELECT count(*) FROM river_job").scalar().await.unwrap();
        assert_eq!(wakes, 1);
    }
}

#[tokio::test]
async fn jobs_ordered_before_the_start_wait_and_the_higher_priority_goes_first() {
    let one_at_a_time = sori_jobs::JobsConfig { workers: 1, ..quick() };
    for rig in rigs_with(one_at_a_time, PATIENCE).await {
        let mut last = None;
        for (name, priority) in [
            ("low", Priority::Low),
            ("first normal", Priority::Normal),
            ("high", Priority::High),
            ("second normal", Priority::Normal),
        ] {
            let payload = json!({ "act": "succeed", "name": name });
            let job = NewJob { id: None, kind: "play", payload, priority, script_id: None, owner: None };
            let id = rig.jobs.enqueue_now(job).await.unwrap();
            last = last.or(Some(id));
        }
        rig.start().await;
        rig.ends(last.unwrap()).await;
        assert_eq!(rig.stage.begun(), ["high", "first normal", "second normal", "low"]);
    }
}

#[tokio::test]
async fn a_passing_fault_is_tried_again_and_a_lasting_one_is_not() {
    for rig in rigs().await {
        let (once, always, never) =
            (rig.order("fail_once").await, rig.order("fail").await, rig.order("refuse").await);
        let once = rig.ends(once).await;
        assert_eq!((once.status, once.attempt, once.error), (JobState::Succeeded, 2, None));
        let always = rig.ends(always).await;
        assert_eq!((always.status, always.attempt), (JobState::Failed, 3));
        assert_eq!(always.error.unwrap().code, "PLAYED");
        let never = rig.ends(never).await;
        assert_eq!((never.status, never.attempt), (JobState::Failed, 1));
    }
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_that_tells_nobody_its_text() {
    for rig in rigs().await {
        let id = rig.order("panic").await;
        let view = rig.ends(id).await;
        assert_eq!((view.status, view.attempt), (JobState::Failed, 3));
        let error = view.error.unwrap();
        assert_eq!(error.code, "INTERNAL");
        assert!(!error.message.contains("played"), "{}", error.message);
    }
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_fails_and_says_so() {
    for rig in rigs().await {
        let id = rig.jobs.enqueue_now(NewJob { kind: "unheard_of", ..play("succeed") }).await.unwrap();
        let view = rig.ends(id).await;
        assert_eq!(view.status, JobState::Failed);
        assert_eq!(view.error.unwrap().code, "JOB_KIND_UNKNOWN");
    }
}

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once_and_never_begun() {
    for rig in rigs_with(quick(), PATIENCE).await {
        let id = rig.order("succeed").await;
        assert_eq!(rig.jobs.cancel(id).await.unwrap().status, JobState::Cancelled);
        rig.start().await;
        let after = rig.order("gate").await;
        rig.stage.door.add_permits(1);
        rig.ends(after).await;
        assert_eq!(rig.jobs.get(id).await.unwrap().status, JobState::Cancelled);
        assert_eq!(rig.stage.begun(), ["gate"]);
    }
}

#[tokio::test]
async fn a_running_job_is_cancelled_when_it_gives_way() {
    for rig in rigs().await {
        let id = rig.order("until_told").await;
        rig.runs(id).await;
        assert_eq!(rig.jobs.cancel(id).await.unwrap().status, JobState::Running);
        assert_eq!(rig.ends(id).await.status, JobState::Cancelled);
    }
}

#[tokio::test]
async fn a_running_job_is_cancelled_from_another_process() {
    for rig in rigs().await {
        let id = rig.order("until_told").await;
        rig.runs(id).await;
        let elsewhere = sori_jobs::Jobs::new(rig.db.clone(), quick()).await.unwrap();
        elsewhere.cancel(id).await.unwrap();
        assert_eq!(rig.ends(id).await.status, JobState::Cancelled);
    }
}

#[tokio::test]
async fn a_deaf_job_is_given_up_after_a_while() {
    for rig in rigs().await {
        let id = rig.order("deaf").await;
        rig.runs(id).await;
        rig.jobs.cancel(id).await.unwrap();
        assert_eq!(rig.ends(id).await.status, JobState::Cancelled);
    }
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_a_failed_one() {
    for rig in rigs_with(quick(), Duration::from_millis(50)).await {
        rig.start().await;
        let id = rig.order("until_told").await;
        let view = rig.ends(id).await;
        assert_eq!((view.status, view.attempt), (JobState::Failed, 3));
        assert_eq!(view.error.unwrap().code, "JOB_TIMED_OUT");
    }
}

#[tokio::test]
async fn a_failed_job_is_retried_on_demand_as_if_new_and_a_running_one_is_not() {
    for rig in rigs().await {
        let id = rig.order("refuse").await;
        rig.ends(id).await;
        let view = rig.jobs.retry(id).await.unwrap();
        assert_eq!((view.status, view.attempt, view.error), (JobState::Queued, 0, None));
        let view = rig.ends(id).await;
        assert_eq!((view.status, view.attempt), (JobState::Failed, 1));
        assert_eq!(rig.stage.begun().len(), 2);

        let running = rig.order("gate").await;
        rig.runs(running).await;
        let refused = rig.jobs.retry(running).await;
        assert!(matches!(refused, Err(sori_jobs::JobsError::NotRetryable(JobState::Running))), "{refused:?}");
        rig.stage.door.add_permits(1);
        rig.ends(running).await;
    }
}

#[tokio::test]
async fn a_stop_gives_running_jobs_back_without_counting_the_attempt() {
    for rig in rigs().await {
        let (willing, deaf) = (rig.order("until_told").await, rig.order("deaf").await);
        rig.runs(willing).await;
        rig.runs(deaf).await;
        let begin = std::time::Instant::now();
        rig.jobs.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
        for id in [willing, deaf] {
            let view = rig.jobs.get(id).await.unwrap();
            assert_eq!((view.status, view.attempt), (JobState::Queued, 0));
        }
        // The next process goes on with them.
        let next = rig.another().await;
        rig.runs(willing).await;
        rig.runs(deaf).await;
        next.stop().await;
    }
}

#[tokio::test]
async fn a_job_of_a_process_that_fell_silent_goes_to_another_and_its_late_end_counts_for_nothing() {
    for rig in rigs().await {
        let id = rig.order("gate").await;
        rig.runs(id).await;
        // Another worker takes the job, as rescue does when the heartbeats end.
        let stolen = rig
            .db
            .query("UPDATE jobs_job SET lease_id = $2, node_id = $2, version = version + 1 WHERE id = $1")
            .bind(id)
            .bind(uuid::Uuid::now_v7())
            .execute()
            .await
            .unwrap();
        assert_eq!(stolen, 1);
        rig.stage.door.add_permits(2);
        let view = rig.ends(id).await;
        assert_eq!((view.status, view.attempt), (JobState::Succeeded, 2));
        assert_eq!(view.result, Some(json!({ "attempt": 2 })), "the second attempt's");
    }
}

#[tokio::test]
async fn hundreds_of_jobs_of_two_processes_are_each_done_once() {
    for rig in rigs().await {
        let second = rig.another().await;
        let mut ids = Vec::new();
        for _ in 0..150 {
            ids.push(rig.order("succeed").await);
        }
        for id in ids {
            let view = rig.ends(id).await;
            assert_eq!((view.status, view.attempt), (JobState::Succeeded, 1));
        }
        assert_eq!(rig.stage.begun().len(), 150);
        second.stop().await;
        rig.jobs.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_arrive_together_are_all_there_and_all_done() {
    for rig in rigs().await {
        let orders = (0..100).map(|_| rig.jobs.enqueue_now(play("succeed")));
        let ids: std::collections::BTreeSet<_> =
            futures::future::join_all(orders).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(ids.len(), 100, "each has an id of its own");
        for id in ids {
            assert_eq!(rig.ends(id).await.status, JobState::Succeeded);
        }
        assert_eq!(rig.stage.begun().len(), 100);
    }
}
