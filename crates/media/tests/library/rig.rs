//! A library with its routes, and people who upload.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sori_contracts::{
    AccountId, Caller, Credential, Fault, MediaId, MediaStore, Member, Role, Scopes, ShowId,
};
use sori_db::testing::{TestDb, databases};
use sori_http::AccessFault;
use sori_media::{FfmpegPackager, Library, LibraryParts, LibrarySettings, LocalStore, MIGRATIONS, Shows};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) struct Rig {
    pub(crate) library: Library,
    pub(crate) store: LocalStore,
    pub(crate) db: TestDb,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) settings: LibrarySettings,
}

/// Shows of nobody: each id may be added to, but this one.
pub(crate) const NOT_YOURS: ShowId = ShowId(uuid::Uuid::from_u128(7));

struct AnyShow;

#[async_trait]
impl Shows for AnyShow {
    async fn may_add(&self, _caller: &Caller, show: ShowId) -> Result<(), Box<dyn Fault>> {
        if show == NOT_YOURS { Err(Box::new(AccessFault::Forbidden)) } else { Ok(()) }
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What went wrong, by its code.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.header("upload-offset").parse().unwrap()
    }
}

impl Rig {
    /// One for each engine.
    pub(crate) async fn all() -> Vec<Self> {
        Self::all_with(|_| {}).await
    }

    pub(crate) async fn all_with(change: impl Fn(&mut LibrarySettings)) -> Vec<Self> {
        let mut rigs = Vec::new();
        for db in databases(&[MIGRATIONS]).await {
            let mut settings = LibrarySettings { keep_free_bytes: 0, ..LibrarySettings::default() };
            change(&mut settings);
            let folder = Arc::new(tempfile::tempdir().unwrap());
            let store = LocalStore::open(folder.path().join("media")).await.unwrap();
            let library = open(&db, &store, folder.path().join("uploads"), &settings).await;
            rigs.push(Self { library, store, db, folder, settings });
        }
        rigs
    }

    /// The same data after the process was started again.
    pub(crate) async fn restarted(self) -> Self {
        let Self { library, store, db, folder, settings } = self;
        drop(library);
        let library = open(&db, &store, folder.path().join("uploads"), &settings).await;
        Self { library, store, db, folder, settings }
    }

    pub(crate) fn part(&self, id: &str) -> PathBuf {
        self.folder.path().join("uploads").join(format!("{id}.part"))
    }

    pub(crate) async fn send(
        &self,
        caller: Caller,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let (routes, _) = self.library.routes().split_for_parts();
        let routes: Router = routes.layer(axum::Extension(caller));
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = routes.oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let response = sori_http::problem::render(response, sori_contracts::UiLanguage::En, "t");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Begins an upload; answers where its bytes go.
    pub(crate) async fn begun(&self, caller: Caller, length: usize, title: &str) -> String {
        let metadata = format!("title {}", STANDARD.encode(title));
        let length = length.to_string();
        let headers =
            [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", &metadata)];
        let answer = self.send(caller, Method::POST, "/v1/uploads", &headers, ()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.header("location").to_owned()
    }

    pub(crate) async fn patch(
        &self,
        caller: Caller,
        path: &str,
        at: u64,
        more: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let at = at.to_string();
        let mut headers = vec![
            ("tus-resumable", "1.0.0"),
            ("upload-offset", at.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        headers.extend_from_slice(more);
        self.send(caller, Method::PATCH, path, &headers, body).await
    }

    pub(crate) async fn head(&self, caller: Caller, path: &str) -> Answer {
        self.send(caller, Method::HEAD, path, &[("tus-resumable", "1.0.0")], ()).await
    }

    pub(crate) async fn get(&self, caller: Caller, path: &str) -> Answer {
        self.send(caller, Method::GET, path, &[], ()).await
    }

    /// A whole upload; answers the id of its content.
    pub(crate) async fn uploaded(&self, caller: Caller, title: &str, bytes: Vec<u8>) -> String {
        let path = self.begun(caller, bytes.len(), title).await;
        let answer = self.patch(caller, &path, 0, &[], bytes).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        path.rsplit('/').next().unwrap().to_owned()
    }

    /// The bytes behind a content.
    pub(crate) async fn stored(&self, caller: Caller, id: &str) -> Vec<u8> {
        let content = self.library.find(&caller, id.parse().unwrap()).await.unwrap().unwrap();
        self.bytes(content.files[0].media).await.unwrap()
    }

    pub(crate) async fn bytes(&self, media: MediaId) -> Option<Vec<u8>> {
        use futures::TryStreamExt;
        let (_, stream) = self.store.get(media, None).await.ok()?;
        let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
        Some(pieces.concat())
    }
}

async fn open(db: &TestDb, store: &LocalStore, folder: PathBuf, settings: &LibrarySettings) -> Library {
    Library::open(LibraryParts {
        db: db.db.clone(),
        store: Arc::new(store.clone()),
        packager: Arc::new(FfmpegPackager),
        shows: Arc::new(AnyShow),
        folder,
        settings: settings.clone(),
    })
    .await
    .unwrap()
}

pub(crate) fn person(role: Role) -> Caller {
    Caller::Account(Member {
        account: AccountId::generate(),
        role,
        scopes: Scopes::all(),
        credential: Credential::External,
    })
}

/// A tone as a WAV file of 16 bits at 8 kHz.
pub(crate) fn wav(samples: usize) -> Vec<u8> {
    let data: Vec<u8> =
        (0..samples).flat_map(|n| (((n as f32 * 0.3).sin() * 8_000.0) as i16).to_le_bytes()).collect();
    let size = |bytes: usize| (bytes as u32).to_le_bytes();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend(size(36 + data.len()));
    wav.extend(b"WAVEfmt ");
    wav.extend([16, 0, 0, 0, 1, 0, 1, 0]);
    wav.extend(size(8_000));
    wav.extend(size(16_000));
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(size(data.len()));
    wav.extend(data);
    wav
}

/// Made by FFmpeg, `arguments` between the input and the name of the file.
pub(crate) fn made_by_ffmpeg(name: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=2"])
        .args(["-f", "lavfi", "-i", "sine=frequency=300:sample_rate=16000:duration=2"])
        .args(arguments)
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::read(path).unwrap()
}
