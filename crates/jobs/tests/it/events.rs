//! What a watcher is told.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use futures::{Stream, StreamExt as _};
use serde_json::Value;
use sori_contracts::JobId;

use crate::rig::{PATIENCE, Rig, caller, rigs};

#[derive(Debug)]
struct Told {
    id: i64,
    job: Value,
}

impl Told {
    fn status(&self) -> &str {
        self.job["status"].as_str().unwrap()
    }
}

/// The events of a body, as an `EventSource` reads them.
fn read(response: Response<Body>) -> impl Stream<Item = Told> + Unpin {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response
        .into_body()
        .into_data_stream()
        .map(|part| String::from_utf8(part.unwrap().to_vec()).unwrap());
    let lines = text
        .flat_map(|part| futures::stream::iter(part.split("\n\n").map(str::to_owned).collect::<Vec<_>>()));
    Box::pin(lines.filter_map(|event| async move {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let data = field("data:")?;
        assert_eq!(field("event:"), Some("job"));
        Some(Told { id: field("id:").unwrap().parse().unwrap(), job: serde_json::from_str(data).unwrap() })
    }))
}

async fn watch(rig: &Rig, id: JobId, seen: Option<i64>) -> impl Stream<Item = Told> + Unpin {
    let seen = seen.map(|seen| seen.to_string());
    let headers: Vec<_> = seen.iter().map(|seen| ("last-event-id", seen.as_str())).collect();
    read(rig.send("GET", &format!("/v1/jobs/{id}/events"), &headers).await)
}

async fn next(events: &mut (impl Stream<Item = Told> + Unpin)) -> Option<Told> {
    tokio::time::timeout(PATIENCE, events.next()).await.expect("an event within the time")
}

#[tokio::test]
async fn a_watcher_sees_the_row_first_then_each_step_then_the_end_and_the_stream_closes() {
    for rig in rigs().await {
        let id = rig.order("steps").await;
        rig.becomes(id, |view| view.progress.percent == 20).await;
        let mut events = watch(&rig, id, None).await;
        let first = next(&mut events).await.unwrap();
        assert_eq!((first.status(), &first.job["progress"]["percent"]), ("running", &20.into()));
        let mut last = first.id;
        for percent in [40, 60, 80] {
            rig.stage.door.add_permits(1);
            let mut told = next(&mut events).await.unwrap();
            // The write of a step into the row may be told after the step itself, never a step back.
            while told.job["progress"]["percent"].as_i64().unwrap() < percent {
                assert_eq!(told.job["progress"]["percent"], percent - 20, "{told:?}");
                told = next(&mut events).await.unwrap();
            }
            assert_eq!(told.job["progress"]["percent"], percent, "{told:?}");
            assert!(told.id >= last);
            last = told.id;
        }
        rig.stage.door.add_permits(1);
        // A write of the last step may come before the end.
        let mut told = next(&mut events).await.unwrap();
        while told.status() == "running" {
            told = next(&mut events).await.unwrap();
        }
        assert_eq!((told.status(), &told.job["progress"]["percent"]), ("succeeded", &100.into()));
        assert!(told.id > last);
        assert!(next(&mut events).await.is_none(), "the stream ends with the job");
    }
}

#[tokio::test]
async fn a_row_that_is_read_again_takes_no_step_back() {
    for rig in rigs().await {
        let id = rig.order("steps").await;
        rig.becomes(id, |view| view.progress.percent == 20).await;
        let mut events = watch(&rig, id, None).await;
        // Two steps at once: the second is announced and not yet in the row, which is read each second.
        rig.stage.door.add_permits(2);
        let mut seen = 0;
        let until = tokio::time::Instant::now() + Duration::from_millis(2_500);
        while let Ok(Some(told)) = tokio::time::timeout_at(until, events.next()).await {
            let percent = told.job["progress"]["percent"].as_i64().unwrap();
            assert!(percent >= seen, "{percent} after {seen}");
            seen = percent;
        }
        assert_eq!(seen, 60);
        rig.stage.door.add_permits(2);
        while next(&mut events).await.is_some() {}
    }
}

#[tokio::test]
async fn a_job_that_ended_before_the_watcher_came_is_told_once() {
    for rig in rigs().await {
        let id = rig.order("succeed").await;
        rig.ends(id).await;
        let events: Vec<_> = watch(&rig, id, None).await.collect().await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].status(), "succeeded");
        // So too for a client that comes back with the number of the last event it had.
        let again: Vec<_> = watch(&rig, id, Some(events[0].id)).await.collect().await;
        assert_eq!(again.len(), 1);
    }
}

#[tokio::test]
async fn a_watcher_that_comes_back_is_told_only_what_is_new() {
    for rig in rigs().await {
        let id = rig.order("gate").await;
        rig.runs(id).await;
        let first = next(&mut watch(&rig, id, None).await).await.unwrap();
        let mut same = watch(&rig, id, Some(first.id)).await;
        let mut behind = watch(&rig, id, Some(first.id - 1)).await;
        assert_eq!(next(&mut behind).await.unwrap().id, first.id);
        let silence = tokio::time::timeout(Duration::from_millis(200), same.next()).await;
        assert!(silence.is_err(), "{silence:?}");
        rig.stage.door.add_permits(1);
        assert_eq!(next(&mut same).await.unwrap().status(), "succeeded");
    }
}

#[tokio::test]
async fn a_job_of_another_process_is_followed_by_its_row() {
    for rig in rigs().await {
        let id = rig.order("gate").await;
        rig.runs(id).await;
        let elsewhere = sori_jobs::Jobs::new(rig.db.clone(), rig.config.clone()).await.unwrap();
        let (router, _) = elsewhere.routes().split_for_parts();
        let admin = caller(sori_contracts::AccountId::generate(), sori_contracts::Role::Admin);
        let request = axum::http::Request::get(format!("/v1/jobs/{id}/events")).extension(admin);
        let request = request.body(Body::empty()).unwrap();
        let mut events = read(tower::ServiceExt::oneshot(router, request).await.unwrap());
        assert_eq!(next(&mut events).await.unwrap().status(), "running");
        rig.stage.door.add_permits(1);
        assert_eq!(next(&mut events).await.unwrap().status(), "succeeded");
        assert!(next(&mut events).await.is_none());
    }
}

#[tokio::test]
async fn streams_end_when_the_server_does_and_an_unknown_job_has_none() {
    for rig in rigs().await {
        let missing = rig.send("GET", &format!("/v1/jobs/{}/events", JobId::generate()), &[]).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        let id = rig.order("until_told").await;
        rig.runs(id).await;
        let mut events = watch(&rig, id, None).await;
        next(&mut events).await.unwrap();
        rig.jobs.close_streams();
        assert!(next(&mut events).await.is_none());
    }
}
