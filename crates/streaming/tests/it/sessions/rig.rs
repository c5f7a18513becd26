//! Processes that share a database and a folder, on a clock that stands still until it is moved.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    extract::Request,
    http::HeaderMap,
    middleware::{Next, from_fn},
    response::Response,
};
use serde_json::Value;
use sori_contracts::{
    AccountId, Announce, Caller, Content, ContentFile, ContentId, ContentKind, Contents, Credential, Event,
    Fault, Kind, MediaFault, MediaFiles, MediaId, Member, Role, Scopes, StoredMedia, UiLanguage,
};
use sori_db::{Clock, Db, testing::TestDb};
use sori_http::{ClientAddress, problem};
use sori_streaming::{Conn, SendMode, SessionParts, Sessions, StreamLimits, Streaming, tune};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::server;

const BEGIN_MS: i64 = 1_795_233_600_000;

/// What all processes share.
pub(crate) struct House {
    pub(crate) database: TestDb,
    pub(crate) limits: StreamLimits,
    library: Arc<Library>,
    now_ms: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct Library {
    contents: Mutex<HashMap<ContentId, Content>>,
    hidden: Mutex<HashSet<ContentId>>,
    files: Mutex<HashMap<MediaId, (StoredMedia, PathBuf)>>,
}

#[derive(Debug, thiserror::Error)]
#[error("not found")]
struct NotFound;

impl Fault for NotFound {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn code(&self) -> &'static str {
        "CONTENT_NOT_FOUND"
    }

    fn message(&self, _language: UiLanguage) -> String {
        "not found".into()
    }
}

#[async_trait]
impl Contents for Library {
    async fn content(&self, _caller: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>> {
        let is_hidden = self.hidden.lock().unwrap().contains(&id);
        let content = self.contents.lock().unwrap().get(&id).filter(|_| !is_hidden).cloned();
        content.ok_or_else(|| Box::new(NotFound) as _)
    }

    async fn next(&self, _caller: &Caller, _id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>> {
        Ok(None)
    }
}

#[async_trait]
impl MediaFiles for Library {
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, File), MediaFault> {
        let (media, path) = self.files.lock().unwrap().get(&id).cloned().ok_or(MediaFault::NotFound(id))?;
        Ok((media, File::open(path).map_err(|_| MediaFault::Unavailable(id))?))
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Announce for Heard {
    fn announce(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl House {
    pub(crate) fn new(database: TestDb, limits: StreamLimits) -> Self {
        Self {
            database,
            limits,
            library: Arc::default(),
            now_ms: Arc::new(AtomicI64::new(BEGIN_MS)),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.now_ms.fetch_add(time.as_millis() as i64, Ordering::Relaxed);
    }

    pub(crate) fn put(&self, kind: ContentKind, bytes: &[u8]) -> ContentId {
        self.put_with(kind, bytes, None)
    }

    pub(crate) fn put_with(
        &self,
        kind: ContentKind,
        bytes: &[u8],
        alternative: Option<ContentId>,
    ) -> ContentId {
        let (id, media) = (ContentId::generate(), MediaId::generate());
        let path = self.folder.path().join(media.to_string());
        std::fs::write(&path, bytes).unwrap();
        let (content_type, format) = match kind {
            ContentKind::Audio => ("audio/mpeg", "mp3"),
            ContentKind::Video => ("video/mp4", "original"),
        };
        let stored = StoredMedia {
            id: media,
            content_type: content_type.into(),
            size_bytes: bytes.len() as u64,
            sha256: media.0.simple().to_string(),
            created_at_ms: BEGIN_MS - 60_000,
        };
        self.library.files.lock().unwrap().insert(media, (stored, path));
        let is_video = kind == ContentKind::Video;
        let file = ContentFile {
            media,
            format: format.into(),
            content_type: content_type.into(),
            size_bytes: bytes.len() as u64,
            audio_codec: Some(if is_video { "aac" } else { "mp3" }.into()),
            channels: None,
            sample_rate_hz: None,
            video_codec: is_video.then(|| "h264".into()),
            width: is_video.then_some(1280),
            height: is_video.then_some(720),
            bitrate_bps: Some(64_000),
        };
        let content = Content {
            id,
            kind,
            title: "A walk".into(),
            owner: None,
            duration_ms: Some(90_500),
            files: vec![file],
            script: None,
            rendering: None,
            show: None,
            alternative,
        };
        self.library.contents.lock().unwrap().insert(id, content);
        id
    }

    pub(crate) fn hide(&self, id: ContentId) {
        self.library.hidden.lock().unwrap().insert(id);
    }

    /// The file is gone behind the store's back.
    pub(crate) fn lose(&self, id: ContentId) {
        let media = self.library.contents.lock().unwrap()[&id].files[0].media;
        std::fs::remove_file(&self.library.files.lock().unwrap()[&media].1).unwrap();
    }

    /// One more process.
    pub(crate) async fn process(&self) -> Process {
        let db = Db::open(&self.database.url).await.unwrap();
        let heard: Arc<Heard> = Arc::default();
        let now_ms = Arc::clone(&self.now_ms);
        let library = Arc::clone(&self.library);
        let files: Arc<dyn MediaFiles> = Arc::<Library>::clone(&library);
        let sessions = Sessions::new(SessionParts {
            db,
            streaming: Streaming::new(files, SendMode::Auto),
            contents: library,
            announce: Arc::<Heard>::clone(&heard),
            limits: self.limits,
            clock: Clock::new(move || now_ms.load(Ordering::Relaxed)),
        });
        let (router, _) = OpenApiRouter::new().merge(sessions.routes()).split_for_parts();
        let router = router.layer(from_fn(border));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(());
        let serving = tokio::spawn(serve(listener, router, Arc::downgrade(&connections)));
        Process { sessions, address, heard, connections, serving: serving.abort_handle() }
    }

    /// Descriptors of this process that lead to the files of this house.
    pub(crate) fn open_files(&self) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.filter(|target| target.starts_with(self.folder.path())).count()
    }

    pub(crate) async fn rows(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM streaming_session WHERE {condition}");
        self.database.db.query_dynamic(sql).scalar().await.unwrap()
    }

    pub(crate) async fn bytes_written_down(&self) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(bytes_sent), 0) AS BIGINT) FROM streaming_session";
        self.database.db.query(sql).scalar().await.unwrap()
    }
}

fn member(account: Uuid, role: Role) -> Caller {
    Caller::Account(Member {
        account: AccountId(account),
        role,
        scopes: Scopes::all(),
        credential: Credential::External,
    })
}

/// As the server's border does it.
async fn border(mut request: Request, next: Next) -> Response {
    let (caller, address) = who_asks(request.headers());
    request.extensions_mut().insert(caller);
    if let Some(address) = address {
        request.extensions_mut().insert(address);
    }
    problem::render(next.run(request).await, UiLanguage::Ko, "trace")
}

fn who_asks(headers: &HeaderMap) -> (Caller, Option<ClientAddress>) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = header("x-account").map_or(Caller::Visitor, |account| {
        let role = header("x-role").and_then(Role::parse).unwrap_or(Role::Learner);
        member(account.parse().unwrap(), role)
    });
    (caller, header("x-address").map(|address| ClientAddress(address.parse().unwrap())))
}

async fn serve(listener: TcpListener, router: Router, connections: Weak<()>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tune(&stream, Some(512 << 10));
        let (router, counted) = (router.clone(), connections.upgrade());
        tokio::spawn(async move {
            server::answer(Conn::plain(stream), router).await;
            drop(counted);
        });
    }
}

pub(crate) struct Process {
    pub(crate) sessions: Sessions,
    address: SocketAddr,
    heard: Arc<Heard>,
    connections: Arc<()>,
    serving: tokio::task::AbortHandle,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone, Copy)]
pub(crate) enum As {
    Account(Uuid),
    Admin(Uuid),
    Address(&'static str),
}

pub(crate) fn somebody() -> As {
    As::Account(Uuid::now_v7())
}

impl As {
    pub(crate) fn caller(self) -> Caller {
        match self {
            Self::Account(id) => member(id, Role::Learner),
            Self::Admin(id) => member(id, Role::Admin),
            Self::Address(_) => Caller::Visitor,
        }
    }

    fn headers(self) -> String {
        match self {
            Self::Account(id) => format!("x-account: {id}\r\n"),
            Self::Admin(id) => format!("x-account: {id}\r\nx-role: admin\r\n"),
            Self::Address(address) => format!("x-address: {address}\r\n"),
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["error"];
        let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("message"))
    }
}

impl Process {
    pub(crate) async fn ask(&self, who: As, line: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.begin(who, line, &format!("connection: close\r\n{headers}"), body).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[at + 4..].to_vec() }
    }

    /// Sends a request and leaves the rest to the caller.
    pub(crate) async fn begin(&self, who: As, line: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let of_body = match body {
            "" => String::new(),
            body => format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        };
        let who = who.headers();
        let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n{who}{of_body}{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    pub(crate) async fn get(&self, who: As, id: ContentId) -> Answer {
        self.ask(who, &format!("GET /api/stream/{id}"), "", "").await
    }

    pub(crate) async fn range(&self, who: As, id: ContentId, range: &str) -> Answer {
        self.ask(who, &format!("GET /api/stream/{id}"), &format!("range: bytes={range}\r\n"), "").await
    }

    pub(crate) fn open_connections(&self) -> usize {
        Arc::strong_count(&self.connections) - 1
    }

    /// What was announced since the last look.
    pub(crate) fn heard(&self) -> Vec<Event> {
        std::mem::take(&mut self.heard.0.lock().unwrap())
    }
}

/// Waits for what other tasks bring about.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
