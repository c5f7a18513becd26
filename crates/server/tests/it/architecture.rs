//! Blocks know each other only through contracts. This test is the rule.

use std::process::Command;

const PURE: &[&str] = &["sori-audio", "sori-text", "sori-synth", "sori-script", "sori-captions"];
const BLOCKS: &[&str] = &[
    "sori-auth",
    "sori-catalog",
    "sori-media",
    "sori-streaming",
    "sori-voice",
    "sori-jobs",
    "sori-listening",
    "sori-metering",
];

#[test]
fn dependencies_point_inwards() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() >= 13, "the workspace was not read");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let ours = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap())
            .filter(|dependency| dependency.starts_with("sori-"));
        for dependency in ours {
            let is_allowed = match name {
                "sori-contracts" => false,
                _ if PURE.contains(&name) => PURE.contains(&dependency),
                "sori-http" => dependency == "sori-contracts",
                "sori-db" | "sori-events" => dependency == "sori-contracts",
                _ if BLOCKS.contains(&name) => {
                    PURE.contains(&dependency)
                        || ["sori-contracts", "sori-http", "sori-db"].contains(&dependency)
                }
                "sori-server" => dependency != "sori-cli",
                "sori-cli" => true,
                _ => panic!("{name} has no place in the architecture yet: give it one here"),
            };
            assert!(is_allowed, "{name} must not depend on {dependency}; see ARCHITECTURE.md");
        }
    }
}
