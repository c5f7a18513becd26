//! A server that is killed in the middle of a render goes on with it when it is started again.

#[path = "rig/key.rs"]
mod key;
#[path = "rig/server.rs"]
mod server;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use key::key_of_an_admin;
use server::Server;

async fn job(client: &reqwest::Client, base: &str, id: &str) -> Value {
    client.get(format!("{base}/v1/jobs/{id}")).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_render_that_was_killed_is_finished_by_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let proof = ("x-api-key".parse().unwrap(), key_of_an_admin(data.path()).parse().unwrap());
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .default_headers([proof].into_iter().collect())
        .build()
        .unwrap();
    let lines: Vec<_> = (0..1500)
        .map(|n| json!({"speaker_id": "tone:440", "text": format!("line number {n} of many")}))
        .collect();

    let mut server = Server::start(data.path());
    let order = json!({"script": lines, "output_format": "wav"});
    let accepted: Value = client
        .post(format!("{}/v1/synthesize", server.base))
        .json(&order)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = accepted["job_id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let view = job(&client, &server.base, &id).await;
        if view["status"] == "running" {
            break;
        }
        assert!(view["status"] == "queued" && Instant::now() < deadline, "it never ran: {view}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let server = Server::start(data.path());
    let deadline = Instant::now() + Duration::from_secs(120);
    let done = loop {
        let view = job(&client, &server.base, &id).await;
        if ["succeeded", "failed", "cancelled"].contains(&view["status"].as_str().unwrap()) {
            break view;
        }
        assert!(Instant::now() < deadline, "{view}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["result"]["lines_total"], 1500);
    let scratch: Vec<_> = std::fs::read_dir(data.path().join("scratch")).unwrap().collect();
    assert!(scratch.is_empty(), "the killed attempt's files were swept: {scratch:?}");
}
