//! A receiver of alerts on a socket.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use sori_contracts::{Cancel, JobError, JobHandler, JobId, NewJob, Progress, ProgressReport, RunningJob};
use sori_metering::{AlertSettings, alerts::signature};
use tokio::net::TcpListener;

use crate::rig::{Node, Scene, webhook};

struct Quiet;

impl ProgressReport for Quiet {
    fn report(&self, _progress: Progress) {}
}

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// Answers each message with the next of these statuses.
async fn receiver(statuses: &'static [u16]) -> (String, Received) {
    let received = Received::default();
    let kept = Arc::clone(&received);
    let router = Router::new().route(
        "/alerts",
        post(move |headers: HeaderMap, body: String| async move {
            let mut kept = kept.lock().unwrap();
            kept.push((headers, body));
            StatusCode::from_u16(statuses[kept.len() - 1]).unwrap()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, received)
}

/// The job of an alert that fired.
async fn ordered(node: &Node) -> NewJob {
    node.fail(11);
    assert_eq!(node.look().await, ["stream_errors_high: firing"]);
    let mut orders = node.queue.0.lock().unwrap();
    assert_eq!(orders.len(), 1);
    orders.remove(0)
}

async fn run(handler: &dyn JobHandler, order: &NewJob) -> Result<Value, JobError> {
    let job = RunningJob {
        id: JobId::generate(),
        payload: order.payload.clone(),
        owner: None,
        attempt: 1,
        progress: Arc::new(Quiet),
        cancel: Cancel::new(),
    };
    handler.run(job).await
}

#[tokio::test]
async fn it_is_signed_and_tried_again_under_the_same_id() {
    let (url, received) = receiver(&[503, 200]).await;
    let scene = Scene::on_both().await.remove(0);
    let node = scene.node(webhook(&url));
    let order = ordered(&node).await;
    let handlers = node.metering.handlers();
    let handler = handlers.iter().find(|handler| handler.kind() == order.kind).unwrap();
    let refused = run(&**handler, &order).await.unwrap_err();
    assert!(refused.is_worth_retrying());
    assert_eq!(run(&**handler, &order).await.unwrap()["sent"], true);
    let received = received.lock().unwrap();
    let ids: Vec<_> = received.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids[0], ids[1]);
    let (headers, body) = &received[1];
    let timestamp: i64 = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
    let expected = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ids[1], timestamp, body);
    assert_eq!(headers["webhook-signature"], expected);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "alert.firing");
    assert_eq!(
        (&body["data"]["alert"], &body["data"]["severity"]),
        (&"stream_errors_high".into(), &"P0".into())
    );
    assert_eq!((&body["data"]["measure"], &body["data"]["threshold"]), (&11.0.into(), &10.0.into()));
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_not_asked_again() {
    let (url, _received) = receiver(&[410]).await;
    let scene = Scene::on_both().await.remove(0);
    let node = scene.node(webhook(&url));
    let order = ordered(&node).await;
    let handler = &node.metering.handlers()[0];
    assert!(!run(&**handler, &order).await.unwrap_err().is_worth_retrying());
    // A receiver that was taken out of the settings is not missed.
    let without = scene.node(AlertSettings::default());
    assert_eq!(run(&*without.metering.handlers()[0], &order).await.unwrap()["sent"], false);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    assert_eq!(AlertSettings::default().check(), Ok(()));
    assert_eq!(webhook("https://alerts.example/hook").check(), Ok(()));
    for wrong in [
        AlertSettings { slots_percent: 0, ..AlertSettings::default() },
        AlertSettings { slots_percent: 101, ..AlertSettings::default() },
        AlertSettings { hit_rate_percent: 101, ..AlertSettings::default() },
        webhook("ftp://alerts.example"),
        AlertSettings { webhook_secret: None, ..webhook("https://alerts.example") },
        AlertSettings { webhook_secret: Some("short".into()), ..webhook("https://alerts.example") },
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}
