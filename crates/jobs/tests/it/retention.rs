//! Finished jobs go after a while.

use std::time::Duration;

use sori_contracts::{NewJob, ScriptId};
use sori_db::JobQueue as _;
use sori_jobs::JobsConfig;

use crate::rig::{PATIENCE, play, quick, rigs, rigs_with};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn only_jobs_that_ended_long_ago_are_removed_and_scripts_keep_what_was_made() {
    for rig in rigs().await {
        let old = rig.order("succeed").await;
        let of_script = NewJob { script_id: Some(ScriptId::generate()), ..play("refuse") };
        let of_script = rig.jobs.enqueue_now(of_script).await.unwrap();
        let young = rig.order("succeed").await;
        let waiting = rig.order("gate").await;
        for id in [old, of_script, young] {
            rig.ends(id).await;
        }
        rig.runs(waiting).await;
        for id in [old, of_script, waiting] {
            let aged =
                "UPDATE jobs_job SET created_at_ms = created_at_ms - $2, finished_at_ms = finished_at_ms - $2
                        WHERE id = $1";
            rig.db.query(aged).bind(id).bind(31 * 86_400_000_i64).execute().await.unwrap();
        }
        assert_eq!(rig.jobs.sweep(30 * DAY).await.unwrap(), 2);
        assert_eq!(rig.jobs.sweep(30 * DAY).await.unwrap(), 0);
        assert!(rig.jobs.get(old).await.is_err());
        assert!(rig.jobs.get(of_script).await.is_err());
        rig.jobs.get(young).await.unwrap();
        rig.door_opens();
        rig.ends(waiting).await;
        let discarded: Vec<_> = rig.stage.discarded.lock().unwrap().iter().map(|(id, _)| *id).collect();
        assert_eq!(discarded, [old]);
    }
}

#[tokio::test]
async fn many_old_jobs_go_in_batches_by_themselves() {
    let config = JobsConfig {
        keep_finished_for: Some(Duration::ZERO),
        sweep_every: Duration::from_millis(50),
        ..quick()
    };
    for rig in rigs_with(config, PATIENCE).await {
        let mut last = None;
        for _ in 0..230 {
            let id = rig.jobs.enqueue_now(play("succeed")).await.unwrap();
            rig.jobs.cancel(id).await.unwrap();
            last = Some(id);
        }
        rig.start().await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while rig.db.query("SELECT count(*) FROM jobs_job").scalar::<i64>().await.unwrap() > 0 {
            assert!(tokio::time::Instant::now() < deadline, "{last:?} stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        rig.jobs.stop().await;
    }
}
