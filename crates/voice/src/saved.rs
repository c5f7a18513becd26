//! What the voices ask about scripts that are kept elsewhere; the server connects them.

use async_trait::async_trait;
use sori_contracts::{Caller, Fault, ScriptAccess, ScriptId};
use sori_script::Script;

#[async_trait]
pub trait SavedScripts: ScriptAccess {
    /// What a script says now.
    ///
    /// # Errors
    /// Not found when it does not exist for this caller.
    async fn read(&self, caller: &Caller, script: ScriptId) -> Result<Script, Box<dyn Fault>>;
}
