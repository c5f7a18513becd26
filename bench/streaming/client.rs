//! A client on one thread that lets the kernel throw away what comes: so the server is measured.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::ErrorKind,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::net::{RecvFlags, recv};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpSocket, TcpStream},
    task::LocalSet,
};

use crate::Failure;

pub(crate) struct Work {
    pub(crate) address: SocketAddr,
    /// None: every span once.
    pub(crate) time: Option<Duration>,
    pub(crate) connections: usize,
    pub(crate) span_bytes: u64,
    pub(crate) paths: Vec<String>,
    /// A line for every request, such as `Authorization: Bearer …`.
    pub(crate) header: String,
}

/// A listener's pace.
const SLOW_BYTES: usize = 32 << 10;

#[derive(Default)]
struct Tally {
    bytes: u64,
    took: Vec<Duration>,
    /// Of `once`.
    to_do: VecDeque<(usize, u64)>,
}

impl Work {
    pub(crate) async fn load(self) -> Result<String, Failure> {
        let work = Rc::new(self);
        let tally = Rc::new(RefCell::new(Tally::default()));
        let mut sizes = Vec::new();
        let mut probe = Listener::connect(&work, None).await?;
        for path in &work.paths {
            probe.ask(&work, path, 0).await?;
            sizes.push(probe.size_bytes);
            probe.discard().await?;
        }
        for (path, size) in sizes.iter().enumerate().filter(|_| work.time.is_none()) {
            let starts = (0..*size / work.span_bytes).map(|n| (path, n * work.span_bytes));
            tally.borrow_mut().to_do.extend(starts);
        }
        let started = Instant::now();
        let tasks = LocalSet::new();
        for number in 0..work.connections {
            let (work, tally, sizes) = (Rc::clone(&work), Rc::clone(&tally), sizes.clone());
            tasks.spawn_local(async move {
                if let Err(error) = listen(&work, &tally, &sizes, number as u64, started).await {
                    println!("a request failed: {error}");
                    std::process::exit(1);
                }
            });
        }
        tasks.await;
        let seconds = started.elapsed().as_secs_f64();
        let mut tally = tally.borrow_mut();
        tally.took.sort();
        let at =
            |share: f64| tally.took[((tally.took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        Ok(format!(
            r#"{{"bytes":{},"requests":{},"seconds":{seconds:.3},"p50_ms":{:.3},"p99_ms":{:.3}}}"#,
            tally.bytes,
            tally.took.len(),
            at(0.5),
            at(0.99)
        ))
    }

    /// Everybody reads at the pace of a listener until the time is over.
    pub(crate) async fn slow(self) -> Result<String, Failure> {
        let work = Rc::new(self);
        let deadline = Instant::now() + work.time.unwrap_or(Duration::from_secs(6));
        let tally = Rc::new(RefCell::new(Tally::default()));
        let tasks = LocalSet::new();
        for number in 0..work.connections {
            let (work, tally) = (Rc::clone(&work), Rc::clone(&tally));
            tasks.spawn_local(async move {
                let outcome = async {
                    let mut listener = Listener::connect(&work, Some(64 << 10)).await?;
                    let start = number as u64 * 4_096 % (1 << 20);
                    listener.ask(&work, &work.paths[number % work.paths.len()], start).await?;
                    while Instant::now() < deadline {
                        let bytes = listener.discard_some(SLOW_BYTES).await?;
                        tally.borrow_mut().bytes += bytes as u64;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Ok::<(), Failure>(())
                };
                if let Err(error) = outcome.await {
                    println!("a listener failed: {error}");
                    std::process::exit(1);
                }
            });
        }
        tasks.await;
        let bytes = tally.borrow().bytes;
        Ok(format!(r#"{{"bytes":{bytes}}}"#))
    }
}

async fn listen(
    work: &Work,
    tally: &RefCell<Tally>,
    sizes: &[u64],
    seed: u64,
    started: Instant,
) -> Result<(), Failure> {
    let mut listener = Listener::connect(work, None).await?;
    let mut random = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    loop {
        let (path, start) = match work.time {
            Some(time) if started.elapsed() > time => return Ok(()),
            Some(_) => {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let path = (random >> 40) as usize % sizes.len();
                (path, random % (sizes[path] - work.span_bytes))
            }
            None => match tally.borrow_mut().to_do.pop_front() {
                Some(span) => span,
                None => return Ok(()),
            },
        };
        let asked = Instant::now();
        listener.ask(work, &work.paths[path], start).await?;
        listener.discard().await?;
        let mut tally = tally.borrow_mut();
        tally.took.push(asked.elapsed());
        tally.bytes += work.span_bytes;
    }
}

/// One connection that is kept open.
struct Listener {
    stream: TcpStream,
    /// Of the whole file, as the last answer said.
    size_bytes: u64,
    left_bytes: usize,
    scratch: Vec<u8>,
}

impl Listener {
    async fn connect(work: &Work, buffer_bytes: Option<u32>) -> Result<Self, Failure> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(work.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, size_bytes: 0, left_bytes: 0, scratch: vec![0; 1 << 20] })
    }

    /// Until the head of the answer is read.
    async fn ask(&mut self, work: &Work, path: &str, start: u64) -> Result<(), Failure> {
        let line = if work.header.is_empty() { String::new() } else { format!("{}\r\n", work.header) };
        let end = start + work.span_bytes - 1;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{line}Range: bytes={start}-{end}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(4 << 10);
        let (head_end, text) = loop {
            if self.stream.read_buf(&mut head).await? == 0 {
                return Err("the server closed".into());
            }
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break (at + 4, String::from_utf8_lossy(&head[..at]).to_lowercase());
            }
        };
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let size = field("content-range:").and_then(|range| range.rsplit_once('/'));
        let length: Option<usize> = field("content-length:").and_then(|length| length.parse().ok());
        match (size, length) {
            (Some((_, size)), Some(length)) if length as u64 == work.span_bytes => {
                self.size_bytes = size.parse()?;
                self.left_bytes = length - (head.len() - head_end);
                Ok(())
            }
            _ => Err(format!("an unexpected answer: {text}").into()),
        }
    }

    async fn discard(&mut self) -> Result<(), Failure> {
        while self.left_bytes > 0 {
            self.discard_some(usize::MAX).await?;
        }
        Ok(())
    }

    /// On TCP, MSG_TRUNC means: throw it away without copying it.
    async fn discard_some(&mut self, most: usize) -> Result<usize, Failure> {
        let Self { stream, left_bytes, scratch, .. } = self;
        let want = most.min(*left_bytes).min(scratch.len());
        let got = stream
            .async_io(Interest::READABLE, || {
                let (_, count) =
                    recv(&*stream, &mut scratch[..want], RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
                Ok(count)
            })
            .await?;
        if got == 0 && want > 0 {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        *left_bytes -= got;
        Ok(got)
    }
}
