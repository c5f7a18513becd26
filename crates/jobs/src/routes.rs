//! Routes of the jobs block: list, look, watch, cancel or remove, try again.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use serde::Deserialize;
use sori_contracts::{JobId, JobState, Role, ScriptId};
use sori_http::{Json, Page, PageQuery, Path, Problem, ProblemBody, Query, SignedIn, Who};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{JobView, Jobs, JobsError, events, reader::Reader, store::Filter};

/// Shorter than the idle limit of common proxies (60 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl Jobs {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(list_jobs))
            .routes(routes!(get_job, delete_job))
            .routes(routes!(retry_job))
            .routes(routes!(watch_job))
            .with_state(self.clone())
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct JobsQuery {
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    /// Only jobs for this script.
    script_id: Option<ScriptId>,
}

/// List your jobs, newest first
///
/// An admin sees those of everybody.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "list_jobs", tag = "jobs",
    params(JobsQuery, PageQuery),
    security(("account" = ["jobs:read"])),
    responses(
        (status = 200, description = "One page of jobs", body = Page<JobView>),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
    ))]
async fn list_jobs(
    State(jobs): State<Jobs>,
    SignedIn(member): SignedIn,
    reader: Reader,
    Query(query): Query<JobsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<JobView>>, Problem> {
    let state = match query.state {
        Some(name) => Some(JobState::parse(&name).ok_or(JobsError::UnknownState(name))?),
        None => None,
    };
    let limit = page.limit()?;
    let owner = (member.role < Role::Admin).then_some(member.account);
    let filter = Filter { state, script: query.script_id, owner };
    let records = jobs.0.store.list(&filter, page.after()?, limit + 1).await?;
    let views = records.iter().map(|record| reader.view(record)).collect();
    Ok(Json(Page::cut(views, limit, |job: &JobView| job.id.to_string())))
}

/// Look at a job
#[utoipa::path(get, path = "/v1/jobs/{id}", operation_id = "get_job", tag = "jobs",
    security(("account" = ["jobs:read"])),
    params(("id" = JobId, Path, description = "Job")),
    responses(
        (status = 200, description = "The job as it stands", body = JobView),
        (status = 404, description = "`JOB_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_job(
    State(jobs): State<Jobs>,
    Who(caller): Who,
    reader: Reader,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(reader.view(&jobs.record_for(&caller, id).await?)))
}

/// Cancel a job, or remove a finished one
///
/// A queued job is cancelled at once, a running one as soon as it gives way (watch it, or look
/// again). A finished job is removed together with what it made.
#[utoipa::path(delete, path = "/v1/jobs/{id}", operation_id = "delete_job", tag = "jobs",
    security(("account" = ["jobs:write"])),
    params(("id" = JobId, Path, description = "Job")),
    responses(
        (status = 200, description = "Cancelled, or asked to stop", body = JobView),
        (status = 204, description = "It was finished and is removed"),
        (status = 404, description = "`JOB_NOT_FOUND`", body = ProblemBody),
    ))]
async fn delete_job(
    State(jobs): State<Jobs>,
    Who(caller): Who,
    reader: Reader,
    Path(id): Path<JobId>,
) -> Result<Response, Problem> {
    let record = jobs.record_for(&caller, id).await?;
    if record.state().is_final() && jobs.discard(id).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    jobs.cancel(id).await?;
    Ok(Json(reader.view(&jobs.record(id).await?)).into_response())
}

/// Try a failed or cancelled job again
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs",
    security(("account" = ["jobs:write"])),
    params(("id" = JobId, Path, description = "Job")),
    responses(
        (status = 202, description = "Queued again", body = JobView),
        (status = 404, description = "`JOB_NOT_FOUND`", body = ProblemBody),
        (status = 409, description = "`JOB_NOT_RETRYABLE`: it neither failed nor was cancelled", body = ProblemBody),
    ))]
async fn retry_job(
    State(jobs): State<Jobs>,
    Who(caller): Who,
    Path(id): Path<JobId>,
) -> Result<Response, Problem> {
    jobs.record_for(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(jobs.retry(id).await?)).into_response())
}

/// Watch a job
///
/// Server-sent events named `job`; the data of each is the job as `GET /v1/jobs/{id}` answers it.
/// The first is the job as it stands, the last its final state. With `Last-Event-ID` the first is
/// left out when nothing has changed since.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", operation_id = "watch_job", tag = "jobs",
    security(("account" = ["jobs:read"])),
    params(("id" = JobId, Path, description = "Job"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event that was received")),
    responses(
        (status = 200, description = "Events until the job is finished", content_type = "text/event-stream", body = Object),
        (status = 404, description = "`JOB_NOT_FOUND`", body = ProblemBody),
    ))]
async fn watch_job(
    State(jobs): State<Jobs>,
    Who(caller): Who,
    reader: Reader,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let changes = jobs.0.changes.subscribe();
    let first = jobs.record_for(&caller, id).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.trim().parse().ok());
    let events = events::follow(jobs, changes, first, seen, reader);
    let stream = Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that buffer would hold events back (nginx).
    Ok((
        [(header::CACHE_CONTROL, "no-store"), (header::HeaderName::from_static("x-accel-buffering"), "no")],
        stream,
    )
        .into_response())
}
