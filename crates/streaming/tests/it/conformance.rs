//! RFC 9110 row by row: what the answers must be, each over a raw socket and on every way that bytes
//! are sent.

use std::time::{Duration, Instant};

use crate::server::{Answer, Client, KIND, MADE, MODES, Server, content};

const SIZE: usize = 300_000;
const BEFORE: &str = "Sat, 21 Nov 2026 03:59:59 GMT";
const AFTER: &str = "Sat, 21 Nov 2026 04:00:01 GMT";

/// What an answer is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Whole,
    Part(std::ops::Range<usize>),
    Multipart(usize),
    NotModified,
    Refused,
    Unsatisfiable,
}
use Expected::*;

type Row = (Vec<(&'static str, String)>, Expected);

fn rows(tag: &str) -> Vec<Row> {
    let weak = format!("W/{tag}");
    let range = |value: &str| vec![("Range", value.to_owned())];
    let if_range = |value: &str| vec![("Range", "bytes=5-9".to_owned()), ("If-Range", value.to_owned())];
    let only = |name, value: &str| vec![(name, value.to_owned())];
    let with_range = |name, value: &str| vec![(name, value.to_owned()), ("Range", "bytes=5-9".to_owned())];
    let huge = "99999999999999999999999999";
    vec![
        (vec![], Whole),
        // 14.1.2
        (range("bytes=0-0"), Part(0..1)),
        (range("bytes=5-9"), Part(5..10)),
        (range("bytes=100000-"), Part(100_000..SIZE)),
        (range("bytes=0-"), Part(0..SIZE)),
        (range("bytes=-10"), Part(SIZE - 10..SIZE)),
        (range("bytes=-9999999"), Part(0..SIZE)),
        (range(&format!("bytes=-{huge}")), Part(0..SIZE)),
        (range("bytes=299990-300100"), Part(299_990..SIZE)),
        (range(&format!("bytes=5-{huge}")), Part(5..SIZE)),
        (range("Bytes=0-9"), Part(0..10)),
        (range("bytes=300000-"), Unsatisfiable),
        (range("bytes=300000-300001"), Unsatisfiable),
        (range("bytes=-0"), Unsatisfiable),
        (range(&format!("bytes={huge}-")), Unsatisfiable),
        (range(&format!("bytes={huge}-{huge}")), Unsatisfiable),
        // 14.2: what is not understood is ignored
        (range("bytes=9-5"), Whole),
        (range("bytes=abc"), Whole),
        (range("bytes=0-9-20"), Whole),
        (range("bytes=-"), Whole),
        (range("bytes="), Whole),
        (range("bytes"), Whole),
        (range("lines=0-1"), Whole),
        (range("bytes=5-9, 9-5"), Whole),
        (vec![("Range", "bytes=5-9".into()), ("Range", "bytes=7-9".into())], Whole),
        // several
        (range("bytes=0-9,1000-1009"), Multipart(2)),
        (range("bytes=-5, 0-4 ,, 1000-1000"), Multipart(3)),
        (range("bytes=0-4,300000-"), Part(0..5)),
        (range("bytes=300000-,-0"), Unsatisfiable),
        (range("bytes=5-9,8-20"), Part(5..21)),
        (range("bytes=5-9,10-20"), Part(5..21)),
        (range(&format!("bytes={}0-", "0-,".repeat(199))), Whole),
        (range(&format!("bytes={}0-", "0-,".repeat(20))), Part(0..SIZE)),
        // 13.1.5
        (if_range(tag), Part(5..10)),
        (if_range("\"other\""), Whole),
        (if_range(&weak), Whole),
        (if_range(MADE), Part(5..10)),
        (if_range(BEFORE), Whole),
        (if_range(AFTER), Whole),
        (if_range("nonsense"), Whole),
        (only("If-Range", "\"other\""), Whole),
        (vec![("Range", "bytes=300000-".into()), ("If-Range", "\"other\"".into())], Whole),
        (vec![("Range", "bytes=300000-".into()), ("If-Range", tag.into())], Unsatisfiable),
        // 13.1.1 to 13.1.4
        (only("If-None-Match", tag), NotModified),
        (only("If-None-Match", &weak), NotModified),
        (only("If-None-Match", "*"), NotModified),
        (only("If-None-Match", &format!("\"a\", {tag}")), NotModified),
        (only("If-None-Match", "\"other\""), Whole),
        (with_range("If-None-Match", tag), NotModified),
        (with_range("If-None-Match", "\"other\""), Part(5..10)),
        (only("If-Modified-Since", MADE), NotModified),
        (only("If-Modified-Since", AFTER), NotModified),
        (with_range("If-Modified-Since", MADE), NotModified),
        (only("If-Modified-Since", BEFORE), Whole),
        (only("If-Modified-Since", "nonsense"), Whole),
        (only("If-Match", tag), Whole),
        (only("If-Match", "*"), Whole),
        (with_range("If-Match", tag), Part(5..10)),
        (only("If-Match", "\"other\""), Refused),
        (with_range("If-Match", "\"other\""), Refused),
        (only("If-Match", &weak), Refused),
        (only("If-Unmodified-Since", BEFORE), Refused),
        (with_range("If-Unmodified-Since", BEFORE), Refused),
        (with_range("If-Unmodified-Since", MADE), Part(5..10)),
        // 13.2.2
        (vec![("If-Match", tag.into()), ("If-Unmodified-Since", BEFORE.into())], Whole),
        (vec![("If-Match", "\"other\"".into()), ("If-None-Match", tag.into())], Refused),
        (vec![("If-Unmodified-Since", BEFORE.into()), ("If-None-Match", tag.into())], Refused),
        (vec![("If-Match", tag.into()), ("If-None-Match", tag.into())], NotModified),
        (vec![("If-None-Match", "\"other\"".into()), ("If-Modified-Since", AFTER.into())], Whole),
        (vec![("If-None-Match", tag.into()), ("If-Modified-Since", BEFORE.into())], NotModified),
        (
            vec![
                ("If-None-Match", tag.into()),
                ("If-Range", "\"other\"".into()),
                ("Range", "bytes=5-9".into()),
            ],
            NotModified,
        ),
    ]
}

#[test]
fn every_row_of_the_standard_on_every_way() {
    for server in MODES.map(Server::new).into_iter().chain([Server::through_something()]) {
        let content = content(SIZE);
        let (path, tag) = server.put(&content);
        // One connection for all rows: each answer ends where the next begins.
        let mut client = server.client();
        for (headers, expected) in rows(&tag) {
            let lines: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = client.ask("GET", &path, &lines);
            check(&lines, &answer, &expected, &content, &tag);
            check_head(&mut client, &path, &lines, &expected, &tag);
        }
    }
}

#[track_caller]
fn check(asked: &[(&str, &str)], answer: &Answer, expected: &Expected, content: &[u8], tag: &str) {
    let (status, content_range) = match expected {
        Whole => (200, None),
        Part(part) => (206, Some(format!("bytes {}-{}/{SIZE}", part.start, part.end - 1))),
        Multipart(_) => (206, None),
        NotModified => (304, None),
        Refused => (412, None),
        Unsatisfiable => (416, Some(format!("bytes */{SIZE}"))),
    };
    assert_eq!(answer.status, status, "{asked:?}");
    assert_eq!(answer.header("content-range"), content_range.as_deref(), "{asked:?}");
    assert_eq!(answer.header("etag"), Some(tag), "{asked:?}");
    assert_eq!(answer.header("last-modified"), Some(MADE), "{asked:?}");
    assert_eq!(answer.header("accept-ranges"), Some("bytes"), "{asked:?}");
    assert_eq!(answer.header("content-encoding"), None, "{asked:?}");
    assert!(answer.header("date").is_some(), "{asked:?}");
    let bytes = match expected {
        Whole => content,
        Part(part) => &content[part.clone()],
        Multipart(count) => {
            let parts = parts(answer);
            assert_eq!(parts.len(), *count, "{asked:?}");
            for (range, bytes) in parts {
                assert!(bytes == content[range.clone()], "{asked:?}: other bytes in {range:?}");
            }
            return;
        }
        NotModified | Refused | Unsatisfiable => return,
    };
    assert_eq!(answer.header("content-type"), Some(KIND), "{asked:?}");
    assert!(answer.body == bytes, "{asked:?}: other bytes");
}

/// HEAD knows conditions and no ranges (14.2).
#[track_caller]
fn check_head(client: &mut Client, path: &str, asked: &[(&str, &str)], expected: &Expected, tag: &str) {
    let answer = client.ask("HEAD", path, asked);
    let status = match expected {
        NotModified => 304,
        Refused => 412,
        _ => 200,
    };
    assert_eq!(answer.status, status, "HEAD {asked:?}");
    assert_eq!(answer.header("content-range"), None, "HEAD {asked:?}");
    assert_eq!(answer.header("etag"), Some(tag), "HEAD {asked:?}");
    if status == 200 {
        assert_eq!(answer.header("content-length"), Some("300000"), "HEAD {asked:?}");
        assert_eq!(answer.header("accept-ranges"), Some("bytes"), "HEAD {asked:?}");
    }
}

/// The parts of a multipart body, read strictly (RFC 2046, 5.1.1).
#[track_caller]
pub(crate) fn parts(answer: &Answer) -> Vec<(std::ops::Range<usize>, Vec<u8>)> {
    let kind = answer.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect(kind);
    let opening = format!("--{boundary}\r\nContent-Type: {KIND}\r\nContent-Range: bytes ");
    let mut rest = answer.body.as_slice();
    let mut parts = Vec::new();
    loop {
        rest = rest.strip_prefix(opening.as_bytes()).expect("a part begins with its boundary");
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("the head of a part ends");
        let (range, size) = std::str::from_utf8(&rest[..end]).unwrap().split_once('/').unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let size: usize = size.parse().unwrap();
        assert!(first <= last && last < size);
        rest = &rest[end + 4..];
        let (bytes, after) = rest.split_at(last + 1 - first);
        parts.push((first..last + 1, bytes.to_vec()));
        rest = after.strip_prefix(b"\r\n").expect("a part ends with a line");
        if rest == format!("--{boundary}--\r\n").as_bytes() {
            return parts;
        }
    }
}

#[test]
fn an_empty_object_has_nothing_to_choose_from() {
    for mode in MODES {
        let server = Server::new(mode);
        let (path, tag) = server.put(b"");
        let mut client = server.client();
        for (range, status) in [("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-5", 200), ("bytes=-0", 416)] {
            let answer = client.ask("GET", &path, &[("Range", range)]);
            assert_eq!((answer.status, answer.header("etag")), (status, Some(tag.as_str())), "{range}");
            let expected = (status == 416).then_some("bytes */0");
            assert_eq!(answer.header("content-range"), expected, "{range}");
        }
        assert_eq!(client.ask("GET", &path, &[]).header("content-length"), Some("0"));
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_their_order() {
    for mode in MODES {
        let server = Server::new(mode);
        let (first, second) = (content(3 << 20), vec![7_u8; 200_000]);
        let ((one, _), (two, _)) = (server.put(&first), server.put(&second));
        let mut client = server.client();
        // The same span twice, one that begins where another ends, another object, an error.
        let ahead: [(&str, &str, u16, &[u8]); 6] = [
            (&one, "bytes=100-2000099", 206, &first[100..2_000_100]),
            (&one, "bytes=100-2000099", 206, &first[100..2_000_100]),
            (&one, "bytes=2000100-", 206, &first[2_000_100..]),
            (&two, "bytes=0-", 206, &second),
            ("/00000000-0000-7000-8000-000000000000", "bytes=0-", 404, b""),
            (&one, "bytes=0-99", 206, &first[..100]),
        ];
        for round in 0..3 {
            for (path, range, ..) in ahead {
                client.send("GET", path, &[("Range", range)]);
            }
            for (path, range, status, bytes) in ahead {
                let answer = client.receive("GET");
                assert_eq!(answer.status, status, "{mode:?}, round {round}, {path} {range}");
                assert!(answer.body == bytes, "{mode:?}, round {round}: other bytes for {path} {range}");
            }
        }
        let sent: usize = ahead.iter().map(|(.., bytes)| bytes.len()).sum();
        let sent = 3 * sent as u64;
        // Counted when the system took it; the client may have it a moment earlier.
        let waited = Instant::now();
        while server.streaming.sent().sent_bytes() != sent {
            let counted = server.streaming.sent().sent_bytes();
            assert!(waited.elapsed() < Duration::from_secs(60), "{mode:?}: {counted} of {sent} counted");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
