//! The accounts block as the settings want it, with a server around it or without (the command line).

use sori_auth::{Auth, AuthConfig, RootKey, Roots};
use sori_db::Db;

use crate::{
    StartError,
    border::{self, Secret},
    config::Config,
};

/// The accounts of a data folder, for the command line. A server may run on the same folder: it
/// hears of every change.
pub async fn accounts_of(config: &Config) -> Result<Auth, StartError> {
    let data = &config.data_dir;
    std::fs::create_dir_all(data).map_err(|error| StartError::DataFolder(data.clone(), error))?;
    let db = Db::open(&config.database_url()).await?;
    db.migrate(&[sori_auth::MIGRATIONS]).await?;
    let secret = Secret::load(config).map_err(StartError::Secret)?;
    open(db, config, &secret).await
}

pub(crate) async fn open(db: Db, config: &Config, secret: &Secret) -> Result<Auth, StartError> {
    let root = |secret: &Secret| RootKey::new(secret.derive("accounts"));
    let older = config.old_secret_keys.iter().map(|text| root(&Secret::of(text))).collect();
    let settings = AuthConfig {
        sign_up: config.sign_up,
        visitors: config.visitors,
        is_secure: config.is_secure(),
        public_url: config.public_url.clone(),
        ..AuthConfig::new(Roots { current: root(secret), older })
    };
    let auth = Auth::new(db, settings).await?;
    auth.set_oidc(&border::outgoing(config), config.oidc());
    Ok(auth)
}
