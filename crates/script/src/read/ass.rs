//! Advanced `SubStation` Alpha and SSA: the `Dialogue` events of the `[Events]` section.

use super::{attributes::clock_ms, cues, draft::Draft, markup};
use crate::{
    Limits, Origin, Script,
    decode::{SourceLine, source_lines},
    findings::Finding,
    problem::Problems,
};

/// Where the columns that matter stand, by the `Format` line.
struct Columns {
    start: usize,
    end: usize,
    name: Option<usize>,
    /// The last one; it may hold commas.
    text: usize,
}

pub(super) fn read(text: &str, limits: &Limits, problems: &mut Problems) -> Script {
    let lines = source_lines(text, limits, problems);
    let mut section = String::new();
    let mut title = String::new();
    // The order of ASS v4.00+, for files without a Format line.
    let mut columns = Columns { start: 1, end: 2, name: Some(4), text: 9 };
    let mut found = Vec::new();
    let mut saw_events = false;
    for line in &lines {
        let row = line.text.trim();
        if let Some(name) = row.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
            section = name.to_ascii_lowercase();
            saw_events |= section == "events";
            continue;
        }
        let Some((key, value)) = row.split_once(':') else { continue };
        match (section.as_str(), key.to_ascii_lowercase().as_str()) {
            ("script info", "title") => value.trim().clone_into(&mut title),
            ("events", "format") => match self::columns(value) {
                Some(named) => columns = named,
                None => problems.add(&Finding::AssColumns, line.start()),
            },
            ("events", "dialogue") if found.len() <= limits.max_lines => {
                found.extend(event(line, &columns, problems));
            }
            _ => {}
        }
    }
    if !saw_events {
        problems.add(&Finding::HeaderMissing { header: "[Script Info] … [Events]" }, Origin::START);
    }
    let mut draft = Draft::new(limits, problems);
    draft.script.title = crate::decode::tidy(&title);
    cues::to_script(found, draft)
}

fn columns(format: &str) -> Option<Columns> {
    let names: Vec<String> =
        format.split(',').take(64).map(|name| name.trim().to_ascii_lowercase()).collect();
    let of = |wanted: &str| names.iter().position(|name| name == wanted);
    let columns = Columns {
        start: of("start")?,
        end: of("end")?,
        name: of("name").or_else(|| of("actor")),
        text: of("text")?,
    };
    (columns.text + 1 == names.len()).then_some(columns)
}

fn event(line: &SourceLine<'_>, columns: &Columns, problems: &mut Problems) -> Option<cues::Cue> {
    let body = line.text.find(':')? + 1;
    let fields: Vec<&str> = line.text[body..].splitn(columns.text + 1, ',').collect();
    let Some(text) = fields.get(columns.text) else {
        problems.add(&Finding::AssColumns, line.start());
        return None;
    };
    let mut time = |index: usize| {
        let field = *fields.get(index)?;
        let ms = clock_ms(field);
        if ms.is_none() {
            // Columns never overlap: the field is a part of the line.
            let offset = body + fields[..index].iter().map(|f| f.len() + 1).sum::<usize>();
            problems.add(&Finding::BadTiming { text: field.trim() }, line.at(offset));
        }
        ms
    };
    let (start_ms, end_ms) = (time(columns.start)?, time(columns.end)?);
    let name = columns.name.and_then(|index| fields.get(index)).map(|name| name.trim());
    let speaker = name.filter(|name| !name.is_empty()).map(str::to_owned);
    let at = line.at(line.text.len() - text.len());
    let spans = vec![markup::Span { speaker, text: markup::ass_text(text) }];
    Some(cues::Cue { start_ms, end_ms, spans, at })
}
