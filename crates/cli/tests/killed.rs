//! A server that is killed in the middle of a render goes on with it when it is started again.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sori"))
            .args(["serve", "--no-demo", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .env_remove("DATABASE_URL")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let base = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.strip_prefix("Sori is at ").map(|rest| rest.split(' ').next().unwrap().to_owned())
            })
            .expect("the server says where it is");
        // The log has to go somewhere, or the server would wait for its reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, base }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn job(client: &reqwest::Client, base: &str, id: &str) -> Value {
    client.get(format!("{base}/v1/jobs/{id}")).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_render_that_was_killed_is_finished_by_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
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
