//! `sori serve` as its operator starts it, on a data folder of the test's own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) base: String,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        let mut child = sori(data)
            .args(["serve", "--no-demo", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
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

/// The binary with nothing of this machine's settings.
pub(crate) fn sori(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sori"));
    command
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("SORI_ASSETS_DIR", home.join("no-assets"));
    command
}
