//! The voices ask the catalog: may this caller hear what was made for a script, and what does a
//! saved script say.

use async_trait::async_trait;
use sori_catalog::Catalog;
use sori_contracts::{Caller, Fault, Right, ScriptAccess, ScriptId};
use sori_script::Script;
use sori_voice::SavedScripts;

pub struct AskCatalog(pub Catalog);

#[async_trait]
impl ScriptAccess for AskCatalog {
    async fn right(&self, caller: &Caller, script: ScriptId) -> Result<Option<Right>, Box<dyn Fault>> {
        self.0.right(caller, script).await
    }
}

#[async_trait]
impl SavedScripts for AskCatalog {
    async fn read(&self, caller: &Caller, script: ScriptId) -> Result<Script, Box<dyn Fault>> {
        match self.0.document_for(caller, script, Right::Read).await {
            Ok(document) => Ok(document.script),
            Err(fault) => Err(Box::new(fault)),
        }
    }
}
