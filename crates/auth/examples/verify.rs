//! What it costs to know who sends a request: `cargo run --release -p sori-auth --example verify`.
//! Prints rows for a Markdown table, on a SQLite file of its own.

use std::{
    hint::black_box,
    io::Write as _,
    time::{Duration, Instant},
};

use sori_auth::{
    Actor, Auth, AuthConfig, Device, Email, MIGRATIONS, NewAccount, NewKey, Policy, RootKey, Status,
};
use sori_contracts::{Identity, Presented, Role, Scope};

const ROUNDS: usize = 20_000;

#[tokio::main]
async fn main() {
    let database = sori_db::testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.expect("the tables are made");
    let config = AuthConfig::new(RootKey::new([1; 32]).into());
    let auth = Auth::new(database.db.clone(), config).await.expect("accounts open");
    let account = auth.accounts().make(somebody(), Actor::OPERATOR).await.expect("an account is made");
    let open = || auth.sessions().open(&account, Device::default());

    let cached = open().await.expect("signs in").access_token;
    let mut fresh = Vec::new();
    for _ in 0..2_000 {
        fresh.push(open().await.expect("signs in").access_token);
    }
    let scopes = Scope::ALL.into_iter().collect();
    let new = NewKey { name: "bench".into(), scopes, policy: Policy::Bearer, expires_at_ms: None };
    let (_, key) = auth.api_keys().create(account.id, new, Actor::OPERATOR).await.expect("a key is made");

    let mut out = std::io::stdout();
    let mut row = |what: &str, mut times: Vec<Duration>| {
        times.sort_unstable();
        let us = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        let mean_us = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len() as f64;
        writeln!(out, "| {what} | {mean_us:.1} | {:.1} | {:.1} | {:.1} |", us(0.5), us(0.95), us(0.99))
            .expect("writes to the terminal");
    };
    row("access token, first time", measure(&auth, fresh.iter().map(String::as_str)).await);
    row("access token, cached", measure(&auth, std::iter::repeat_n(cached.as_str(), ROUNDS)).await);
    row("API key, cached", measure(&auth, std::iter::repeat_n(key.as_str(), ROUNDS)).await);
}

async fn measure<'a>(auth: &Auth, tokens: impl Iterator<Item = &'a str>) -> Vec<Duration> {
    let mut times = Vec::new();
    for token in tokens {
        let began = Instant::now();
        let member = auth.identify(Presented::Bearer(token)).await;
        times.push(began.elapsed());
        assert!(black_box(member).is_ok());
    }
    times
}

fn somebody() -> NewAccount {
    NewAccount {
        email: Email::parse("bench@example.org").expect("an address"),
        name: "Bench".into(),
        password: None,
        role: Role::Teacher,
        status: Status::Active,
        language: None,
        email_verified: true,
    }
}
