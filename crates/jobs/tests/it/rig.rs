//! A queue with one handler that does what its payload says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Request, Response},
};
use serde_json::{Value, json};
use sori_contracts::{
    AccountId, Caller, Credential, Fault, JobError, JobHandler, JobId, JobState, Kind, Member, NewJob,
    Priority, Progress, Role, RunningJob, Scopes, UiLanguage,
};
use sori_db::{Db, JobQueue, testing};
use sori_jobs::{JobView, Jobs, JobsConfig, MIGRATIONS};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
#[error("played fault")]
pub(crate) struct Played(pub(crate) Kind);

impl Fault for Played {
    fn kind(&self) -> Kind {
        self.0
    }

    fn code(&self) -> &'static str {
        "PLAYED"
    }

    fn message(&self, language: UiLanguage) -> String {
        language.pick("It was played.", "연출된 오류입니다.").to_owned()
    }
}

/// What the handler has seen, and a door that `gate` jobs wait at.
pub(crate) struct Stage {
    pub(crate) begun: Mutex<Vec<String>>,
    pub(crate) discarded: Mutex<Vec<(JobId, Option<Value>)>>,
    pub(crate) door: Semaphore,
    timeout: Duration,
}

impl Stage {
    pub(crate) fn begun(&self) -> Vec<String> {
        self.begun.lock().unwrap().clone()
    }
}

struct Play(Arc<Stage>);

#[async_trait]
impl JobHandler for Play {
    fn kind(&self) -> &'static str {
        "play"
    }

    fn timeout(&self) -> Duration {
        self.0.timeout
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let act = job.payload["act"].as_str().unwrap().to_owned();
        let name = job.payload["name"].as_str().unwrap_or(&act).to_owned();
        self.0.begun.lock().unwrap().push(name);
        match act.as_str() {
            "succeed" => {}
            "fail" => return Err(Played(Kind::Unavailable).into()),
            "fail_once" if job.attempt == 1 => return Err(Played(Kind::Unavailable).into()),
            "fail_once" => {}
            "refuse" => return Err(Played(Kind::Invalid).into()),
            "panic" => panic!("played panic"),
            "gate" => self.0.door.acquire().await.unwrap().forget(),
            "until_told" => {
                while !job.cancel.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                return Err(JobError::Cancelled);
            }
            "deaf" => tokio::time::sleep(PATIENCE * 10).await,
            "steps" => {
                for done in 1..=4_u32 {
                    job.progress.report(Progress {
                        percent: u8::try_from(done * 20).unwrap(),
                        stage: "voicing".into(),
                        lines_done: done,
                        lines_total: 5,
                        lines_cached: 0,
                    });
                    self.0.door.acquire().await.unwrap().forget();
                }
            }
            other => panic!("no act {other}"),
        }
        Ok(json!({ "attempt": job.attempt }))
    }

    async fn discard(&self, id: JobId, result: Option<Value>) -> Result<(), JobError> {
        self.0.discarded.lock().unwrap().push((id, result));
        Ok(())
    }
}

pub(crate) struct Rig {
    pub(crate) jobs: Jobs,
    pub(crate) stage: Arc<Stage>,
    pub(crate) db: Db,
    pub(crate) config: JobsConfig,
    _test: testing::TestDb,
}

pub(crate) fn quick() -> JobsConfig {
    JobsConfig {
        workers: 2,
        heartbeat: Duration::from_millis(300),
        dead_after: Duration::from_millis(1_500),
        first_retry_after: Duration::from_millis(50),
        finish_within: Duration::from_millis(300),
        yield_within: Duration::from_millis(500),
        watch_every: Duration::from_millis(100),
        ..JobsConfig::default()
    }
}

/// One rig per engine; not started.
pub(crate) async fn rigs_with(config: JobsConfig, timeout: Duration) -> Vec<Rig> {
    let mut rigs = Vec::new();
    for test in testing::databases(&[MIGRATIONS]).await {
        let db = test.db.clone();
        let jobs = Jobs::new(db.clone(), config.clone()).await.unwrap();
        let stage = Arc::new(Stage {
            begun: Mutex::default(),
            discarded: Mutex::default(),
            door: Semaphore::new(0),
            timeout,
        });
        rigs.push(Rig { jobs, stage, db, config: config.clone(), _test: test });
    }
    rigs
}

/// One rig per engine, at work.
pub(crate) async fn rigs() -> Vec<Rig> {
    let rigs = rigs_with(quick(), PATIENCE).await;
    for rig in &rigs {
        rig.start().await;
    }
    rigs
}

pub(crate) fn play(act: &str) -> NewJob {
    NewJob {
        id: None,
        kind: "play",
        payload: json!({ "act": act }),
        priority: Priority::Normal,
        script_id: None,
        owner: None,
    }
}

pub(crate) fn caller(account: AccountId, role: Role) -> Caller {
    Caller::Account(Member { account, role, scopes: Scopes::all(), credential: Credential::External })
}

impl Rig {
    pub(crate) async fn start(&self) {
        self.jobs.start(vec![Arc::new(Play(Arc::clone(&self.stage)))]).await.unwrap();
    }

    /// Another process, as far as the database can tell.
    pub(crate) async fn another(&self) -> Jobs {
        let jobs = Jobs::new(self.db.clone(), self.config.clone()).await.unwrap();
        jobs.start(vec![Arc::new(Play(Arc::clone(&self.stage)))]).await.unwrap();
        jobs
    }

    /// Lets one job pass that waits at the door.
    pub(crate) fn door_opens(&self) {
        self.stage.door.add_permits(1);
    }

    pub(crate) async fn order(&self, act: &str) -> JobId {
        self.jobs.enqueue_now(play(act)).await.unwrap()
    }

    #[track_caller]
    pub(crate) fn becomes(
        &self,
        id: JobId,
        is_so: impl Fn(&JobView) -> bool,
    ) -> impl Future<Output = JobView> {
        let at = std::panic::Location::caller();
        async move {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            loop {
                let view = self.jobs.get(id).await.unwrap();
                if is_so(&view) {
                    return view;
                }
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "{at}: still {view:?} on {:?}",
                    self.db.backend()
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    pub(crate) async fn ends(&self, id: JobId) -> JobView {
        self.becomes(id, |view| view.status.is_final()).await
    }

    pub(crate) async fn runs(&self, id: JobId) -> JobView {
        self.becomes(id, |view| view.status == JobState::Running).await
    }

    /// As an admin, for whom every job exists.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        self.send_as(caller(AccountId::generate(), Role::Admin), method, path, headers).await
    }

    pub(crate) async fn send_as(
        &self,
        caller: Caller,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).extension(caller);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (router, _document) = self.jobs.routes().split_for_parts();
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }
}

pub(crate) async fn body_json(response: Response<Body>) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
