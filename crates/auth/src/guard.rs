//! Slows down whoever guesses passwords.
//!
//! Tries are counted when they begin, by address and by account, so that a thousand at once are a
//! thousand. After the free ones each costs a pause that doubles. Someone who signed in from the same
//! address before is counted apart: a stranger who guesses at an account cannot lock out its owner.
//!
//! In memory, per process, in a table of fixed size: several processes together allow a few tries
//! more.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use sori_http::ClientAddress;

use crate::{AuthFault, Clock, password::lanes::Standing, random};

/// Counted by line (see [`ClientAddress::line`]): behind one may be a school.
const ADDRESS: Rule = Rule { free: 20, longest_pause_ms: 15 * 60 * 1000 };
const KNOWN: Rule = Rule { free: 10, longest_pause_ms: 15 * 60 * 1000 };
/// Strangers together, for one account. Short, since it also stops an owner on a new device.
const ACCOUNT: Rule = Rule { free: 10, longest_pause_ms: 30 * 1000 };
/// Failures are forgotten after so long without another.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// About 10 MB at the most; the least used are forgotten first.
const REMEMBERED: u64 = 50_000;

#[derive(Clone, Copy)]
struct Rule {
    free: u32,
    longest_pause_ms: i64,
}

#[derive(Default)]
struct Tries {
    count: u32,
    blocked_until_ms: i64,
}

#[derive(Clone)]
pub(crate) struct Guard {
    tries: Cache<[u8; 16], Arc<Mutex<Tries>>>,
    clock: Clock,
}

/// A try under way. Without [`Attempt::succeeded`] it was a failure.
#[derive(Debug)]
pub(crate) struct Attempt {
    keys: Vec<[u8; 16]>,
    standing: Standing,
}

impl Attempt {
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }
}

impl Guard {
    #[must_use]
    pub(crate) fn new(clock: Clock) -> Self {
        Self::remembering(REMEMBERED, clock)
    }

    fn remembering(most: u64, clock: Clock) -> Self {
        let tries = Cache::builder().max_capacity(most).time_to_idle(FORGOTTEN_AFTER).build();
        Self { tries, clock }
    }

    /// Whether this address may try at all; asked before anything is looked up.
    pub(crate) fn admits(&self, address: Option<IpAddr>) -> Result<(), AuthFault> {
        let Some(address) = address else { return Ok(()) };
        match self.tries.get(&key("address", &line(address))) {
            Some(tries) => self.wait(&lock(&tries)),
            None => Ok(()),
        }
    }

    /// Begins a try. `is_known`: the account signed in from this address before.
    pub(crate) fn begin(
        &self,
        address: Option<IpAddr>,
        account: &str,
        is_known: bool,
    ) -> Result<Attempt, AuthFault> {
        let mut counted = Vec::new();
        if let Some(address) = address {
            counted.push((key("address", &line(address)), ADDRESS));
            if is_known {
                counted.push((key("known", &format!("{}\n{account}", line(address))), KNOWN));
            }
        }
        if !is_known || counted.is_empty() {
            counted.push((key("account", account), ACCOUNT));
        }
        let mut failures = 0;
        for (key, rule) in &counted {
            failures = failures.max(self.count(*key, *rule)?);
        }
        let standing = if is_known && failures < KNOWN.free {
            Standing::KNOWN
        } else {
            Standing::after_failures(failures)
        };
        Ok(Attempt { keys: counted.into_iter().map(|(key, _)| key).collect(), standing })
    }

    /// The try was none, and so were the owner's own before it.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        for (place, key) in attempt.keys.iter().enumerate() {
            let Some(tries) = self.tries.get(key) else { continue };
            let mut tries = lock(&tries);
            // Who has an account must not wipe out what else comes from the same line.
            tries.count =
                if place == 0 && attempt.keys.len() > 1 { tries.count.saturating_sub(1) } else { 0 };
        }
    }

    /// The password was not even compared. The account has not been guessed at, or owners who come while
    /// everything is busy would make it worse for themselves; the line has knocked all the same.
    pub(crate) fn turned_away(&self, attempt: &Attempt) {
        let is_line = |place| place == 0 && attempt.keys.len() > 1;
        for (place, key) in attempt.keys.iter().enumerate() {
            if let Some(tries) = self.tries.get(key).filter(|_| !is_line(place)) {
                let mut tries = lock(&tries);
                tries.count = tries.count.saturating_sub(1);
            }
        }
    }

    /// Counts one more and answers how many there were.
    fn count(&self, key: [u8; 16], rule: Rule) -> Result<u32, AuthFault> {
        let tries = self.tries.get_with(key, Arc::default);
        let mut tries = lock(&tries);
        self.wait(&tries)?;
        let before = tries.count;
        tries.count = before.saturating_add(1);
        if let Some(over) = tries.count.checked_sub(rule.free).filter(|over| *over > 0) {
            let pause_ms = (1000_i64 << (over - 1).min(20)).min(rule.longest_pause_ms);
            tries.blocked_until_ms = self.clock.now_ms() + pause_ms;
        }
        Ok(before)
    }

    fn wait(&self, tries: &Tries) -> Result<(), AuthFault> {
        let wait_ms = tries.blocked_until_ms - self.clock.now_ms();
        match u64::try_from(wait_ms) {
            Ok(wait_ms @ 1..) => Err(AuthFault::TooManyTries { retry_after_s: wait_ms.div_ceil(1000) }),
            _ => Ok(()),
        }
    }
}

fn line(address: IpAddr) -> String {
    ClientAddress(address).line().to_string()
}

/// Hashed, so that no list of addresses and accounts lies in memory.
fn key(kind: &str, who: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&random::sha256(format!("{kind}\n{who}").as_bytes())[..16]);
    key
}

fn lock(tries: &Mutex<Tries>) -> std::sync::MutexGuard<'_, Tries> {
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Scene {
        guard: Guard,
        now_ms: Arc<AtomicI64>,
    }

    fn scene() -> Scene {
        let now_ms = Arc::new(AtomicI64::new(1_000_000));
        let clock = Arc::clone(&now_ms);
        Scene { guard: Guard::new(Clock::new(move || clock.load(Ordering::Relaxed))), now_ms }
    }

    impl Scene {
        #[track_caller]
        fn fails(&self, address: &str, account: &str, is_known: bool, times: u32) {
            for _ in 0..times {
                self.guard.begin(Some(address.parse().unwrap()), account, is_known).expect("still free");
            }
        }

        fn wait_s(&self, address: &str, account: &str, is_known: bool) -> u64 {
            match self.guard.begin(Some(address.parse().unwrap()), account, is_known) {
                Ok(_) => 0,
                Err(AuthFault::TooManyTries { retry_after_s }) => retry_after_s,
                Err(other) => panic!("{other}"),
            }
        }

        fn pass_s(&self, seconds: i64) {
            self.now_ms.fetch_add(seconds * 1000, Ordering::Relaxed);
        }
    }

    #[test]
    fn pauses_double_after_the_free_tries() {
        let scene = scene();
        for n in 0..20 {
            scene.fails("192.0.2.1", &format!("{n}@b.c"), false, 1);
        }
        for expected_s in [1, 2, 4, 8] {
            scene.fails("192.0.2.1", &format!("{expected_s}@b.c"), false, 1);
            assert_eq!(scene.wait_s("192.0.2.1", "x@b.c", false), expected_s);
            assert!(scene.guard.admits(Some("192.0.2.1".parse().unwrap())).is_err());
            assert!(scene.guard.admits(Some("192.0.2.2".parse().unwrap())).is_ok());
            scene.pass_s(i64::try_from(expected_s).unwrap());
        }
    }

    #[test]
    fn strangers_cannot_lock_out_who_was_here_before() {
        let scene = scene();
        for n in 1..=11 {
            scene.fails(&format!("198.51.100.{n}"), "a@b.c", false, 1);
        }
        assert!(scene.wait_s("198.51.100.99", "a@b.c", false) > 0, "a stranger waits");
        let address = Some("192.0.2.1".parse().unwrap());
        let attempt = scene.guard.begin(address, "a@b.c", true).expect("the owner does not");
        assert_eq!(attempt.standing(), Standing::KNOWN);
        scene.guard.succeeded(&attempt);
        assert!(scene.wait_s("198.51.100.99", "other@b.c", false) == 0);
    }

    #[test]
    fn a_success_forgives_the_account_but_not_the_line() {
        let scene = scene();
        scene.fails("192.0.2.1", "a@b.c", false, 9);
        let attempt = scene.guard.begin(Some("192.0.2.1".parse().unwrap()), "a@b.c", false).unwrap();
        scene.guard.succeeded(&attempt);
        scene.fails("192.0.2.1", "a@b.c", false, 10);
        assert_eq!(scene.wait_s("192.0.2.1", "c@b.c", false), 0, "the twentieth of the line");
        assert_eq!(scene.wait_s("192.0.2.1", "d@b.c", false), 0, "the first that costs a pause");
        assert_eq!(scene.wait_s("192.0.2.1", "e@b.c", false), 1);
    }

    #[test]
    fn who_is_turned_away_has_not_guessed() {
        let scene = scene();
        for n in 0..30 {
            let address = Some(format!("198.51.100.{n}").parse().unwrap());
            let attempt = scene.guard.begin(address, "a@b.c", false).expect("never too many");
            scene.guard.turned_away(&attempt);
        }
        for _ in 0..21 {
            let attempt = scene.guard.begin(Some("192.0.2.1".parse().unwrap()), "a@b.c", false).unwrap();
            scene.guard.turned_away(&attempt);
        }
        assert_eq!(scene.wait_s("192.0.2.1", "a@b.c", false), 1, "but who knocks and knocks waits");
    }

    #[test]
    fn the_table_has_an_end() {
        let guard = Guard::remembering(100, Clock::system());
        for n in 0..3_000_u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from(n));
            let _either_way = guard.begin(Some(address), "a@b.c", n % 2 == 0);
        }
        guard.tries.run_pending_tasks();
        assert!(guard.tries.entry_count() <= 100);
    }
}
