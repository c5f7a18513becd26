//! A server with the block's routes, on which requests say who they are, and content that exists.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    extract::Request,
    http::{Method, StatusCode},
    middleware::{Next, from_fn},
    response::Response,
};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use sori_captions::{Captions, Cue};
use sori_contracts::{
    AccountId, Caller, Cancel, Content, ContentFile, ContentId, ContentKind, Contents, Credential, Fault,
    JobError, JobId, Kind, LineId, MediaId, Member, NewJob, OpenStream, Progress, ProgressReport, Recheck,
    Role, RunningJob, Scopes, ScriptId, SessionId, StreamId, StreamSessions, UiLanguage,
};
use sori_db::{
    DbError, JobQueue, Tx,
    testing::{self, TestDb},
};
use sori_http::problem;
use sori_listening::{Clip, Cut, Cutter, LineSpan, Lines, Listening, ListeningParts, MIGRATIONS};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _},
};
use tower::ServiceExt as _;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
#[error("not here")]
struct NotHere;

#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refused(Kind);

impl Fault for Refused {
    fn kind(&self) -> Kind {
        self.0
    }

    fn code(&self) -> &'static str {
        "REFUSED"
    }

    fn message(&self, _language: UiLanguage) -> String {
        "Refused.".into()
    }
}

impl Fault for NotHere {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn code(&self) -> &'static str {
        "CONTENT_NOT_FOUND"
    }

    fn message(&self, _language: UiLanguage) -> String {
        "Not here.".into()
    }
}

#[derive(Clone, Copy)]
struct Known {
    duration_ms: Option<u64>,
    /// For whom alone it exists.
    only: Option<AccountId>,
}

/// Content, sessions and lines that were put there.
#[derive(Default)]
pub(crate) struct World {
    contents: Mutex<HashMap<ContentId, Known>>,
    sessions: Mutex<HashMap<StreamId, (AccountId, OpenStream)>>,
    lines: Mutex<HashMap<LineId, LineSpan>>,
    /// Orders that wait.
    pub(crate) jobs: Mutex<Vec<(JobId, NewJob)>>,
    /// Media that is stored.
    pub(crate) stored: Mutex<HashSet<MediaId>>,
    /// What the next cut says instead of cutting.
    pub(crate) refuses: Mutex<Option<Kind>>,
    pub(crate) heard: Mutex<Vec<(StreamId, Option<bool>)>>,
    good: Mutex<bool>,
}

impl World {
    pub(crate) fn content(&self, duration_ms: Option<u64>) -> ContentId {
        self.content_for(duration_ms, None)
    }

    pub(crate) fn content_for(&self, duration_ms: Option<u64>, only: Option<AccountId>) -> ContentId {
        let id = ContentId::generate();
        self.contents.lock().unwrap().insert(id, Known { duration_ms, only });
        id
    }

    pub(crate) fn session(&self, who: &Who, content: ContentId, device: Option<&str>) -> StreamId {
        let id = StreamId::generate();
        let open = OpenStream { id, content, device: device.map(str::to_owned) };
        self.sessions.lock().unwrap().insert(id, (who.account, open));
        id
    }

    pub(crate) fn line(&self, span: LineSpan) -> LineId {
        let id = LineId::generate();
        self.lines.lock().unwrap().insert(id, span);
        id
    }

    /// It is there no more.
    pub(crate) fn remove(&self, content: ContentId) {
        self.contents.lock().unwrap().remove(&content);
    }

    /// Whether credentials are still good.
    pub(crate) fn set_good(&self, good: bool) {
        *self.good.lock().unwrap() = good;
    }
}

#[async_trait]
impl Contents for World {
    async fn content(&self, caller: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>> {
        let found = self.contents.lock().unwrap().get(&id).copied();
        match found {
            Some(Known { duration_ms, only }) if only.is_none() || only == caller.account() => Ok(Content {
                id,
                kind: ContentKind::Audio,
                title: "A content".into(),
                owner: None,
                duration_ms,
                files: Vec::new(),
                script: None,
                rendering: None,
                show: None,
                alternative: None,
            }),
            _ => Err(Box::new(NotHere)),
        }
    }

    async fn next(&self, _caller: &Caller, _id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>> {
        Ok(None)
    }
}

#[async_trait]
impl StreamSessions for World {
    async fn heard_from(
        &self,
        caller: &Caller,
        id: StreamId,
        playing: Option<bool>,
    ) -> Result<OpenStream, Box<dyn Fault>> {
        let found = self.sessions.lock().unwrap().get(&id).cloned();
        match found {
            Some((account, open)) if Some(account) == caller.account() => {
                self.heard.lock().unwrap().push((id, playing));
                Ok(open)
            }
            _ => Err(Box::new(NotHere)),
        }
    }
}

#[async_trait]
impl Lines for World {
    async fn line(&self, _caller: &Caller, line: LineId) -> Result<LineSpan, Box<dyn Fault>> {
        self.lines.lock().unwrap().get(&line).copied().ok_or_else(|| Box::new(NotHere) as _)
    }
}

#[async_trait]
impl JobQueue for World {
    async fn enqueue(&self, _tx: &mut Tx, job: NewJob) -> Result<JobId, DbError> {
        self.enqueue_now(job).await
    }

    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError> {
        let id = JobId::generate();
        self.jobs.lock().unwrap().push((id, job));
        Ok(id)
    }
}

#[async_trait]
impl Cutter for World {
    async fn cut(&self, _source: &Content, clip: &Clip, _cancel: &Cancel) -> Result<Cut, Box<dyn Fault>> {
        if let Some(kind) = *self.refuses.lock().unwrap() {
            return Err(Box::new(Refused(kind)));
        }
        let file = |format: &str| {
            let media = MediaId::generate();
            self.stored.lock().unwrap().insert(media);
            ContentFile {
                media,
                format: format.into(),
                content_type: format!("audio/{format}"),
                size_bytes: 1_000,
                audio_codec: Some("aac".into()),
                channels: None,
                sample_rate_hz: None,
                video_codec: None,
                width: None,
                height: None,
                bitrate_bps: None,
            }
        };
        Ok(Cut { duration_ms: clip.end_ms - clip.start_ms, files: vec![file("m4a"), file("wav")] })
    }

    async fn captions(
        &self,
        _caller: &Caller,
        _source: &Content,
    ) -> Result<Option<Captions>, Box<dyn Fault>> {
        let cue = |start_ms: u64, text: &str| Cue {
            start_ms,
            end_ms: start_ms + 1_000,
            text: text.into(),
            ..Cue::default()
        };
        let cues = vec![cue(0, "One."), cue(1_000, "Two."), cue(2_000, "Three.")];
        Ok(Some(Captions { title: "Whole".into(), lang: "en".into(), duration_ms: 3_000, cues }))
    }

    async fn discard(&self, media: MediaId) -> Result<(), Box<dyn Fault>> {
        self.stored.lock().unwrap().remove(&media);
        Ok(())
    }
}

struct AsTheWorldSays(Arc<World>);

#[async_trait]
impl Recheck for AsTheWorldSays {
    async fn is_still_good(&self) -> bool {
        *self.0.good.lock().unwrap()
    }
}

/// A sign-in of an account on one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
}

impl Who {
    pub(crate) fn new() -> Self {
        Self { account: AccountId::generate(), session: SessionId::generate() }
    }

    /// The same person, signed in elsewhere.
    pub(crate) fn elsewhere(self) -> Self {
        Self { session: SessionId::generate(), ..self }
    }

    fn header(self) -> String {
        format!("{} {}", self.account, self.session)
    }
}

pub(crate) struct Rig {
    pub(crate) listening: Listening,
    pub(crate) world: Arc<World>,
    pub(crate) database: Arc<TestDb>,
    router: axum::Router,
}

/// One on each engine.
pub(crate) async fn rigs() -> Vec<Rig> {
    let databases = testing::databases(&[MIGRATIONS]).await;
    databases.into_iter().map(|database| Rig::on(Arc::new(database), Arc::default())).collect()
}

impl Rig {
    pub(crate) fn on(database: Arc<TestDb>, world: Arc<World>) -> Self {
        Self::with(database.db.clone(), database, world)
    }

    /// Another process on the same database, with a connection of its own.
    pub(crate) async fn beside(&self) -> Self {
        let db = sori_db::Db::open(&self.database.url).await.unwrap();
        Self::with(db, Arc::clone(&self.database), Arc::clone(&self.world))
    }

    fn with(db: sori_db::Db, database: Arc<TestDb>, world: Arc<World>) -> Self {
        world.set_good(true);
        let listening = Listening::new(ListeningParts {
            db,
            contents: Arc::clone(&world) as _,
            sessions: Arc::clone(&world) as _,
            lines: Arc::clone(&world) as _,
            cutter: Arc::clone(&world) as _,
            queue: Arc::clone(&world) as _,
            check_every: Duration::from_millis(100),
        });
        let (router, _) = listening.routes().split_for_parts();
        let recheck: Arc<dyn Recheck> = Arc::new(AsTheWorldSays(Arc::clone(&world)));
        let router = router.layer(axum::Extension(recheck)).layer(from_fn(introduce));
        Self { listening, world, database, router }
    }

    pub(crate) async fn ask(
        &self,
        who: Who,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("x-who", who.header());
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(axum::body::Body::empty, |body| body.to_string().into());
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let response = problem::render(response, UiLanguage::En, "trace");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 10 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, who: Who, path: &str) -> (StatusCode, Value) {
        self.ask(who, Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, who: Who, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(who, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, who: Who, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(who, Method::POST, path, Some(body)).await
    }

    /// Where the account is, in seconds.
    pub(crate) async fn position(&self, who: Who, content: ContentId) -> f64 {
        let (status, progress) = self.get(who, &format!("/api/progress/{content}?device_id=spectator")).await;
        assert_eq!(status, StatusCode::OK, "{progress}");
        progress["position"].as_f64().unwrap()
    }

    /// Does the oldest order that waits; `attempt` counts from 1.
    pub(crate) async fn work(&self, attempt: u32) -> Result<Value, JobError> {
        let (id, job) = self.world.jobs.lock().unwrap().remove(0);
        let handlers = self.listening.handlers();
        let handler = handlers.iter().find(|handler| handler.kind() == job.kind).unwrap();
        let running = RunningJob {
            id,
            payload: job.payload,
            owner: job.owner,
            attempt,
            progress: Arc::new(Unwatched),
            cancel: Cancel::new(),
        };
        handler.run(running).await
    }

    pub(crate) async fn listen(&self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Server { address, task }
    }
}

struct Unwatched;

impl ProgressReport for Unwatched {
    fn report(&self, _progress: Progress) {}
}

async fn introduce(mut request: Request, next: Next) -> Response {
    let who = request.headers().get("x-who").map(|value| value.to_str().unwrap().to_owned());
    if let Some((account, session)) = who.as_deref().and_then(|who| who.split_once(' ')) {
        request.extensions_mut().insert(Caller::Account(Member {
            account: account.parse().unwrap(),
            role: Role::Learner,
            scopes: Scopes::all(),
            credential: Credential::Session(session.parse().unwrap()),
        }));
    }
    next.run(request).await
}

pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Server {
    pub(crate) async fn open(&self, who: Who, device: &str) -> Socket {
        self.try_open(who, device).await.unwrap()
    }

    pub(crate) async fn try_open(&self, who: Who, device: &str) -> Result<Socket, StatusCode> {
        let url = format!("ws://{}/api/sync?device_id={device}&device_kind=test", self.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("x-who", who.header().parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Past its first message.
    pub(crate) async fn opened(&self, who: Who, device: &str) -> Socket {
        let mut socket = self.open(who, device).await;
        assert_eq!(socket.next().await["type"], "state");
        socket
    }
}

impl Socket {
    pub(crate) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn send_raw(&mut self, message: Message) -> bool {
        self.0.send(message).await.is_ok()
    }

    /// The next message; panics with the close code when there is none.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(message) => message,
            Err(code) => panic!("closed with {code:?}"),
        }
    }

    pub(crate) async fn next_or_close(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message comes");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next message of this type; others are passed over.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next_or_close().await {
                return code;
            }
        }
    }

    pub(crate) async fn close(mut self) {
        let _gone = self.0.close(None).await;
    }
}

/// A script's span, for lines.
pub(crate) fn script() -> ScriptId {
    ScriptId::generate()
}
