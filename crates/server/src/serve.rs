//! Connections: accepted up to a limit, with TLS or without, each with a time by which its headers
//! have to be there; and the end, in good order.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use sori_streaming::Conn;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// The whole head of a request, also of the next one on a connection that is kept open.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A head may be this long, a browser's with many cookies has a tenth of it.
const HEAD_BYTES: usize = 64 << 10;
/// After this long, whoever still reads is cut off, so that the server ends within half a minute.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// When the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What the settings say of connections.
#[derive(Clone, Copy)]
pub(crate) struct Sockets {
    pub(crate) most: usize,
    pub(crate) send_buffer_bytes: Option<usize>,
}

/// Serves until `stop`, then lets running answers end.
pub(crate) async fn run(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    sockets: Sockets,
    stop: impl Future<Output = ()>,
) {
    let (open, closing) = (TaskTracker::new(), CancellationToken::new());
    let slots = Arc::new(Semaphore::new(sockets.most));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        sori_streaming::tune(&stream, sockets.send_buffer_bytes);
        let (router, tls, closing) = (router.clone(), tls.clone(), closing.clone());
        open.spawn(async move {
            connection(stream, peer, router, tls, closing).await;
            drop(slot);
        });
    }
    drop(listener);
    closing.cancel();
    open.close();
    if timeout(LAST_ANSWERS_WITHIN, open.wait()).await.is_err() {
        tracing::warn!("some answers were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    closing: CancellationToken,
) {
    match tls {
        None => answer(Conn::plain(stream), peer, router, closing).await,
        Some(tls) => match timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
            Ok(Ok(stream)) => answer(Conn::through(stream), peer, router, closing).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS 1.3 handshake"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: Conn<S>,
    peer: SocketAddr,
    router: Router,
    closing: CancellationToken,
) {
    let wire = stream.wire();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(wire.clone());
        let answered = router.clone().oneshot(request.map(Body::new));
        async move { answered.await.map_err(|never: Infallible| never) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}
