//! Accounts, keys and sign-ins by the true binary: on a data folder, and at a server.

#[path = "rig/server.rs"]
mod server;

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use server::{Server, sori};

const PASSWORD: &str = "quiet-harbour-lantern";

/// A home with a data folder in it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn credentials(&self) -> PathBuf {
        self.folder.path().join(".config/sori/credentials.json")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sori(self.folder.path());
        command.args(arguments);
        command
    }

    /// On the data folder.
    fn here(&self, arguments: &[&str]) -> Output {
        self.command(arguments).arg("--data-dir").arg(self.data()).output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn add(&self, email: &str, role: &str) {
        let data = self.data();
        let arguments =
            ["user", "add", email, "--role", role, "--password", "--data-dir", data.to_str().unwrap()];
        json_of(&self.with_input(&[&arguments[..], &["--json"]].concat(), &format!("{PASSWORD}\n")));
    }
}

#[track_caller]
fn text_of(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    serde_json::from_str(&text_of(output)).unwrap()
}

#[track_caller]
fn check_failure(output: &Output, code: i32, text: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(text), "{text:?} is not in {error:?}");
    assert!(output.stdout.is_empty());
}

#[test]
fn accounts_are_made_changed_and_listed_without_a_server() {
    let home = Home::new();
    let added = home.here(&["user", "add", "mina@example.org", "--name", "Mina", "--role", "admin"]);
    let told = text_of(&added);
    assert!(told.contains("Mina <mina@example.org>: admin, active"), "{told}");
    assert!(told.lines().last().unwrap().starts_with("http://127.0.0.1:8000/#/reset?token="), "{told}");
    home.add("jun@example.org", "learner");
    text_of(&home.here(&["user", "role", "Jun@Example.org", "editor"]));
    let suspended = json_of(&home.here(&["user", "suspend", "jun@example.org", "--json"]));
    assert_eq!((&suspended["role"], &suspended["status"]), (&json!("editor"), &json!("suspended")));
    let listed = json_of(&home.here(&["user", "list", "--status", "suspended", "--json"]));
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let active = json_of(&home.here(&["user", "approve", "jun@example.org", "--json"]));
    assert_eq!(active["status"], "active");
    assert!(text_of(&home.here(&["user", "list"])).contains("jun@example.org"));
    assert!(text_of(&home.here(&["user", "reset", "jun@example.org"])).contains("/#/reset?token="));

    check_failure(&home.here(&["user", "add", "mina@example.org"]), 1, "AUTH_EMAIL_TAKEN");
    check_failure(&home.here(&["user", "add", "no address"]), 2, "FIELD_INVALID");
    check_failure(&home.here(&["user", "approve", "nobody@example.org"]), 3, "ACCOUNT_NOT_FOUND");
    check_failure(&home.here(&["user", "role", "mina@example.org", "learner"]), 1, "AUTH_LAST_ADMIN");
    check_failure(&home.here(&["user", "role", "mina@example.org", "emperor"]), 2, "emperor");
    check_failure(
        &home.here(&["--lang", "ko", "user", "reset", "nobody@example.org"]),
        3,
        "계정을 찾을 수 없습니다",
    );
    let data = home.data();
    let weak = ["user", "add", "a@example.org", "--password", "--data-dir", data.to_str().unwrap()];
    check_failure(&home.with_input(&weak, "12345678\n"), 2, "AUTH_PASSWORD_WEAK");
}

#[tokio::test]
async fn a_key_works_at_a_running_server_until_it_is_revoked() {
    let home = Home::new();
    home.add("mina@example.org", "admin");
    let server = Server::start(&home.data());
    let made = json_of(&home.here(&[
        "key",
        "create",
        "radio",
        "--user",
        "mina@example.org",
        "--scope",
        "scripts:read,account",
        "--expires-in",
        "7",
        "--json",
    ]));
    let secret = made["secret"].as_str().unwrap();
    assert!(made["expires_at"].is_string());
    assert_eq!(status_of(&server, secret).await, 200);
    let listed = home.here(&["key", "list", "--user", "mina@example.org"]);
    assert!(!text_of(&listed).contains(secret), "it is shown once");
    let (prefix, _) = secret.rsplit_once('_').unwrap();
    assert!(text_of(&listed).contains(prefix));
    check_failure(&home.here(&["key", "list"]), 2, "--user");
    check_failure(
        &home.here(&["key", "create", "x", "--user", "mina@example.org", "--scope", "all"]),
        2,
        "scripts:read",
    );
    text_of(&home.here(&["key", "revoke", prefix]));
    // The server hears of what another process did to its database within a second.
    let mut status = 200;
    for _ in 0..100 {
        status = status_of(&server, secret).await;
        if status != 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(status, 401);
    check_failure(&home.here(&["key", "revoke", prefix]), 3, "API_KEY_NOT_FOUND");
}

async fn status_of(server: &Server, key: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{}/api/me", server.base)).header("x-api-key", key).send().await.unwrap();
    answer.status().as_u16()
}

#[test]
fn somebody_signs_in_at_a_server_works_there_and_signs_out() {
    let home = Home::new();
    home.add("mina@example.org", "admin");
    let server = Server::start(&home.data());
    let at = ["--server", server.base.as_str()];
    check_failure(&home.run(&["whoami"]), 4, "sori login");
    check_failure(&home.run(&[&["user", "list"][..], &at].concat()), 4, "sori login");

    let login = [&["login", "--email", "mina@example.org"][..], &at].concat();
    check_failure(&home.with_input(&login, "wrong-harbour-lantern\n"), 4, "AUTH_SIGN_IN_FAILED");
    assert!(!home.credentials().exists(), "what does not let us in is not kept");
    let told = text_of(&home.with_input(&login, &format!("{PASSWORD}\n")));
    assert!(told.contains("mina@example.org") && told.contains("admin"), "{told}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.credentials()), 0o600);
    assert_eq!(mode(home.credentials().parent().unwrap()), 0o700);
    assert!(!std::fs::read_to_string(home.credentials()).unwrap().contains(PASSWORD));

    let who = json_of(&home.run(&["whoami", "--json"]));
    assert_eq!((&who["user"]["email"], &who["server"]), (&json!("mina@example.org"), &json!(server.base)));
    let added = json_of(&home.run(&[&["user", "add", "jun@example.org", "--json"][..], &at].concat()));
    assert!(added["url"].as_str().unwrap().starts_with(&server.base), "{added}");
    let changed =
        json_of(&home.run(&[&["user", "role", "jun@example.org", "teacher", "--json"][..], &at].concat()));
    assert_eq!(changed["role"], "teacher");
    assert!(
        text_of(&home.run(&[&["user", "list", "--search", "jun"][..], &at].concat())).contains("teacher")
    );
    check_failure(
        &home.run(&[&["user", "reset", "nobody@example.org"][..], &at].concat()),
        3,
        "ACCOUNT_NOT_FOUND",
    );

    let key = json_of(&home.run(&[&["key", "create", "mine", "--signed", "--json"][..], &at].concat()));
    let prefix = key["prefix"].as_str().unwrap();
    text_of(&home.run(&[&["key", "revoke", prefix][..], &at].concat()));

    text_of(&home.run(&["logout"]));
    check_failure(&home.run(&["whoami"]), 4, "sori login");
    assert!(!std::fs::read_to_string(home.credentials()).unwrap().contains("token"));
}

#[test]
fn a_session_is_renewed_by_itself_and_by_many_at_once() {
    let home = Home::new();
    home.add("mina@example.org", "learner");
    let server = Server::start(&home.data());
    let login = ["login", "--email", "mina@example.org", "--server", &server.base];
    text_of(&home.with_input(&login, &format!("{PASSWORD}\n")));
    let kept = || -> Value { serde_json::from_slice(&std::fs::read(home.credentials()).unwrap()).unwrap() };
    let before = kept();
    let mut old = before.clone();
    old["servers"][&server.base]["expires_at_ms"] = 0.into();
    std::fs::write(home.credentials(), old.to_string()).unwrap();
    std::fs::set_permissions(home.credentials(), std::fs::Permissions::from_mode(0o644)).unwrap();

    let crowd: Vec<_> =
        (0..6).map(|_| home.command(&["whoami"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut one in crowd {
        assert!(one.wait().unwrap().success(), "a renewal that is done twice would look like theft");
    }
    let after = kept();
    assert_ne!(
        after["servers"][&server.base]["refresh_token"],
        before["servers"][&server.base]["refresh_token"]
    );
    let mode = std::fs::metadata(home.credentials()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a file that others could read is closed again");
    text_of(&home.run(&["whoami"]));
}

#[test]
fn an_api_key_is_a_sign_in_too() {
    let home = Home::new();
    home.add("mina@example.org", "teacher");
    let server = Server::start(&home.data());
    let key =
        text_of(&home.here(&["key", "create", "cli", "--user", "mina@example.org", "--scope", "account"]));
    let login = ["login", "--api-key", "--server", &server.base];
    check_failure(&home.with_input(&login, "sori_000000000000_0\n"), 4, "AUTH_INVALID_TOKEN");
    text_of(&home.with_input(&login, &key));
    assert_eq!(json_of(&home.run(&["whoami", "--json"]))["user"]["role"], "teacher");
    text_of(&home.run(&["logout"]));
    let by_environment = home
        .command(&["whoami", "--json", "--server", &server.base])
        .env("SORI_API_KEY", key.trim())
        .output()
        .unwrap();
    assert_eq!(json_of(&by_environment)["user"]["email"], "mina@example.org");
}

#[test]
fn a_password_goes_over_no_network_in_the_clear() {
    let home = Home::new();
    let login = ["login", "--email", "a@example.org", "--server", "http://sori.example.org"];
    check_failure(&home.with_input(&login, "secret\n"), 2, "https");
}

/// At a terminal the password is asked for and not shown. The one who types waits, as a person
/// does, until the terminal has stopped to show what is typed.
#[test]
fn a_password_that_is_typed_is_not_seen() {
    const TERMINAL: &str = r#"
import os, pty, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:-1])
seen = b""
def until(text):
    global seen
    while text not in seen:
        seen += os.read(fd, 1000)
until(b"E-mail:")
os.write(fd, b"mina@example.org\n")
until(b"Password:")
while termios.tcgetattr(fd)[3] & termios.ECHO:
    time.sleep(0.01)
os.write(fd, sys.argv[-1].encode() + b"\n")
try:
    while True:
        more = os.read(fd, 1000)
        if not more:
            break
        seen += more
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;
    let home = Home::new();
    home.add("mina@example.org", "learner");
    let server = Server::start(&home.data());
    let output = Command::new("python3")
        .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_sori"), "login", "--server", &server.base, PASSWORD])
        .env("HOME", home.folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let seen = text_of(&output);
    assert!(seen.contains("mina@example.org") && seen.contains("learner"), "{seen}");
    assert!(!seen.contains(PASSWORD), "{seen}");
}

#[test]
fn the_settings_in_effect_are_shown_without_their_secrets() {
    let home = Home::new();
    let run = |arguments: &[&str]| {
        home.command(arguments)
            .env("DATABASE_URL", "postgres://sori:hunter2@db/sori")
            .env("SECRET_KEY", "correct horse battery staple")
            .env("GOOGLE_CLIENT_ID", "1234.apps.example")
            .env("GOOGLE_CLIENT_SECRET", "GOCSPX-hush")
            .env("SORI_SIGN_UP", "closed")
            .output()
            .unwrap()
    };
    let shown = json_of(&run(&["config", "--json"]));
    assert_eq!(
        (&shown["google_client_id"], &shown["sign_up"]),
        (&json!("1234.apps.example"), &json!("closed"))
    );
    for name in ["database_url", "secret_key", "google_client_secret"] {
        assert_eq!(shown[name], "(hidden)", "{name}");
    }
    let text = text_of(&run(&["config"]));
    assert!(text.contains("sign_up = \"closed\""), "{text}");
    for secret in ["hunter2", "horse", "GOCSPX"] {
        assert!(!text.contains(secret) && !shown.to_string().contains(secret));
    }
    check_failure(&run(&["config", "--config", "absent.toml"]), 2, "settings");
}
