//! Clients that stop reading.

use std::time::{Duration, Instant};

use sori_streaming::SendMode;

use crate::server::{MODES, Server, content};

/// Of the server: so long that a slow client is never slower, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// Twelve of them are longer than the server's patience.
const PAUSE: Duration = Duration::from_millis(500);

#[test]
fn who_takes_nothing_is_cut_off_and_who_is_slow_is_not() {
    std::thread::scope(|scope| {
        for mode in MODES {
            scope.spawn(move || check(mode));
        }
    });
}

fn check(mode: SendMode) {
    let server = Server::with_patience(mode, PATIENCE);
    let content = content(24 << 20);
    let (path, _) = server.put(&content);
    let (mut still, mut slow) = (server.client(), server.client());
    still.send("GET", &path, &[]);
    slow.send("GET", &path, &[]);
    assert_eq!(slow.receive_head().status, 200);
    let mut got = vec![0; content.len()];
    let started = Instant::now();
    for piece in got.chunks_mut(2 << 20) {
        std::io::Read::read_exact(&mut slow.0, piece).unwrap();
        std::thread::sleep(PAUSE);
    }
    assert!(started.elapsed() > PATIENCE);
    assert!(got == content, "{mode:?}: other bytes");
    assert!(still.rest().len() < content.len(), "{mode:?}: the server waited for ever");
}
