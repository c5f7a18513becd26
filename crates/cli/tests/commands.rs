//! The true binary, as a person at a terminal or a script runs it. The voices are tones, whose
//! times are known, so that no model is needed.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const SCENE: &str = "Title: At the café\nCast:\n    MINA = tone:440\n    JUN = tone:330\n\n\
    INT. CAFÉ - DAY\n\nMINA\nOne coffee please.\n\nJUN\nComing right up!\n";

fn sori(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sori"));
    command
        .current_dir(folder)
        .env_remove("LANG")
        .env_remove("LC_ALL")
        .env("SORI_CACHE_DIR", folder.join("cache"))
        .env("SORI_ASSETS_DIR", folder.join("no-assets"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    sori(folder).args(arguments).output().unwrap()
}

#[track_caller]
fn check_failure(output: &Output, code: i32, text: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(text), "{text:?} is not in {error:?}");
    assert!(output.stdout.is_empty());
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "cache")
        .collect();
    names.sort();
    names
}

#[test]
fn a_scene_becomes_audio_in_two_formats_with_captions() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scene.fountain"), SCENE).unwrap();
    let arguments = [
        "render",
        "scene.fountain",
        "-o",
        "scene.mp3",
        "--formats",
        "wav",
        "--captions",
        "vtt,srt,json",
        "--json",
    ];
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["transcript"]["lines"][1]["speaker"], "JUN");
    assert_eq!(told["transcript"]["title"], "At the café");
    let lufs = told["integrated_lufs"].as_f64().unwrap();
    assert!((lufs + 16.0).abs() <= 0.5, "{lufs} LUFS");
    assert_eq!(
        files(folder.path()),
        ["scene.fountain", "scene.json", "scene.mp3", "scene.srt", "scene.vtt", "scene.wav"]
    );
    let vtt = std::fs::read_to_string(folder.path().join("scene.vtt")).unwrap();
    assert!(vtt.contains("<v MINA>One coffee please."), "{vtt}");

    let again: Value = serde_json::from_slice(&run(folder.path(), &arguments).stdout).unwrap();
    assert_eq!(again["lines_cached"], 2);
    assert_eq!(
        again["audio"][1]["sha256"], told["audio"][1]["sha256"],
        "the same script gives the same samples"
    );
}

#[test]
fn standard_input_and_output_are_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sori(folder.path())
        .args(["say", "-", "-v", "tone:440", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("hello there".as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!((&output.stdout[..4], &output.stdout[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn voices_are_listed_with_whether_they_are_installed() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["voices", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let voices = list["items"].as_array().unwrap();
    assert_eq!(voices.iter().filter(|voice| voice["engine"] == "kokoro").count(), 28);
    assert!(voices.iter().filter(|voice| voice["engine"] != "tone").all(|voice| voice["available"] == false));
}

#[test]
fn what_cannot_work_says_why_with_an_exit_code_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("empty.txt"), "").unwrap();
    std::fs::write(at.join("picture.fountain"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    std::fs::write(at.join("latin1.txt"), b"MINA: caf\xe9").unwrap();
    std::fs::write(at.join("nobody.txt"), "@cast A = zz_nobody\nA: hello").unwrap();
    std::fs::write(at.join("long.txt"), format!("A: {}", "x".repeat(10_000_000))).unwrap();
    let before = files(at);
    check_failure(&run(at, &["render", "absent.txt", "-o", "a.wav"]), 3, "no such file");
    check_failure(&run(at, &["render", "empty.txt", "-o", "a.wav"]), 2, "error: ");
    check_failure(&run(at, &["render", "picture.fountain", "-o", "a.wav"]), 2, "SCRIPT_NOT_TEXT");
    check_failure(&run(at, &["render", "latin1.txt", "-o", "a.wav"]), 2, "SCRIPT_ENCODING");
    check_failure(&run(at, &["render", "nobody.txt", "-o", "a.wav"]), 2, "VOICE_UNKNOWN");
    check_failure(&run(at, &["render", "long.txt", "-o", "a.wav"]), 2, "SCRIPT_TOO_LARGE");
    check_failure(&run(at, &["say", "hello", "-v", "af_heart", "-o", "a.wav"]), 6, "make assets");
    check_failure(&run(at, &["say", "hello", "-v", "tone:440", "-o", "a.exe"]), 2, "no audio format");
    check_failure(&run(at, &["say", "", "-v", "tone:440", "-o", "a.wav"]), 2, "nothing to speak");
    check_failure(
        &run(at, &["--lang", "ko", "say", "hello", "-v", "zz", "-o", "a.wav"]),
        2,
        "목소리는 없습니다",
    );
    assert_eq!(files(at), before, "nothing is half written");
}

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn a_full_disk_is_told_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: a small disk can only be mounted by root");
        return;
    }
    let text = "word ".repeat(400);
    let target = small.join("a.wav");
    let output = run(folder.path(), &["say", &text, "-v", "tone:440", "-o", target.to_str().unwrap()]);
    let left = files(&small);
    Command::new("umount").arg(&small).status().unwrap();
    check_failure(&output, 5, "STORAGE_FULL");
    assert_eq!(left, Vec::<String>::new());
}
