//! The local store: whole or not there, never changed, read by range; and opened as a file.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sori_contracts::{ByteStream, MediaFault, MediaFiles, MediaId, MediaStore};
use sori_media::LocalStore;
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

#[tokio::test]
async fn an_object_is_opened_as_the_file_that_holds_it() {
    let (folder, store) = store().await;
    let id = MediaId::generate();
    let media = store.put(id, TYPE, body(&content(5_000)), 5_000).await.unwrap();
    let (opened, mut file) = store.open(id).await.unwrap();
    assert_eq!(opened, media);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    assert_eq!(bytes, content(5_000));
    assert!(matches!(store.open(MediaId::generate()).await, Err(MediaFault::NotFound(_))));

    let level = |byte: u8| format!("{byte:02x}");
    let at = id.0.as_bytes();
    let object = folder.path().join("objects").join(level(at[15])).join(level(at[14])).join(id.to_string());
    std::fs::remove_file(object.join("data")).unwrap();
    assert!(matches!(store.open(id).await, Err(MediaFault::Unavailable(_))), "the bytes are gone");
}
