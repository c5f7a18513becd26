//! Things that belong to accounts: who may do what with them, and what becomes of them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AccountId, Caller, Fault, ScriptId};

/// What a caller may do with a thing that exists for them; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    Read,
    /// Change it and delete it.
    Write,
    /// Say who else may see it.
    Share,
}

/// Tells what a caller may do with a script; the catalog is behind it.
#[async_trait]
pub trait ScriptAccess: Send + Sync {
    /// `None` when the script does not exist for this caller: it is somebody else's, or it is gone.
    async fn right(&self, caller: &Caller, script: ScriptId) -> Result<Option<Right>, Box<dyn Fault>>;
}

/// What others may know of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Profile {
    pub id: AccountId,
    pub email: String,
    pub name: String,
}

/// Finds accounts to share with; the block `auth` is behind it. Only accounts that may sign in.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Case makes no difference.
    async fn find_by_email(&self, email: &str) -> Result<Option<Profile>, Box<dyn Fault>>;

    /// Those of `ids` that exist, in any order.
    async fn profiles(&self, ids: &[AccountId]) -> Result<Vec<Profile>, Box<dyn Fault>>;
}

/// What a block keeps of a person. Both are safe to repeat.
#[async_trait]
pub trait PersonalData: Send + Sync {
    /// The field of the whole export that this part becomes, such as `scripts`.
    fn name(&self) -> &'static str;

    /// Everything that belongs to the account, in words its owner can read.
    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>>;

    /// Removes what is private and takes the account off what stays. The account may be gone already.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>>;
}
