//! What has to be done now and then: noting when keys were used, making signing keys, and sweeping out
//! what nobody needs any more.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use sori_db::DbError;
use tokio_util::sync::CancellationToken;

use crate::{Auth, Inner, config::ms};

const EVERY: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The log answers what happened last year.
const LOG_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// An address that was not used for so long is trusted no more than others.
const ADDRESS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl Auth {
    /// Once now. Every process does it; doing it twice does no harm.
    pub async fn tend(&self) -> Result<(), DbError> {
        self.0.tend().await
    }

    /// Again and again until `stop`, and a last time then.
    pub async fn keep_tending(&self, stop: CancellationToken) {
        let inner = Arc::downgrade(&self.0);
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none();
            let Some(inner) = Weak::upgrade(&inner) else { return };
            if let Err(error) = inner.tend().await {
                tracing::warn!(%error, "accounts were not tended; they will be in a minute");
            }
            if stopped {
                return;
            }
        }
    }
}

impl Inner {
    async fn tend(&self) -> Result<(), DbError> {
        self.uses.write(&self.db).await?;
        self.signing_keys.tend(&self.db, &self.config).await?;
        let now_ms = self.config.now_ms();
        for (sweep, before_ms) in [
            ("DELETE FROM auth_session WHERE expires_at_ms < $1", now_ms - ms(DAY)),
            ("DELETE FROM auth_ticket WHERE expires_at_ms < $1", now_ms),
            ("DELETE FROM auth_nonce WHERE expires_at_ms < $1", now_ms),
            ("DELETE FROM auth_revocation WHERE expires_at_ms < $1", now_ms),
            ("DELETE FROM auth_known_address WHERE seen_at_ms < $1", now_ms - ms(ADDRESS_KEPT)),
            ("DELETE FROM auth_audit WHERE at_ms < $1", now_ms - ms(LOG_KEPT)),
        ] {
            self.db.query(sweep).bind(before_ms).execute().await?;
        }
        Ok(())
    }
}
