//! Where objects lie: in the data folder, or in an origin behind a cache.

use std::{sync::Arc, time::Duration};

use sori_contracts::{MediaFault, MediaFiles, MediaStore};
use sori_media::{LocalStore, TieredStore, Tiers};

use crate::config::Config;

/// How long a listener waits for the origin. Players give up after some 20 s.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Storage {
    pub(crate) media: Arc<dyn MediaStore>,
    /// The same store, for who sends files.
    pub(crate) files: Arc<dyn MediaFiles>,
}

impl Storage {
    pub(crate) async fn open(config: &Config) -> Result<Self, MediaFault> {
        let local = LocalStore::open(config.data_dir.join("media")).await?;
        let Some(origin) = &config.media.origin else {
            return Ok(Self { media: Arc::new(local.clone()), files: Arc::new(local) });
        };
        let cache = config.media.cache_dir.clone().unwrap_or_else(|| config.data_dir.join("cache"));
        let tiers =
            Tiers { origin: origin.clone(), cache, cache_bytes: config.media.cache_size, patience: PATIENCE };
        let store = TieredStore::open(local, tiers).await?;
        Ok(Self { media: Arc::new(store.clone()), files: Arc::new(store) })
    }
}
