//! Against a real listener; the time is the test's.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use sori_http::outgoing::Rules;
use tokio::net::TcpListener;

use super::*;

/// An issuer whose document is a number that grows with each answer.
#[derive(Default)]
struct Issuer {
    asked: AtomicUsize,
    is_down: std::sync::atomic::AtomicBool,
    delay_ms: AtomicU64,
}

impl Issuer {
    async fn start(cache_control: &'static str) -> (Arc<Self>, String, Arc<Remote<u64>>) {
        let issuer = Arc::new(Self::default());
        let answering = Arc::clone(&issuer);
        let app = Router::new().fallback(move || {
            let issuer = Arc::clone(&answering);
            async move { issuer.answer(cache_control).await }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = Outgoing::new(Rules::private_if(true));
        (issuer, url, Remote::new(http, |bytes| serde_json::from_slice(bytes)))
    }

    async fn answer(&self, cache_control: &'static str) -> Response {
        let count = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(std::time::Duration::from_millis(self.delay_ms.load(Ordering::SeqCst))).await;
        if self.is_down.load(Ordering::SeqCst) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        ([(header::CACHE_CONTROL, cache_control)], count.to_string()).into_response()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const START: i64 = 1_800_000_000_000;

#[tokio::test]
async fn a_document_is_kept_as_long_as_its_issuer_says() {
    let (issuer, url, remote) = Issuer::start("public, max-age=300").await;
    for (after_ms, expected) in [(0, 1), (299_999, 1), (300_000, 2), (600_000, 3), (600_001, 3)] {
        assert_eq!(*remote.get(&url, START + after_ms).await.unwrap(), expected, "{after_ms}");
    }
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn an_issuer_that_is_away_is_believed_for_another_day_and_asked_once_a_minute() {
    let (issuer, url, remote) = Issuer::start("max-age=300").await;
    remote.get(&url, START).await.unwrap();
    issuer.is_down.store(true, Ordering::SeqCst);
    for second in 300..600 {
        assert_eq!(*remote.get(&url, START + second * 1_000).await.unwrap(), 1);
    }
    assert_eq!(issuer.asked(), 1 + 5);
    assert!(remote.get(&url, START + 300_000 + STALE_MS - 1).await.is_ok());
    assert!(remote.get(&url, START + 300_000 + STALE_MS).await.is_err());
    issuer.is_down.store(false, Ordering::SeqCst);
    assert!(remote.get(&url, START + 300_000 + STALE_MS + CALM_MS).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_unknown_key_names_asks_once_a_minute() {
    let (issuer, url, remote) = Issuer::start("max-age=86400").await;
    let mut seen = remote.get(&url, START).await.unwrap();
    for millisecond in 0..2_000 {
        seen = remote.newer(&seen, &url, START + millisecond * 90).await.unwrap();
    }
    assert_eq!(issuer.asked(), 3, "three minutes");
    assert_eq!(*seen, 3);
}

#[tokio::test]
async fn a_crowd_that_waits_for_the_first_document_asks_once() {
    let (issuer, url, remote) = Issuer::start("max-age=300").await;
    issuer.delay_ms.store(100, Ordering::SeqCst);
    let crowd = (0..50).map(|_| {
        let (remote, url) = (Arc::clone(&remote), url.clone());
        tokio::spawn(async move { remote.get(&url, START).await.map(|value| *value) })
    });
    for waiting in crowd.collect::<Vec<_>>() {
        assert_eq!(waiting.await.unwrap().unwrap(), 1);
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn one_who_goes_away_does_not_waste_the_attempt() {
    let (issuer, url, remote) = Issuer::start("max-age=300").await;
    let seen = remote.get(&url, START).await.unwrap();
    issuer.delay_ms.store(100, Ordering::SeqCst);
    let impatient = remote.newer(&seen, &url, START + CALM_MS);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(20), impatient).await.is_err());
    assert_eq!(*remote.newer(&seen, &url, START + CALM_MS + 1).await.unwrap(), 2);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_no_document() {
    let (_issuer, url, _) = Issuer::start("max-age=300").await;
    let http = Outgoing::new(Rules::private_if(true));
    let remote = Remote::new(http, |_| serde_json::from_str::<u64>("not a number"));
    assert!(remote.get(&url, START).await.is_err());
}

#[track_caller]
fn check(cache_control: &[&str], age: Option<&str>, expected_s: i64) {
    let mut headers = HeaderMap::new();
    for line in cache_control {
        headers.append(header::CACHE_CONTROL, line.parse().unwrap());
    }
    if let Some(age) = age {
        headers.insert(header::AGE, age.parse().unwrap());
    }
    assert_eq!(freshness_ms(&headers), expected_s * 1_000, "{cache_control:?} {age:?}");
}

#[test]
fn freshness_is_what_the_headers_say_within_bounds() {
    check(&[], None, 600);
    check(&["public, max-age=20000, must-revalidate, no-transform"], None, 20_000);
    check(&["public, Max-Age=\"3600\""], Some("600"), 3_000);
    check(&["max-age=3600"], Some("99999"), 60);
    check(&["max-age=3600"], Some("-5"), 3_600);
    check(&["max-age=0"], None, 60);
    check(&["max-age=99999999999999999999"], None, 600);
    check(&["max-age=9223372036854775807"], None, 86_400);
    check(&["private"], None, 600);
    check(&["max-age=600", "no-store"], None, 60);
    check(&["no-cache"], None, 60);
}
