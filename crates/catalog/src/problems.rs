//! A script's problems as the caller reads them: in one language.

use serde::Serialize;
use sori_contracts::UiLanguage;
use sori_script::{Problem, Severity};

/// One remark about a script, with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ScriptProblem)]
pub struct Remark {
    pub severity: Severity,
    /// Stable, such as `LINE_TOO_LONG`.
    #[schema(example = "SPEAKER_UNKNOWN")]
    pub code: &'static str,
    /// In the language of `Accept-Language` (Korean or English).
    pub message: String,
    /// Counts from 1; without a source file, the number of the item.
    pub line: u32,
    /// Counts from 1, in Unicode scalars.
    pub column: u32,
    /// Index among the script's items, when one item is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
}

impl Remark {
    pub(crate) fn of(problem: &Problem, language: UiLanguage) -> Self {
        Self {
            severity: problem.severity,
            code: problem.code,
            message: language.pick(&problem.message, &problem.message_ko).clone(),
            line: problem.line,
            column: problem.column,
            item: problem.item,
        }
    }

    pub(crate) fn all(problems: &[Problem], language: UiLanguage) -> Vec<Self> {
        problems.iter().map(|problem| Self::of(problem, language)).collect()
    }
}
