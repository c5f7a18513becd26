//! Whose a rendering is, on SQLite and on PostgreSQL.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;
use sori_contracts::{
    AccountId, ByteStream, Caller, Credential, Fault, JobId, MediaFault, MediaId, MediaStore, Member, NewJob,
    PersonalData as _, RenderingId, Right, Role, Scopes, ScriptAccess, ScriptId, StoredMedia,
};
use sori_db::{DbError, JobQueue, Tx, testing};
use sori_script::Script;
use sori_voice::{
    Engines, LineCache, MIGRATIONS, Renderings, SavedScripts, Voice, VoiceParts, renderings::NewRendering,
    testing::CountingTone,
};
use tower::ServiceExt as _;

/// Knows what was ordered, what was removed, and which scripts which account may see.
#[derive(Default)]
struct Around {
    ordered: Mutex<Vec<NewJob>>,
    removed: Mutex<Vec<MediaId>>,
    scripts: Mutex<HashMap<ScriptId, Vec<Caller>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("no such script")]
struct NoScript;

impl Fault for NoScript {
    fn kind(&self) -> sori_contracts::Kind {
        sori_contracts::Kind::NotFound
    }

    fn code(&self) -> &'static str {
        "SCRIPT_NOT_FOUND"
    }

    fn message(&self, _language: sori_contracts::UiLanguage) -> String {
        "No such script.".into()
    }
}

#[async_trait]
impl ScriptAccess for Around {
    async fn right(&self, caller: &Caller, script: ScriptId) -> Result<Option<Right>, Box<dyn Fault>> {
        let scripts = self.scripts.lock().unwrap();
        Ok(scripts.get(&script).is_some_and(|readers| readers.contains(caller)).then_some(Right::Read))
    }
}

#[async_trait]
impl SavedScripts for Around {
    async fn read(&self, caller: &Caller, script: ScriptId) -> Result<Script, Box<dyn Fault>> {
        match self.right(caller, script).await? {
            Some(_) => Ok(saved_script()),
            None => Err(Box::new(NoScript)),
        }
    }
}

#[async_trait]
impl JobQueue for Around {
    async fn enqueue(&self, _tx: &mut Tx, job: NewJob) -> Result<JobId, DbError> {
        self.enqueue_now(job).await
    }

    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError> {
        self.ordered.lock().unwrap().push(job);
        Ok(JobId::generate())
    }
}

#[async_trait]
impl MediaStore for Around {
    async fn put(&self, _: MediaId, _: &str, _: ByteStream, _: u64) -> Result<StoredMedia, MediaFault> {
        unreachable!("nothing is stored here")
    }

    async fn put_file(&self, _: MediaId, _: &str, _: &std::path::Path) -> Result<StoredMedia, MediaFault> {
        unreachable!("nothing is stored here")
    }

    async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        Err(MediaFault::NotFound(id))
    }

    async fn get(
        &self,
        id: MediaId,
        _: Option<std::ops::Range<u64>>,
    ) -> Result<(StoredMedia, ByteStream), MediaFault> {
        Err(MediaFault::NotFound(id))
    }

    async fn delete(&self, id: MediaId) -> Result<(), MediaFault> {
        self.removed.lock().unwrap().push(id);
        Ok(())
    }
}

#[async_trait]
impl sori_voice::RenderingListener for Around {
    async fn rendered(&self, _: &sori_voice::ScriptRendered<'_>) -> Result<(), Box<dyn Fault>> {
        Ok(())
    }

    async fn removed(&self, _: ScriptId, _: RenderingId) -> Result<(), Box<dyn Fault>> {
        Ok(())
    }
}

struct NoEncoders;

impl sori_voice::Encoders for NoEncoders {
    fn begin(
        &self,
        _: &sori_voice::FileOrder,
        _: &std::path::Path,
    ) -> Result<Box<dyn sori_voice::FileEncoder>, MediaFault> {
        Err(MediaFault::FfmpegMissing)
    }

    fn decoded_peak_dbtp(&self, _: &std::path::Path) -> Result<f64, MediaFault> {
        Err(MediaFault::FfmpegMissing)
    }
}

fn saved_script() -> Script {
    let text = "@cast A = tone:440\nA: Saved words.";
    sori_script::read(text.as_bytes(), sori_script::Format::Text, &sori_script::Limits::default())
        .unwrap()
        .script
}

fn caller(role: Role) -> Caller {
    let account = AccountId::generate();
    Caller::Account(Member { account, role, scopes: Scopes::all(), credential: Credential::External })
}

struct House {
    around: Arc<Around>,
    voice: Voice,
    renderings: Renderings,
    router: Router,
    _folder: tempfile::TempDir,
    _database: testing::TestDb,
}

async fn houses() -> Vec<House> {
    let databases = testing::databases(&[MIGRATIONS]).await.into_iter();
    let house = |database: testing::TestDb| {
        let folder = tempfile::tempdir().unwrap();
        let around = Arc::new(Around::default());
        let voice = Voice::new(VoiceParts {
            db: database.db.clone(),
            engines: Engines::of([Arc::new(CountingTone::default()) as Arc<_>]),
            cache: LineCache::open(folder.path().join("lines")).unwrap(),
            encoders: Arc::new(NoEncoders),
            media: around.clone(),
            queue: around.clone(),
            listener: around.clone(),
            scripts: around.clone(),
            scratch: folder.path().join("scratch"),
            lanes: 1,
        });
        let (router, _) = voice.routes().split_for_parts();
        let renderings = Renderings::new(database.db.clone());
        House { around, voice, renderings, router, _folder: folder, _database: database }
    };
    databases.map(house).collect()
}

impl House {
    async fn rendering(&self, owner: Option<AccountId>, script_id: Option<ScriptId>) -> RenderingId {
        let id = RenderingId::generate();
        let audio = StoredMedia {
            id: MediaId::generate(),
            content_type: "audio/mpeg".into(),
            size_bytes: 10,
            sha256: "00".into(),
            created_at_ms: 0,
        };
        let new = NewRendering {
            id,
            job_id: JobId::generate(),
            script_id,
            owner,
            sample_rate_hz: 24_000,
            integrated_lufs: None,
            true_peak_dbtp: None,
            transcript: serde_json::from_value(json!({
                "title": "T", "lang": "en", "duration_ms": 0, "lines": [], "chapters": []
            }))
            .unwrap(),
            audio: vec![("mp3".into(), audio)],
        };
        self.renderings.store(&new).await.unwrap();
        id
    }

    async fn send(&self, caller: Caller, method: &str, path: &str, body: &str) -> (StatusCode, &'static str) {
        let request = Request::builder().method(method).uri(path).extension(caller);
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await;
        let response = response.unwrap();
        let code = response.extensions().get::<sori_http::Problem>().map_or("", |p| p.fault().code());
        (response.status(), code)
    }

    #[track_caller]
    fn check(&self, caller: Caller, id: RenderingId, is_there: bool) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            for path in [format!("/v1/renderings/{id}"), format!("/v1/renderings/{id}/captions/vtt")] {
                let expected = if is_there {
                    (StatusCode::OK, "")
                } else {
                    (StatusCode::NOT_FOUND, "RENDERING_NOT_FOUND")
                };
                assert_eq!(self.send(caller, "GET", &path, "").await, expected, "{at} {path}");
            }
            assert_eq!(self.voice.rendering_for(&caller, id).await.is_ok(), is_there, "{at}");
        }
    }
}

#[tokio::test]
async fn what_belongs_to_no_script_is_for_whoever_ordered_it_and_admins() {
    for house in houses().await {
        let owner = caller(Role::Learner);
        let mine = house.rendering(owner.account(), None).await;
        let servers = house.rendering(None, None).await;
        for (who, sees_mine, sees_servers) in [
            (owner, true, false),
            (caller(Role::Learner), false, false),
            (caller(Role::Editor), false, false),
            (caller(Role::Admin), true, true),
            (Caller::Visitor, false, false),
        ] {
            house.check(who, mine, sees_mine).await;
            house.check(who, servers, sees_servers).await;
            house.check(who, RenderingId::generate(), false).await;
        }
    }
}

#[tokio::test]
async fn what_was_voiced_for_a_script_follows_the_script() {
    for house in houses().await {
        let (orderer, reader) = (caller(Role::Editor), caller(Role::Learner));
        let script = ScriptId::generate();
        let rendering = house.rendering(orderer.account(), Some(script)).await;
        house.around.scripts.lock().unwrap().insert(script, vec![reader, Caller::Visitor]);
        house.check(reader, rendering, true).await;
        house.check(Caller::Visitor, rendering, true).await;
        house.check(orderer, rendering, false).await;
        // Private again, or gone.
        house.around.scripts.lock().unwrap().clear();
        house.check(reader, rendering, false).await;
        house.check(Caller::Visitor, rendering, false).await;
    }
}

#[tokio::test]
async fn an_order_is_the_callers_and_may_name_a_saved_script_they_can_see() {
    for house in houses().await {
        let reader = caller(Role::Learner);
        let script = ScriptId::generate();
        house.around.scripts.lock().unwrap().insert(script, vec![reader]);
        let order = async |who, body: serde_json::Value| {
            house.send(who, "POST", "/v1/synthesize", &body.to_string()).await
        };
        let lines = json!([{"speaker_id": "tone:440", "text": "Hello"}]);
        let accepted = (StatusCode::ACCEPTED, "");
        assert_eq!(order(reader, json!({"script": lines})).await, accepted);
        assert_eq!(order(reader, json!({"script_id": script})).await, accepted);
        {
            let ordered = house.around.ordered.lock().unwrap();
            assert!(ordered.iter().all(|job| job.owner == reader.account()));
            assert_eq!(ordered[1].payload["script"]["items"][0]["text"], "Saved words.");
            assert_eq!(ordered[1].script_id, None, "the script's own rendering stays");
        }
        let stranger = caller(Role::Editor);
        let hidden = (StatusCode::NOT_FOUND, "SCRIPT_NOT_FOUND");
        assert_eq!(order(stranger, json!({"script_id": script})).await, hidden);
        assert_eq!(order(reader, json!({"script_id": ScriptId::generate()})).await, hidden);
        let both = order(reader, json!({"script": lines, "script_id": script})).await;
        assert_eq!(both, (StatusCode::BAD_REQUEST, "FIELD_INVALID"));
        assert_eq!(order(reader, json!({})).await.0, StatusCode::BAD_REQUEST);
        let nobody = order(Caller::Visitor, json!({"script": lines})).await;
        assert_eq!(nobody, (StatusCode::UNAUTHORIZED, "AUTH_INVALID_TOKEN"));
        assert_eq!(house.around.ordered.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn who_leaves_takes_what_belongs_to_no_script() {
    for house in houses().await {
        let (leaving, other) = (caller(Role::Learner), caller(Role::Learner));
        let script = ScriptId::generate();
        let own = house.rendering(leaving.account(), None).await;
        let of_script = house.rendering(leaving.account(), Some(script)).await;
        let theirs = house.rendering(other.account(), None).await;
        let account = leaving.account().unwrap();
        let exported = house.voice.export(account).await.unwrap();
        let ids: Vec<_> =
            exported.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [own.to_string(), of_script.to_string()]);

        house.voice.forget(account).await.unwrap();
        house.voice.forget(account).await.unwrap();
        assert!(house.renderings.get(own).await.is_err());
        assert_eq!(house.around.removed.lock().unwrap().len(), 1, "its file goes too");
        assert_eq!(house.renderings.get(of_script).await.unwrap().owner, None);
        assert_eq!(house.renderings.get(theirs).await.unwrap().owner, other.account());
        assert_eq!(house.voice.export(account).await.unwrap(), json!([]));
    }
}
