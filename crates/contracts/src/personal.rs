//! What blocks hold of a person, for export and for deletion on request.

use async_trait::async_trait;
use serde_json::Value;

use crate::{AccountId, Fault};

/// A block that keeps things of accounts. The block `auth` asks each of them in turn.
#[async_trait]
pub trait PersonalData: Send + Sync {
    /// The key under which its part stands in an export, such as `scripts`.
    fn name(&self) -> &'static str;

    /// Everything of theirs that the block has, as JSON a person can read.
    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>>;

    /// Removes what is theirs alone, and takes their name off what others go on using. May be asked
    /// again after it was interrupted.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>>;
}
