//! The block with doubles around it: a folder as the store, a pen in the place of FFmpeg that writes
//! what FFmpeg wrote once, as fast as the test says.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Condvar, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request, response::Response};
use sori_contracts::{
    AccountId, Announce, ByteStream, Caller, Cancel, Content, ContentFile, ContentId, ContentKind, Contents,
    Credential, Event, Fault, JobId, MediaFacts, MediaFault, MediaFiles, MediaId, MediaStore, Member, NewJob,
    Packager, PackagingOrder, PictureFacts, Progress, ProgressReport, Role, Scopes, SoundFacts, StoredMedia,
};
use sori_db::{Clock, DbError, JobQueue, Tx, testing::TestDb};
use sori_streaming::{
    Hls, HlsParts, SendMode, SessionParts, Sessions, StreamLimits, Streaming,
    hls::{CaptionTrack, CaptionTracks},
};
use tower::ServiceExt;

pub(crate) const SECONDS: u64 = 20;
pub(crate) const VTT: &str = "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\n<v Ann>Hello\n";

/// Twenty seconds as FFmpeg fragments them, and where each whole fragment ends.
pub(crate) fn written() -> &'static (Vec<u8>, Vec<usize>) {
    static WRITTEN: OnceLock<(Vec<u8>, Vec<usize>)> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.mp4");
        let source = format!("sine=frequency=330:sample_rate=24000:duration={SECONDS}");
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "64k"])
            .args(["-frag_duration", "4000000", "-movflags", "+delay_moov+default_base_moof+skip_trailer"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        let bytes = std::fs::read(path).unwrap();
        let (mut ends, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            at += length;
            if &bytes[at - length + 4..at - length + 8] == b"mdat" {
                ends.push(at);
            }
        }
        (bytes, ends)
    })
}

/// Objects in a folder.
#[derive(Default)]
pub(crate) struct Store {
    objects: Mutex<HashMap<MediaId, (StoredMedia, PathBuf)>>,
    folder: PathBuf,
}

impl Store {
    pub(crate) fn count(&self) -> usize {
        self.objects.lock().unwrap().len()
    }

    fn keep(&self, id: MediaId, content_type: &str, path: PathBuf) -> StoredMedia {
        let size_bytes = std::fs::metadata(&path).unwrap().len();
        let (content_type, sha256) = (content_type.to_owned(), id.0.simple().to_string());
        let media = StoredMedia { id, content_type, size_bytes, sha256, created_at_ms: 1_795_233_600_123 };
        self.objects.lock().unwrap().insert(id, (media.clone(), path));
        media
    }
}

#[async_trait]
impl MediaStore for Store {
    async fn put(&self, _: MediaId, _: &str, _: ByteStream, _: u64) -> Result<StoredMedia, MediaFault> {
        panic!("packages are stored as files")
    }

    async fn put_file(&self, id: MediaId, kind: &str, path: &Path) -> Result<StoredMedia, MediaFault> {
        let into = self.folder.join(id.to_string());
        std::fs::rename(path, &into).unwrap();
        Ok(self.keep(id, kind, into))
    }

    async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault> {
        let found = self.objects.lock().unwrap().get(&id).cloned();
        found.map(|(media, _)| media).ok_or(MediaFault::NotFound(id))
    }

    async fn get(&self, _: MediaId, _: Option<Range<u64>>) -> Result<(StoredMedia, ByteStream), MediaFault> {
        panic!("what is streamed is opened")
    }

    async fn delete(&self, id: MediaId) -> Result<(), MediaFault> {
        if let Some((_, path)) = self.objects.lock().unwrap().remove(&id) {
            std::fs::remove_file(path).unwrap();
        }
        Ok(())
    }
}

#[async_trait]
impl MediaFiles for Store {
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, File), MediaFault> {
        let found = self.objects.lock().unwrap().get(&id).cloned();
        let (media, path) = found.ok_or(MediaFault::NotFound(id))?;
        Ok((media, File::open(path).unwrap()))
    }
}

/// Writes into all files up to the fragment that it may write, then waits.
#[derive(Default)]
pub(crate) struct Pen {
    allowed: Mutex<usize>,
    changed: Condvar,
    pub(crate) begun: AtomicUsize,
    /// In the source is a picture that browsers cannot play in pieces.
    pub(crate) is_film: AtomicBool,
    /// Whether each attempt was one with patience for damage.
    pub(crate) attempts: Mutex<Vec<bool>>,
    /// How the next attempts end; well when nothing is said.
    pub(crate) faults: Mutex<VecDeque<MediaFault>>,
}

impl Pen {
    pub(crate) fn allow(&self, fragments: usize) {
        *self.allowed.lock().unwrap() = fragments;
        self.changed.notify_all();
    }
}

impl Packager for Pen {
    fn inspect(&self, _: &File) -> Result<MediaFacts, MediaFault> {
        let sound =
            SoundFacts { codec: "flac".into(), channels: 1, sample_rate_hz: 24_000, bitrate_bps: None };
        let picture = PictureFacts { codec: "vp9".into(), width: 640, height: 360, bitrate_bps: None };
        let picture = self.is_film.load(Ordering::SeqCst).then_some(picture);
        Ok(MediaFacts { duration_ms: Some(SECONDS * 1000), sound: Some(sound), picture })
    }

    fn package(
        &self,
        order: &PackagingOrder,
        done_ms: &mut dyn FnMut(u64),
        cancel: &Cancel,
    ) -> Result<(), MediaFault> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.attempts.lock().unwrap().push(order.is_tolerant);
        let mut files: Vec<File> =
            order.renditions.iter().map(|rendition| File::create(&rendition.path).unwrap()).collect();
        let fault = self.faults.lock().unwrap().pop_front();
        let (bytes, ends) = written();
        let mut at = 0;
        for (number, end) in ends.iter().enumerate() {
            let mut allowed = self.allowed.lock().unwrap();
            while *allowed <= number {
                if cancel.is_cancelled() {
                    return Err(MediaFault::Cancelled);
                }
                allowed = self.changed.wait_timeout(allowed, Duration::from_millis(20)).unwrap().0;
            }
            drop(allowed);
            for file in &mut files {
                file.write_all(&bytes[at..*end]).unwrap();
            }
            at = *end;
            done_ms((number as u64 + 1) * 4_000);
        }
        fault.map_or(Ok(()), Err)
    }
}

/// One content, and perhaps another that follows it.
pub(crate) struct Library(pub(crate) Vec<Content>);

#[derive(Debug, thiserror::Error)]
#[error("no such content")]
struct Nothing;

impl Fault for Nothing {
    fn kind(&self) -> sori_contracts::Kind {
        sori_contracts::Kind::NotFound
    }

    fn code(&self) -> &'static str {
        "CONTENT_NOT_FOUND"
    }

    fn message(&self, _: sori_contracts::UiLanguage) -> String {
        "Nothing.".into()
    }
}

#[async_trait]
impl Contents for Library {
    async fn content(&self, _: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>> {
        let found = self.0.iter().find(|content| content.id == id).cloned();
        found.ok_or_else(|| Box::new(Nothing) as Box<dyn Fault>)
    }

    async fn next(&self, _: &Caller, id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>> {
        let at = self.0.iter().position(|content| content.id == id);
        Ok(at.and_then(|at| self.0.get(at + 1)).map(|content| content.id))
    }
}

struct Words;

#[async_trait]
impl CaptionTracks for Words {
    async fn track(&self, _: &Caller, _: &Content) -> Result<Option<CaptionTrack>, Box<dyn Fault>> {
        let (language, name, webvtt) = ("en-US".into(), "English".into(), VTT.into());
        Ok(Some(CaptionTrack { language, name, webvtt }))
    }
}

#[derive(Default)]
pub(crate) struct Queue(pub(crate) Mutex<Vec<(JobId, NewJob)>>);

#[async_trait]
impl JobQueue for Queue {
    async fn enqueue(&self, _: &mut Tx, job: NewJob) -> Result<JobId, DbError> {
        self.enqueue_now(job).await
    }

    async fn enqueue_now(&self, job: NewJob) -> Result<JobId, DbError> {
        let id = JobId::generate();
        self.0.lock().unwrap().push((id, job));
        Ok(id)
    }
}

#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Event>>);

impl Heard {
    pub(crate) fn failures(&self) -> Vec<Event> {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|event| matches!(event, Event::PackagingFailed { .. })).cloned().collect()
    }
}

impl Announce for Heard {
    fn announce(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[derive(Default)]
pub(crate) struct Percents(pub(crate) Mutex<Vec<u8>>);

impl ProgressReport for Percents {
    fn report(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress.percent);
    }
}

pub(crate) struct Rig {
    pub(crate) hls: Hls,
    pub(crate) sessions: Sessions,
    pub(crate) router: Router,
    pub(crate) store: Arc<Store>,
    pub(crate) pen: Arc<Pen>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) contents: Vec<Content>,
    pub(crate) folder: tempfile::TempDir,
}

impl Rig {
    /// With so many contents, each with one file of which nothing is known.
    pub(crate) fn new(database: &TestDb, contents: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store { folder: folder.path().to_owned(), ..Store::default() });
        let contents = (0..contents).map(|_| content(&store)).collect();
        Self::with(database, store, contents, folder)
    }

    /// Another process with the same database, store and folder.
    pub(crate) fn beside(&self, database: &TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::over(database, Arc::clone(&self.store), self.contents.clone(), folder, self.packages())
    }

    fn with(database: &TestDb, store: Arc<Store>, contents: Vec<Content>, folder: tempfile::TempDir) -> Self {
        let packages = folder.path().join("packages");
        Self::over(database, store, contents, folder, packages)
    }

    fn over(
        database: &TestDb,
        store: Arc<Store>,
        contents: Vec<Content>,
        folder: tempfile::TempDir,
        packages: PathBuf,
    ) -> Self {
        let (pen, queue, heard) = (Arc::<Pen>::default(), Arc::<Queue>::default(), Arc::<Heard>::default());
        let streaming = Streaming::new(Arc::clone(&store) as Arc<dyn MediaFiles>, SendMode::Read);
        let limits = StreamLimits { audio_per_user: 1, ..StreamLimits::default() };
        let sessions = Sessions::new(SessionParts {
            db: database.db.clone(),
            streaming: streaming.clone(),
            contents: Arc::new(Library(contents.clone())),
            announce: Arc::clone(&heard) as Arc<dyn Announce>,
            limits,
            clock: Clock::system(),
        });
        let hls = Hls::new(HlsParts {
            db: database.db.clone(),
            streaming,
            sessions: sessions.clone(),
            media: Arc::clone(&store) as Arc<dyn MediaStore>,
            files: Arc::clone(&store) as Arc<dyn MediaFiles>,
            packager: Arc::clone(&pen) as Arc<dyn Packager>,
            contents: Arc::new(Library(contents.clone())),
            captions: Arc::new(Words),
            queue: Arc::clone(&queue) as Arc<dyn JobQueue>,
            announce: Arc::clone(&heard) as Arc<dyn Announce>,
            folder: packages,
            workers: 2,
            keep_unused: Duration::from_secs(3_600),
        });
        let router = Router::from(hls.routes());
        Self { hls, sessions, router, store, pen, queue, heard, contents, folder }
    }

    pub(crate) fn packages(&self) -> PathBuf {
        self.folder.path().join("packages")
    }

    pub(crate) fn path(&self, file: &str) -> String {
        format!("/api/stream/{}/hls/{file}", self.contents[0].id)
    }

    pub(crate) async fn ask(&self, request: axum::http::request::Builder) -> Response {
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask(Request::get(path)).await
    }

    /// A file of the content, which has to be there.
    pub(crate) async fn text(&self, file: &str) -> String {
        let response = self.get(&self.path(file)).await;
        assert_eq!(response.status(), 200, "{file}");
        text(response).await
    }

    /// The media playlist of the first rendition, when it has `wanted` in it.
    pub(crate) async fn media_with(&self, wanted: &str) -> String {
        let master = self.text("master.m3u8").await;
        let uri = uris(&master).next().expect("a rendition").to_owned();
        eventually(async || Some(self.text(&uri).await).filter(|text| text.contains(wanted))).await
    }
}

pub(crate) fn uris(playlist: &str) -> impl Iterator<Item = &str> {
    playlist.lines().filter(|line| !line.starts_with('#'))
}

pub(crate) async fn text(response: Response) -> String {
    String::from_utf8(bytes(response).await).unwrap()
}

pub(crate) async fn bytes(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec()
}

/// Waits for something that will be true.
pub(crate) async fn eventually<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < patience, "it did not become true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn member() -> Member {
    Member {
        account: AccountId::generate(),
        role: Role::Learner,
        scopes: Scopes::all(),
        credential: Credential::External,
    }
}

fn content(store: &Store) -> Content {
    let media = MediaId::generate();
    let path = store.folder.join(media.to_string());
    std::fs::write(&path, b"the source").unwrap();
    let media = store.keep(media, "audio/flac", path);
    Content {
        id: ContentId::generate(),
        kind: ContentKind::Audio,
        title: "Twenty seconds".into(),
        owner: None,
        duration_ms: Some(SECONDS * 1000),
        files: vec![ContentFile {
            media: media.id,
            format: "flac".into(),
            content_type: media.content_type,
            size_bytes: media.size_bytes,
            audio_codec: Some("flac".into()),
            channels: None,
            sample_rate_hz: None,
            video_codec: None,
            width: None,
            height: None,
            bitrate_bps: None,
        }],
        script: None,
        rendering: None,
        show: None,
        alternative: None,
    }
}
