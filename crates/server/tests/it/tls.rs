//! TLS by certificate files.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertifiedKey, KeyPair};
use reqwest::{Certificate, Client, StatusCode, tls::Version};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::TestApp;

/// Writes a certificate for this machine; answers it.
fn write_certificate(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    let _: &KeyPair = &signing_key;
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
    cert.pem()
}

fn client(trusted: &str, min: Version, max: Version) -> Client {
    Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(trusted.as_bytes()).unwrap()])
        .tls_version_min(min)
        .tls_version_max(max)
        .build()
        .unwrap()
}

async fn app(folder: &Path) -> TestApp {
    TestApp::with(|config| {
        config.tls_certificate = Some(folder.join("certificate.pem"));
        config.tls_key = Some(folder.join("key.pem"));
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_3_is_spoken_and_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let app = app(folder.path()).await;
    let url = format!("{}/health", app.base);
    let answer = client(&trusted, Version::TLS_1_3, Version::TLS_1_3).get(&url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");

    let older = client(&trusted, Version::TLS_1_2, Version::TLS_1_2).get(&url).send().await;
    assert!(older.unwrap_err().is_connect());
    let plain = client(&trusted, Version::TLS_1_2, Version::TLS_1_3);
    assert!(plain.get(url.replace("https://", "http://")).send().await.is_err());
    let stranger = write_certificate(tempfile::tempdir().unwrap().path());
    assert!(client(&stranger, Version::TLS_1_3, Version::TLS_1_3).get(&url).send().await.is_err());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_certificate(folder.path());
    let files = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let certificate = sori_server::tls::Certificate::load(&files.0, &files.1).unwrap();
    let watching = tokio::spawn(Arc::clone(&certificate).watch_every(Duration::from_millis(20)));
    let acceptor = certificate.acceptor();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    let is_trusted =
        async |pem: &str| client(pem, Version::TLS_1_3, Version::TLS_1_3).get(&url).send().await.is_ok();
    assert!(is_trusted(&first).await);

    // Half of a pair changes nothing.
    std::fs::write(&files.0, "not a certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(is_trusted(&first).await);

    let second = write_certificate(folder.path());
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_trusted(&second).await {
        assert!(Instant::now() < deadline, "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!is_trusted(&first).await);
    watching.abort();
}

#[test]
fn files_that_do_not_belong_together_are_refused_at_the_start() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_certificate(one.path());
    write_certificate(other.path());
    let certificate = one.path().join("certificate.pem");
    let load = |key: &Path| sori_server::tls::Certificate::load(&certificate, key).map(drop);
    assert!(load(&one.path().join("key.pem")).is_ok());
    assert!(load(&other.path().join("key.pem")).is_err());
    assert!(load(&one.path().join("absent.pem")).is_err());
}
