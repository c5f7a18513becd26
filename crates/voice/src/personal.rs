//! An account's renderings, when it asks for them and when it leaves.

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{AccountId, Fault, JobError, PersonalData};

use crate::{RenderFault, RenderingFault, Voice};

#[async_trait]
impl PersonalData for Voice {
    fn name(&self) -> &'static str {
        "renderings"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        let mut renderings = Vec::new();
        for id in self.renderings.owned_by(account).await.map_err(boxed)? {
            match self.renderings.get(id).await {
                Ok(rendering) => renderings.push(json!({
                    "id": id,
                    "script_id": rendering.script_id,
                    "created_at_ms": rendering.created_at_ms,
                    "transcript": rendering.transcript,
                    "audio": rendering.audio.iter()
                        .map(|audio| format!("/v1/renderings/{id}/audio/{}", audio.format))
                        .collect::<Vec<_>>(),
                })),
                // Removed meanwhile.
                Err(RenderingFault::NotFound(_)) => {}
                Err(fault) => return Err(boxed(fault)),
            }
        }
        Ok(renderings.into())
    }

    /// What was voiced for a script is the script's and goes or stays with it.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        for id in self.renderings.owned_by(account).await.map_err(boxed)? {
            let of_script = match self.renderings.get(id).await {
                Ok(rendering) => rendering.script_id.is_some(),
                Err(RenderingFault::NotFound(_)) => continue,
                Err(fault) => return Err(boxed(fault)),
            };
            if !of_script {
                self.remove(id).await.map_err(|error| match error {
                    JobError::Fault(fault) => fault,
                    JobError::Cancelled => Box::new(RenderFault::Cancelled),
                })?;
            }
        }
        self.renderings.disown(account).await.map_err(boxed)
    }
}

fn boxed(fault: RenderingFault) -> Box<dyn Fault> {
    Box::new(fault)
}
