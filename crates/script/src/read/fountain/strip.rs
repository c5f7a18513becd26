//! Takes boneyards (`/* … */`) and notes (`[[ … ]]`) out of the text, over row ends.
//!
//! What is taken out leaves blanks behind, so that columns stay right. A row that held nothing
//! else vanishes: it does not end a speech.

use crate::{Origin, decode::SourceLine, findings::Finding, problem::Problems};

/// A row of the screenplay and the notes that start in it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) number: u32,
    pub(super) notes: Vec<(Origin, String)>,
}

impl Row {
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(super) fn start(&self) -> Origin {
        SourceLine { text: &self.text, number: self.number }.start()
    }

    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Origin {
        SourceLine { text: &self.text, number: self.number }.at(offset)
    }

    /// The byte offset of a column.
    pub(super) fn offset(&self, column: u32) -> usize {
        self.text.char_indices().nth(column as usize - 1).map_or(self.text.len(), |(offset, _)| offset)
    }
}

pub(super) fn strip(lines: &[SourceLine<'_>], problems: &mut Problems) -> Vec<Row> {
    let after_boneyards = boneyards(lines, problems);
    notes(after_boneyards, problems)
}

struct Cleared {
    text: String,
    number: u32,
    /// Something was taken out, and only blanks are left.
    vanished: bool,
}

fn boneyards(lines: &[SourceLine<'_>], problems: &mut Problems) -> Vec<Cleared> {
    // Where the last `*/` stands decides whether an opening can be closed at all.
    let last_close = lines
        .iter()
        .enumerate()
        .rev()
        .find_map(|(index, line)| line.text.rfind("*/").map(|offset| (index, offset)));
    let mut inside = false;
    let mut warned = false;
    let mut out = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let was_inside = inside;
        let mut text = String::with_capacity(line.text.len());
        let mut rest = line.text;
        let mut taken = false;
        loop {
            let offset = line.text.len() - rest.len();
            if inside {
                let end = rest.find("*/").map(|at| at + 2);
                blank(&rest[..end.unwrap_or(rest.len())], &mut text);
                taken = true;
                rest = &rest[end.unwrap_or(rest.len())..];
                inside = end.is_none();
                if inside {
                    break;
                }
            } else if let Some(open) = rest.find("/*") {
                let at = offset + open;
                text.push_str(&rest[..open]);
                let closes = last_close.is_some_and(|last| last >= (index, at + 2));
                if closes {
                    inside = true;
                } else {
                    text.push_str("/*");
                    if !std::mem::replace(&mut warned, true) {
                        problems.add(&Finding::BoneyardOpen, line.at(at));
                    }
                }
                if closes {
                    text.push_str("  ");
                }
                rest = &rest[open + 2..];
            } else {
                text.push_str(rest);
                break;
            }
        }
        let vanished = (taken || was_inside) && text.trim().is_empty();
        out.push(Cleared { text, number: line.number, vanished });
    }
    out
}

/// A note ends at `]]`; it may go over rows, but not over an empty one (Fountain, "Notes").
fn notes(lines: Vec<Cleared>, problems: &mut Problems) -> Vec<Row> {
    let closes_later = closes_later(&lines);
    let mut rows: Vec<Row> = Vec::with_capacity(lines.len());
    let mut open: Option<(Origin, String)> = None;
    let mut warned = false;
    for (line, closes_later) in lines.into_iter().zip(closes_later) {
        let mut text = String::with_capacity(line.text.len());
        let mut found = Vec::new();
        let mut rest = line.text.as_str();
        let mut taken = false;
        // What was taken out left as many blanks, so the text so far has the right column.
        let mut counted = (0, 1);
        // The last `]]` of the row decides, so that no opening has to look for its own.
        let last_close = line.text.rfind("]]");
        loop {
            if let Some((at, mut note)) = open.take() {
                taken = true;
                let end = rest.find("]]");
                note.push_str(&rest[..end.unwrap_or(rest.len())]);
                blank(&rest[..end.map_or(rest.len(), |end| end + 2)], &mut text);
                match end {
                    Some(end) => {
                        found.push((at, note));
                        rest = &rest[end + 2..];
                    }
                    None => {
                        note.push(' ');
                        open = Some((at, note));
                        break;
                    }
                }
            } else if let Some(start) = rest.find("[[") {
                text.push_str(&rest[..start]);
                rest = &rest[start + 2..];
                counted = (text.len(), counted.1 + columns(&text[counted.0..]));
                let at = Origin { line: line.number, column: counted.1 };
                if closes_later || last_close.is_some_and(|end| end >= line.text.len() - rest.len()) {
                    text.push_str("  ");
                    open = Some((at, String::new()));
                } else {
                    text.push_str("[[");
                    if !std::mem::replace(&mut warned, true) {
                        problems.add(&Finding::NoteOpen, at);
                    }
                }
            } else {
                text.push_str(rest);
                break;
            }
        }
        let vanished = line.vanished || (taken && text.trim().is_empty());
        if vanished {
            match rows.last_mut() {
                // A note on a row of its own belongs to what stands before it.
                Some(previous) => previous.notes.append(&mut found),
                None if found.is_empty() => {}
                None => rows.push(Row { text: String::new(), number: line.number, notes: found }),
            }
        } else {
            rows.push(Row { text, number: line.number, notes: found });
        }
    }
    rows
}

/// For each row, whether a later one of the same paragraph has a `]]`.
fn closes_later(lines: &[Cleared]) -> Vec<bool> {
    let mut out = vec![false; lines.len()];
    let mut closes = false;
    for (line, out) in lines.iter().zip(&mut out).rev() {
        *out = closes;
        closes = (closes || line.text.contains("]]")) && (!line.text.is_empty() || line.vanished);
    }
    out
}

fn columns(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX / 2)
}

fn blank(text: &str, out: &mut String) {
    out.extend(text.chars().map(|_| ' '));
}
