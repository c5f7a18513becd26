//! Others ask the catalog: may this caller hear what was made for a script, what does a saved script
//! say, when is a line heard, and may something be added to a show.

use async_trait::async_trait;
use sori_catalog::Catalog;
use sori_contracts::{Caller, Fault, LineId, Right, ScriptAccess, ScriptId, ShowId};
use sori_http::AccessFault;
use sori_listening::{LineSpan, Lines};
use sori_media::Shows;
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

#[async_trait]
impl Shows for AskCatalog {
    async fn may_add(&self, caller: &Caller, show: ShowId) -> Result<(), Box<dyn Fault>> {
        match self.0.show(caller, show).await {
            Ok(show) if show.may_change => Ok(()),
            Ok(_) => Err(Box::new(AccessFault::Forbidden)),
            Err(fault) => Err(Box::new(fault)),
        }
    }
}

#[async_trait]
impl Lines for AskCatalog {
    async fn line(&self, caller: &Caller, line: LineId) -> Result<LineSpan, Box<dyn Fault>> {
        let line = self.0.line(caller, line).await.map_err(|fault| Box::new(fault) as Box<dyn Fault>)?;
        let time = |ms: Option<i64>| ms.and_then(|ms| u64::try_from(ms).ok());
        Ok(LineSpan { script: line.script_id, start_ms: time(line.start_ms), end_ms: time(line.end_ms) })
    }
}
