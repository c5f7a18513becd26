//! What is wrong with a script, said with a place: warnings go with a script, errors replace it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Origin, findings::Finding};

/// One remark about a script, for the author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    pub severity: Severity,
    /// Stable, in upper case with underscores, such as `LINE_TOO_LONG`.
    pub code: &'static str,
    /// In English.
    pub message: String,
    /// The same in Korean.
    pub message_ko: String,
    /// Counts from 1. A script without source positions counts its items.
    pub line: u32,
    /// Counts from 1, in Unicode scalars.
    pub column: u32,
    /// Index among the items of the script, when one item is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

impl Problem {
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Why a file gave no script. Every variant knows at least one place in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// More bytes than [`crate::Limits::max_bytes`].
    #[error("{}", .0.message)]
    TooLarge(Problem),
    /// A picture, an archive, audio: not a text file at all.
    #[error("{}", .0.message)]
    NotText(Problem),
    /// Text in a character encoding that cannot be read.
    #[error("{} (line {}, column {})", .0.message, .0.line, .0.column)]
    Encoding(Problem),
    /// Text that is no valid script. At least one of the problems is an error; warnings come along.
    #[error("{}", summary(.0))]
    Invalid(Vec<Problem>),
}

impl ScriptError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "SCRIPT_TOO_LARGE",
            Self::NotText(_) => "SCRIPT_NOT_TEXT",
            Self::Encoding(_) => "SCRIPT_ENCODING",
            Self::Invalid(_) => "SCRIPT_INVALID",
        }
    }

    /// Never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::TooLarge(one) | Self::NotText(one) | Self::Encoding(one) => std::slice::from_ref(one),
            Self::Invalid(problems) => problems,
        }
    }

    /// The first error in English, with its place; the same text as `Display`.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// The first error in Korean, with its place.
    #[must_use]
    pub fn message_ko(&self) -> String {
        match self {
            Self::TooLarge(one) | Self::NotText(one) => one.message_ko.clone(),
            Self::Encoding(one) => format!("{} ({}행 {}열)", one.message_ko, one.line, one.column),
            Self::Invalid(problems) => {
                let (first, others) = first_error(problems);
                let place = format!("{}행 {}열: {}", first.line, first.column, first.message_ko);
                if others == 0 { place } else { format!("{place} (그 밖에 오류 {others}개)") }
            }
        }
    }
}

fn summary(problems: &[Problem]) -> String {
    let (first, others) = first_error(problems);
    let place = format!("line {}, column {}: {}", first.line, first.column, first.message);
    match others {
        0 => place,
        1 => format!("{place} (and 1 more error)"),
        _ => format!("{place} (and {others} more errors)"),
    }
}

fn first_error(problems: &[Problem]) -> (&Problem, usize) {
    let mut errors = problems.iter().filter(|problem| problem.is_error());
    let first = errors.next().or_else(|| problems.first()).expect("an invalid script has a problem");
    (first, errors.count())
}

/// Collects what a reader finds, up to a limit; the rest is only counted.
#[derive(Debug)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    limit: usize,
    left_off: usize,
    /// An error beyond the limit still makes the script invalid.
    has_error: bool,
}

impl Problems {
    pub(crate) fn new(limit: usize) -> Self {
        Self { found: Vec::new(), limit: limit.max(1), left_off: 0, has_error: false }
    }

    pub(crate) fn add(&mut self, finding: &Finding<'_>, at: Origin) {
        self.push(finding.at(at));
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        let first_error = problem.is_error() && !self.has_error;
        self.has_error |= problem.is_error();
        if self.found.len() < self.limit || first_error {
            self.found.push(problem);
        } else {
            self.left_off += 1;
        }
    }

    /// Whether an error was found: reading on is only worth it to find more of them.
    pub(crate) fn has_error(&self) -> bool {
        self.has_error
    }

    /// In the order of the file.
    pub(crate) fn into_vec(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        if self.left_off > 0 {
            let last = self.found.last().map_or(Origin::START, |p| Origin { line: p.line, column: p.column });
            self.found.push(Finding::MoreProblems { count: self.left_off }.at(last));
        }
        self.found
    }
}
