//! Errors as a person at a terminal reads them, and the exit code that a program reads.

use std::process::ExitCode;

use sori_contracts::{Fault, Kind, UiLanguage};

#[derive(Debug)]
pub(crate) enum Failure {
    /// Anything with a code: the same words as the server's answers.
    Fault(Box<dyn Fault>),
    /// A server said no, in its own words.
    Answered {
        status: u16,
        code: String,
        message: String,
    },
    /// The command line itself, or a file of the caller's.
    Usage(String),
    NotFound(String),
    Other(String),
    OutputClosed,
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl Failure {
    /// Nobody, as far as the server knows.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Answered { status: 401, .. })
    }

    /// 0 done, 1 failed, 2 wrong use or wrong input, 3 not found, 4 not allowed, 5 busy or full,
    /// 6 something has to be installed.
    fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Other(_) => 1,
            Self::Answered { status, .. } => match status {
                400 | 405 | 413 | 415 | 416 | 422 => 2,
                404 => 3,
                401 | 403 => 4,
                429 | 507 => 5,
                503 => 6,
                _ => 1,
            },
            Self::Fault(fault) => match fault.kind() {
                Kind::Invalid
                | Kind::TooLarge
                | Kind::UnsupportedMedia
                | Kind::RangeNotSatisfiable
                | Kind::PreconditionFailed => 2,
                Kind::NotFound => 3,
                Kind::Unauthenticated | Kind::Forbidden => 4,
                Kind::Busy | Kind::StorageFull => 5,
                Kind::Unavailable => 6,
                Kind::Conflict | Kind::Internal => 1,
            },
        }
    }

    pub(crate) fn tell(&self, language: UiLanguage) -> ExitCode {
        let (code, text) = match self {
            Self::Fault(fault) if fault.kind() == Kind::Internal => (Some(fault.code()), chain(&**fault)),
            Self::Fault(fault) => (Some(fault.code()), fault.message(language)),
            Self::Answered { code, message, .. } => (Some(code.as_str()), message.clone()),
            Self::Usage(text) | Self::NotFound(text) | Self::Other(text) => (None, text.clone()),
            Self::OutputClosed => (None, String::new()),
        };
        let label = language.pick("error", "오류");
        say(&match code {
            Some(code) => format!("{label}: {text} [{code}]"),
            None => format!("{label}: {text}"),
        });
        if let Self::Fault(fault) = self {
            tell_problems(&**fault, language);
        }
        ExitCode::from(self.exit_code())
    }
}

/// Every place of a script that has to be mended, one per line.
fn tell_problems(fault: &dyn Fault, language: UiLanguage) {
    let details = fault.details().unwrap_or_default();
    let problems = details["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    for problem in problems.iter().skip(1).take(20) {
        let text = language.pick(&problem["message"], &problem["message_ko"]).as_str().unwrap_or_default();
        let place = match (problem["line"].as_u64(), problem["column"].as_u64()) {
            (Some(line), Some(column)) => format!("{line}:{column}: "),
            _ => String::new(),
        };
        say(&format!("  {place}{text}"));
    }
}

fn chain(fault: &dyn Fault) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The one place that writes to standard error, where all chatter goes.
#[allow(clippy::print_stderr, reason = "a command line talks to its user here")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

pub(crate) fn language(asked: Option<&str>) -> UiLanguage {
    let environment = || {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    };
    let tag = asked.map(str::to_owned).or_else(environment).unwrap_or_default();
    if tag.starts_with("ko") { UiLanguage::Ko } else { UiLanguage::En }
}
