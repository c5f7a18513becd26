//! The local store: whole or not there, never changed, read by range; and its HTTP answers.

use std::{path::Path, time::Duration};

use axum::{
    body::to_bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sori_contracts::{ByteStream, MediaFault, MediaId, MediaStore};
use sori_media::{LocalStore, serve};
use tempfile::TempDir;

const TYPE: &str = "audio/mpeg";

async fn store() -> (TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    (folder, store)
}

fn body(bytes: &[u8]) -> ByteStream {
    let chunks: Vec<_> = bytes.chunks(1_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Box::pin(stream::iter(chunks))
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 % 251) as u8).collect()
}

async fn read(store: &LocalStore, id: MediaId, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let (_, bytes) = store.get(id, range).await.unwrap();
    bytes
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
        .unwrap()
}

/// What lies in a folder and below, folders themselves not counted.
fn files_below(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn what_is_put_is_got_whole_and_by_range() {
    let (_folder, store) = store().await;
    for length in [0, 1, 200_000] {
        let id = MediaId::generate();
        let put = store.put(id, TYPE, body(&content(length)), 1 << 20).await.unwrap();
        assert_eq!((put.size_bytes, put.content_type.as_str()), (length as u64, TYPE));
        assert_eq!(store.stat(id).await.unwrap(), put);
        assert_eq!(read(&store, id, None).await, content(length));
        assert_eq!(read(&store, id, Some(0..length as u64)).await, content(length));
    }
    let id = MediaId::generate();
    let put = store.put(id, TYPE, body(b"abc"), 3).await.unwrap();
    // FIPS 180-2, the example of the standard.
    assert_eq!(put.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(read(&store, id, Some(1..2)).await, b"b");
    for range in [0..4, 4..4, 2..9] {
        assert!(matches!(
            store.get(id, Some(range)).await.err(),
            Some(MediaFault::RangeNotSatisfiable { size_bytes: 3 })
        ));
    }
}

#[tokio::test]
async fn what_was_opened_again_is_still_there() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    store.put(id, TYPE, body(b"abc"), 3).await.unwrap();
    let again = LocalStore::open(folder.path()).await.unwrap();
    assert_eq!(read(&again, id, None).await, b"abc");
}

#[tokio::test]
async fn an_object_cannot_be_written_twice() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    store.put(id, TYPE, body(b"first"), 9).await.unwrap();
    assert!(matches!(store.put(id, TYPE, body(b"second"), 9).await, Err(MediaFault::AlreadyExists(_))));
    let file = folder.path().join("kept");
    std::fs::write(&file, "third").unwrap();
    assert!(matches!(store.put_file(id, TYPE, &file).await, Err(MediaFault::AlreadyExists(_))));
    assert!(file.exists());
    assert_eq!(read(&store, id, None).await, b"first");
}

#[tokio::test]
async fn of_many_writers_of_one_id_exactly_one_wins() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    let results = futures::future::join_all(
        (0..16_u8).map(|n| store.put(id, TYPE, body_slowly(vec![n; 3_000]), 1 << 20)),
    )
    .await;
    let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(store.stat(id).await.unwrap(), *won[0]);
    assert_eq!(files_below(folder.path()), 2);
}

fn body_slowly(bytes: Vec<u8>) -> ByteStream {
    Box::pin(body(&bytes).then(|chunk| async {
        tokio::task::yield_now().await;
        chunk
    }))
}

#[tokio::test]
async fn a_broken_or_too_large_upload_leaves_nothing() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    assert!(matches!(
        store.put(id, TYPE, body(&content(5_001)), 5_000).await,
        Err(MediaFault::TooLarge { limit_bytes: 5_000 })
    ));
    let broken = body(b"beginning").chain(stream::iter([Err(MediaFault::BodyBroken("gone".into()))]));
    assert!(matches!(store.put(id, TYPE, Box::pin(broken), 5_000).await, Err(MediaFault::BodyBroken(_))));
    // A caller who goes away in the middle.
    let endless = body(b"beginning").chain(stream::pending());
    let given_up =
        tokio::time::timeout(Duration::from_millis(50), store.put(id, TYPE, Box::pin(endless), 5_000)).await;
    assert!(given_up.is_err());
    assert!(matches!(store.stat(id).await, Err(MediaFault::NotFound(_))));
    assert!(matches!(store.get(id, None).await.err(), Some(MediaFault::NotFound(_))));
    assert_eq!(files_below(folder.path()), 0);
}

#[tokio::test]
async fn a_file_is_taken_over() {
    let (folder, store) = store().await;
    let file = folder.path().join("a.mp3");
    std::fs::write(&file, content(70_000)).unwrap();
    let id = MediaId::generate();
    let by_file = store.put_file(id, TYPE, &file).await.unwrap();
    assert!(!file.exists());
    assert_eq!(read(&store, id, None).await, content(70_000));
    let by_stream = store.put(MediaId::generate(), TYPE, body(&content(70_000)), 70_000).await.unwrap();
    assert_eq!((by_file.sha256, by_file.size_bytes), (by_stream.sha256, by_stream.size_bytes));
    assert!(store.put_file(MediaId::generate(), TYPE, &file).await.is_err());
}

#[tokio::test]
async fn a_deleted_object_is_gone_but_finishes_for_who_reads_it() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    store.put(id, TYPE, body(&content(500_000)), 1 << 20).await.unwrap();
    let (_, mut reading) = store.get(id, None).await.unwrap();
    let first = reading.next().await.unwrap().unwrap();
    store.delete(id).await.unwrap();
    store.delete(id).await.unwrap();
    assert!(matches!(store.stat(id).await, Err(MediaFault::NotFound(_))));
    let rest: usize = reading.map(|chunk| chunk.unwrap().len()).fold(0, |a, b| async move { a + b }).await;
    assert_eq!(first.len() + rest, 500_000);
    assert_eq!(files_below(folder.path()), 0);
    store.put(id, TYPE, body(b"again"), 9).await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_behind_is_swept_and_what_is_under_way_is_not() {
    let (folder, _store) = store().await;
    let incoming = folder.path().join("incoming");
    for name in ["old.part", "new.part"] {
        std::fs::create_dir(incoming.join(name)).unwrap();
        std::fs::write(incoming.join(name).join("data"), "half").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(7_200);
    for path in ["old.part/data", "old.part"] {
        std::fs::File::open(incoming.join(path)).unwrap().set_modified(long_ago).unwrap();
    }
    LocalStore::open(folder.path()).await.unwrap();
    assert!(!incoming.join("old.part").exists());
    assert!(incoming.join("new.part").exists());
}

async fn ask(
    store: &LocalStore,
    id: MediaId,
    method: Method,
    headers: &[(&'static str, &str)],
) -> (Response<()>, Vec<u8>) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let (parts, body) = serve(store, id, &method, &map).await.unwrap().into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    (Response::from_parts(parts, ()), bytes)
}

fn header<'a>(response: &'a Response<()>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_get_answers_with_the_whole_and_says_that_ranges_work() {
    let (_folder, store) = store().await;
    let id = MediaId::generate();
    let media = store.put(id, TYPE, body(&content(5_000)), 5_000).await.unwrap();
    let (response, bytes) = ask(&store, id, Method::GET, &[]).await;
    assert_eq!((response.status(), bytes), (StatusCode::OK, content(5_000)));
    assert_eq!(header(&response, "content-type"), Some(TYPE));
    assert_eq!(header(&response, "content-length"), Some("5000"));
    assert_eq!(header(&response, "accept-ranges"), Some("bytes"));
    assert_eq!(header(&response, "etag"), Some(format!("\"{}\"", media.sha256).as_str()));
    let missing = serve(&store, MediaId::generate(), &Method::GET, &HeaderMap::new()).await;
    assert!(matches!(missing, Err(MediaFault::NotFound(_))));
}

#[tokio::test]
async fn ranges_and_conditions_are_answered_as_the_standard_says() {
    let (_folder, store) = store().await;
    let id = MediaId::generate();
    let media = store.put(id, TYPE, body(&content(100)), 100).await.unwrap();
    let tag = format!("\"{}\"", media.sha256);
    let weak = format!("W/{tag}");
    let whole = (StatusCode::OK, None, content(100));
    let part = |range: std::ops::Range<usize>| {
        let content_range = format!("bytes {}-{}/100", range.start, range.end - 1);
        (StatusCode::PARTIAL_CONTENT, Some(content_range), content(100)[range].to_vec())
    };
    let table: Vec<(Vec<(&'static str, &str)>, _)> = vec![
        (vec![("range", "bytes=0-9")], part(0..10)),
        (vec![("range", "bytes=90-")], part(90..100)),
        (vec![("range", "bytes=-10")], part(90..100)),
        (vec![("range", "bytes=50-500")], part(50..100)),
        (vec![("range", "lines=0-1")], whole.clone()),
        (vec![("range", "bytes=9-0")], whole.clone()),
        (vec![("range", "bytes=0-9"), ("if-range", &tag)], part(0..10)),
        (vec![("range", "bytes=0-9"), ("if-range", &weak)], whole.clone()),
        (vec![("range", "bytes=0-9"), ("if-range", "\"other\"")], whole.clone()),
        (vec![("range", "bytes=200-"), ("if-range", "\"other\"")], whole.clone()),
        (vec![("range", "bytes=0-9"), ("if-none-match", &weak)], (StatusCode::NOT_MODIFIED, None, vec![])),
        (vec![("if-match", "\"other\"")], (StatusCode::PRECONDITION_FAILED, None, vec![])),
        (vec![("if-match", &tag), ("range", "bytes=1-1")], part(1..2)),
    ];
    for (headers, expected) in table {
        let (response, bytes) = ask(&store, id, Method::GET, &headers).await;
        let content_range = header(&response, "content-range").map(str::to_owned);
        if response.status().is_success() {
            assert_eq!(
                header(&response, "content-length"),
                Some(bytes.len().to_string().as_str()),
                "{headers:?}"
            );
        }
        assert_eq!(header(&response, "etag"), Some(tag.as_str()), "{headers:?}");
        let problem = response.extensions().get::<sori_http::Problem>().map(|problem| problem.fault().code());
        let is_refused = response.status() == StatusCode::PRECONDITION_FAILED;
        assert_eq!(problem, is_refused.then_some("PRECONDITION_FAILED"), "{headers:?}");
        assert_eq!((response.status(), content_range, bytes), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_range_outside_of_the_file_is_416_with_the_size() {
    let (_folder, store) = store().await;
    let id = MediaId::generate();
    store.put(id, TYPE, body(&content(100)), 100).await.unwrap();
    for range in ["bytes=100-", "bytes=-0", "bytes=99999999999999999999-"] {
        let (response, _) = ask(&store, id, Method::GET, &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(header(&response, "content-range"), Some("bytes */100"));
    }
}

#[tokio::test]
async fn a_head_has_the_length_of_the_whole_and_no_body() {
    let (_folder, store) = store().await;
    let id = MediaId::generate();
    store.put(id, TYPE, body(&content(100)), 100).await.unwrap();
    let (response, bytes) = ask(&store, id, Method::HEAD, &[("range", "bytes=0-9")]).await;
    assert_eq!((response.status(), bytes.len()), (StatusCode::OK, 0));
    assert_eq!(header(&response, "content-length"), Some("100"));
}
