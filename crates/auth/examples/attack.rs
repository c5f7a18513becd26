//! Signing in while others guess: `cargo run --release -p sori-auth --example attack [seconds]`.
//!
//! A thousand wrong passwords a second, from 2,000 addresses, half of them on four accounts and half on
//! addresses without one, while the owners sign in from where they were before, and four others from addresses that nobody knows.
//! Prints rows for a Markdown table.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sori_auth::{
    Actor, Auth, AuthConfig, AuthFault, Device, Email, MIGRATIONS, NewAccount, Password, RootKey, Status,
};
use sori_contracts::Role;

const PASSWORD: &str = "blue tram 44 sings";
const PER_SECOND: u32 = 1_000;

#[derive(Default)]
struct Counts {
    hashed: AtomicU64,
    slowed: AtomicU64,
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(30);
    let database = sori_db::testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.expect("the tables are made");
    let config = AuthConfig::new(RootKey::new([1; 32]).into());
    let auth = Auth::new(database.db.clone(), config).await.expect("accounts open");
    for n in 0..8 {
        auth.accounts().make(owner(n), Actor::OPERATOR).await.expect("an account is made");
    }
    for n in 0..4 {
        sign_in(&auth, &email(n), PASSWORD, home(n)).await.expect("the owner was here before");
    }
    let before_kib = memory_kib();
    let end = Instant::now() + Duration::from_secs(seconds);
    let counts = Arc::new(Counts::default());
    let (peak_kib, known, new, ()) = tokio::join!(
        watch_memory(end),
        come_in(&auth, end, 0, |n, _| home(n)),
        come_in(&auth, end, 4, |_, turn| Ipv4Addr::from(0xC633_6400 + turn).into()),
        attack(&auth, end, Arc::clone(&counts)),
    );
    let (hashed, slowed) = (counts.hashed.load(Ordering::Relaxed), counts.slowed.load(Ordering::Relaxed));
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| guesses answered | refused after a hash | slowed down (429) | memory before, peak (MiB) |\n|---|---|---|---|\n\
         | {} | {hashed} | {slowed} | {:.0}, {:.0} |\n\n| who | signed in | turned away | p50 ms | slowest ms |\n|---|---|---|---|---|",
        hashed + slowed,
        before_kib as f64 / 1024.0,
        peak_kib as f64 / 1024.0
    )
    .expect("writes to the terminal");
    for (who, (mut times, refused)) in
        [("owners, from where they were before", known), ("owners, from a new address", new)]
    {
        times.sort_unstable();
        let ms = |place: usize| times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        let (count, middle) = (times.len(), times.len() / 2);
        writeln!(out, "| {who} | {count} | {refused} | {:.0} | {:.0} |", ms(middle), ms(count.max(1) - 1))
            .expect("writes to the terminal");
    }
}

async fn attack(auth: &Auth, end: Instant, counts: Arc<Counts>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut n = 0_u32;
    let guesses = tokio_util::task::TaskTracker::new();
    while Instant::now() < end {
        ticks.tick().await;
        for _ in 0..PER_SECOND / 100 {
            n += 1;
            let (auth, counts) = (auth.clone(), Arc::clone(&counts));
            let address = Ipv4Addr::from(0x0A00_0000 + n.wrapping_mul(2_654_435_761) % 2_000);
            // The first four accounts are under attack by name; the other addresses have none.
            let email = if n.is_multiple_of(2) { email(n / 2 % 4) } else { format!("guess{n}@example.org") };
            guesses.spawn(async move {
                match sign_in(&auth, &email, "not the password", address.into()).await {
                    Err(AuthFault::TooManyTries { .. }) => counts.slowed.fetch_add(1, Ordering::Relaxed),
                    Err(_) => counts.hashed.fetch_add(1, Ordering::Relaxed),
                    Ok(()) => unreachable!("the password is wrong"),
                };
            });
        }
    }
    guesses.close();
    guesses.wait().await;
}

/// Four people who sign in four times a second together.
async fn come_in(
    auth: &Auth,
    end: Instant,
    first: u32,
    from: impl Fn(u32, u32) -> IpAddr,
) -> (Vec<Duration>, u32) {
    let (mut times, mut refused, mut turn) = (Vec::new(), 0, 0);
    while Instant::now() < end {
        let n = turn % 4;
        let began = Instant::now();
        match sign_in(auth, &email(first + n), PASSWORD, from(n, turn)).await {
            Ok(()) => times.push(began.elapsed()),
            Err(_) => refused += 1,
        }
        turn += 1;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    (times, refused)
}

async fn sign_in(auth: &Auth, email: &str, password: &str, address: IpAddr) -> Result<(), AuthFault> {
    auth.sign_in(email, password, Device { name: "bench".into(), address: Some(address) }).await.map(|_| ())
}

async fn watch_memory(end: Instant) -> u64 {
    let mut peak_kib = 0;
    while Instant::now() < end {
        peak_kib = peak_kib.max(memory_kib());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    peak_kib
}

/// Resident, by `/proc`.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn email(n: u32) -> String {
    format!("owner{n}@example.org")
}

fn home(n: u32) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, u8::try_from(n + 1).unwrap_or(1)).into()
}

fn owner(n: u32) -> NewAccount {
    let email = Email::parse(&email(n)).expect("an address");
    NewAccount {
        password: Some(Password::new(PASSWORD, &email, "Owner").expect("a good password")),
        email,
        name: "Owner".into(),
        role: Role::Learner,
        status: Status::Active,
        language: None,
        email_verified: true,
    }
}
