//! From the bytes of a file to a script and what was odd about it.

mod ass;
mod attributes;
mod cues;
mod draft;
mod fountain;
mod json;
mod markup;
mod srt;
mod text;
mod vtt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Format, Limits, Problem, Script, ScriptError, decode, problem::Problems, validate};

/// A script, and warnings about the file it came from.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Parsed {
    pub script: Script,
    /// Warnings only, in the order of the file: an error makes [`read`] fail.
    pub problems: Vec<Problem>,
}

/// What becomes of the action paragraphs of a screenplay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    Skip,
    /// The narrator reads them.
    Narrate,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub limits: Limits,
    /// The title page can say so too (`Narration: on`).
    pub action: Action,
}

/// Reads a script. Every speaker of the result is in its cast, and [`validate`] finds no error
/// in it. Time and memory are linear in the size of the file.
///
/// # Errors
/// [`ScriptError`], with line and column, for everything that is no script within `limits`.
pub fn read(bytes: &[u8], format: Format, limits: &Limits) -> Result<Parsed, ScriptError> {
    read_with(bytes, format, &Options { limits: limits.clone(), ..Options::default() })
}

/// [`read`] with every choice there is.
///
/// # Errors
/// As [`read`].
pub fn read_with(bytes: &[u8], format: Format, options: &Options) -> Result<Parsed, ScriptError> {
    let limits = &options.limits;
    let text = decode::decode(bytes, limits)?;
    let mut problems = Problems::new(limits.max_problems);
    let mut script = match format {
        Format::Json => json::read(&text, limits, &mut problems),
        Format::Text => text::read(&text, limits, &mut problems),
        Format::Fountain => fountain::read(&text, options, &mut problems),
        Format::Srt => srt::read(&text, limits, &mut problems),
        Format::Vtt => vtt::read(&text, limits, &mut problems),
        Format::Ass => ass::read(&text, limits, &mut problems),
    };
    tidy_fields(&mut script);
    // After a broken beginning an empty script is no news.
    if !problems.has_error() {
        for problem in validate(&script, limits) {
            problems.push(problem);
        }
    }
    if problems.has_error() {
        return Err(ScriptError::Invalid(problems.into_vec()));
    }
    Ok(Parsed { script, problems: problems.into_vec() })
}

/// What is not spoken is cleaned as lines are: single blanks, nothing that nobody sees, and an empty
/// field is none.
fn tidy_fields(script: &mut Script) {
    let tidy_option = |field: &mut Option<String>| {
        *field = field.take().map(|text| decode::tidy(&text)).filter(|text| !text.is_empty());
    };
    script.title = decode::tidy(&script.title);
    script.lang = decode::tidy(&script.lang);
    tidy_option(&mut script.author);
    tidy_option(&mut script.description);
    for member in script.cast.values_mut() {
        tidy_option(&mut member.voice);
        tidy_option(&mut member.name);
    }
}

pub(crate) use text::inline_pauses;

/// Whether a name would be read as a header key in front of a colon.
pub(crate) fn header_name(name: &str) -> Option<()> {
    text::header_key(name).map(|_| ())
}
