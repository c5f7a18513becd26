//! What is no longer good although its signature is.
//!
//! An access token proves itself without the database. What takes it back before it ends (signing
//! out, another role, a suspension) is a row here, numbered by a counter whose row is locked until the
//! revocation commits: whoever reads all numbers above the last it saw misses none. The rows are few,
//! since they may go once the last token from before has expired, so every process holds all of them in
//! memory and compares each request with them, cached or not.
//!
//! The process that revokes knows at once. Others look for new rows before they answer when they
//! have not looked for [`LOOK_EVERY`]: that is how long a revoked token works there at the most.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longer than a cached key or token can outlive its row, and than clocks of two machines differ.
pub(crate) const KEPT_BEYOND_MS: i64 = 5 * 60 * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The same account may go on with a newer credential.
    Renew,
    Suspended,
    Pending,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Suspended => "suspended",
            Self::Pending => "pending",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Suspended, Self::Pending]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .unwrap_or(Self::Renew)
    }
}

/// Takes back what `subject` (an account, a session, a key) was given before `generation`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revocation {
    pub(crate) subject: Uuid,
    pub(crate) generation: i64,
    pub(crate) reason: Reason,
    pub(crate) expires_at_ms: i64,
}

impl Revocation {
    /// Whatever its generation.
    pub(crate) const ALL: i64 = i64::MAX;
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    subject: Uuid,
    generation: i64,
    reason: String,
    expires_at_ms: i64,
}

pub(crate) struct Revocations {
    by_subject: RwLock<HashMap<Uuid, Revocation>>,
    last_number: AtomicI64,
    begun: Instant,
    /// Milliseconds after `begun`, and one, since zero is never.
    looked_at: AtomicU64,
    looking: tokio::sync::Mutex<()>,
}

impl Revocations {
    pub(crate) fn new() -> Self {
        Self {
            by_subject: RwLock::default(),
            last_number: AtomicI64::new(0),
            begun: Instant::now(),
            looked_at: AtomicU64::new(0),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Until `tx` ends nobody else revokes. Changes that depend on each other (two admins who demote
    /// each other) look at what they depend on after this.
    pub(crate) async fn lock(tx: &mut Tx) -> Result<i64, DbError> {
        tx.query("UPDATE auth_revocation_count SET value = value + 1 WHERE id = 1 RETURNING value")
            .scalar()
            .await
    }

    pub(crate) async fn add(tx: &mut Tx, revocation: &Revocation) -> Result<(), DbError> {
        let number = Self::lock(tx).await?;
        tx.query(
            "INSERT INTO auth_revocation (number, subject, generation, reason, expires_at_ms)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(number)
        .bind(revocation.subject)
        .bind(revocation.generation)
        .bind(revocation.reason.as_str())
        .bind(revocation.expires_at_ms)
        .execute()
        .await?;
        Ok(())
    }

    /// After the commit: this process knows at once.
    pub(crate) fn apply(&self, revocation: Revocation) {
        let mut known = self.by_subject.write().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entry(revocation.subject).or_insert(revocation);
        if revocation.generation >= entry.generation {
            *entry =
                Revocation { expires_at_ms: entry.expires_at_ms.max(revocation.expires_at_ms), ..revocation };
        }
    }

    /// Why something that `subject` was given in `generation` is no longer good.
    pub(crate) fn find(&self, subject: Uuid, generation: i64) -> Option<Reason> {
        let known = self.by_subject.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&subject).filter(|entry| generation < entry.generation).map(|entry| entry.reason)
    }

    /// Reads what others revoked, unless that was done a moment ago.
    pub(crate) async fn look(&self, db: &Db, now_ms: i64) -> Result<(), DbError> {
        if self.is_recent() {
            return Ok(());
        }
        let _one_at_a_time = self.looking.lock().await;
        if self.is_recent() {
            return Ok(());
        }
        let began = self.elapsed_ms();
        let rows: Vec<Row> = db
            .query(
                "SELECT number, subject, generation, reason, expires_at_ms FROM auth_revocation
                 WHERE number > $1 ORDER BY number",
            )
            .bind(self.last_number.load(Ordering::Acquire))
            .fetch_all()
            .await?;
        for row in rows {
            self.last_number.store(row.number, Ordering::Release);
            let Row { subject, generation, expires_at_ms, .. } = row;
            self.apply(Revocation { subject, generation, reason: Reason::parse(&row.reason), expires_at_ms });
        }
        self.forget(now_ms);
        self.looked_at.store(began + 1, Ordering::Release);
        Ok(())
    }

    fn forget(&self, now_ms: i64) {
        let has_old =
            |known: &HashMap<Uuid, Revocation>| known.values().any(|entry| entry.expires_at_ms < now_ms);
        if has_old(&self.by_subject.read().unwrap_or_else(PoisonError::into_inner)) {
            let mut known = self.by_subject.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, entry| entry.expires_at_ms >= now_ms);
        }
    }

    fn is_recent(&self) -> bool {
        let looked_at = self.looked_at.load(Ordering::Acquire);
        looked_at > 0 && self.elapsed_ms() + 1 < looked_at + LOOK_EVERY.as_millis() as u64
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
