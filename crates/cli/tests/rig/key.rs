//! Somebody who may do everything.

use std::path::Path;

use crate::server::sori;

/// An account of the data folder, and a key to everything of it.
pub(crate) fn key_of_an_admin(data: &Path) -> String {
    let run = |arguments: &[&str]| {
        let output = sori(data).args(arguments).arg("--data-dir").arg(data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["user", "add", "mina@example.org", "--role", "admin"]);
    let scopes = "scripts:read,scripts:write,synth,jobs:read,jobs:write,account,admin";
    run(&["key", "create", "tests", "--user", "mina@example.org", "--scope", scopes])
}
