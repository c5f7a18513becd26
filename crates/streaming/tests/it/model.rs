//! Random sets of ranges, compared with what a list of flags says.

use std::{cell::RefCell, ops::Range};

use proptest::prelude::*;

use crate::{
    conformance::parts,
    server::{MODES, Server, content},
};

const SIZE: usize = 200_000;

/// A range as it is asked for.
#[derive(Clone, Debug)]
enum Spec {
    FromTo(usize, usize),
    From(usize),
    Last(usize),
}

impl Spec {
    fn text(&self) -> String {
        match self {
            Self::FromTo(first, last) => format!("{first}-{last}"),
            Self::From(first) => format!("{first}-"),
            Self::Last(length) => format!("-{length}"),
        }
    }

    fn bytes(&self) -> Range<usize> {
        match *self {
            Self::FromTo(first, last) => first.min(SIZE)..(last + 1).min(SIZE),
            Self::From(first) => first.min(SIZE)..SIZE,
            Self::Last(length) => SIZE.saturating_sub(length)..SIZE,
        }
    }
}

fn position() -> impl Strategy<Value = usize> {
    prop_oneof![0..SIZE + 1_000, 0..2_000_usize, SIZE - 200..SIZE + 200]
}

fn spec() -> impl Strategy<Value = Spec> {
    prop_oneof![
        6 => (position(), prop_oneof![0..200_usize, 0..SIZE]).prop_map(|(first, more)| Spec::FromTo(first, first + more)),
        1 => position().prop_map(Spec::From),
        1 => prop_oneof![0..100_usize, 0..SIZE * 2].prop_map(Spec::Last),
    ]
}

#[test]
fn every_byte_that_was_asked_for_comes_once_from_its_place() {
    let servers: Vec<_> = MODES.map(Server::new).into_iter().chain([Server::through_something()]).collect();
    let content = content(SIZE);
    let with_clients = servers.iter().map(|server| (server.put(&content).0, RefCell::new(server.client())));
    let with_clients: Vec<_> = with_clients.collect();
    let cases = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases, |(specs in proptest::collection::vec(spec(), 1..16))| {
        let mut is_asked = vec![false; SIZE];
        for spec in &specs {
            is_asked[spec.bytes()].fill(true);
        }
        let range = format!("bytes={}", specs.iter().map(Spec::text).collect::<Vec<_>>().join(","));
        for (path, client) in &with_clients {
            let answer = client.borrow_mut().ask("GET", path, &[("Range", range.as_str())]);
            if !is_asked.contains(&true) {
                prop_assert_eq!(answer.status, 416);
                continue;
            }
            prop_assert_eq!(answer.status, 206);
            let got = match answer.header("content-range") {
                Some(single) => vec![(read(single), answer.body)],
                None => parts(&answer),
            };
            let mut is_sent = vec![false; SIZE];
            for (span, bytes) in got {
                prop_assert!(bytes == content[span.clone()], "other bytes in {:?}", span);
                prop_assert!(!is_sent[span.clone()].contains(&true), "{:?} came twice", span);
                prop_assert!(is_asked[span.start] && is_asked[span.end - 1]);
                let gap = is_asked[span.clone()].split(|asked| *asked).map(<[bool]>::len).max();
                prop_assert!(gap <= Some(80), "a gap of {:?} came along", gap);
                is_sent[span].fill(true);
            }
            prop_assert!(is_asked.iter().zip(&is_sent).all(|(asked, sent)| sent >= asked));
        }
    });
}

fn read(content_range: &str) -> Range<usize> {
    let range = content_range.strip_prefix("bytes ").unwrap().strip_suffix("/200000").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    first.parse().unwrap()..last.parse::<usize>().unwrap() + 1
}

/// Ten thousand requests with headers that nobody would write: each has one defined answer, and the
/// connection goes on.
#[test]
fn hostile_headers_are_answered_and_nothing_is_kept() {
    let server = Server::new(sori_streaming::SendMode::Auto);
    let (path, tag) = server.put(&content(10_000));
    let client = RefCell::new(server.client());
    let names =
        ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"];
    let value = prop_oneof![
        "bytes=[0-9, -]{0,30}",
        "(bytes|Bytes|lines|)=?[0-9,=*/ -]{0,20}",
        "[ -~]{0,40}",
        "(W/)?\"[a-f0-9,]{0,8}\"(, ?(W/)?\"[a-f]{0,3}\"?){0,4}",
        "(Sat|Sun), [0-9]{1,2} (Nov|Foo) (2026|1969|99999) [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        Just(tag),
        Just("*".to_owned()),
    ];
    let header = (proptest::sample::select(names.to_vec()), value);
    let cases = ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases, |(headers in proptest::collection::vec(header, 1..4))| {
        let lines: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.trim())).collect();
        let answer = client.borrow_mut().ask("GET", &path, &lines);
        prop_assert!([200, 206, 304, 412, 416].contains(&answer.status), "{}", answer.status);
    });
    assert_eq!(server.open(), (1, 1), "connections and files that are open");
}
