//! Ready ahead of time: packages by job, what comes next in a show, the first segments in memory.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sori_contracts::{
    AccountId, Caller, Content, ContentId, JobError, JobHandler, JobId, NewJob, Priority, RunningJob,
    ScriptId,
};
use sori_db::now_ms;
use sori_http::{Json, Path, Problem, ProblemBody, SignedIn};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Hls, HlsFault, Source,
    packages::{PackageRow, State as PackageState},
    packing::Packaged,
    playlist::Progress,
    shown::Shown,
};

pub(crate) const PACKAGE_CONTENT: &str = "package_content";

/// An order that no worker has begun by then was cancelled, or lost with its queue.
const ORDER_STANDS_FOR_MS: i64 = 10 * 60_000;
/// A day of sound at the least speed.
const TIMEOUT: Duration = Duration::from_secs(2 * 3_600);
/// How often a job looks how far somebody else is with the same.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What is read into memory ahead of a player.
const WARM_SEGMENTS: usize = 3;

pub(crate) fn routes(hls: Hls) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(prepare_audio, get_prepare_status)).with_state(hls)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrepareState {
    Ready,
    Preparing,
    Queued,
}

/// How far a content is on its way to being streamed in pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PrepareStatus {
    pub status: PrepareState,
    /// Percent.
    pub progress: u8,
    /// Its events tell more (`GET /v1/jobs/{id}/events`); `null` when a listener's player began it.
    pub job_id: Option<JobId>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PrepareRequest {
    priority: Priority,
}

/// Make the audio of a script ready ahead of time
///
/// Safe to repeat: one job does it, and the answer says how far it is.
#[utoipa::path(post, path = "/api/v1/audio/prepare/{script_id}", operation_id = "prepare_audio", tag = "streaming",
    security(("account" = ["scripts:read"])),
    params(("script_id" = ScriptId, Path, description = "Script")),
    request_body = PrepareRequest,
    responses(
        (status = 200, description = "Ready, or under way", body = PrepareStatus),
        (status = 202, description = "Queued; `Location` names the job", body = PrepareStatus),
        (status = 404, description = "`CONTENT_NOT_FOUND`: no such script, or it was not rendered yet", body = ProblemBody),
        (status = 409, description = "`STREAM_NOT_PACKAGED`: it can only be played as it is", body = ProblemBody),
    ))]
async fn prepare_audio(
    State(hls): State<Hls>,
    SignedIn(member): SignedIn,
    Path(id): Path<ScriptId>,
    Json(request): Json<PrepareRequest>,
) -> Result<Response, Problem> {
    let content = hls.content(&Caller::Account(member), id).await?;
    let prepared = hls.prepare(&content, request.priority, Some(member.account)).await?;
    Ok(match (prepared.status, prepared.job_id) {
        (PrepareState::Queued, Some(job)) => {
            let location = [(header::LOCATION, format!("/v1/jobs/{job}"))];
            (StatusCode::ACCEPTED, location, Json(prepared)).into_response()
        }
        _ => Json(prepared).into_response(),
    })
}

/// How far the audio of a script is
///
/// Orders nothing: what nobody has ordered is `queued` at 0 without a job.
#[utoipa::path(get, path = "/api/v1/audio/prepare/{script_id}", operation_id = "get_prepare_status", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("script_id" = ScriptId, Path, description = "Script")),
    responses(
        (status = 200, description = "How far it is", body = PrepareStatus),
        (status = 404, description = "`CONTENT_NOT_FOUND`: no such script, or it was not rendered yet", body = ProblemBody),
        (status = 409, description = "`STREAM_NOT_PACKAGED`: it can only be played as it is", body = ProblemBody),
    ))]
async fn get_prepare_status(
    State(hls): State<Hls>,
    sori_http::Who(caller): sori_http::Who,
    Path(id): Path<ScriptId>,
) -> Result<Json<PrepareStatus>, Problem> {
    let content = hls.content(&caller, id).await?;
    let source = Source::of(&content).ok_or(HlsFault::NoRendition(content.id))?;
    let unordered = PrepareStatus { status: PrepareState::Queued, progress: 0, job_id: None };
    Ok(Json(hls.status(&source).await?.unwrap_or(unordered)))
}

impl Hls {
    async fn content(&self, caller: &Caller, script: ScriptId) -> Result<Content, Problem> {
        self.0.contents.content(caller, ContentId(script.0)).await.map_err(Problem::from_boxed)
    }

    /// Sees to it that a content is packaged, now or later.
    ///
    /// # Errors
    /// [`HlsFault::NotPackaged`], [`HlsFault::NoRendition`] and those of the database.
    pub async fn prepare(
        &self,
        content: &Content,
        priority: Priority,
        owner: Option<AccountId>,
    ) -> Result<PrepareStatus, HlsFault> {
        let source = Source::of(content).ok_or(HlsFault::NoRendition(content.id))?;
        if let Some(status) = self.status(&source).await? {
            return Ok(status);
        }
        let job = NewJob {
            id: None,
            kind: PACKAGE_CONTENT,
            payload: serde_json::to_value(&source)?,
            priority,
            script_id: content.script,
            owner,
        };
        let mut tx = self.0.packages.db.begin().await?;
        let id = self.0.queue.enqueue(&mut tx, job).await?;
        self.0.packages.note_order(&mut tx, &source, id, now_ms() + ORDER_STANDS_FOR_MS).await?;
        tx.commit().await?;
        Ok(PrepareStatus { status: PrepareState::Queued, progress: 0, job_id: Some(id) })
    }

    /// `None`: nobody has ordered it, or whoever began it is gone.
    async fn status(&self, source: &Source) -> Result<Option<PrepareStatus>, HlsFault> {
        let row = self.0.packages.of_source(source.media_id).await?;
        let Some(row) = row.filter(|row| !row.is_over(now_ms())) else { return Ok(None) };
        let status = match row.state {
            PackageState::Ready => PrepareState::Ready,
            PackageState::Packaging => PrepareState::Preparing,
            PackageState::Queued => PrepareState::Queued,
            PackageState::Failed { code } => {
                return Err(HlsFault::NotPackaged { content: row.content_id, code });
            }
        };
        Ok(Some(PrepareStatus { status, progress: row.percent, job_id: row.job_id }))
    }

    /// After a player began: its next ranges, and what it will most likely play next.
    pub(crate) fn look_ahead(&self, caller: &Caller, content: &Content, shown: &Shown) {
        let first = shown.renditions.first().filter(|_| shown.progress == Progress::Complete);
        let warm = first.and_then(|rendition| {
            let segments = &rendition.fragments.segments;
            let upto = segments.get(..WARM_SEGMENTS).unwrap_or(segments).last()?;
            Some((rendition.media?, 0..upto.bytes.end))
        });
        let is_new = !self.0.prefetched.contains_key(&content.id);
        self.0.prefetched.insert(content.id, ());
        if warm.is_none() && !is_new {
            return;
        }
        let (hls, caller, id, package) = (self.clone(), *caller, content.id, shown.id);
        tokio::spawn(async move {
            if let Some((media, span)) = warm {
                hls.0.streaming.preload(media, span).await;
            }
            if is_new && let Err(problem) = hls.note_use(&caller, id, package).await {
                tracing::debug!(content = %id, fault = %problem.fault(), "nothing was prepared ahead");
            }
        });
    }

    async fn note_use(
        &self,
        caller: &Caller,
        id: ContentId,
        package: super::packages::PackageId,
    ) -> Result<(), Problem> {
        self.0.packages.touch(package).await?;
        let Some(next) = self.0.contents.next(caller, id).await.map_err(Problem::from_boxed)? else {
            return Ok(());
        };
        let content = self.0.contents.content(caller, next).await.map_err(Problem::from_boxed)?;
        self.prepare(&content, Priority::Low, None).await?;
        Ok(())
    }
}

/// The job `package_content`: a [`Source`] in its payload.
pub(crate) struct PackageContentHandler(pub(crate) Hls);

#[async_trait]
impl JobHandler for PackageContentHandler {
    fn kind(&self) -> &'static str {
        PACKAGE_CONTENT
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let hls = &self.0;
        let source: Source = serde_json::from_value(job.payload.clone()).map_err(HlsFault::from)?;
        let progress = Arc::clone(&job.progress);
        let report: Arc<dyn Fn(u8) + Send + Sync> = Arc::new(move |percent| {
            let stage = "packaging".to_owned();
            progress.report(sori_contracts::Progress { percent, stage, ..Default::default() });
        });
        let permit = hls.0.quiet.acquire().await;
        let packaged = hls.package(&source, &job.cancel, Arc::clone(&report)).await;
        drop(permit);
        match packaged {
            Ok(Packaged::Ready) => {}
            Ok(Packaged::Elsewhere) => hls.wait_for(&source, &job, &*report).await?,
            Err(_) if job.cancel.is_cancelled() => return Err(JobError::Cancelled),
            Err(fault) => return Err(fault.into()),
        }
        let content = source.content_id;
        Ok(json!({ "content_id": content, "url": Hls::path(content) }))
    }
}

impl Hls {
    /// Until whoever packages the same for a listener is done.
    async fn wait_for(
        &self,
        source: &Source,
        job: &RunningJob,
        report: &(dyn Fn(u8) + Send + Sync),
    ) -> Result<(), JobError> {
        while !job.cancel.is_cancelled() {
            let row = self.0.packages.of_source(source.media_id).await?;
            match row.filter(|row| !row.is_over(now_ms())) {
                Some(PackageRow { state: PackageState::Ready, .. }) => return Ok(()),
                Some(PackageRow { state: PackageState::Failed { code }, .. }) => {
                    return Err(HlsFault::NotPackaged { content: source.content_id, code }.into());
                }
                Some(row) => report(row.percent),
                None => return Err(HlsFault::Preparing(source.content_id).into()),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(JobError::Cancelled)
    }
}
