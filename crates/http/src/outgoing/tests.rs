//! The guarded client against real listeners on this machine.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, response::Redirect, routing::get};
use tokio::net::TcpListener;

use super::*;

/// Answers each question with the next of its lists, the last one for ever.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    fn of(answers: &[&[&str]]) -> Self {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Self { answers: Arc::new(Mutex::new(answers.iter().map(parse).collect())), asked: Arc::default() }
    }
}

impl Names for Script {
    fn addresses(&self, _name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn loose() -> Rules {
    Rules { timeout: Duration::from_secs(2), ..Rules::private_if(true) }
}

/// A server that counts its visitors.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let app = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/large", get(|| async { "x".repeat(3 << 20) }))
        .route("/endless", get(endless))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }))
        .route("/away", get(|| async { Redirect::temporary("/") }))
        .layer(axum::middleware::from_fn(move |request, next: axum::middleware::Next| {
            counted.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (port, visits)
}

/// A body without a declared length.
async fn endless() -> axum::body::Body {
    let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(64 << 10)));
    axum::body::Body::from_stream(tokio_stream::iter(chunks))
}

#[tokio::test]
async fn this_machine_is_refused_however_it_is_written() {
    let (port, visits) = server().await;
    let strict = Outgoing::new(Rules { allow_http: true, ..Rules::default() });
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "[fe80::1]",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "①②⑦.0.0.1",
    ] {
        let refused = strict.get(&format!("http://{host}:{port}/")).await;
        let code = refused.map(|answer| answer.status).map_err(|fault| fault.code());
        assert_eq!(code, Err("URL_ADDRESS_FORBIDDEN"), "{host}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn metadata_services_are_refused_even_where_neighbours_are_allowed() {
    let client = Outgoing::with_names(loose(), Script::of(&[&["169.254.169.254"]]));
    for url in
        ["http://169.254.169.254/latest/meta-data", "http://[::ffff:a9fe:a9fe]/", "http://metadata.test/"]
    {
        assert!(matches!(client.get(url).await, Err(OutgoingFault::AddressForbidden)), "{url}");
    }
}

#[tokio::test]
async fn b8_one_bad_address_among_good_ones_is_refused() {
    let (port, visits) = server().await;
    let rules = Rules { allow_http: true, ..Rules::default() };
    let client = Outgoing::with_names(rules, Script::of(&[&["93.184.216.34", "127.0.0.1"]]));
    let refused = client.get(&format!("http://two-faced.test:{port}/")).await;
    assert!(matches!(refused, Err(OutgoingFault::AddressForbidden)), "{refused:?}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn b8_an_answer_of_the_dns_that_changes_changes_nothing() {
    let (port, visits) = server().await;
    // The server listens on 127.0.0.1 only: a second question for the same connection would find it.
    let names = Script::of(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let client = Outgoing::with_names(loose(), names.clone());
    let first = client.get(&format!("http://rebinding.test:{port}/")).await;
    assert!(matches!(first, Err(OutgoingFault::Unreachable(_))), "{first:?}");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved once for one connection");
    assert_eq!(visits.load(Ordering::SeqCst), 0);

    // What turns bad between two connections is checked again.
    let names = Script::of(&[&["127.0.0.2"], &["169.254.169.254"]]);
    let client = Outgoing::with_names(loose(), names);
    let url = format!("http://rebinding.test:{port}/");
    assert!(matches!(client.get(&url).await, Err(OutgoingFault::Unreachable(_))));
    assert!(matches!(client.get(&url).await, Err(OutgoingFault::AddressForbidden)));
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let (port, visits) = server().await;
    let client = Outgoing::with_names(loose(), Script::of(&[&["127.0.0.1"]]));
    let answer = client.get(&format!("http://no-such-name.test:{port}/")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"here".as_slice()));
    assert_eq!(visits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn b8_a_redirect_is_an_answer_and_is_not_followed() {
    let (port, visits) = server().await;
    let client = Outgoing::new(loose());
    let answer = client.get(&format!("http://127.0.0.1:{port}/away")).await.unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(visits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn too_much_and_too_slow_end() {
    let (port, _visits) = server().await;
    let client = Outgoing::new(loose());
    for path in ["large", "endless"] {
        let refused = client.get(&format!("http://127.0.0.1:{port}/{path}")).await;
        assert!(matches!(refused, Err(OutgoingFault::TooLarge)), "{path} {refused:?}");
    }
    let started = std::time::Instant::now();
    let slow = client.get(&format!("http://127.0.0.1:{port}/slow")).await;
    assert!(matches!(slow, Err(OutgoingFault::TimedOut)), "{slow:?}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn only_web_addresses_without_a_password_are_asked() {
    let strict = Outgoing::new(Rules::default());
    let code = |url: &str| strict.check(url).map(drop).map_err(|fault| fault.code());
    assert_eq!(code("https://example.org/hook"), Ok(()));
    assert_eq!(code("http://example.org/"), Err("URL_SCHEME_FORBIDDEN"));
    assert_eq!(code("file:///etc/passwd"), Err("URL_SCHEME_FORBIDDEN"));
    assert_eq!(code("gopher://example.org/"), Err("URL_SCHEME_FORBIDDEN"));
    assert_eq!(code("https://user:secret@example.org/"), Err("URL_INVALID"));
    assert_eq!(code("https://"), Err("URL_INVALID"));
    assert_eq!(code("example.org"), Err("URL_INVALID"));
}
