//! Clients that stop reading.

use std::time::{Duration, Instant};

use crate::server::{MODES, Server, content};

#[test]
fn who_takes_nothing_is_cut_off_and_who_is_slow_is_not() {
    for mode in MODES {
        let server = Server::with_patience(mode, Duration::from_millis(400));
        let content = content(24 << 20);
        let (path, _) = server.put(&content);
        let (mut still, mut slow) = (server.client(), server.client());
        still.send("GET", &path, &[]);
        slow.send("GET", &path, &[]);
        assert_eq!(slow.receive_head().status, 200);
        // Longer than the server's patience in all, never at once.
        let mut got = vec![0; content.len()];
        let started = Instant::now();
        for piece in got.chunks_mut(2 << 20) {
            std::io::Read::read_exact(&mut slow.0, piece).unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(started.elapsed() > Duration::from_millis(1_000));
        assert!(got == content, "{mode:?}: other bytes");
        assert!(still.rest().len() < content.len(), "{mode:?}: the server waited for ever");
    }
}
