//! Files that are deleted, cut off or grow while they are sent; clients that go away.

use std::{
    fs::OpenOptions,
    time::{Duration, Instant},
};

use sori_streaming::SendMode;

use crate::server::{MODES, Server, content};

const SIZE: usize = 24 << 20;

/// Everything that the sockets cannot hold is still to be sent.
fn begin(server: &Server, path: &str) -> crate::server::Client {
    let mut client = server.client();
    client.send("GET", path, &[]);
    let head = client.receive_head();
    assert_eq!((head.status, head.header("content-length")), (200, Some(SIZE.to_string().as_str())));
    client
}

#[test]
fn a_file_that_is_cut_off_while_it_is_sent_ends_the_connection_and_nothing_else() {
    for mode in MODES {
        let server = Server::new(mode);
        let content = content(SIZE);
        let (path, _) = server.put(&content);
        // Sent whole twice, so that its pages are mapped.
        let mut other = server.client();
        for _ in 0..2 {
            assert!(other.ask("GET", &path, &[]).body == content);
        }
        let mut client = begin(&server, &path);
        let kept = 1 << 20;
        OpenOptions::new().write(true).open(server.file_of(&path)).unwrap().set_len(kept).unwrap();
        let got = client.rest();
        assert!(got.len() < SIZE, "{mode:?}: all of it came");
        assert!(got == content[..got.len()], "{mode:?}: other bytes came");
        // Asked anew, it is known to be damaged; the server lives.
        let answer = other.ask("GET", &path, &[("Range", "bytes=0-9")]);
        assert_eq!(answer.status, 503, "{mode:?}");
        let (sound, _) = server.put(b"sound");
        assert_eq!(other.ask("GET", &sound, &[]).body, b"sound", "{mode:?}");
    }
}

#[test]
fn a_file_that_grows_is_not_what_was_stored() {
    let server = Server::new(SendMode::Auto);
    let (path, _) = server.put(b"published");
    let mut client = server.client();
    assert_eq!(client.ask("GET", &path, &[]).status, 200);
    std::fs::write(server.file_of(&path), b"published and more").unwrap();
    assert_eq!(client.ask("GET", &path, &[]).status, 503);
}

#[test]
fn who_listens_to_a_deleted_object_hears_its_end_and_nobody_else_does() {
    for mode in MODES {
        let server = Server::new(mode);
        let content = content(SIZE);
        let (path, _) = server.put(&content);
        let mut client = begin(&server, &path);
        server.delete(&path);
        assert_eq!(server.client().ask("GET", &path, &[]).status, 404, "{mode:?}");
        let mut heard = vec![0; SIZE];
        std::io::Read::read_exact(&mut client.0, &mut heard).unwrap();
        assert!(heard == content, "{mode:?}: other bytes came");
    }
}

#[test]
fn a_file_that_is_missing_is_no_missing_object() {
    let server = Server::new(SendMode::Auto);
    let (path, _) = server.put(b"published");
    std::fs::remove_file(server.file_of(&path)).unwrap();
    assert_eq!(server.client().ask("GET", &path, &[]).status, 503);
}

#[test]
fn clients_that_vanish_leave_nothing_behind_and_what_they_did_not_take_is_not_counted() {
    for mode in MODES {
        let server = Server::new(mode);
        let (path, _) = server.put(&content(SIZE));
        for _ in 0..50 {
            drop(begin(&server, &path));
        }
        let waited = Instant::now();
        // One file stays open for the next who asks.
        while server.open().0 > 0 || server.open().1 > 1 {
            let (connections, files) = server.open();
            assert!(
                waited.elapsed() < Duration::from_secs(60),
                "{mode:?}: {connections} connections, {files} files"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let sent = server.streaming.sent().sent_bytes();
        assert!(sent < 50 * SIZE as u64 * 2 / 3, "{mode:?}: {sent} bytes would have left");
    }
}
