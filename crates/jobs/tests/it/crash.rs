//! Real processes and `kill -9`: no job is lost and no result is written twice.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{JobError, JobHandler, JobState, NewJob, Priority, RunningJob};
use sori_db::{Backend, Db, JobQueue, testing};
use sori_jobs::{Jobs, JobsConfig, MIGRATIONS};

const JOBS: i64 = 200;
const WORKERS: usize = 4;
const KILLS: usize = 8;
const RESULTS_BETWEEN_KILLS: i64 = 20;
const PATIENCE: Duration = Duration::from_secs(40);
const URL: &str = "SORI_TEST_DATABASE_URL";

fn config() -> JobsConfig {
    JobsConfig {
        workers: WORKERS,
        heartbeat: Duration::from_millis(200),
        // A busy machine may hold a living process for a second or two.
        dead_after: Duration::from_secs(3),
        ..JobsConfig::default()
    }
}

struct Note;

#[async_trait]
impl JobHandler for Note {
    fn kind(&self) -> &'static str {
        "note"
    }

    fn timeout(&self) -> Duration {
        PATIENCE
    }

    fn max_attempts(&self) -> u32 {
        100
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(json!({ "n": job.payload["n"] }))
    }
}

/// Takes its process down with it.
struct Abort;

#[async_trait]
impl JobHandler for Abort {
    fn kind(&self) -> &'static str {
        "abort"
    }

    fn timeout(&self) -> Duration {
        PATIENCE
    }

    async fn run(&self, _job: RunningJob) -> Result<Value, JobError> {
        std::process::abort()
    }
}

/// Not a test: the worker process that the tests below start and kill.
#[tokio::test]
#[ignore = "run by the tests of this file as a process of its own"]
async fn worker_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let db = Db::open(&url).await.unwrap();
    let jobs = Jobs::new(db, config()).await.unwrap();
    jobs.start(vec![Arc::new(Note), Arc::new(Abort)]).await.unwrap();
    std::future::pending().await
}

/// A worker process that ends with the test.
struct WorkerProcess(Child);

impl WorkerProcess {
    fn start(url: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::worker_process", "--exact", "--ignored", "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

/// SIGKILL.
impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Counts results where nothing of the product can interfere: in the database, as they are written.
async fn count_results(db: &Db) {
    db.query("CREATE TABLE written (id BIGINT NOT NULL)").execute().await.unwrap();
    let triggers: &[&str] = match db.backend() {
        Backend::Sqlite => &["CREATE TRIGGER count_results AFTER UPDATE ON jobs_job
            WHEN NEW.state = 'succeeded' AND NEW.result IS NOT NULL
            BEGIN INSERT INTO written VALUES (json_extract(NEW.result, '$.n')); END"],
        Backend::Postgres => &[
            "CREATE FUNCTION count_result() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO written VALUES ((NEW.result::json->>'n')::bigint); RETURN NEW; END $$",
            "CREATE TRIGGER count_results AFTER UPDATE ON jobs_job FOR EACH ROW
             WHEN (NEW.state = 'succeeded' AND NEW.result IS NOT NULL) EXECUTE FUNCTION count_result()",
        ],
    };
    for trigger in triggers {
        db.query(trigger).execute().await.unwrap();
    }
}

/// Waits until so many results are written.
async fn results(db: &Db, wanted: i64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done: i64 =
            db.query("SELECT count(*) FROM jobs_job WHERE state = 'succeeded'").scalar().await.unwrap();
        if done >= wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{done} of {wanted} jobs are done on {:?}", db.backend());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn survive_kills(test: testing::TestDb) {
    let backend = test.db.backend();
    count_results(&test.db).await;
    let jobs = Jobs::new(test.db.clone(), config()).await.unwrap();
    for n in 0..JOBS {
        let job = NewJob {
            id: None,
            kind: "note",
            payload: json!({ "n": n }),
            priority: Priority::Normal,
            script_id: None,
            owner: None,
        };
        jobs.enqueue_now(job).await.unwrap();
    }
    let mut workers = [WorkerProcess::start(&test.url), WorkerProcess::start(&test.url)];
    for kill in 1..=KILLS {
        results(&test.db, RESULTS_BETWEEN_KILLS * i64::try_from(kill).unwrap()).await;
        workers[kill % 2] = WorkerProcess::start(&test.url);
    }
    results(&test.db, JOBS).await;
    drop(workers);

    let (written, distinct): (i64, i64) =
        test.db.query("SELECT count(*), count(DISTINCT id) FROM written").fetch_one().await.unwrap();
    assert_eq!((written, distinct), (JOBS, JOBS), "each result is written once on {backend:?}");
    let begun: Vec<(i64,)> = test.db.query("SELECT attempt FROM jobs_job").fetch_all().await.unwrap();
    let extra = begun.iter().map(|(attempts,)| attempts - 1).sum::<i64>();
    let most = i64::try_from(KILLS * WORKERS).unwrap();
    assert!(extra <= most, "{extra} jobs were begun again after {KILLS} kills on {backend:?}");
}

#[tokio::test]
async fn sqlite_loses_no_job_and_repeats_no_result_when_workers_are_killed() {
    let test = testing::sqlite().await;
    test.db.migrate(&[MIGRATIONS]).await.unwrap();
    survive_kills(test).await;
}

#[tokio::test]
async fn postgres_loses_no_job_and_repeats_no_result_when_workers_are_killed() {
    let test = testing::postgres().await;
    test.db.migrate(&[MIGRATIONS]).await.unwrap();
    survive_kills(test).await;
}

#[tokio::test]
async fn a_job_that_takes_its_process_down_ends_after_three_times() {
    for test in testing::databases(&[MIGRATIONS]).await {
        let jobs = Jobs::new(test.db.clone(), config()).await.unwrap();
        let order = |kind| NewJob {
            id: None,
            kind,
            payload: json!({}),
            priority: Priority::Normal,
            script_id: None,
            owner: None,
        };
        let poison = jobs.enqueue_now(order("abort")).await.unwrap();
        let harmless = jobs.enqueue_now(order("note")).await.unwrap();
        let mut crashes = 0;
        let mut worker = WorkerProcess::start(&test.url);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = jobs.get(poison).await.unwrap();
            if view.status.is_final() {
                assert_eq!((view.status, view.attempt), (JobState::Failed, 3));
                assert_eq!(view.error.unwrap().code, "WORKER_DIED");
                break;
            }
            assert!(Instant::now() < deadline, "{view:?} on {:?}", test.db.backend());
            if worker.has_ended() {
                crashes += 1;
                worker = WorkerProcess::start(&test.url);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(crashes, 3);
        while jobs.get(harmless).await.unwrap().status != JobState::Succeeded {
            assert!(Instant::now() < deadline, "the harmless job is not done");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
