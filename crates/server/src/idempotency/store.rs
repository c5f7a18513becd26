//! Every statement on `server_idempotency`.
//!
//! A row without a status is a request under way, held by a lease that its process renews. When the
//! process dies the lease runs out, and whoever sends the key again takes the row over.

use std::{sync::Arc, time::Duration};

use sori_db::{Db, DbError, now_ms};
use uuid::Uuid;

/// How long a process that died holds a key. Renewed every third of it.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How long an answer is repeated.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 3_600);

#[derive(Clone)]
pub(super) struct Store {
    db: Db,
    lease_ms: i64,
}

/// SHA-256 over who asks, what, and with which key.
pub(super) type Id = [u8; 32];

/// A request under way that is ours.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: Id,
    /// The id of what the request makes, in each attempt.
    pub(super) makes: Uuid,
    lease: Uuid,
}

/// An answer that was given before.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Kept {
    pub(super) body_sha256: Vec<u8>,
    pub(super) status: i64,
    pub(super) answer: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Claim {
    Ours(Held),
    UnderWay,
    Answered(Kept),
}

impl Store {
    pub(super) fn new(db: Db, lease: Duration) -> Self {
        Self { db, lease_ms: i64::try_from(lease.as_millis()).unwrap_or(i64::MAX) }
    }

    /// Of any number that claim a key at the same time one gets it.
    pub(super) async fn claim(&self, id: Id) -> Result<Claim, DbError> {
        let (lease, now) = (Uuid::new_v4(), now_ms());
        let too_old = now - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let ours: Option<(Uuid,)> = self
            .db
            .query(
                "INSERT INTO server_idempotency (id, lease_id, leased_until_ms, created_at_ms, makes_id)
                 VALUES ($1, $2, $3, $4, $6)
                 ON CONFLICT (id) DO UPDATE SET lease_id = $2, leased_until_ms = $3, created_at_ms = $4,
                     makes_id = CASE WHEN server_idempotency.created_at_ms < $5 THEN $6
                         ELSE server_idempotency.makes_id END,
                     body_sha256 = NULL, status = NULL, answer = NULL
                 WHERE (server_idempotency.status IS NULL AND server_idempotency.leased_until_ms < $4)
                    OR server_idempotency.created_at_ms < $5
                 RETURNING makes_id",
            )
            .bind(id.to_vec())
            .bind(lease)
            .bind(now + self.lease_ms)
            .bind(now)
            .bind(too_old)
            .bind(Uuid::now_v7())
            .fetch_optional()
            .await?;
        if let Some((makes,)) = ours {
            return Ok(Claim::Ours(Held { id, makes, lease }));
        }
        let kept: Option<Kept> = self
            .db
            .query(
                "SELECT body_sha256, status, answer FROM server_idempotency
                 WHERE id = $1 AND status IS NOT NULL",
            )
            .bind(id.to_vec())
            .fetch_optional()
            .await?;
        Ok(kept.map_or(Claim::UnderWay, Claim::Answered))
    }

    /// Keeps a request that takes long.
    pub(super) async fn renew(&self, held: &Held) -> Result<(), DbError> {
        self.db
            .query(
                "UPDATE server_idempotency SET leased_until_ms = $3
                 WHERE id = $1 AND lease_id = $2 AND status IS NULL",
            )
            .bind(held.id.to_vec())
            .bind(held.lease)
            .bind(now_ms() + self.lease_ms)
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn keep(
        &self,
        held: &Held,
        body_sha256: [u8; 32],
        status: u16,
        answer: Vec<u8>,
    ) -> Result<(), DbError> {
        self.db
            .query(
                "UPDATE server_idempotency SET body_sha256 = $3, status = $4, answer = $5
                 WHERE id = $1 AND lease_id = $2",
            )
            .bind(held.id.to_vec())
            .bind(held.lease)
            .bind(body_sha256.to_vec())
            .bind(i64::from(status))
            .bind(answer)
            .execute()
            .await
            .map(drop)
    }

    /// Nothing was made: the key is free again.
    pub(super) async fn release(&self, held: &Held) -> Result<(), DbError> {
        self.db
            .query("DELETE FROM server_idempotency WHERE id = $1 AND lease_id = $2")
            .bind(held.id.to_vec())
            .bind(held.lease)
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn forget_old(&self) -> Result<u64, DbError> {
        self.db
            .query("DELETE FROM server_idempotency WHERE created_at_ms < $1")
            .bind(now_ms() - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX))
            .execute()
            .await
    }
}

/// Renews a lease for as long as this lives.
pub(super) struct Renewal(tokio::task::JoinHandle<()>);

impl Renewal {
    pub(super) fn of(store: Arc<Store>, held: Held) -> Self {
        let every = Duration::from_millis(u64::try_from(store.lease_ms).unwrap_or(1) / 3);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                if let Err(error) = store.renew(&held).await {
                    tracing::warn!(%error, "an idempotency key may be taken by another process");
                }
            }
        }))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use sori_db::testing;

    use super::*;

    fn id(n: u8) -> Id {
        [n; 32]
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_many_gets_the_key_and_the_others_its_answer() {
        for database in testing::databases(&[crate::MIGRATIONS]).await {
            let store = Store::new(database.db.clone(), LEASE);
            let claims = futures::future::join_all((0..50).map(|_| store.claim(id(1)))).await;
            let mut ours: Vec<_> = claims
                .into_iter()
                .filter_map(|claim| match claim.unwrap() {
                    Claim::Ours(held) => Some(held),
                    Claim::UnderWay => None,
                    Claim::Answered(kept) => panic!("{kept:?}"),
                })
                .collect();
            assert_eq!(ours.len(), 1);
            let held = ours.remove(0);
            store.keep(&held, [7; 32], 202, b"answer".to_vec()).await.unwrap();
            let Claim::Answered(kept) = store.claim(id(1)).await.unwrap() else { panic!("not kept") };
            assert_eq!((kept.status, kept.answer.as_slice()), (202, b"answer".as_slice()));
            assert_eq!(kept.body_sha256, [7; 32]);
            assert_eq!(store.forget_old().await.unwrap(), 0);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_whose_process_died_is_free_when_its_lease_ends() {
        for database in testing::databases(&[crate::MIGRATIONS]).await {
            let store = Arc::new(Store::new(database.db.clone(), Duration::from_secs(6)));
            let run_out = || {
                let every = "UPDATE server_idempotency SET leased_until_ms = 0 WHERE status IS NULL";
                database.db.query(every).execute()
            };
            let Claim::Ours(dead) = store.claim(id(2)).await.unwrap() else { panic!("not ours") };
            assert!(matches!(store.claim(id(2)).await.unwrap(), Claim::UnderWay));
            run_out().await.unwrap();
            let Claim::Ours(held) = store.claim(id(2)).await.unwrap() else { panic!("not released") };
            assert_eq!(held.makes, dead.makes, "what is made again is the same");
            // Whoever was thought dead changes nothing any more.
            store.keep(&dead, [0; 32], 500, Vec::new()).await.unwrap();
            store.release(&dead).await.unwrap();
            assert!(matches!(store.claim(id(2)).await.unwrap(), Claim::UnderWay));

            let renewal = Renewal::of(Arc::clone(&store), held.clone());
            run_out().await.unwrap();
            let held_until = async || {
                let until = "SELECT leased_until_ms FROM server_idempotency";
                let (until,): (i64,) = database.db.query(until).fetch_optional().await.unwrap().unwrap();
                until
            };
            while held_until().await == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(matches!(store.claim(id(2)).await.unwrap(), Claim::UnderWay), "held while it works");
            drop(renewal);
            store.release(&held).await.unwrap();
            assert!(matches!(store.claim(id(2)).await.unwrap(), Claim::Ours(_)));
        }
    }

    #[test]
    fn the_migrations_are_the_same_on_both_engines() {
        testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &crate::MIGRATIONS);
    }
}
