//! Accounts to share with, kept in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use sori_contracts::{AccountId, Accounts, Caller, Credential, Fault, Member, Profile, Role, Scopes};

#[derive(Default)]
pub(crate) struct SomeAccounts(Mutex<Vec<Profile>>);

impl SomeAccounts {
    /// A new account, signed in.
    pub(crate) fn join(&self, role: Role) -> Caller {
        let account = AccountId::generate();
        let mut known = self.0.lock().unwrap();
        let name = format!("{}-{}", role.as_str(), known.len());
        known.push(Profile { id: account, email: format!("{name}@example.org"), name });
        Caller::Account(Member { account, role, scopes: Scopes::all(), credential: Credential::External })
    }

    pub(crate) fn email(&self, caller: Caller) -> String {
        let known = self.0.lock().unwrap();
        known.iter().find(|profile| Some(profile.id) == caller.account()).unwrap().email.clone()
    }

    pub(crate) fn leave(&self, caller: Caller) {
        self.0.lock().unwrap().retain(|profile| Some(profile.id) != caller.account());
    }
}

#[async_trait]
impl Accounts for SomeAccounts {
    async fn find_by_email(&self, email: &str) -> Result<Option<Profile>, Box<dyn Fault>> {
        let known = self.0.lock().unwrap();
        Ok(known.iter().find(|profile| profile.email.eq_ignore_ascii_case(email)).cloned())
    }

    async fn profiles(&self, ids: &[AccountId]) -> Result<Vec<Profile>, Box<dyn Fault>> {
        let known = self.0.lock().unwrap();
        Ok(known.iter().filter(|profile| ids.contains(&profile.id)).cloned().collect())
    }
}
