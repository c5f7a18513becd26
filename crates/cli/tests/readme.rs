//! What the readme tells to do about accounts and keys, done.

#[path = "rig/key.rs"]
mod key;
#[path = "rig/server.rs"]
mod server;

use std::{path::Path, process::Command};

use serde_json::Value;

use key::key_of_an_admin;
use server::{Server, sori};

const ENGLISH: &str = include_str!("../../../README.md");
const KOREAN: &str = include_str!("../../../README.ko.md");

/// The code of this language that holds this text.
#[track_caller]
fn code<'a>(readme: &'a str, language: &str, holds: &str) -> &'a str {
    let blocks = readme.split("\n```").skip(1).step_by(2);
    let block = blocks.filter_map(|block| block.strip_prefix(language)).find(|block| block.contains(holds));
    block.unwrap_or_else(|| panic!("no {language} code with {holds}")).trim()
}

/// The voices of the tests are tones: nothing has to be fetched.
fn with_tones(code: &str) -> String {
    code.replace("af_heart", "tone:440")
}

#[test]
fn both_languages_show_the_same_code() {
    for (language, holds) in [
        ("sh", "X-Sori-Signature"),
        ("python", "hmac.new"),
        ("toml", "trusted_issuers"),
        ("sh", "sori user add"),
    ] {
        assert_eq!(code(ENGLISH, language, holds), code(KOREAN, language, holds));
    }
}

#[test]
fn the_signed_requests_of_the_readme_are_taken_and_others_are_not() {
    let data = tempfile::tempdir().unwrap();
    key_of_an_admin(data.path());
    let key = sori(data.path())
        .args(["key", "create", "signed", "--signed", "--user", "mina@example.org", "--data-dir"])
        .arg(data.path())
        .output()
        .unwrap();
    let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
    let server = Server::start(data.path());
    let run = |program: &str, flag: &str, code: &str, key: &str| {
        let mut command = Command::new(program);
        command.args([flag, code]).env("SERVER", &server.base).env("KEY", key);
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command.output().unwrap()
    };
    for (program, flag, text) in [
        ("bash", "-c", code(ENGLISH, "sh", "X-Sori-Signature")),
        ("python3", "-c", code(ENGLISH, "python", "hmac.new")),
    ] {
        let text = with_tones(text);
        let output = run(program, flag, &text, &key);
        let answer: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{program}: {}", String::from_utf8_lossy(&output.stderr)));
        assert!(answer["job_id"].is_string(), "{program}: {answer}");
        let (front, _) = key.rsplit_once('_').unwrap();
        let forged = format!("{front}_{}", "0".repeat(64));
        let refused = run(program, flag, &text, &forged);
        let told = [refused.stdout, refused.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains("AUTH_INVALID_TOKEN") || told.contains("401"), "{program}: {told}");
    }
}

#[test]
fn the_settings_of_the_readme_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sori.toml"), code(ENGLISH, "toml", "trusted_issuers")).unwrap();
    let output = sori(folder.path()).args(["config", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["oidc"][0]["id"], "school");
    assert_eq!(shown["oidc"][0]["client_secret"], "(hidden)");
    assert_eq!(shown["trusted_issuers"][0]["audience"], "authenticated");
}

#[test]
fn the_commands_of_the_readme_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run_each(folder.path(), &data, &["sori user add jun@example.org".to_owned()]);
    let commands = code(ENGLISH, "sh", "sori user add").lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(commands.len() >= 5);
    run_each(folder.path(), &data, &commands);
}

fn run_each(home: &Path, data: &Path, commands: &[String]) {
    for command in commands {
        let arguments: Vec<_> = command.split_whitespace().skip(1).collect();
        let output = sori(home).args(&arguments).arg("--data-dir").arg(data).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
