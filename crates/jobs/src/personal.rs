//! An account's jobs, when it asks for them and when it leaves.

use async_trait::async_trait;
use serde_json::Value;
use sori_contracts::{AccountId, Fault, PersonalData, UiLanguage};

use crate::{Jobs, JobsError, record::JobRecord, store::Filter};

const PAGE: u32 = 200;

#[async_trait]
impl PersonalData for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        let jobs = self.jobs_of(account).await.map_err(boxed)?;
        let views: Vec<_> = jobs.iter().map(|record| record.view(UiLanguage::En)).collect();
        Ok(serde_json::to_value(views).expect("jobs can be written as JSON"))
    }

    /// What is under way is cancelled. A running job may take a moment to give way: it is nobody's
    /// by then, and goes with the old jobs.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        for record in self.jobs_of(account).await.map_err(boxed)? {
            let id = record.job_id();
            self.cancel(id).await.map_err(boxed)?;
            if record.script_id.is_some() {
                self.0.store.remove(id).await.map_err(|error| boxed(error.into()))?;
            } else if let Err(problem) = self.discard(id).await {
                tracing::warn!(job = %id, error = %problem.fault(), "what a job made is left to the sweep");
            }
        }
        self.0.store.disown(account).await.map_err(|error| boxed(error.into()))
    }
}

impl Jobs {
    async fn jobs_of(&self, account: AccountId) -> Result<Vec<JobRecord>, JobsError> {
        let filter = Filter { owner: Some(account), ..Filter::default() };
        let mut jobs: Vec<JobRecord> = Vec::new();
        loop {
            let after = jobs.last().map(JobRecord::job_id);
            let page = self.0.store.list(&filter, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            jobs.extend(page);
            if is_last {
                return Ok(jobs);
            }
        }
    }
}

fn boxed(error: JobsError) -> Box<dyn Fault> {
    Box::new(error)
}
