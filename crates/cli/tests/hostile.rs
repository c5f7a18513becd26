//! What hostile bodies cost a running server.

#[path = "rig/server.rs"]
mod server;

use std::process::Command;

use server::{Server, sori};

/// The most that the process has held since its start, in kilobytes.
fn peak_kb(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn out(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Row B9 of the attack list: deep, large and many-membered JSON needs at most 100 MB.
#[tokio::test]
async fn b9_no_body_costs_a_hundred_megabytes() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let run = |arguments: &[&str]| {
        let mut command = sori(home.path());
        command.args(arguments).arg("--data-dir").arg(&data);
        command
    };
    out(run(&["user", "add", "a@example.org", "--role", "editor"]));
    let scopes = "synth,scripts:read,scripts:write";
    let made = out(run(&["key", "create", "test", "--scope", scopes, "--user", "a@example.org"]));
    let key = made.split_whitespace().find(|word| word.starts_with("sori_")).unwrap().to_owned();
    let server = Server::start(&data);
    let client = reqwest::Client::new();
    let send = async |path: &str, body: Vec<u8>| {
        let request = client.post(format!("{}{path}", server.base)).header("x-api-key", &key);
        // The answer comes before a body that is too large is through, and may be missed.
        let answer = request.header("content-type", "application/json").body(body).send().await;
        answer.map_or(413, |answer| answer.status().as_u16())
    };
    assert_eq!(send("/v1/synthesize", b"{}".to_vec()).await, 400);
    let before = peak_kb(&server);
    let one = r#"{"speaker_id":"tone:440","text":"a"},"#;
    let many = format!(r#"{{"script":[{}{}]}}"#, one.repeat(250_000), one.trim_end_matches(','));
    let members = format!("{{{}}}", r#""a":1,"#.repeat(1_600_000).trim_end_matches(','));
    let numbers = format!(r#"{{"script":[{}1]}}"#, "1,".repeat(4_900_000));
    for path in ["/v1/synthesize", "/v1/scripts/parse", "/v1/scripts"] {
        let bodies =
            ["[".repeat(9_000_000), many.clone(), members.clone(), numbers.clone(), "[".repeat(50 << 20)];
        for (n, body) in bodies.into_iter().enumerate() {
            let status = send(path, body.into_bytes()).await;
            assert!((400..500).contains(&status), "{path}, body {n}: {status}");
        }
    }
    let more = peak_kb(&server) - before;
    assert!(more < 100 << 10, "{more} kB more");
}
