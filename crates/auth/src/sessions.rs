//! Devices that are signed in: each has a session, a short access token and a refresh token that
//! changes with every use.
//!
//! A refresh token that comes a second time means that two hold it, one of whom stole it: the session
//! ends for both (RFC 9700, 4.14.2). One exception: within [`GRACE`] the token before the present one
//! is answered with the present one, since two tabs, or a request that is repeated because its answer
//! was lost, do the same. A thief gains nothing by it: the owner's next refresh or theirs reveals them.

mod refresh_token;

use std::{net::IpAddr, time::Duration};

use serde_json::json;
use sori_contracts::{AccountId, SessionId};
use sori_http::{AccessFault, ClientAddress};
use uuid::Uuid;

use crate::{
    Account, Actor, AuthFault, Inner,
    account::{self, columns},
    audit::{Event, Kind},
    config::ms,
    random,
    revocations::{Reason, Revocation, Revocations},
    tokens::{self, Holder},
};
use refresh_token::RefreshToken;

pub(crate) const GRACE: Duration = Duration::from_secs(10);
const LONGEST_DEVICE_NAME: usize = 100;

/// From where somebody signs in.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Such as `Firefox on Linux`.
    pub name: String,
    pub address: Option<IpAddr>,
}

/// What a device is given. `Debug` hides the secrets.
#[derive(Clone)]
pub struct Tokens {
    pub session: SessionId,
    pub access_token: String,
    pub refresh_token: String,
    /// For browsers: sent back as `X-CSRF-Token`.
    pub csrf_token: String,
    pub access_lifetime: Duration,
    pub refresh_lifetime: Duration,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("session", &self.session).finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    device_name: String,
    address: Option<String>,
    salt: Vec<u8>,
    rotation: i64,
    rotated_at_ms: i64,
    created_at_ms: i64,
    expires_at_ms: i64,
}

/// One device that is signed in.
#[derive(Clone, Debug)]
pub struct DeviceEntry {
    pub session: SessionId,
    pub name: String,
    pub address: Option<String>,
    pub created_at_ms: i64,
    pub last_used_at_ms: i64,
}

/// The sessions of this installation.
#[derive(Clone, Copy)]
pub struct Sessions<'a>(pub(crate) &'a Inner);

impl Sessions<'_> {
    /// Signs an account in that has proved itself. One that is not active is refused.
    pub async fn open(self, account: &Account, device: Device) -> Result<Tokens, AuthFault> {
        account.status.admit()?;
        let (inner, now_ms) = (self.0, self.0.config.now_ms());
        let session = SessionId::generate();
        let salt = random::bytes::<32>();
        let expires_at_ms = now_ms + ms(inner.config.session_idle.min(inner.config.session_longest));
        let mut tx = inner.db.begin().await?;
        // Not for an account that was changed since it was read.
        let opened = tx
            .query(
                "INSERT INTO auth_session (id, account_id, device_name, address, salt, rotation, rotated_at_ms,
                     created_at_ms, expires_at_ms)
                 SELECT $1, id, $3, $4, $5, 0, $6, $6, $7 FROM auth_account
                 WHERE id = $2 AND generation = $8 AND status = 'active'",
            )
            .bind(session)
            .bind(account.id)
            .bind(shortened(&device.name))
            .bind(device.address.map(|address| address.to_canonical().to_string()))
            .bind(salt.to_vec())
            .bind(now_ms)
            .bind(expires_at_ms)
            .bind(account.generation)
            .execute()
            .await?;
        if opened == 0 {
            return Err(AccessFault::InvalidToken.into());
        }
        tx.query("UPDATE auth_account SET signed_in_at_ms = $2 WHERE id = $1")
            .bind(account.id)
            .bind(now_ms)
            .execute()
            .await?;
        if let Some(address) = device.address {
            remember(&mut tx, account.id, address, now_ms).await?;
        }
        let actor = Actor { account: Some(account.id), address: device.address };
        let details = json!({ "session": session });
        Event::new(Kind::SignedIn).about(account.id).by(actor).with(details).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        let refresh = RefreshToken::make(&inner.config.roots.current, session.0, &salt, 0);
        self.tokens(account, session, &refresh, expires_at_ms)
    }

    /// New tokens for a refresh token, which is used up by that.
    pub async fn refresh(self, token: &str, address: Option<IpAddr>) -> Result<(Account, Tokens), AuthFault> {
        let (inner, now_ms) = (self.0, self.0.config.now_ms());
        let token = RefreshToken::parse(token).ok_or(AccessFault::InvalidToken)?;
        // The second look is for who lost a race against the same token.
        for _ in 0..2 {
            let (row, account) = self.find(&token, now_ms).await?;
            account.status.admit()?;
            let session = SessionId(row.id);
            let root = &inner.config.roots.current;
            if token.rotation + 1 == row.rotation && now_ms - row.rotated_at_ms < ms(GRACE) {
                let present = RefreshToken::make(root, row.id, &row.salt, row.rotation);
                return Ok((account.clone(), self.tokens(&account, session, &present, row.expires_at_ms)?));
            }
            if token.rotation != row.rotation {
                self.reused(&account, session, address).await?;
                return Err(AccessFault::InvalidToken.into());
            }
            let ends = row.created_at_ms + ms(inner.config.session_longest);
            let expires_at_ms = ends.min(now_ms + ms(inner.config.session_idle));
            if self.rotate(&row, address, now_ms, expires_at_ms).await? {
                let next = RefreshToken::make(root, row.id, &row.salt, row.rotation + 1);
                return Ok((account.clone(), self.tokens(&account, session, &next, expires_at_ms)?));
            }
        }
        Err(AccessFault::InvalidToken.into())
    }

    /// Whose token it is. What was never given out is told from nothing.
    async fn find(self, token: &RefreshToken, now_ms: i64) -> Result<(Row, Account), AuthFault> {
        let inner = self.0;
        let row: Option<Row> = inner
            .db
            .query(
                "SELECT id, device_name, address, salt, rotation, rotated_at_ms, created_at_ms, expires_at_ms
                 FROM auth_session WHERE id = $1 AND expires_at_ms > $2",
            )
            .bind(token.session)
            .bind(now_ms)
            .fetch_optional()
            .await?;
        let row = row.filter(|row| token.is_ours(&inner.config.roots, &row.salt));
        let row = row.ok_or(AccessFault::InvalidToken)?;
        let account: Option<account::Row> = inner
            .db
            .query(concat!(
                "SELECT ",
                columns!(),
                " FROM auth_account a JOIN auth_session s ON s.account_id = a.id WHERE s.id = $1"
            ))
            .bind(row.id)
            .fetch_optional()
            .await?;
        Ok((row, account.ok_or(AccessFault::InvalidToken)?.into()))
    }

    /// False when another request with the same token was first.
    async fn rotate(
        self,
        row: &Row,
        address: Option<IpAddr>,
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<bool, AuthFault> {
        let rotated = self
            .0
            .db
            .query(
                "UPDATE auth_session SET rotation = rotation + 1, rotated_at_ms = $3, expires_at_ms = $4,
                     address = COALESCE($5, address)
                 WHERE id = $1 AND rotation = $2",
            )
            .bind(row.id)
            .bind(row.rotation)
            .bind(now_ms)
            .bind(expires_at_ms)
            .bind(address.map(|address| address.to_canonical().to_string()))
            .execute()
            .await?;
        Ok(rotated == 1)
    }

    async fn reused(
        self,
        account: &Account,
        session: SessionId,
        address: Option<IpAddr>,
    ) -> Result<(), AuthFault> {
        tracing::warn!(account = %account.id, %session, "a refresh token was used twice: its session ends");
        let event = Event::new(Kind::RefreshReused).about(account.id).from(address);
        self.end_with(account.id, session, event.with(json!({ "session": session }))).await.map(|_| ())
    }

    /// Signs one device out. `false` when it was not signed in.
    pub async fn end(self, account: AccountId, session: SessionId, actor: Actor) -> Result<bool, AuthFault> {
        let event = Event::new(Kind::SignedOut).about(account).by(actor);
        self.end_with(account, session, event.with(json!({ "session": session }))).await
    }

    pub(crate) async fn end_with(
        self,
        account: AccountId,
        session: SessionId,
        event: Event,
    ) -> Result<bool, AuthFault> {
        let inner = self.0;
        let mut tx = inner.db.begin().await?;
        let ended = tx
            .query("DELETE FROM auth_session WHERE id = $1 AND account_id = $2")
            .bind(session)
            .bind(account)
            .execute()
            .await?;
        if ended == 0 {
            return Ok(false);
        }
        let revocation = Revocation {
            subject: session.0,
            generation: Revocation::ALL,
            reason: Reason::Renew,
            expires_at_ms: inner.revocation_ends_at_ms(),
        };
        Revocations::add(&mut tx, &revocation).await?;
        event.write(&mut tx, inner.config.now_ms()).await?;
        tx.commit().await?;
        inner.revocations.apply(revocation);
        Ok(true)
    }

    /// Signs all devices out. API keys stay.
    pub async fn end_all(self, account: AccountId, actor: Actor) -> Result<(), AuthFault> {
        let inner = self.0;
        let mut tx = inner.db.begin().await?;
        let revocation = inner.accounts().take_back(&mut tx, account, Reason::Renew).await?;
        tx.query("DELETE FROM auth_session WHERE account_id = $1").bind(account).execute().await?;
        let now_ms = inner.config.now_ms();
        Event::new(Kind::SignedOutEverywhere).about(account).by(actor).write(&mut tx, now_ms).await?;
        tx.commit().await?;
        inner.revocations.apply(revocation);
        Ok(())
    }

    /// The one that was used last comes first.
    pub async fn list(self, account: AccountId) -> Result<Vec<DeviceEntry>, AuthFault> {
        let rows: Vec<Row> = self
            .0
            .db
            .query(
                "SELECT id, device_name, address, salt, rotation, rotated_at_ms, created_at_ms, expires_at_ms
                 FROM auth_session WHERE account_id = $1 AND expires_at_ms > $2
                 ORDER BY rotated_at_ms DESC, id DESC LIMIT 200",
            )
            .bind(account)
            .bind(self.0.config.now_ms())
            .fetch_all()
            .await?;
        let entry = |row: Row| DeviceEntry {
            session: SessionId(row.id),
            name: row.device_name,
            address: row.address,
            created_at_ms: row.created_at_ms,
            last_used_at_ms: row.rotated_at_ms,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    fn tokens(
        self,
        account: &Account,
        session: SessionId,
        refresh: &RefreshToken,
        expires_at_ms: i64,
    ) -> Result<Tokens, AuthFault> {
        let inner = self.0;
        let holder =
            Holder { account: account.id, session, role: account.role, generation: account.generation };
        let (now_ms, lifetime) = (inner.config.now_ms(), inner.config.access_lifetime);
        let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let access_token = tokens::sign(&inner.signing_keys.ring(), holder, now_ms, lifetime_s)
            .ok_or_else(|| AuthFault::Internal("a token cannot be signed".into()))?;
        Ok(Tokens {
            session,
            access_token,
            refresh_token: refresh.text(),
            csrf_token: random::hex(&random::bytes::<16>()),
            access_lifetime: lifetime,
            refresh_lifetime: Duration::from_millis(u64::try_from(expires_at_ms - now_ms).unwrap_or(0)),
        })
    }
}

/// Signing in from there again is trusted more than from elsewhere.
async fn remember(
    tx: &mut sori_db::Tx,
    account: AccountId,
    address: IpAddr,
    now_ms: i64,
) -> Result<(), AuthFault> {
    tx.query(
        "INSERT INTO auth_known_address (account_id, address, seen_at_ms) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, address) DO UPDATE SET seen_at_ms = excluded.seen_at_ms",
    )
    .bind(account)
    .bind(ClientAddress(address).line().to_string())
    .bind(now_ms)
    .execute()
    .await?;
    Ok(())
}

fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST_DEVICE_NAME).collect()
}
