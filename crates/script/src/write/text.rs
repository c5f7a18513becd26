//! A script as `NAME: line` text.

use std::fmt::Write;

use super::{clock, duration, member, one_row, quote};
use crate::{DEFAULT_GAP_MS, Item, Line, Script};

/// Writes the text form that `read/text.rs` describes. White space inside texts becomes single
/// blanks; nothing else is lost.
#[must_use]
pub fn to_text(script: &Script) -> String {
    let mut out = String::new();
    header(script, &mut out);
    for (speaker, about) in &script.cast {
        let about = member(about);
        let equals = if about.is_empty() { "" } else { " = " };
        let _ = writeln!(out, "@cast {}{equals}{about}", quote_name(speaker));
    }
    for item in &script.items {
        match item {
            Item::Line(line) => {
                out.push('\n');
                write_line(line, &mut out);
            }
            Item::Pause(pause) => {
                let _ = writeln!(out, "\n[pause {}]", duration(pause.pause_ms));
            }
            Item::Chapter(chapter) => {
                let _ = writeln!(out, "\n== {} ==", one_row(&chapter.title));
            }
        }
    }
    out
}

fn header(script: &Script, out: &mut String) {
    let mut row = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}: {}", one_row(value));
    };
    if !script.title.is_empty() {
        row("title", &script.title);
    }
    row("lang", &script.lang);
    if let Some(author) = &script.author {
        row("author", author);
    }
    if let Some(description) = &script.description {
        row("description", description);
    }
    if script.gap_ms != DEFAULT_GAP_MS {
        row("gap", &duration(script.gap_ms));
    }
}

fn write_line(line: &Line, out: &mut String) {
    let mut attributes = Vec::new();
    match (line.start_ms, line.end_ms) {
        (Some(start), Some(end)) => {
            let _ = write!(out, "[{} --> {}] ", clock(start), clock(end));
        }
        (Some(start), None) => {
            let _ = write!(out, "[{}] ", clock(start));
        }
        (None, Some(end)) => attributes.push(format!("end {}", clock(end))),
        (None, None) => {}
    }
    out.push_str(&quote_name(&line.speaker));
    if let Some(style) = &line.style {
        let style = one_row(style);
        if style.contains(['(', ')', '（', '）']) {
            attributes.push(format!("style {}", quote(&style)));
        } else {
            let _ = write!(out, " ({style})");
        }
    }
    attributes.extend(super::text::attributes(line));
    if !attributes.is_empty() {
        let _ = write!(out, " {{{}}}", attributes.join(", "));
    }
    let _ = writeln!(out, ": {}", escape_pauses(&one_row(&line.text)));
    if let Some(translation) = &line.translation {
        let _ = writeln!(out, ">> {}", one_row(translation));
    }
}

/// A text that says `[pause 1s]` is not a pause.
fn escape_pauses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (place, _) in crate::read::inline_pauses(text) {
        out.push_str(&text[from..place.start]);
        out.push('\\');
        from = place.start;
    }
    out.push_str(&text[from..]);
    out
}

/// The attributes that have no sign of their own in any text format.
pub(super) fn attributes(line: &Line) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(id) = &line.id {
        parts.push(format!("id {}", quote(id)));
    }
    if let Some(speed) = line.speed {
        parts.push(format!("speed {speed}"));
    }
    if let Some(pause) = line.pause_after_ms {
        parts.push(format!("pause {}", duration(pause)));
    }
    if let Some(overlap) = line.overlap_ms {
        parts.push(format!("overlap {}", duration(overlap)));
    }
    parts
}

/// A name is written bare when nothing in it could be read as something else.
pub(super) fn quote_name(name: &str) -> String {
    let bare = name.starts_with(char::is_alphabetic)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '\'' | '-' | '_'))
        && !name.contains("  ")
        && !name.ends_with(' ')
        && crate::read::header_name(name).is_none();
    if bare { name.to_owned() } else { quote(name) }
}
