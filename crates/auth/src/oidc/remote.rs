//! A small document of an issuer that is asked for rarely: kept as long as the issuer says, kept
//! longer while the issuer cannot be reached, and never asked for in a hurry.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use axum::http::{HeaderMap, header};
use sori_http::Outgoing;

const SECOND_MS: i64 = 1_000;
/// Between two attempts while there is something to work with, so that tokens with invented key
/// names cannot make this server ask more often than once a minute.
const CALM_MS: i64 = 60 * SECOND_MS;
/// The same while there is nothing.
const EAGER_MS: i64 = 10 * SECOND_MS;
/// What an issuer says about freshness is believed between these bounds.
const SHORTEST_MS: i64 = 60 * SECOND_MS;
const LONGEST_MS: i64 = 24 * 3_600 * SECOND_MS;
/// When it says nothing.
const USUAL_MS: i64 = 600 * SECOND_MS;
/// How long a document outlives its freshness while no newer one can be had. A key that its issuer
/// has withdrawn is good for so much longer at the most, and only while the issuer is away.
const STALE_MS: i64 = 24 * 3_600 * SECOND_MS;
/// Google's key set has 2 kB, a discovery document 10.
const MAX_BYTES: usize = 256 << 10;

/// One document at one address at a time.
pub(super) struct Remote<T> {
    http: Outgoing,
    read: fn(&[u8]) -> Result<T, serde_json::Error>,
    held: RwLock<Held<T>>,
    /// One attempt at a time; the others wait for its outcome.
    turn: tokio::sync::Mutex<()>,
}

struct Held<T> {
    value: Option<Arc<T>>,
    fresh_until_ms: i64,
    tried_at_ms: Option<i64>,
}

impl<T> Held<T> {
    fn is_fresh(&self, now_ms: i64) -> bool {
        self.value.is_some() && now_ms < self.fresh_until_ms
    }

    fn may_try(&self, now_ms: i64) -> bool {
        let pause_ms = if self.value.is_some() { CALM_MS } else { EAGER_MS };
        // A clock that was set back does not make the pause longer.
        self.tried_at_ms.is_none_or(|tried_at_ms| !(0..pause_ms).contains(&(now_ms - tried_at_ms)))
    }

    fn usable(&self, now_ms: i64) -> Option<Arc<T>> {
        self.value.clone().filter(|_| now_ms < self.fresh_until_ms + STALE_MS)
    }
}

/// The document cannot be had, now and from before.
#[derive(Debug, thiserror::Error)]
#[error("the issuer cannot be asked")]
pub(super) struct Unreachable;

impl<T: Send + Sync + 'static> Remote<T> {
    pub(super) fn new(http: Outgoing, read: fn(&[u8]) -> Result<T, serde_json::Error>) -> Arc<Self> {
        let held = Held { value: None, fresh_until_ms: 0, tried_at_ms: None };
        Arc::new(Self { http, read, held: RwLock::new(held), turn: tokio::sync::Mutex::new(()) })
    }

    /// The document, read again when it is not fresh any more.
    pub(super) async fn get(self: &Arc<Self>, url: &str, now_ms: i64) -> Result<Arc<T>, Unreachable> {
        let (usable, may_try) =
            self.look(|held| (held.usable(now_ms), !held.is_fresh(now_ms) && held.may_try(now_ms)));
        match usable {
            // When somebody else is at it, what there is will do for the meantime.
            Some(value) if !may_try || self.turn.try_lock().is_err() => Ok(value),
            _ => self.renew(url, now_ms, move |held| held.is_fresh(now_ms)).await,
        }
    }

    /// The document for somebody whom `seen` did not help: read again if the last attempt is long
    /// enough ago, and otherwise the same as before.
    pub(super) async fn newer(
        self: &Arc<Self>,
        seen: &Arc<T>,
        url: &str,
        now_ms: i64,
    ) -> Result<Arc<T>, Unreachable> {
        let seen = Arc::clone(seen);
        self.renew(url, now_ms, move |held| {
            held.value.as_ref().is_some_and(|value| !Arc::ptr_eq(value, &seen))
        })
        .await
    }

    async fn renew(
        self: &Arc<Self>,
        url: &str,
        now_ms: i64,
        is_done: impl Fn(&Held<T>) -> bool + Send + 'static,
    ) -> Result<Arc<T>, Unreachable> {
        let (this, url) = (Arc::clone(self), url.to_owned());
        // On its own: a client that goes away must not waste the attempt for all others.
        let attempt = tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            if this.look(|held| is_done(held) || !held.may_try(now_ms)) {
                return;
            }
            this.change(|held| held.tried_at_ms = Some(now_ms));
            match this.fetch(&url).await {
                Ok((value, fresh_ms)) => this.change(|held| {
                    held.value = Some(Arc::new(value));
                    held.fresh_until_ms = now_ms + fresh_ms;
                }),
                Err(error) => tracing::warn!(%url, %error, "an issuer of sign-ins cannot be asked"),
            }
        });
        let _ended = attempt.await;
        self.look(|held| held.usable(now_ms)).ok_or(Unreachable)
    }

    async fn fetch(&self, url: &str) -> Result<(T, i64), String> {
        let answer = self.http.get(url).await.map_err(|fault| fault.to_string())?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status));
        }
        if answer.body.len() > MAX_BYTES {
            return Err("the document is too large".into());
        }
        let value = (self.read)(&answer.body).map_err(|error| error.to_string())?;
        Ok((value, freshness_ms(&answer.headers)))
    }

    fn look<R>(&self, look: impl FnOnce(&Held<T>) -> R) -> R {
        look(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Held<T>)) {
        change(&mut self.held.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<T> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

/// How long an answer is fresh by `Cache-Control` and `Age` (RFC 9111, 4.2.1 and 5.1).
fn freshness_ms(headers: &HeaderMap) -> i64 {
    let lines = headers.get_all(header::CACHE_CONTROL);
    let directives = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let mut max_age_s: Option<i64> = None;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return SHORTEST_MS,
            "max-age" => max_age_s = value.trim().trim_matches('"').parse().ok(),
            _ => {}
        }
    }
    let age_s: i64 =
        headers.get(header::AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    match max_age_s {
        None => USUAL_MS,
        Some(max_age_s) => {
            max_age_s.saturating_sub(age_s.max(0)).saturating_mul(SECOND_MS).clamp(SHORTEST_MS, LONGEST_MS)
        }
    }
}

#[cfg(test)]
mod tests;
