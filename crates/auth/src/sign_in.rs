//! Signing in with a password.
//!
//! Whether the address has an account is told by nothing: not by the answer, and not by its time,
//! since a hash is computed either way.

use sori_contracts::AccountId;
use sori_http::ClientAddress;

use crate::{
    Account, Auth, AuthFault, Device, Email, Password, Tokens,
    audit::{Event, Kind},
};

impl Auth {
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        device: Device,
    ) -> Result<(Account, Tokens), AuthFault> {
        let inner = &*self.0;
        inner.guard.admits(device.address)?;
        let email = Email::parse(email)?;
        let (account, hash) = match self.accounts().with_hash(&email).await? {
            Some((account, hash)) => (Some(account), hash),
            None => (None, None),
        };
        let is_known = self.is_known(account.as_ref(), &device).await?;
        let attempt = inner.guard.begin(device.address, email.key(), is_known)?;
        let compared = inner.hasher.verify(Password::typed(password), hash, attempt.standing()).await;
        if let Err(AuthFault::TooManyTries { .. }) = compared {
            inner.guard.turned_away(&attempt);
        }
        let is_right = compared?;
        let Some(account) = account.filter(|_| is_right) else {
            self.note_failure(&email, &device).await?;
            return Err(AuthFault::SignInFailed);
        };
        inner.guard.succeeded(&attempt);
        let tokens = self.sessions().open(&account, device).await?;
        Ok((account, tokens))
    }

    /// Also asked when there is no account, so that it takes the same time.
    async fn is_known(&self, account: Option<&Account>, device: &Device) -> Result<bool, AuthFault> {
        let Some(address) = device.address else { return Ok(false) };
        let nobody = AccountId(uuid::Uuid::nil());
        let known: Option<(i64,)> = self
            .0
            .db
            .query("SELECT seen_at_ms FROM auth_known_address WHERE account_id = $1 AND address = $2")
            .bind(account.map_or(nobody, |account| account.id))
            .bind(ClientAddress(address).line().to_string())
            .fetch_optional()
            .await?;
        Ok(known.is_some())
    }

    /// Of an unknown address nothing is written down but where it came from: people type passwords
    /// into the wrong field. The account is looked up again, so that the way here is the same for both.
    async fn note_failure(&self, email: &Email, device: &Device) -> Result<(), AuthFault> {
        let found = self.accounts().by_email(email).await?;
        let mut event = Event::new(Kind::SignInFailed).from(device.address);
        if let Some(account) = found {
            event = event.about(account.id);
        }
        Ok(event.write_alone(&self.0.db, self.0.config.now_ms()).await?)
    }
}
