//! A script is deleted: its renderings go, and with them its clips and where everybody was in it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use sori_contracts::{ContentId, JobError, JobHandler, RunningJob, ScriptId, jobs::FORGET_SCRIPT};
use sori_http::RequestFault;
use sori_listening::Listening;
use sori_voice::Voice;

/// Those of the voices; forgetting a script is done by listening too.
#[must_use]
pub fn handlers(voice: &Voice, listening: &Listening) -> Vec<Arc<dyn JobHandler>> {
    let together = |handler: Arc<dyn JobHandler>| -> Arc<dyn JobHandler> {
        match handler.kind() {
            FORGET_SCRIPT => Arc::new(ForgetScript { renderings: handler, listening: listening.clone() }),
            _ => handler,
        }
    };
    voice.handlers().into_iter().map(together).collect()
}

struct ForgetScript {
    renderings: Arc<dyn JobHandler>,
    listening: Listening,
}

#[derive(Deserialize)]
struct Order {
    script_id: ScriptId,
}

#[async_trait]
impl JobHandler for ForgetScript {
    fn kind(&self) -> &'static str {
        FORGET_SCRIPT
    }

    fn timeout(&self) -> Duration {
        self.renderings.timeout()
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let order =
            Order::deserialize(&job.payload).map_err(|error| RequestFault::Internal(error.to_string()))?;
        // First: what comes later is repeated with it when it fails.
        self.listening.forget_content(ContentId(order.script_id.0)).await?;
        self.renderings.run(job).await
    }
}
