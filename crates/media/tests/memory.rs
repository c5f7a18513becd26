//! Memory does not grow with what is uploaded. A process of its own: others would be measured too.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    body::{Body, Bytes},
    http::{Method, Request, StatusCode},
};
use futures::{StreamExt, stream};
use sori_contracts::{AccountId, Caller, Credential, Fault, Member, Role, Scopes, ShowId};
use sori_media::{FfmpegPackager, Library, LibraryParts, LibrarySettings, LocalStore, MIGRATIONS, Shows};
use tower::ServiceExt;

const UPLOAD_BYTES: usize = 192 << 20;
const PIECE_BYTES: usize = 1 << 20;
/// Some pieces on their way, and what the allocator keeps.
const MOST_GROWTH_KIB: u64 = 32 << 10;

struct NoShow;

#[async_trait]
impl Shows for NoShow {
    async fn may_add(&self, _: &Caller, _: ShowId) -> Result<(), Box<dyn Fault>> {
        Ok(())
    }
}

/// What belongs to this process alone and to no file.
fn anonymous_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The beginning of a WAV file of silence.
fn head() -> Vec<u8> {
    let data = (UPLOAD_BYTES - 44) as u32;
    let mut head = b"RIFF".to_vec();
    head.extend((36 + data).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(48_000_u32.to_le_bytes());
    head.extend(96_000_u32.to_le_bytes());
    head.extend(b"\x02\0\x10\0data");
    head.extend(data.to_le_bytes());
    head
}

#[tokio::test]
async fn a_large_upload_takes_no_more_memory_than_a_small_one() {
    let db = sori_db::testing::sqlite().await;
    db.db.migrate(&[MIGRATIONS]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(LibraryParts {
        db: db.db.clone(),
        store: Arc::new(LocalStore::open(folder.path().join("media")).await.unwrap()),
        packager: Arc::new(FfmpegPackager),
        shows: Arc::new(NoShow),
        folder: folder.path().join("uploads"),
        settings: LibrarySettings { keep_free_bytes: 0, ..LibrarySettings::default() },
    })
    .await
    .unwrap();
    let me = Caller::Account(Member {
        account: AccountId::generate(),
        role: Role::Learner,
        scopes: Scopes::all(),
        credential: Credential::External,
    });
    let send = async |request: axum::http::request::Builder, body: Body| {
        let (routes, _) = library.routes().split_for_parts();
        let request = request.header("tus-resumable", "1.0.0").body(body).unwrap();
        routes.layer(axum::Extension(me)).oneshot(request).await.unwrap()
    };
    let post =
        Request::builder().method(Method::POST).uri("/v1/uploads").header("upload-length", UPLOAD_BYTES);
    let begun = send(post, Body::empty()).await;
    let path = begun.headers()["location"].to_str().unwrap().to_owned();

    let before = anonymous_kib();
    let (highest, seen) =
        (Arc::new(std::sync::atomic::AtomicU64::new(0)), std::sync::atomic::Ordering::Relaxed);
    let noted = Arc::clone(&highest);
    let pieces = stream::iter(0..UPLOAD_BYTES / PIECE_BYTES).map(move |n| {
        let mut piece = if n == 0 { head() } else { Vec::new() };
        piece.resize(PIECE_BYTES, 0);
        noted.fetch_max(anonymous_kib(), seen);
        Ok::<_, std::io::Error>(Bytes::from(piece))
    });
    let patch = Request::builder().method(Method::PATCH).uri(&path);
    let patch = patch.header("upload-offset", 0).header("content-type", "application/offset+octet-stream");
    let sent = send(patch, Body::from_stream(pieces)).await;
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    let highest = highest.load(seen).max(anonymous_kib());
    assert!(highest < before + MOST_GROWTH_KIB, "{before} KiB became {highest} KiB");
    let content = path.rsplit('/').next().unwrap().parse().unwrap();
    let content = library.find(&me, content).await.unwrap().unwrap();
    assert_eq!((content.files[0].size_bytes, content.duration_ms), (UPLOAD_BYTES as u64, Some(2_097_152)));
}
