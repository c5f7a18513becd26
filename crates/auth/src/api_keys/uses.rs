//! When keys were last used: noted in memory, written once in a while, so that a request that only
//! reads writes nothing. A process that is killed loses the last minute of it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sori_contracts::ApiKeyId;
use sori_db::{Db, DbError};

#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<ApiKeyId, i64>>);

impl Uses {
    pub(crate) fn note(&self, key: ApiKeyId, now_ms: i64) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.entry(key).or_insert(now_ms);
        *last = now_ms.max(*last);
    }

    pub(crate) async fn write(&self, db: &Db) -> Result<(), DbError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        let mut noted: Vec<_> = noted.into_iter().collect();
        // The same order everywhere: two processes must not wait for each other.
        noted.sort_unstable();
        for (key, at_ms) in noted {
            tx.query(
                "UPDATE auth_api_key SET last_used_at_ms = $2
                 WHERE id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms < $2)",
            )
            .bind(key)
            .bind(at_ms)
            .execute()
            .await?;
        }
        tx.commit().await
    }
}
