//! The block alone: connections, ranges, bodies, byte counting. No accounts.

use std::{convert::Infallible, fs::File, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use sori_contracts::{MediaFault, MediaFiles, MediaId, StoredMedia};
use sori_http::Problem;
use sori_streaming::{Asked, Conn, SendMode, Streaming, tune};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::Failure;

struct Folder(PathBuf);

#[async_trait]
impl MediaFiles for Folder {
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, File), MediaFault> {
        let file = File::open(self.0.join(id.to_string())).map_err(|_| MediaFault::NotFound(id))?;
        let length = file.metadata().map_err(|error| MediaFault::from_io("looking at a file", error))?.len();
        let media = StoredMedia {
            id,
            content_type: "audio/mpeg".into(),
            size_bytes: length,
            sha256: id.0.simple().to_string(),
            created_at_ms: 0,
        };
        Ok((media, file))
    }
}

pub(crate) fn run(folder: PathBuf, mode: &str, port: u16) -> Result<(), Failure> {
    let mode =
        SendMode::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(mode))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async move {
        let streaming = Streaming::new(Arc::new(Folder(folder)), mode);
        let router = Router::new().route("/{id}", get(object)).with_state(streaming);
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tune(&stream, Some(512 << 10));
            tokio::spawn(connection(Conn::plain(stream), router.clone()));
        }
    })
}

async fn object(
    State(streaming): State<Streaming>,
    Path(id): Path<MediaId>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(streaming.answer(id, asked).await?)
}

async fn connection(connection: Conn<tokio::net::TcpStream>, router: Router) {
    let wire = connection.wire();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(wire.clone());
        let answered = router.clone().oneshot(request.map(Body::new));
        async move { answered.await.map_err(|never: Infallible| never) }
    });
    let _ended = http1::Builder::new()
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}
