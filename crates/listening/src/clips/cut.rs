//! The job that cuts a clip.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sori_contracts::{Caller, ContentId, Credential, JobError, JobHandler, Member, Role, RunningJob, Scopes};

use super::captions;
use crate::{Listening, ListeningFault};

pub(crate) const CUT_CLIP: &str = "cut_clip";
/// Ten minutes of film, encoded on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    clip_id: ContentId,
    /// What its owner was when they ordered it: they read the source once more.
    role: Role,
}

pub(super) fn payload(clip: ContentId, role: Role) -> Value {
    json!(Order { clip_id: clip, role })
}

pub(crate) struct CutClip(pub(crate) Listening);

#[async_trait]
impl JobHandler for CutClip {
    fn kind(&self) -> &'static str {
        CUT_CLIP
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let order: Order = serde_json::from_value(job.payload.clone())
            .map_err(|source| ListeningFault::Stored { what: "order", source })?;
        let outcome = self.cut(&job, &order).await;
        if let Err(error) = &outcome
            && (!error.is_worth_retrying() || job.attempt >= self.max_attempts())
        {
            let code = match error {
                JobError::Cancelled => "CANCELLED",
                JobError::Fault(fault) => fault.code(),
            };
            self.0.0.clips.fail(order.clip_id, code).await.map_err(ListeningFault::from)?;
        }
        outcome
    }
}

impl CutClip {
    async fn cut(&self, job: &RunningJob, order: &Order) -> Result<Value, JobError> {
        let listening = &self.0.0;
        let result = json!({ "clip_id": order.clip_id });
        let clip = listening.clips.find(order.clip_id).await.map_err(ListeningFault::from)?;
        let Some(clip) = clip else { return Ok(result) };
        let Some(account) = clip.owner.filter(|_| clip.duration_ms.is_none()) else { return Ok(result) };
        let caller = Caller::Account(Member {
            account,
            role: order.role,
            scopes: Scopes::default(),
            credential: Credential::External,
        });
        let source = listening.contents.content(&caller, clip.source).await.map_err(JobError::Fault)?;
        let said = listening.cutter.captions(&caller, &source).await.map_err(JobError::Fault)?;
        let said = said.map(|whole| captions::cut(&whole, clip.start_ms, clip.end_ms, &clip.title));
        let said =
            said.map(|captions| serde_json::to_string(&captions).expect("captions can be written as JSON"));
        let cut = match listening.cutter.cut(&source, &clip, &job.cancel).await {
            Ok(cut) => cut,
            Err(_) if job.cancel.is_cancelled() => return Err(JobError::Cancelled),
            Err(fault) => return Err(JobError::Fault(fault)),
        };
        let finished = listening.clips.finish(clip.id, cut.duration_ms, &cut.files, said).await;
        // Gone meanwhile, or another attempt was quicker: what this one stored is nobody's.
        if !matches!(finished, Ok(true)) {
            for file in &cut.files {
                listening.cutter.discard(file.media).await.map_err(JobError::Fault)?;
            }
        }
        finished.map_err(ListeningFault::from)?;
        Ok(result)
    }
}
