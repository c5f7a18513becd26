//! Measures of the API by the true binary, as Markdown: `api_bench PATH/TO/sori [accept|login]...`.
//!
//! accept  `POST /v1/synthesize` of ten lines, as fast as 16 connections go, then kill -9: how many
//!         were accepted in a second, how long each took, and whether every one of them is there
//! login   a thousand wrong passwords a second for half a minute: how long others wait to sign in
//!
//! Exits with 1 when a measure is missed.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(sori) = arguments.next().map(PathBuf::from) else {
        say("usage: api_bench PATH/TO/sori [accept|login]...");
        return ExitCode::from(2);
    };
    let mut parts: Vec<String> = arguments.collect();
    if parts.is_empty() {
        parts = vec!["accept".into(), "login".into()];
    }
    let mut met = true;
    for part in parts {
        let outcome = match part.as_str() {
            "accept" => accept(&sori).await,
            "login" => login(&sori).await,
            other => Err(format!("no part called {other}").into()),
        };
        match outcome {
            Ok(is_met) => met &= is_met,
            Err(error) => {
                say(&format!("{part}: {error}"));
                met = false;
            }
        }
    }
    ExitCode::from(u8::from(!met))
}

#[expect(clippy::print_stdout, reason = "a table for docs/benchmarks.md")]
fn say(text: &str) {
    println!("{text}");
}

/// The server as a process of its own.
struct Server {
    sori: PathBuf,
    folder: tempfile::TempDir,
    address: SocketAddr,
    settings: Vec<(&'static str, String)>,
    child: Child,
}

const EMAIL: &str = "bench@example.org";
const PASSWORD: &str = "a bench has four legs";

impl Server {
    /// With an admin, and limits that do not come first.
    async fn start(sori: &PathBuf, settings: &[(&'static str, &str)]) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let child = spawn(sori, folder.path(), address, &settings)?;
        let server = Self { sori: sori.clone(), folder, address, settings, child };
        server.ready().await?;
        server.set_up().await?;
        Ok(server)
    }

    /// Makes the admin by the link that the server prints.
    async fn set_up(&self) -> Result<(), Failure> {
        let log = self.folder.path().join("bench.log");
        let deadline = Instant::now() + Duration::from_secs(10);
        let token = loop {
            let text = std::fs::read_to_string(&log)?;
            if let Some((_, rest)) = text.split_once("setup?token=") {
                break rest.split_whitespace().next().unwrap_or_default().to_owned();
            }
            if Instant::now() > deadline {
                return Err("the server shows no link for the first admin".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let client = Client::builder().no_proxy().build()?;
        let body = json!({"token": token, "email": EMAIL, "password": PASSWORD, "name": "Bench"});
        let answer = client.post(self.url("/api/auth/setup")).json(&body).send().await?;
        if !answer.status().is_success() {
            return Err(format!("the admin could not be made: {}", answer.text().await?).into());
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), Failure> {
        let client = Client::builder().no_proxy().build()?;
        let deadline = Instant::now() + Duration::from_secs(60);
        while client.get(self.url("/health")).send().await.is_err() {
            if Instant::now() > deadline {
                return Err("the server does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// kill -9, and the same again on the same data.
    async fn die_and_rise(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(&self.sori, self.folder.path(), self.address, &self.settings)?;
        self.ready().await
    }

    async fn token(&self) -> Result<String, Failure> {
        let client = Client::builder().no_proxy().build()?;
        let (status, body) = sign_in(&client, self, PASSWORD).await?;
        let token = body["access_token"].as_str().ok_or_else(|| format!("sign-in: {status} {body}"))?;
        Ok(token.to_owned())
    }

    fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    sori: &PathBuf,
    data: &std::path::Path,
    address: SocketAddr,
    settings: &[(&'static str, String)],
) -> Result<Child, Failure> {
    let log = std::fs::File::create(data.join("bench.log"))?;
    let output = log.try_clone()?;
    Ok(Command::new(sori)
        .args(["serve", "--no-demo", "--listen", &address.to_string(), "--data-dir"])
        .arg(data)
        .env("RUST_LOG", "warn")
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .stdout(output)
        .stderr(log)
        .spawn()?)
}

async fn sign_in(client: &Client, server: &Server, password: &str) -> Result<(StatusCode, Value), Failure> {
    let body = json!({"email": EMAIL, "password": password});
    let answer = client.post(server.url("/api/auth/sign-in")).json(&body).send().await?;
    let status = answer.status();
    Ok((status, answer.json().await.unwrap_or_default()))
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}

const NO_LIMITS: &[(&str, &str)] =
    &[("SORI_LIMITS_SYNTH", "10000000"), ("SORI_LIMITS_READ", "10000000"), ("SORI_LIMITS_WRITE", "10000000")];
const CONNECTIONS: u64 = 16;
const ACCEPT_FOR: Duration = Duration::from_secs(10);
const MUST_ACCEPT: f64 = 500.0;
const MUST_P95_MS: f64 = 50.0;

async fn accept(sori: &PathBuf) -> Result<bool, Failure> {
    let mut server = Server::start(sori, NO_LIMITS).await?;
    let token = server.token().await?;
    let lines: Vec<Value> = (0..10)
        .map(|n| json!({"speaker_id": "tone:440", "text": format!("This is line number {n} of a script.")}))
        .collect();
    // Low priority: what is measured is the acceptance, and one worker renders beside it.
    let body = json!({"script": lines, "output_format": "wav", "priority": "low"}).to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = Client::builder().no_proxy().pool_max_idle_per_host(1).build()?;
        let request = client
            .post(server.url("/v1/synthesize"))
            .bearer_auth(&token)
            .header("content-type", "application/json")
            .body(body.clone())
            .build()?;
        let stop = Arc::clone(&stop);
        senders.push(tokio::spawn(async move {
            let (mut times, mut ids, mut refused) = (Vec::new(), Vec::new(), 0_u64);
            while !stop.load(Ordering::Relaxed) {
                let Some(request) = request.try_clone() else { break };
                let sent = Instant::now();
                let Ok(answer) = client.execute(request).await else { break };
                if answer.status() != StatusCode::ACCEPTED {
                    refused += 1;
                    continue;
                }
                let Ok(body) = answer.json::<Value>().await else { break };
                times.push(sent.elapsed());
                ids.extend(body["job_id"].as_str().map(str::to_owned));
            }
            (times, ids, refused)
        }));
    }
    tokio::time::sleep(ACCEPT_FOR).await;
    // In the midst of it: what was answered has to be there, whatever was under way.
    let elapsed = begun.elapsed();
    server.die_and_rise().await?;
    stop.store(true, Ordering::Relaxed);
    let (mut times, mut ids, mut refused) = (Vec::new(), BTreeSet::new(), 0);
    for sender in senders {
        let (more, named, no) = sender.await?;
        times.extend(more);
        ids.extend(named);
        refused += no;
    }
    times.sort_unstable();
    let token = server.token().await?;
    let lost = missing(&server, &token, ids.clone()).await?;
    let rate = times.len() as f64 / elapsed.as_secs_f64();
    let p95 = percentile(&times, 95);
    say(
        "| accepted in a second | p50 | p95 | p99 | refused | lost at kill -9 | must |\n|---|---|---|---|---|---|---|",
    );
    say(&format!(
        "| {rate:.0} | {:.1} ms | {p95:.1} ms | {:.1} ms | {refused} | {lost} of {} | >= {MUST_ACCEPT} at p95 <= {MUST_P95_MS} ms, 0 lost |",
        percentile(&times, 50),
        percentile(&times, 99),
        ids.len(),
    ));
    Ok(rate >= MUST_ACCEPT && p95 <= MUST_P95_MS && lost == 0 && refused == 0)
}

/// How many of the accepted are not in the list of jobs.
async fn missing(server: &Server, token: &str, mut ids: BTreeSet<String>) -> Result<usize, Failure> {
    let client = Client::builder().no_proxy().build()?;
    let mut cursor = String::new();
    loop {
        let url = server.url(&format!("/v1/jobs?limit=200{cursor}"));
        let page: Value = client.get(url).bearer_auth(token).send().await?.json().await?;
        let items = page["items"].as_array().ok_or_else(|| format!("no list of jobs: {page}"))?;
        for job in items {
            ids.remove(job["id"].as_str().unwrap_or_default());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(ids.len()),
        }
    }
}

const ATTACK_FOR: Duration = Duration::from_secs(30);
const ATTACKERS: u8 = 50;
const ATTACKS_PER_SECOND: u64 = 1_000;
const MUST_SIGN_IN_MS: f64 = 1_000.0;
const MUST_GROW_KB: u64 = 64 * 1024;

/// Attackers come from addresses of their own, as those of a botnet do; so does the one who knows the
/// password.
async fn login(sori: &PathBuf) -> Result<bool, Failure> {
    let server = Arc::new(Server::start(sori, &[("SORI_LIMITS_SIGN_IN", "120")]).await?);
    let client =
        Client::builder().no_proxy().local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 2, 1))).build()?;
    // They were here before, as most who sign in: see the accounts block's guard for those who were not.
    sign_in(&client, &server, PASSWORD).await?;
    let before_kb = server.resident_kb();
    let (sent, slowed, checked) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let counts = Arc::new((sent, slowed, checked));
    let until = Instant::now() + ATTACK_FOR;
    let mut attackers = Vec::new();
    for attacker in 0..ATTACKERS {
        let address = Ipv4Addr::new(127, 0, 1, attacker + 1);
        let client = Client::builder().no_proxy().local_address(IpAddr::V4(address)).build()?;
        let (server, counts) = (Arc::clone(&server), Arc::clone(&counts));
        attackers.push(tokio::spawn(async move {
            let every = Duration::from_micros(1_000_000 * u64::from(ATTACKERS) / ATTACKS_PER_SECOND);
            let mut clock = tokio::time::interval(every);
            let mut tries = tokio::task::JoinSet::new();
            while Instant::now() < until {
                clock.tick().await;
                let (client, server, counts) = (client.clone(), Arc::clone(&server), Arc::clone(&counts));
                tries.spawn(async move {
                    counts.0.fetch_add(1, Ordering::Relaxed);
                    match sign_in(&client, &server, "wrong password").await {
                        Ok((StatusCode::TOO_MANY_REQUESTS, _)) => counts.1.fetch_add(1, Ordering::Relaxed),
                        Ok((StatusCode::UNAUTHORIZED, _)) => counts.2.fetch_add(1, Ordering::Relaxed),
                        _ => 0,
                    }
                });
            }
            while tries.join_next().await.is_some() {}
        }));
    }
    let (mut times, mut failed, mut peak_kb) = (Vec::new(), 0, before_kb);
    while Instant::now() < until {
        let begun = Instant::now();
        match sign_in(&client, &server, PASSWORD).await {
            Ok((StatusCode::OK, _)) => times.push(begun.elapsed()),
            _ => failed += 1,
        }
        peak_kb = peak_kb.max(server.resident_kb());
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed())).await;
    }
    for attacker in attackers {
        attacker.await?;
    }
    times.sort_unstable();
    let worst = percentile(&times, 100);
    let grown_kb = peak_kb.saturating_sub(before_kb);
    say(
        "| wrong passwords | checked | slowed (429) | right ones answered | p50 | worst | failed | memory grew by | must |\n|---|---|---|---|---|---|---|---|---|",
    );
    say(&format!(
        "| {} | {} | {} | {} | {:.0} ms | {worst:.0} ms | {failed} | {} MB | < {MUST_SIGN_IN_MS} ms, memory flat |",
        counts.0.load(Ordering::Relaxed),
        counts.2.load(Ordering::Relaxed),
        counts.1.load(Ordering::Relaxed),
        times.len(),
        percentile(&times, 50),
        grown_kb / 1024,
    ));
    Ok(failed == 0 && !times.is_empty() && worst < MUST_SIGN_IN_MS && grown_kb < MUST_GROW_KB)
}
