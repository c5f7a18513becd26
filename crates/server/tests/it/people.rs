//! People who call the server in tests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sori_contracts::{
    AccountId, ApiKeyId, Credential, Fault, Identity, Member, Presented, Role, Scope, Scopes, SessionId,
};
use sori_http::AccessFault;

/// Knows whoever was added, by what they show.
#[derive(Default)]
pub(crate) struct People(Mutex<HashMap<String, Member>>);

impl People {
    /// Signed in on one device; answers the token.
    pub(crate) fn sign_in(&self, role: Role) -> (String, Member) {
        let credential = Credential::Session(SessionId::generate());
        self.add(Member { account: AccountId::generate(), role, scopes: Scopes::all(), credential })
    }

    pub(crate) fn key(&self, role: Role, scopes: &[Scope]) -> (String, Member) {
        let credential = Credential::ApiKey(ApiKeyId::generate());
        let scopes = scopes.iter().copied().collect();
        self.add(Member { account: AccountId::generate(), role, scopes, credential })
    }

    fn add(&self, member: Member) -> (String, Member) {
        let shown = match member.credential {
            Credential::Session(id) => id.to_string(),
            Credential::ApiKey(id) => id.to_string(),
            Credential::External | Credential::Link => member.account.to_string(),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(shown.clone(), member);
        (shown, member)
    }
}

#[async_trait::async_trait]
impl Identity for People {
    async fn identify(&self, presented: Presented<'_>) -> Result<Member, Box<dyn Fault>> {
        let shown = match presented {
            Presented::Bearer(shown) | Presented::ApiKey(shown) => shown,
            Presented::Signed(request) => request.key,
        };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shown).copied();
        known.ok_or_else(|| Box::new(AccessFault::InvalidToken) as Box<dyn Fault>)
    }
}
