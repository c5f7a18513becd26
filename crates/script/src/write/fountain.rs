//! A script as a Fountain screenplay.

use std::fmt::Write;

use super::{clock, duration, member, one_row, quote};
use crate::{DEFAULT_GAP_MS, Item, Line, Script};

/// Writes a screenplay that other Fountain tools show well and that [`crate::read`] reads back as
/// the same script: what Fountain has no words for stands in notes. White space inside texts
/// becomes single blanks.
#[must_use]
pub fn to_fountain(script: &Script) -> String {
    let mut out = String::new();
    title_page(script, &mut out);
    for item in &script.items {
        out.push('\n');
        match item {
            Item::Line(line) => write_line(line, &mut out),
            Item::Pause(pause) => {
                let _ = writeln!(out, "[[pause {}]]", duration(pause.pause_ms));
            }
            Item::Chapter(chapter) => write_heading(&chapter.title, &mut out),
        }
    }
    out
}

fn title_page(script: &Script, out: &mut String) {
    let mut row = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}: {}", escape(&one_row(value)));
    };
    if !script.title.is_empty() {
        row("Title", &script.title);
    }
    row("Language", &script.lang);
    if let Some(author) = &script.author {
        row("Author", author);
    }
    if let Some(description) = &script.description {
        row("Description", description);
    }
    if script.gap_ms != DEFAULT_GAP_MS {
        row("Gap", &duration(script.gap_ms));
    }
    if !script.cast.is_empty() {
        out.push_str("Cast:\n");
    }
    for (speaker, about) in &script.cast {
        let about = member(about);
        let equals = if about.is_empty() { "" } else { " = " };
        let _ = writeln!(out, "    {}{equals}{about}", super::text::quote_name(speaker));
    }
}

fn write_line(line: &Line, out: &mut String) {
    let mut attributes = Vec::new();
    // A parenthesis in a name would be read as an extension such as (V.O.).
    let _ = write!(out, "@{}", escape(&one_row(&line.speaker)).replace('(', "\\("));
    if line.overlap_ms == Some(Line::WITH_PREVIOUS_MS) {
        out.push_str(" ^");
    }
    out.push('\n');
    if let Some(style) = &line.style {
        let style = one_row(style);
        // A beat would be read as a pause.
        if ["beat", "pause", "사이", "잠시", "멈칫"].iter().any(|word| style.to_lowercase().contains(word))
        {
            attributes.push(format!("style {}", quote(&style)));
        } else {
            let _ = writeln!(out, "({})", escape(&style));
        }
    }
    if let Some(start) = line.start_ms {
        attributes.push(format!("start {}", clock(start)));
    }
    if let Some(end) = line.end_ms {
        attributes.push(format!("end {}", clock(end)));
    }
    let whole = line.overlap_ms.filter(|ms| *ms != Line::WITH_PREVIOUS_MS);
    attributes.extend(super::text::attributes(&Line { overlap_ms: whole, ..line.clone() }));
    if let Some(translation) = &line.translation {
        attributes.push(format!("translation {}", quote(translation)));
    }
    let _ = writeln!(out, "{}", escape_start(&escape(&one_row(&line.text))));
    if !attributes.is_empty() {
        let _ = writeln!(out, "[[@ {}]]", attributes.join(", "));
    }
}

fn write_heading(title: &str, out: &mut String) {
    let _ = writeln!(out, ".{}", escape_start(&escape(&one_row(title))));
}

/// Keeps signs of Fountain from being read as such.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = None;
    for c in text.chars() {
        // A note is two brackets in a row: the backslash has to come between them.
        let makes_note = matches!(c, '[' | ']') && previous == Some(c);
        if makes_note || matches!(c, '*' | '_' | '\\' | '^' | '#') {
            out.push('\\');
        }
        out.push(c);
        previous = Some(c);
    }
    out
}

/// A sign at the start of a row could make the row something else.
fn escape_start(text: &str) -> String {
    if text.starts_with(|c: char| c.is_ascii_punctuation() && c != '\\' && c != '[') {
        format!("\\{text}")
    } else {
        text.to_owned()
    }
}
