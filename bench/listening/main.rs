//! How long a position takes from one device to another, from the moment it is handed to the sender's
//! socket to the moment the other device has it: saved durably, then pushed. Both engines, within one
//! process and between two that share a database. `cargo run --release -p sori-listening --example sync_bench`

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use axum::{
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sori_captions::Captions;
use sori_contracts::{
    AccountId, Caller, Cancel, Content, ContentId, ContentKind, Contents, Credential, Fault, JobId, LineId,
    MediaId, Member, NewJob, OpenStream, Role, Scopes, ScriptId, StreamId, StreamSessions,
};
use sori_db::{Db, DbError, JobQueue, Tx, testing};
use sori_listening::{
    CHECK_EVERY, Clip, Cut, Cutter, LineSpan, Lines, Listening, ListeningParts, MIGRATIONS,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const ROUNDS: usize = 200;
const MUST_MS: f64 = 500.0;

/// Where every content is an hour long, and nothing else is asked for.
struct World;

#[async_trait]
impl Contents for World {
    async fn content(&self, _caller: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>> {
        Ok(Content {
            id,
            kind: ContentKind::Audio,
            title: String::new(),
            owner: None,
            duration_ms: Some(3_600_000),
            files: Vec::new(),
            script: None,
            rendering: None,
            show: None,
            alternative: None,
        })
    }

    async fn next(&self, _caller: &Caller, _id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>> {
        Ok(None)
    }
}

#[async_trait]
impl StreamSessions for World {
    async fn heard_from(
        &self,
        _: &Caller,
        id: StreamId,
        _: Option<bool>,
    ) -> Result<OpenStream, Box<dyn Fault>> {
        Ok(OpenStream { id, content: ContentId(id.0), device: None })
    }
}

#[async_trait]
impl Lines for World {
    async fn line(&self, _: &Caller, line: LineId) -> Result<LineSpan, Box<dyn Fault>> {
        Ok(LineSpan { script: ScriptId(line.0), start_ms: None, end_ms: None })
    }
}

#[async_trait]
impl Cutter for World {
    async fn cut(&self, _: &Content, clip: &Clip, _: &Cancel) -> Result<Cut, Box<dyn Fault>> {
        Ok(Cut { duration_ms: clip.end_ms - clip.start_ms, files: Vec::new() })
    }

    async fn captions(&self, _: &Caller, _: &Content) -> Result<Option<Captions>, Box<dyn Fault>> {
        Ok(None)
    }

    async fn discard(&self, _: MediaId) -> Result<(), Box<dyn Fault>> {
        Ok(())
    }
}

#[async_trait]
impl JobQueue for World {
    async fn enqueue(&self, _: &mut Tx, _: NewJob) -> Result<JobId, DbError> {
        Ok(JobId::generate())
    }

    async fn enqueue_now(&self, _: NewJob) -> Result<JobId, DbError> {
        Ok(JobId::generate())
    }
}

/// Everybody is the account that the header names.
async fn introduce(mut request: Request, next: Next) -> Response {
    let account = request.headers()["x-account"].to_str().expect("a name").parse().expect("an id");
    request.extensions_mut().insert(Caller::Account(Member {
        account,
        role: Role::Learner,
        scopes: Scopes::all(),
        credential: Credential::External,
    }));
    next.run(request).await
}

async fn serve(url: &str) -> String {
    let world = Arc::new(World);
    let listening = Listening::new(ListeningParts {
        db: Db::open(url).await.expect("the database opens"),
        contents: Arc::clone(&world) as _,
        sessions: Arc::clone(&world) as _,
        lines: Arc::clone(&world) as _,
        cutter: Arc::clone(&world) as _,
        queue: world,
        check_every: CHECK_EVERY,
    });
    let (router, _) = listening.routes().split_for_parts();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router.layer(from_fn(introduce))).await });
    format!("ws://{address}/api/sync")
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(url: &str, account: AccountId, device: &str) -> Socket {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let mut request = format!("{url}?device_id={device}").into_client_request().expect("a request");
    request.headers_mut().insert("x-account", account.to_string().parse().expect("a header"));
    let (mut socket, _) = connect_async(request).await.expect("a socket");
    until(&mut socket, "state").await;
    socket
}

async fn until(socket: &mut Socket, kind: &str) {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message
            && serde_json::from_str::<Value>(&text).is_ok_and(|value| value["type"] == kind)
        {
            return;
        }
    }
    panic!("the socket closed before {kind}");
}

/// Whether it was quick enough.
async fn measure(name: &str, from: &str, to: &str) -> bool {
    let (account, content) = (AccountId::generate(), ContentId::generate());
    let (mut phone, mut laptop) = (open(from, account, "phone").await, open(to, account, "laptop").await);
    let mut took_ms = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let said = json!({ "type": "progress", "content_id": content, "position_ms": round * 10_000 % 3_600_000,
            "base_version": round, "seek": true, "playing": true });
        let begun = Instant::now();
        phone.send(Message::text(said.to_string())).await.expect("sent");
        until(&mut laptop, "progress").await;
        took_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        until(&mut phone, "saved").await;
        // What one socket may say: ten a second.
        tokio::time::sleep(std::time::Duration::from_millis(105)).await;
    }
    took_ms.sort_by(f64::total_cmp);
    let at = |share: f64| took_ms[((took_ms.len() - 1) as f64 * share) as usize];
    let mut out = std::io::stdout().lock();
    let _ = std::io::Write::write_fmt(
        &mut out,
        format_args!(
            "{name:<34} median {:>6.1} ms   p99 {:>6.1} ms   most {:>6.1} ms\n",
            at(0.5),
            at(0.99),
            at(1.0)
        ),
    );
    at(0.99) <= MUST_MS
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let mut is_quick = true;
    for (engine, database) in
        ["SQLite", "PostgreSQL"].into_iter().zip(testing::databases(&[MIGRATIONS]).await)
    {
        let (here, there) = (serve(&database.url).await, serve(&database.url).await);
        is_quick &= measure(&format!("{engine}, one process"), &here, &here).await;
        is_quick &= measure(&format!("{engine}, two processes"), &here, &there).await;
    }
    if is_quick { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
