//! Questions at a terminal. Secrets are not shown while they are typed.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use crate::failure::{Failure, say};

/// More than any password or key has.
const MAX_SECRET_BYTES: u64 = 4_096;

/// An answer that may be seen.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        say(question);
    }
    line()
}

/// A secret: typed without an echo, or the first line of standard input when that is no terminal.
pub(crate) fn secret(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let typed = rpassword::prompt_password(format!("{question} "));
    typed.map_err(|error| Failure::Other(format!("the terminal cannot be read: {error}"))).and_then(given)
}

fn line() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_SECRET_BYTES).read_line(&mut text);
    read.map_err(|error| Failure::Other(format!("standard input: {error}")))?;
    given(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn given(text: String) -> Result<String, Failure> {
    if text.is_empty() { Err(Failure::Usage("nothing was given".into())) } else { Ok(text) }
}
