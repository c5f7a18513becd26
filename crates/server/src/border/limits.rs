//! How much one client may ask, and a pause for those who guess.
//!
//! Each address and each account (or key) has a bucket per class of routes (GCRA, by `governor`).
//! The buckets lie in a cache that holds a fixed number and drops the one that rested longest, so a
//! flood of addresses costs others nothing but an early refill.
//!
//! Whoever sends refused credentials again and again is not heard for a while *as far as proving
//! who they are*: signing in, tokens, keys. The others behind the same address go on reading, and those
//! who signed in before go on with their cookie.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use sori_contracts::{AccountId, ApiKeyId, Caller, Credential, Fault, Kind, Scope, UiLanguage};
use sori_http::{ClientAddress, Problem};

use super::{Access, Border, credentials::Carried};
use crate::config;

/// Some 300 bytes each: 20 MB when every one is taken.
const BUCKETS: u64 = 65_536;
/// A bucket that rested for a minute is full again, and as good as a new one.
const BUCKET_REST: Duration = Duration::from_secs(65);
const FAILURE_WINDOW: Duration = Duration::from_secs(600);
const LONGEST_BLOCK: Duration = Duration::from_secs(3_600);
const A_DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    SignIn,
    Synth,
    Write,
    Read,
}

impl Class {
    fn of(method: &Method, path: &str, access: Access) -> Self {
        let proves_identity = path.starts_with("/api/auth/") && path != "/api/auth/refresh";
        // Each leaves a row behind and may ask another server.
        let begins_elsewhere = path == "/api/auth/providers/{id}/start";
        match access {
            Access::Public if begins_elsewhere => Self::SignIn,
            Access::Public if method == Method::POST && proves_identity => Self::SignIn,
            // Also a GET that makes sound.
            _ if access.scopes().has(Scope::Synth) => Self::Synth,
            _ if method.is_safe() => Self::Read,
            _ => Self::Write,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Synth => "synth",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Address(IpAddr),
    Account(AccountId),
    Key(ApiKeyId),
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// Counts for everybody. Cheap to clone.
#[derive(Clone)]
pub struct Limiter(Arc<Counters>);

struct Counters {
    limits: config::Limits,
    clock: DefaultClock,
    buckets: Cache<(Subject, Class), Arc<Bucket>>,
    failures: Cache<IpAddr, Arc<Mutex<Failures>>>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    since: Instant,
    blocks: u32,
    blocked_until: Option<Instant>,
}

/// What is left in a bucket.
#[derive(Clone, Copy, Debug)]
struct Left {
    class: Class,
    limit: u32,
    remaining: u32,
    reset_s: u64,
}

impl Limiter {
    #[must_use]
    pub fn new(limits: &config::Limits) -> Self {
        Self::with_room(limits, BUCKETS)
    }

    fn with_room(limits: &config::Limits, room: u64) -> Self {
        let buckets = Cache::builder()
            .max_capacity(room)
            // The default policy keeps what was asked often and turns newcomers away: the members
            // of a flood would each have a fresh bucket at every request.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(BUCKET_REST)
            .build();
        let failures = Cache::builder()
            .max_capacity(room)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(A_DAY)
            .build();
        Self(Arc::new(Counters { limits: limits.clone(), clock: DefaultClock::default(), buckets, failures }))
    }

    fn take(&self, subject: Subject, class: Class) -> Result<Left, LimitFault> {
        let limit = self.limit(subject, class);
        let bucket = self.0.buckets.get_with((subject, class), || {
            let quota = Quota::per_minute(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN));
            Arc::new(RateLimiter::direct(quota).with_middleware())
        });
        match bucket.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = f64::from(limit.saturating_sub(remaining));
                let reset_s = (missing * 60.0 / f64::from(limit)).ceil() as u64;
                Ok(Left { class, limit, remaining, reset_s })
            }
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(self.0.clock.now());
                Err(LimitFault::TooMany { class: class.name(), limit, wait })
            }
        }
    }

    fn limit(&self, subject: Subject, class: Class) -> u32 {
        let limits = &self.0.limits;
        let per_account = match class {
            Class::SignIn => limits.sign_in.0,
            Class::Synth => limits.synth.0,
            Class::Write => limits.write.0,
            Class::Read => limits.read.0,
        };
        match subject {
            Subject::Address(_) if class != Class::SignIn => {
                per_account.saturating_mul(limits.address_factor)
            }
            _ => per_account,
        }
    }

    /// How much longer an address is not heard.
    fn blocked(&self, line: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.0.failures.get(&line)?;
        let failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.blocked_until?.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Notes a refused credential.
    fn refused(&self, line: IpAddr, now: Instant) {
        let fresh =
            || Arc::new(Mutex::new(Failures { count: 0, since: now, blocks: 0, blocked_until: None }));
        let failures = self.0.failures.get_with(line, fresh);
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(failures.since) > FAILURE_WINDOW {
            failures.count = 0;
            failures.since = now;
        }
        failures.count += 1;
        if failures.count >= self.0.limits.failures {
            let first = Duration::from_secs(u64::from(self.0.limits.block_seconds));
            let length = first.saturating_mul(1 << failures.blocks.min(12)).min(LONGEST_BLOCK);
            failures.blocked_until = Some(now + length);
            failures.blocks += 1;
            failures.count = 0;
            tracing::warn!(address = %line, seconds = length.as_secs(), "blocked after refused credentials");
        }
    }
}

/// Outside of authentication: what an address may ask, whoever it is.
pub(super) async fn per_address(State(border): State<Border>, request: Request, next: Next) -> Response {
    let Some(address) = request.extensions().get::<ClientAddress>().copied() else {
        return next.run(request).await;
    };
    let (line, class) = (address.line(), class_of(&border, &request));
    let tries_to_prove = class == Class::SignIn || Carried::by(request.headers()).is_header();
    if tries_to_prove && let Some(wait) = border.limiter.blocked(line, Instant::now()) {
        return LimitFault::Blocked { wait }.into_response();
    }
    let left = match border.limiter.take(Subject::Address(line), class) {
        Ok(left) => left,
        Err(fault) => return fault.into_response(),
    };
    let mut response = next.run(request).await;
    if tries_to_prove && response.status() == StatusCode::UNAUTHORIZED {
        border.limiter.refused(line, Instant::now());
    }
    // Those of the account are nearer to what a client wants to know.
    if !response.headers().contains_key(RATELIMIT_LIMIT) {
        left.tell(response.headers_mut());
    }
    response
}

/// Inside of authentication: what an account or a key may ask, from wherever it comes.
pub(super) async fn per_account(State(border): State<Border>, request: Request, next: Next) -> Response {
    let Some(Caller::Account(member)) = request.extensions().get::<Caller>() else {
        return next.run(request).await;
    };
    let subject = match member.credential {
        Credential::ApiKey(key) => Subject::Key(key),
        Credential::Session(_) | Credential::External | Credential::Link => Subject::Account(member.account),
    };
    match border.limiter.take(subject, class_of(&border, &request)) {
        Ok(left) => {
            let mut response = next.run(request).await;
            left.tell(response.headers_mut());
            response
        }
        Err(fault) => fault.into_response(),
    }
}

fn class_of(border: &Border, request: &Request) -> Class {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let access = border.access.find(request.method(), path).unwrap_or(Access::NotDeclared);
    Class::of(request.method(), path, access)
}

const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Left {
    /// The three that clients parse today, and the two of draft-ietf-httpapi-ratelimit-headers-09.
    fn tell(&self, headers: &mut HeaderMap) {
        let Self { class, limit, remaining, reset_s } = self;
        let name = class.name();
        headers.insert(RATELIMIT_LIMIT, (*limit).into());
        headers.insert(RATELIMIT_REMAINING, (*remaining).into());
        headers.insert(RATELIMIT_RESET, (*reset_s).into());
        let texts = [
            (RATELIMIT_POLICY, format!("\"{name}\";q={limit};w=60")),
            (RATELIMIT, format!("\"{name}\";r={remaining};t={reset_s}")),
        ];
        for (header, text) in texts {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum LimitFault {
    #[error("more than {limit} {class} requests in a minute")]
    TooMany { class: &'static str, limit: u32, wait: Duration },
    #[error("the address sent too many refused credentials")]
    Blocked { wait: Duration },
}

impl LimitFault {
    fn wait_s(&self) -> u64 {
        let (Self::TooMany { wait, .. } | Self::Blocked { wait }) = self;
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }
}

impl IntoResponse for LimitFault {
    fn into_response(self) -> Response {
        let wait_s = self.wait_s();
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, wait_s.into());
        if let Self::TooMany { limit, .. } = self {
            headers.insert(RATELIMIT_LIMIT, limit.into());
            headers.insert(RATELIMIT_REMAINING, 0.into());
            headers.insert(RATELIMIT_RESET, wait_s.into());
        }
        let mut response = Problem::from(self).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

impl Fault for LimitFault {
    fn kind(&self) -> Kind {
        Kind::Busy
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "RATE_LIMITED",
            Self::Blocked { .. } => "ADDRESS_BLOCKED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let wait = self.wait_s();
        let (en, ko) = match self {
            Self::TooMany { .. } => (
                format!("Too many requests. Try again in {wait} s."),
                format!("요청이 너무 많습니다. {wait}초 후에 다시 시도해 주세요."),
            ),
            Self::Blocked { .. } => (
                format!("Too many failed attempts from here. Try again in {wait} s."),
                format!("인증 실패가 너무 많습니다. {wait}초 후에 다시 시도해 주세요."),
            ),
        };
        language.pick(en, ko)
    }

    fn details(&self) -> Option<serde_json::Value> {
        let retry_after_s = self.wait_s();
        Some(match self {
            Self::TooMany { class, limit, .. } => {
                serde_json::json!({ "retry_after_s": retry_after_s, "class": class, "limit_per_minute": limit })
            }
            Self::Blocked { .. } => serde_json::json!({ "retry_after_s": retry_after_s }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Limit, Limits};

    fn limiter() -> Limiter {
        Limiter::new(&Limits {
            sign_in: Limit(3),
            read: Limit(2),
            failures: 3,
            block_seconds: 60,
            ..Limits::default()
        })
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn a_bucket_empties_and_says_when_to_come_back() {
        let limiter = limiter();
        let account = Subject::Account(AccountId::generate());
        let first = limiter.take(account, Class::Read).unwrap();
        assert_eq!((first.limit, first.remaining, first.reset_s), (2, 1, 30));
        assert_eq!(limiter.take(account, Class::Read).unwrap().remaining, 0);
        let refused = limiter.take(account, Class::Read).unwrap_err();
        assert!((28..=30).contains(&refused.wait_s()), "{refused:?}");
        assert!(limiter.take(account, Class::Write).is_ok(), "another class has a bucket of its own");
        let other = Subject::Account(AccountId::generate());
        assert!(limiter.take(other, Class::Read).is_ok());
    }

    #[test]
    fn an_address_has_more_than_an_account_except_for_signing_in() {
        let limiter = limiter();
        let many = Subject::Address(address(1));
        assert_eq!(limiter.limit(many, Class::Read), 10);
        assert_eq!(limiter.limit(many, Class::SignIn), 3);
    }

    #[test]
    fn guessing_is_answered_with_longer_and_longer_silence() {
        let limiter = limiter();
        let (line, mut now) = (address(2), Instant::now());
        let guess = |now| (0..3).for_each(|_| limiter.refused(line, now));
        limiter.refused(line, now);
        limiter.refused(line, now);
        assert_eq!(limiter.blocked(line, now), None, "two failures happen to everybody");
        limiter.refused(line, now);
        assert_eq!(limiter.blocked(line, now), Some(Duration::from_secs(60)));
        assert_eq!(limiter.blocked(address(3), now), None);
        for minutes in [2, 4, 8, 16, 32, 60, 60] {
            now += limiter.blocked(line, now).unwrap_or_default();
            assert_eq!(limiter.blocked(line, now), None);
            guess(now);
            assert_eq!(limiter.blocked(line, now), Some(Duration::from_secs(60 * minutes)));
        }
    }

    #[test]
    fn failures_that_lie_far_apart_are_forgotten() {
        let limiter = limiter();
        let (line, mut now) = (address(4), Instant::now());
        for _ in 0..20 {
            limiter.refused(line, now);
            now += FAILURE_WINDOW / 2 + Duration::from_secs(1);
            assert_eq!(limiter.blocked(line, now), None);
        }
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_room_and_is_still_counted() {
        let limiter = Limiter::with_room(&Limits { sign_in: Limit(3), ..Limits::default() }, 1_000);
        for n in 0..5_000_u32 {
            let subject = Subject::Address(IpAddr::V4(n.into()));
            limiter.take(subject, Class::SignIn).unwrap();
        }
        limiter.0.buckets.run_pending_tasks();
        assert!(limiter.0.buckets.entry_count() <= 1_000);
        let last = Subject::Address(IpAddr::V4(4_999.into()));
        assert!(limiter.take(last, Class::SignIn).is_ok());
        assert!(limiter.take(last, Class::SignIn).is_ok());
        assert!(limiter.take(last, Class::SignIn).is_err(), "a newcomer in a full cache is counted too");
    }

    #[test]
    fn classes_follow_from_what_is_declared() {
        let signed_in = |scope| {
            let asked = super::super::access::Asked {
                scopes: [scope].into_iter().collect(),
                role: sori_contracts::Role::Learner,
            };
            Access::SignedIn(asked)
        };
        for (method, path, access, expected) in [
            (Method::POST, "/api/auth/sign-in", Access::Public, Class::SignIn),
            (Method::POST, "/api/auth/refresh", Access::Public, Class::Write),
            (Method::GET, "/api/auth/options", Access::Public, Class::Read),
            (Method::POST, "/v1/synthesize", signed_in(Scope::Synth), Class::Synth),
            (Method::GET, "/v1/voices/{voice}/preview", signed_in(Scope::Synth), Class::Synth),
            (Method::GET, "/api/auth/providers/{id}/start", Access::Public, Class::SignIn),
            (Method::GET, "/api/auth/providers/{id}/callback", Access::Public, Class::Read),
            (Method::GET, "/v1/jobs", signed_in(Scope::JobsRead), Class::Read),
            (Method::PATCH, "/v1/lines/{id}", signed_in(Scope::ScriptsWrite), Class::Write),
        ] {
            assert_eq!(Class::of(&method, path, access), expected, "{method} {path}");
        }
    }
}
