//! People who call the server in tests: real accounts with real tokens.

use sori_auth::{Account, Actor, Auth, Device, Email, NewAccount, Status, Tokens};
use sori_contracts::{AccountId, Role};

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: AccountId,
    pub(crate) role: Role,
    pub(crate) token: String,
    pub(crate) tokens: Tokens,
}

impl Person {
    /// Without a password, which would take long to hash.
    pub(crate) async fn new(auth: &Auth, role: Role) -> Self {
        let account = account(auth, role).await;
        let tokens = auth.sessions().open(&account, Device::default()).await.unwrap();
        Self { id: account.id, role, token: tokens.access_token.clone(), tokens }
    }
}

pub(crate) async fn account(auth: &Auth, role: Role) -> Account {
    let email = format!("{}@example.org", AccountId::generate());
    let new = NewAccount {
        email: Email::parse(&email).unwrap(),
        name: role.as_str().to_owned(),
        password: None,
        role,
        status: Status::Active,
        language: None,
        email_verified: true,
    };
    auth.accounts().make(new, Actor::OPERATOR).await.unwrap()
}
