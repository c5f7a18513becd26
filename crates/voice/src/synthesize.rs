//! The job `render_script`: a script in its payload, a rendering in the database when it is done.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sori_audio::Format;
use sori_contracts::jobs::FORGET_SCRIPT;
use sori_contracts::{
    Fault, JobError, JobHandler, JobId, LineId, MediaId, NewJob, Priority, RenderingId, RunningJob, ScriptId,
};
use sori_script::Script;
use sori_text::Lexicon;

use crate::{
    Voice,
    fault::{RenderFault, sentence, text_error_ko},
    render::{RenderOptions, Rendered, Renderer, TARGET_LUFS},
    renderings::NewRendering,
    transcript::Transcript,
};

pub const RENDER_SCRIPT: &str = "render_script";

/// A day of audio at the slowest voice takes hours; a stuck job must still end.
const TIMEOUT: Duration = Duration::from_secs(6 * 3_600);
/// A page may still be playing the rendering before the newest.
const RENDERINGS_KEPT_PER_SCRIPT: usize = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenderScript {
    pub script: Script,
    pub script_id: Option<ScriptId>,
    /// The script's revision and the ids of its lines when the order was given.
    #[serde(default)]
    pub revision: i64,
    #[serde(default)]
    pub line_ids: Vec<LineId>,
    pub formats: Vec<Format>,
    pub sample_rate_hz: u32,
    #[serde(default = "target_lufs")]
    pub target_lufs: f64,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub lexicon: Vec<(String, String)>,
}

fn target_lufs() -> f64 {
    TARGET_LUFS
}

impl RenderScript {
    #[must_use]
    pub fn into_job(self, priority: Priority) -> NewJob {
        NewJob {
            id: None,
            kind: RENDER_SCRIPT,
            script_id: self.script_id,
            payload: serde_json::to_value(self).expect("an order of texts and numbers can be written"),
            owner: None,
            priority,
        }
    }
}

/// Told when a script of the catalog has a new rendering, or has lost one. The server connects it
/// with the catalog; what it does must be safe to repeat.
#[async_trait]
pub trait RenderingListener: Send + Sync {
    async fn rendered(&self, rendered: &ScriptRendered<'_>) -> Result<(), Box<dyn Fault>>;

    async fn removed(&self, script: ScriptId, rendering: RenderingId) -> Result<(), Box<dyn Fault>>;
}

pub struct ScriptRendered<'a> {
    pub script_id: ScriptId,
    pub revision: i64,
    pub rendering_id: RenderingId,
    pub line_ids: &'a [LineId],
    pub transcript: &'a Transcript,
}

pub(crate) struct RenderScriptHandler(pub(crate) Voice);

#[async_trait]
impl JobHandler for RenderScriptHandler {
    fn kind(&self) -> &'static str {
        RENDER_SCRIPT
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let voice = &self.0;
        let order: RenderScript =
            serde_json::from_value(job.payload.clone()).map_err(|error| RenderFault::BadRequest {
                code: "JOB_UNREADABLE",
                en: format!("This job was written by another version: {error}"),
                ko: "다른 버전에서 만든 작업이라 읽을 수 없습니다.".into(),
            })?;
        let folder = voice.scratch_folder()?;
        let rendered = self.render(&order, &job, folder.path().to_owned()).await?;
        let rendering = self.store(&order, &job, rendered).await?;
        self.announce(&order, &rendering).await?;
        Ok(result(&rendering))
    }

    async fn discard(&self, id: JobId, _result: Option<Value>) -> Result<(), JobError> {
        if let Some(rendering) = self.0.renderings.of_job(id).await? {
            self.0.remove(rendering).await?;
        }
        Ok(())
    }
}

/// Removes what was rendered for a script that is gone.
pub(crate) struct ForgetScriptHandler(pub(crate) Voice);

#[async_trait]
impl JobHandler for ForgetScriptHandler {
    fn kind(&self) -> &'static str {
        FORGET_SCRIPT
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        #[derive(Deserialize)]
        struct Order {
            script_id: ScriptId,
        }
        let order: Order = serde_json::from_value(job.payload).map_err(|error| unreadable(&error))?;
        let renderings = self.0.renderings.outdated(order.script_id, 0).await?;
        for rendering in &renderings {
            self.0.remove(*rendering).await?;
        }
        Ok(json!({ "renderings_removed": renderings.len() }))
    }
}

fn unreadable(error: &serde_json::Error) -> RenderFault {
    RenderFault::BadRequest {
        code: "JOB_UNREADABLE",
        en: format!("This job was written by another version: {error}"),
        ko: "다른 버전에서 만든 작업이라 읽을 수 없습니다.".into(),
    }
}

impl RenderScriptHandler {
    async fn render(
        &self,
        order: &RenderScript,
        job: &RunningJob,
        folder: std::path::PathBuf,
    ) -> Result<Rendered, JobError> {
        let voice = self.0.clone();
        let order = order.clone();
        let (progress, cancel) = (Arc::clone(&job.progress), job.cancel.clone());
        let rendering = tokio::task::spawn_blocking(move || {
            let options = RenderOptions {
                formats: order.formats,
                sample_rate_hz: order.sample_rate_hz,
                target_lufs: order.target_lufs,
                seed: order.seed,
                lexicon: lexicon(&order.lexicon)?,
                default_voice: None,
            };
            let renderer = Renderer {
                engines: &voice.engines,
                cache: &voice.cache,
                encoders: &*voice.encoders,
                lanes: voice.lanes,
                progress: &*progress,
                cancel: &cancel,
            };
            renderer.render(&order.script, &options, &folder, "audio")
        });
        match rendering.await {
            Ok(Ok(rendered)) => Ok(rendered),
            Ok(Err(RenderFault::Cancelled)) => Err(JobError::Cancelled),
            Ok(Err(fault)) if job.cancel.is_cancelled() => {
                tracing::debug!(%fault, "a cancelled render ended");
                Err(JobError::Cancelled)
            }
            Ok(Err(fault)) => Err(fault.into()),
            Err(panic) => Err(RenderFault::Internal(panic.to_string()).into()),
        }
    }

    async fn store(
        &self,
        order: &RenderScript,
        job: &RunningJob,
        rendered: Rendered,
    ) -> Result<NewRendering, JobError> {
        let mut audio = Vec::new();
        for file in &rendered.files {
            let media = self.0.media.put_file(MediaId::generate(), file.format.mime(), &file.path).await?;
            audio.push((file.format.extension().to_owned(), media));
        }
        let rendering = NewRendering {
            id: RenderingId::generate(),
            job_id: job.id,
            script_id: order.script_id,
            owner: job.owner,
            sample_rate_hz: rendered.sample_rate_hz,
            integrated_lufs: rendered.integrated_lufs,
            true_peak_dbtp: rendered.true_peak_dbtp,
            transcript: rendered.transcript,
            audio,
        };
        for orphan in self.0.renderings.store(&rendering).await? {
            self.0.media.delete(orphan).await?;
        }
        Ok(rendering)
    }

    async fn announce(&self, order: &RenderScript, rendering: &NewRendering) -> Result<(), JobError> {
        let Some(script_id) = order.script_id else { return Ok(()) };
        let event = ScriptRendered {
            script_id,
            revision: order.revision,
            rendering_id: rendering.id,
            line_ids: &order.line_ids,
            transcript: &rendering.transcript,
        };
        self.0.listener.rendered(&event).await.map_err(JobError::Fault)?;
        for outdated in self.0.renderings.outdated(script_id, RENDERINGS_KEPT_PER_SCRIPT).await? {
            self.0.remove(outdated).await?;
        }
        Ok(())
    }
}

pub(crate) fn lexicon(entries: &[(String, String)]) -> Result<Lexicon, RenderFault> {
    Lexicon::from_pairs(entries.iter().map(|(word, reading)| (word.as_str(), reading.as_str()))).map_err(
        |error| RenderFault::BadRequest {
            code: error.code(),
            en: sentence(&error),
            ko: text_error_ko(&error),
        },
    )
}

/// The names that the older voices API answers with, beside ours.
fn result(rendering: &NewRendering) -> Value {
    let base = format!("/v1/renderings/{}", rendering.id);
    let audio: serde_json::Map<_, _> = rendering
        .audio
        .iter()
        .map(|(format, media)| {
            let file = json!({
                "url": format!("{base}/audio/{format}"),
                "content_type": media.content_type,
                "bytes": media.size_bytes,
                "sha256": media.sha256,
            });
            (format.clone(), file)
        })
        .collect();
    let captions: serde_json::Map<_, _> = crate::routes::CaptionFormat::ALL
        .iter()
        .map(|format| {
            (format.as_str().to_owned(), json!({ "url": format!("{base}/captions/{}", format.as_str()) }))
        })
        .collect();
    json!({
        "rendering_id": rendering.id,
        "duration_ms": rendering.transcript.duration_ms,
        "audio": audio,
        "captions": captions,
        "lines_total": rendering.transcript.lines.len(),
        "lines_cached": rendering.transcript.lines.iter().filter(|line| line.cached).count(),
        "loudness": { "integrated_lufs": rendering.integrated_lufs, "true_peak_dbtp": rendering.true_peak_dbtp },
    })
}
