//! Everything of one person: to be handed to them, or to be forgotten.

use serde_json::{Map, Value, json};
use sori_contracts::AccountId;

use crate::{Actor, Auth, AuthFault, Moment, User, audit};

/// A log of one person that is longer than this is cut at its old end.
const LOG_LINES: u32 = 1_000;

impl Auth {
    /// What this block and all others have of the account.
    pub async fn export(&self, account: AccountId) -> Result<Value, AuthFault> {
        let mut whole = Map::new();
        whole.insert("account".into(), json!(User::from(&self.accounts().get(account).await?)));
        whole.insert("devices".into(), self.devices_of(account).await?);
        whole.insert("api_keys".into(), self.keys_of(account).await?);
        whole.insert("security_log".into(), self.log_of(account).await?);
        for block in self.0.personal.get().into_iter().flatten() {
            let part = block.export(account).await;
            let part = part.map_err(|fault| AuthFault::Personal { block: block.name(), fault })?;
            whole.insert(block.name().to_owned(), part);
        }
        Ok(Value::Object(whole))
    }

    /// Other blocks first: while the account is there, what was interrupted can be asked again.
    pub async fn delete_account(&self, account: AccountId, actor: Actor) -> Result<(), AuthFault> {
        self.accounts().refuse_to_lose_the_last_admin(account).await?;
        // From here on nothing new can be made in its name by a device.
        self.sessions().end_all(account, actor).await?;
        for block in self.0.personal.get().into_iter().flatten() {
            let forgotten = block.forget(account).await;
            forgotten.map_err(|fault| AuthFault::Personal { block: block.name(), fault })?;
        }
        self.accounts().remove(account, actor).await
    }

    async fn devices_of(&self, account: AccountId) -> Result<Value, AuthFault> {
        let devices = self.sessions().list(account).await?.into_iter().map(|device| {
            json!({ "name": device.name, "address": device.address,
                "created_at": Moment(device.created_at_ms), "last_used_at": Moment(device.last_used_at_ms) })
        });
        Ok(devices.collect())
    }

    async fn keys_of(&self, account: AccountId) -> Result<Value, AuthFault> {
        let keys = self.api_keys().list(account).await?.into_iter().map(|key| {
            let scopes: Vec<_> = key.scopes.iter().collect();
            json!({ "name": key.name, "prefix": key.prefix, "scopes": scopes, "policy": key.policy,
                "created_at": Moment(key.created_at_ms), "last_used_at": key.last_used_at_ms.map(Moment) })
        });
        Ok(keys.collect())
    }

    async fn log_of(&self, account: AccountId) -> Result<Value, AuthFault> {
        let filter = audit::Filter { account: Some(account), ..audit::Filter::default() };
        let entries = audit::list(&self.0.db, &filter, LOG_LINES)
            .await?
            .into_iter()
            .map(|entry| json!({ "at": Moment(entry.at_ms), "kind": entry.kind, "address": entry.address }));
        Ok(entries.collect())
    }
}
