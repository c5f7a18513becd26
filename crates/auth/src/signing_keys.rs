//! The keys that access tokens are signed with. The table names them; the keys themselves are derived
//! from the root, so that the database alone signs nothing.
//!
//! A new one is made every month, or when the root changes. Tokens of older ones are good until they
//! expire. A process that meets a key it does not know looks into the table, at most once a second:
//! inventing names costs nothing but the refusal.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::{DecodingKey, EncodingKey};
use sori_db::{Db, DbError};
use uuid::Uuid;

use crate::{
    AuthConfig,
    audit::{Event, Kind},
    config::{RootKey, Roots, ms},
    tokens::Refusal,
};

const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const LOOK_EVERY_MS: i64 = 1_000;

pub(crate) struct Ring {
    pub(crate) current: Uuid,
    pub(crate) signer: EncodingKey,
    verifiers: HashMap<Uuid, DecodingKey>,
}

impl Ring {
    pub(crate) fn find(&self, key: Uuid) -> Result<&DecodingKey, Refusal> {
        self.verifiers.get(&key).ok_or(Refusal::UnknownKey(key))
    }

    /// With one key, whose name is always the same.
    #[cfg(test)]
    pub(crate) fn for_test(root: &RootKey) -> Self {
        let row = Row { id: Uuid::from_u128(7), root: root.id(), created_at_ms: 0 };
        Self::of(&[row], &root.clone().into()).expect("the root made the key")
    }

    fn of(rows: &[Row], roots: &Roots) -> Option<Self> {
        let secret = |row: &Row| roots.find(&row.root).map(|root| secret_of(root, row.id));
        let verifiers =
            rows.iter().filter_map(|row| Some((row.id, DecodingKey::from_secret(&secret(row)?)))).collect();
        let current = rows.iter().find(|row| row.root == roots.current.id())?;
        Some(Self { current: current.id, signer: EncodingKey::from_secret(&secret(current)?), verifiers })
    }
}

fn secret_of(root: &RootKey, key: Uuid) -> [u8; 32] {
    root.derive("access token", &[key.as_bytes()])
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    root: String,
    created_at_ms: i64,
}

pub(crate) struct SigningKeys {
    ring: RwLock<Arc<Ring>>,
    looked_at_ms: AtomicI64,
    looking: tokio::sync::Mutex<()>,
}

impl SigningKeys {
    pub(crate) async fn load(db: &Db, config: &AuthConfig) -> Result<Self, DbError> {
        let ring = RwLock::new(Arc::new(read_or_make(db, config).await?));
        Ok(Self {
            ring,
            looked_at_ms: AtomicI64::new(config.now_ms()),
            looking: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ring after a look into the table, unless that was done a moment ago.
    pub(crate) async fn look_again(&self, db: &Db, config: &AuthConfig) -> Result<Arc<Ring>, DbError> {
        let _one_at_a_time = self.looking.lock().await;
        let now_ms = config.now_ms();
        let since_ms = now_ms - self.looked_at_ms.load(Ordering::Relaxed);
        if !(0..LOOK_EVERY_MS).contains(&since_ms) {
            self.looked_at_ms.store(now_ms, Ordering::Relaxed);
            self.put(read_or_make(db, config).await?);
        }
        Ok(self.ring())
    }

    /// Makes a new key if it is time to; removes those that no token needs.
    pub(crate) async fn tend(&self, db: &Db, config: &AuthConfig) -> Result<(), DbError> {
        self.put(read_or_make(db, config).await?);
        db.query("DELETE FROM auth_signing_key WHERE created_at_ms < $1")
            .bind(oldest_ms(config))
            .execute()
            .await?;
        Ok(())
    }

    /// Signs with a new key from now on.
    pub(crate) async fn rotate(&self, db: &Db, config: &AuthConfig) -> Result<(), DbError> {
        make(db, config).await?;
        self.put(read_or_make(db, config).await?);
        Ok(())
    }

    fn put(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }
}

/// Signing ends after [`LIFETIME`]; another process may go on for an hour until it is tended, and then
/// the last token has to expire.
fn oldest_ms(config: &AuthConfig) -> i64 {
    config.now_ms() - ms(LIFETIME) - ms(Duration::from_secs(2 * 60 * 60)) - ms(config.access_lifetime)
}

async fn read_or_make(db: &Db, config: &AuthConfig) -> Result<Ring, DbError> {
    let rows = read(db, config).await?;
    let youngest = rows.iter().find(|row| row.root == config.roots.current.id());
    if youngest.is_some_and(|row| row.created_at_ms > config.now_ms() - ms(LIFETIME))
        && let Some(ring) = Ring::of(&rows, &config.roots)
    {
        return Ok(ring);
    }
    make(db, config).await?;
    Ring::of(&read(db, config).await?, &config.roots).ok_or(DbError::RowMissing)
}

/// The youngest first; of two that were made at once all processes take the same.
async fn read(db: &Db, config: &AuthConfig) -> Result<Vec<Row>, DbError> {
    db.query(
        "SELECT id, root, created_at_ms FROM auth_signing_key WHERE created_at_ms >= $1
         ORDER BY created_at_ms DESC, id DESC",
    )
    .bind(oldest_ms(config))
    .fetch_all()
    .await
}

async fn make(db: &Db, config: &AuthConfig) -> Result<(), DbError> {
    let (id, now_ms) = (Uuid::now_v7(), config.now_ms());
    let mut tx = db.begin().await?;
    tx.query("INSERT INTO auth_signing_key (id, root, created_at_ms) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(config.roots.current.id())
        .bind(now_ms)
        .execute()
        .await?;
    Event::new(Kind::SigningKeyMade).with(serde_json::json!({ "key": id })).write(&mut tx, now_ms).await?;
    tx.commit().await
}
