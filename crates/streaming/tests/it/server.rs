//! A server of a few objects on a free port, served as the product does, and a client that sees
//! every byte.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use sori_contracts::{MediaFault, MediaFiles, MediaId, StoredMedia};
use sori_http::Problem;
use sori_streaming::{Asked, Conn, SendMode, Streaming, tune};
use tokio::{io::duplex, net::TcpListener, runtime::Runtime};
use tower::ServiceExt;

pub(crate) const MODES: [SendMode; 4] = [SendMode::Auto, SendMode::Mmap, SendMode::Sendfile, SendMode::Read];
/// Sat, 21 Nov 2026 04:00:00.123 GMT.
pub(crate) const MADE_MS: i64 = 1_795_233_600_123;
pub(crate) const MADE: &str = "Sat, 21 Nov 2026 04:00:00 GMT";
pub(crate) const KIND: &str = "audio/mpeg";

/// Objects in a folder that the test can reach behind the server's back.
#[derive(Default)]
struct Files(Mutex<HashMap<MediaId, (StoredMedia, PathBuf)>>);

#[async_trait]
impl MediaFiles for Files {
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, File), MediaFault> {
        let found = self.0.lock().unwrap().get(&id).cloned();
        let (media, path) = found.ok_or(MediaFault::NotFound(id))?;
        let file = File::open(path).map_err(|_| MediaFault::Unavailable(id))?;
        Ok((media, file))
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) streaming: Streaming,
    files: Arc<Files>,
    folder: tempfile::TempDir,
    /// Each connection holds one more.
    connections: std::sync::Weak<()>,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn new(mode: SendMode) -> Self {
        Self::with_patience(mode, Duration::from_secs(60))
    }

    pub(crate) fn with_patience(mode: SendMode, patience: Duration) -> Self {
        Self::start(mode, move |stream, router| async move {
            answer(Conn::plain(stream).with_patience(patience), router).await;
        })
    }

    /// As behind TLS: what is written is not what the socket sends.
    pub(crate) fn through_something() -> Self {
        Self::start(SendMode::Auto, |mut stream, router| async move {
            let (near, mut far) = duplex(10_000);
            let answering = tokio::spawn(answer(Conn::through(near), router));
            let _ended = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
            answering.abort();
        })
    }

    fn start<F>(
        mode: SendMode,
        connection: impl Fn(tokio::net::TcpStream, Router) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Runtime::new().unwrap();
        let files = Arc::new(Files::default());
        let streaming = {
            let _entered = runtime.enter();
            Streaming::new(Arc::<Files>::clone(&files), mode)
        };
        let router = Router::new().route("/{id}", get(object)).with_state(streaming.clone());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let one = Arc::new(());
        let connections = Arc::downgrade(&one);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tune(&stream, Some(512 << 10));
                let (held, answered) = (Arc::clone(&one), connection(stream, router.clone()));
                tokio::spawn(async move {
                    answered.await;
                    drop(held);
                });
            }
        });
        let folder = tempfile::tempdir().unwrap();
        Self { address, streaming, files, folder, connections, runtime: Some(runtime) }
    }

    /// Answers its path and its entity tag.
    pub(crate) fn put(&self, content: &[u8]) -> (String, String) {
        let id = MediaId::generate();
        let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let tag = format!("\"{sha256}\"");
        let size_bytes = content.len() as u64;
        let media = StoredMedia { id, content_type: KIND.into(), size_bytes, sha256, created_at_ms: MADE_MS };
        let path = self.file_of(&format!("/{}", id.0));
        std::fs::write(&path, content).unwrap();
        self.files.0.lock().unwrap().insert(id, (media, path));
        (format!("/{}", id.0), tag)
    }

    pub(crate) fn file_of(&self, path: &str) -> PathBuf {
        self.folder.path().join(&path[1..])
    }

    /// Connections that are served, and descriptors of this process that lead to the server's files.
    pub(crate) fn open(&self) -> (usize, usize) {
        let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let files = targets.filter(|target| target.starts_with(self.folder.path())).count();
        (self.connections.strong_count() - 1, files)
    }

    /// As the store deletes.
    pub(crate) fn delete(&self, path: &str) {
        std::fs::remove_file(self.file_of(path)).unwrap();
        self.files.0.lock().unwrap().retain(|id, _| format!("/{}", id.0) != path);
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(BufReader::new(stream))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn object(
    State(streaming): State<Streaming>,
    Path(id): Path<MediaId>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(streaming.answer(id, asked).await?.into_response())
}

pub(crate) async fn answer<S>(connection: Conn<S>, router: Router)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let wire = connection.wire();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(wire.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let _ended = http1::Builder::new()
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// One connection that is kept open.
pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.iter().filter(|(known, _)| known == name);
        let value = lines.next().map(|(_, value)| value.as_str());
        assert!(lines.next().is_none(), "{name} is there twice");
        value
    }
}

impl Client {
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers);
        self.receive(method)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    pub(crate) fn receive(&mut self, method: &str) -> Answer {
        let mut answer = self.receive_head();
        let has_body = method != "HEAD" && answer.status != 304;
        let length = answer.header("content-length").filter(|_| has_body).map_or(0, |n| n.parse().unwrap());
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }

    pub(crate) fn receive_head(&mut self) -> Answer {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => return Answer { status, headers, body: Vec::new() },
            }
        }
    }

    /// What comes until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset ends it as well as a close.
        let _ended = self.0.read_to_end(&mut bytes);
        bytes
    }
}

/// No two places of it look alike.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 8).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
