//! Keys that come, change and go.

use serde_json::json;
use sori_contracts::{AccountId, ApiKeyId, Scope, Scopes};
use uuid::Uuid;

use super::{ApiKey, ApiKeys, KeyText, PREFIX_BYTES, Policy, secret_of};
use crate::{
    Actor, AuthFault,
    audit::{Event, Kind},
    random,
    revocations::{Reason, Revocation, Revocations},
};

const MOST_PER_ACCOUNT: u32 = 100;
const LONGEST_NAME: usize = 100;

#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub scopes: Scopes,
    pub policy: Policy,
    pub expires_at_ms: Option<i64>,
}

/// What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    pub name: Option<String>,
    pub scopes: Option<Scopes>,
    pub policy: Option<Policy>,
    /// `Some(None)`: never.
    pub expires_at_ms: Option<Option<i64>>,
}

impl ApiKeys<'_> {
    /// Answers the whole key, which nobody can see again.
    pub async fn create(
        self,
        account: AccountId,
        new: NewKey,
        actor: Actor,
    ) -> Result<(ApiKey, String), AuthFault> {
        let inner = self.0;
        let name = key_name(&new.name)?;
        let now_ms = inner.config.now_ms();
        check_expiry(new.expires_at_ms, now_ms)?;
        check_scopes(new.scopes)?;
        let id = ApiKeyId::generate();
        let (prefix, salt) = (random::hex(&random::bytes::<PREFIX_BYTES>()), random::bytes::<32>());
        let root = &inner.config.roots.current;
        let secret = secret_of(root, &salt);
        let mut tx = inner.db.begin().await?;
        let made = tx
            .query(
                "INSERT INTO auth_api_key (id, account_id, name, prefix, hash, salt, root, scopes, policy,
                     generation, created_at_ms, expires_at_ms, last_used_at_ms)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, NULL
                 WHERE (SELECT COUNT(*) FROM auth_api_key WHERE account_id = $2) < $12",
            )
            .bind(id)
            .bind(account)
            .bind(name)
            .bind(prefix.as_str())
            .bind(random::sha256(secret.as_bytes()).to_vec())
            .bind(salt.to_vec())
            .bind(root.id())
            .bind(text_of(new.scopes))
            .bind(new.policy.as_str())
            .bind(now_ms)
            .bind(new.expires_at_ms)
            .bind(MOST_PER_ACCOUNT)
            .execute()
            .await?;
        if made == 0 {
            return Err(AuthFault::TooManyKeys(MOST_PER_ACCOUNT));
        }
        let details =
            json!({ "key": id, "prefix": prefix, "scopes": text_of(new.scopes), "policy": new.policy });
        Event::new(Kind::KeyMade).about(account).by(actor).with(details).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        Ok((self.get(account, id).await?, KeyText::write(&prefix, &secret)))
    }

    pub async fn change(
        self,
        account: AccountId,
        id: ApiKeyId,
        change: KeyChange,
        actor: Actor,
    ) -> Result<ApiKey, AuthFault> {
        let inner = self.0;
        let before = self.get(account, id).await?;
        let name = change.name.as_deref().map(key_name).transpose()?.unwrap_or(before.name);
        let scopes = change.scopes.unwrap_or(before.scopes);
        let policy = change.policy.unwrap_or(before.policy);
        let expires_at_ms = change.expires_at_ms.unwrap_or(before.expires_at_ms);
        let now_ms = inner.config.now_ms();
        if change.expires_at_ms.is_some() {
            check_expiry(expires_at_ms, now_ms)?;
        }
        check_scopes(scopes)?;
        let mut tx = inner.db.begin().await?;
        Revocations::lock(&mut tx).await?;
        let changed: Option<(i64,)> = tx
            .query(
                "UPDATE auth_api_key SET name = $3, scopes = $4, policy = $5, expires_at_ms = $6,
                     generation = generation + 1
                 WHERE id = $1 AND account_id = $2 RETURNING generation",
            )
            .bind(id)
            .bind(account)
            .bind(name)
            .bind(text_of(scopes))
            .bind(policy.as_str())
            .bind(expires_at_ms)
            .fetch_optional()
            .await?;
        let (generation,) = changed.ok_or(AuthFault::KeyNotFound)?;
        let revocation = self.outdated(id.0, generation);
        Revocations::add(&mut tx, &revocation).await?;
        let details =
            json!({ "key": id, "prefix": before.prefix, "scopes": text_of(scopes), "policy": policy });
        Event::new(Kind::KeyChanged).about(account).by(actor).with(details).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        inner.revocations.apply(revocation);
        self.get(account, id).await
    }

    pub async fn revoke(self, account: AccountId, id: ApiKeyId, actor: Actor) -> Result<(), AuthFault> {
        let inner = self.0;
        let mut tx = inner.db.begin().await?;
        let prefix: Option<(String,)> = tx
            .query("DELETE FROM auth_api_key WHERE id = $1 AND account_id = $2 RETURNING prefix")
            .bind(id)
            .bind(account)
            .fetch_optional()
            .await?;
        let (prefix,) = prefix.ok_or(AuthFault::KeyNotFound)?;
        let revocation = self.outdated(id.0, Revocation::ALL);
        Revocations::add(&mut tx, &revocation).await?;
        let event = Event::new(Kind::KeyRevoked).about(account).by(actor);
        event.with(json!({ "key": id, "prefix": prefix })).write(&mut tx, inner.config.now_ms()).await?;
        tx.commit().await?;
        inner.revocations.apply(revocation);
        Ok(())
    }

    /// What is remembered of the key from before is to be looked up again.
    fn outdated(self, subject: Uuid, generation: i64) -> Revocation {
        let expires_at_ms = self.0.revocation_ends_at_ms();
        Revocation { subject, generation, reason: Reason::Renew, expires_at_ms }
    }
}

fn text_of(scopes: Scopes) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

fn key_name(text: &str) -> Result<String, AuthFault> {
    let name = text.trim();
    let is_good = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if is_good {
        return Ok(name.to_owned());
    }
    Err(AuthFault::field(
        "name",
        format!("A key's name has 1 to {LONGEST_NAME} letters."),
        format!("키 이름은 1자에서 {LONGEST_NAME}자까지입니다."),
    ))
}

fn check_scopes(scopes: Scopes) -> Result<(), AuthFault> {
    if scopes.iter().next().is_some() {
        return Ok(());
    }
    Err(AuthFault::field("scopes", "Choose at least one scope.", "권한을 하나 이상 선택해 주세요."))
}

fn check_expiry(expires_at_ms: Option<i64>, now_ms: i64) -> Result<(), AuthFault> {
    if expires_at_ms.is_none_or(|end| end > now_ms) {
        return Ok(());
    }
    Err(AuthFault::field("expires_at", "expires_at is in the past.", "expires_at이 이미 지난 시각입니다."))
}
