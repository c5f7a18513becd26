//! An empty library at the first start gets a show to listen to, rendered before the first visit.

use std::time::Duration;

use sori_catalog::{NewScript, NewShow};
use sori_contracts::{JobId, JobState, Priority};
use sori_http::Problem;
use sori_script::{Format, Limits};

use crate::{App, flows::render_script};

const DEMO: &str = include_str!("../../../examples/the-night-radio.fountain");
/// Well over what a slow machine takes; after that the render goes on while pages are served.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Debug, PartialEq, Eq)]
pub enum Demo {
    /// The library has something in it, or had.
    NotNeeded,
    Rendered,
    /// It is in the library, and can be rendered from its page.
    Waiting(String),
}

impl App {
    /// Adds the demo show unless this server had one before, and waits for its sound.
    /// `watch` is told the percentage.
    pub async fn prepare_demo(
        &self,
        data_dir: &std::path::Path,
        mut watch: impl FnMut(u8),
    ) -> Result<Demo, Problem> {
        let marker = data_dir.join(".demo");
        if marker.exists() || !self.catalog.is_empty().await? {
            return Ok(Demo::NotNeeded);
        }
        let parsed = sori_script::read(DEMO.as_bytes(), Format::Fountain, &Limits::default())
            .map_err(|error| sori_http::RequestFault::Internal(format!("the demo script: {error}")))?;
        let show = NewShow {
            title: "Sori".into(),
            description: Some("The demo show.".into()),
            ..NewShow::default()
        };
        let new = NewScript {
            script: parsed.script,
            source_text: Some(DEMO.to_owned()),
            source_format: Some(Format::Fountain),
            ..NewScript::default()
        };
        let script = self.catalog.add_own_show(show, new).await?;
        if let Err(error) = std::fs::write(&marker, "") {
            tracing::warn!(%error, "the demo may be added again at the next start");
        }
        let request = render_script::RenderRequest { priority: Some(Priority::High), ..Default::default() };
        let document = self.catalog.document(script).await?;
        match render_script::order(&self.voice, document, None, &request, sori_http::Once::default()).await {
            Ok(job) => self.wait_for_demo(job, &mut watch).await,
            Err(problem) => Ok(Demo::Waiting(problem.fault().message(sori_contracts::UiLanguage::En))),
        }
    }

    async fn wait_for_demo(&self, job: JobId, watch: &mut impl FnMut(u8)) -> Result<Demo, Problem> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            let view = self.jobs.get(job).await?;
            watch(view.progress.percent);
            match view.status {
                JobState::Succeeded => return Ok(Demo::Rendered),
                JobState::Failed | JobState::Cancelled => break,
                JobState::Queued | JobState::Running => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        Ok(Demo::Waiting("it is not rendered yet".into()))
    }
}
