//! `NAME: line` text, the way people type a dialogue.
//!
//! ```text
//! title: At the café          # header keys stand before the first line: title, lang, author,
//! @cast MINA = af_heart speed 0.95 name "Mina"      # description, gap
//!
//! == Morning ==
//! MINA: Good morning.
//!   A row without a name goes on with the line above.
//! BEN (whispering) {speed 1.1, pause 300ms}: Not so loud.
//! >> Pas si fort.             # translation of the line above
//! [pause 1.5s]
//! [00:01:02] MINA: A line with a start time.
//! \Note: a row that starts with a backslash is text, never a label; \[pause 1s] is text too.
//! # a remark     // another one
//! ```
//!
//! When a cast is declared, only its names are speakers; otherwise every label is one, and what
//! looks like a remark is warned about.

mod label;

use std::{collections::BTreeSet, ops::Range};

use super::{
    attributes::{cast_entry, clock_ms, duration_ms, line_attributes},
    draft::Draft,
};
use crate::{
    CastMember, Limits, Line, NARRATOR, Origin, Script,
    decode::{SourceLine, source_lines, tidy},
    findings::Finding,
    problem::Problems,
};
use label::Label;

pub(super) fn read(text: &str, limits: &Limits, problems: &mut Problems) -> Script {
    let lines = source_lines(text, limits, problems);
    let mut reader = Reader {
        declared: declared(&lines),
        draft: Draft::new(limits, problems),
        open: None,
        in_header: true,
        last_speaker: None,
        turn: 0,
        remarked: BTreeSet::new(),
        unnamed: false,
    };
    for line in &lines {
        if reader.draft.is_full() {
            break;
        }
        reader.row(line);
    }
    reader.close();
    reader.draft.script
}

struct Reader<'a> {
    draft: Draft<'a>,
    /// Names of `@cast` rows; they may stand anywhere, so they are collected first.
    declared: BTreeSet<String>,
    /// The line that rows without a label go on with.
    open: Option<(Line, Origin)>,
    in_header: bool,
    last_speaker: Option<String>,
    /// Whose turn it is in dialogue with dashes.
    turn: usize,
    remarked: BTreeSet<String>,
    unnamed: bool,
}

impl Reader<'_> {
    fn row(&mut self, line: &SourceLine<'_>) {
        let row = line.text.trim();
        let at = line.start();
        if row.is_empty() {
            self.close();
        } else if row.starts_with('#') || row.starts_with("//") {
            // A remark does not end the line it stands in.
        } else if let Some(text) = row.strip_prefix(">>") {
            self.translation(text, at);
        } else if let Some(text) = row.strip_prefix('\\') {
            self.text(text, at);
        } else if let Some(directive) = row.strip_prefix('@') {
            self.close();
            self.directive(directive, row, at);
        } else if let Some(title) = chapter(row) {
            self.close();
            self.in_header = false;
            self.draft.chapter(title, at);
        } else if let Some(pause) = pause(row) {
            self.close();
            self.in_header = false;
            match duration_ms(pause) {
                Some(ms) => self.draft.pause(ms, at),
                None => self.draft.warn(&Finding::BadPause { text: row }, at),
            }
        } else if !(self.in_header && self.header(row, at)) {
            self.in_header = false;
            self.spoken(line, row, at);
        }
    }

    /// A row of words: with times, a dash or a label, or the continuation of the row above.
    fn spoken(&mut self, line: &SourceLine<'_>, row: &str, at: Origin) {
        // An indented row under a line belongs to it, whatever stands in it.
        if self.open.is_some() && line.text.starts_with([' ', '\t']) && at.column > 2 {
            return self.text(row, at);
        }
        let (times, row) = times(row);
        let (dashed, row) = match row.strip_prefix(['-', '–', '—']) {
            Some(rest) if rest.starts_with(char::is_whitespace) => (true, rest.trim_start()),
            _ => (false, row),
        };
        let label = Label::find(row, &self.declared).filter(|label| self.is_speaker(label, at));
        match label {
            Some(label) => self.labelled(&label, times, at),
            None if dashed => {
                self.draft.warn_once_unnamed(&mut self.unnamed, at);
                let speaker = format!("Speaker {}", self.turn % 2 + 1);
                self.turn += 1;
                self.start(speaker, row, times, at);
            }
            None if times.is_some() => {
                let speaker = self.speaker_of_bare_text(at);
                self.start(speaker, row, times, at);
            }
            None => self.text(row, at),
        }
    }

    fn labelled(&mut self, label: &Label<'_>, times: Option<(u64, Option<u64>)>, at: Origin) {
        self.start(label.name.clone(), label.text, times, at);
        let Some((line, _)) = &mut self.open else { return };
        line.style = label.style.map(str::to_owned);
        if let Some(attributes) = label.attributes
            && let Err(part) = line_attributes(attributes, line)
        {
            self.draft.warn(&Finding::BadAttribute { text: part }, at);
        }
    }

    /// A cast decides who is a speaker. Without one every label is, and odd ones are remarked on.
    fn is_speaker(&mut self, label: &Label<'_>, at: Origin) -> bool {
        if self.declared.contains(&label.name) {
            return true;
        }
        let declared = !self.declared.is_empty();
        if (declared || label.looks_like_remark()) && self.remarked.insert(label.name.clone()) {
            let name = label.name.as_str();
            let finding =
                if declared { Finding::NotInCast { name } } else { Finding::LooksLikeRemark { name } };
            self.draft.warn(&finding, at);
        }
        !declared
    }

    fn start(&mut self, speaker: String, text: &str, times: Option<(u64, Option<u64>)>, at: Origin) {
        self.close();
        self.last_speaker = Some(speaker.clone());
        let (start_ms, end_ms) = times.map_or((None, None), |(start, end)| (Some(start), end));
        self.open = Some((Line { speaker, text: text.to_owned(), start_ms, end_ms, ..Line::default() }, at));
    }

    /// Text without a label goes on with the open line; after a blank row it is a new line of the
    /// same speaker.
    fn text(&mut self, text: &str, at: Origin) {
        self.in_header = false;
        if let Some((line, _)) = &mut self.open {
            line.text.push(' ');
            line.text.push_str(text);
        } else {
            let speaker = self.speaker_of_bare_text(at);
            self.start(speaker, text, None, at);
        }
    }

    fn speaker_of_bare_text(&mut self, at: Origin) -> String {
        self.last_speaker.clone().unwrap_or_else(|| {
            self.draft.warn(&Finding::NoSpeaker, at);
            NARRATOR.to_owned()
        })
    }

    fn translation(&mut self, text: &str, at: Origin) {
        let line = self.open.as_mut().map(|(line, _)| line);
        match line.or_else(|| self.draft.last_line()) {
            Some(line) => {
                let mut whole = line.translation.take().unwrap_or_default();
                whole.push(' ');
                whole.push_str(text);
                line.translation = Some(tidy(&whole)).filter(|whole| !whole.is_empty());
            }
            None => self.draft.warn(&Finding::TranslationWithoutLine, at),
        }
    }

    fn directive(&mut self, directive: &str, row: &str, at: Origin) {
        let (key, value) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
        match key {
            "cast" | "배역" => match cast_entry(remove_remark(value)) {
                Ok((name, member)) => self.declare(&tidy(&name), member, at),
                Err(part) => self.draft.warn(&Finding::BadDirective { text: part }, at),
            },
            _ if header_key(key).is_some() => {
                self.header(&format!("{key}: {value}"), at);
            }
            _ => self.draft.warn(&Finding::BadDirective { text: row }, at),
        }
    }

    fn declare(&mut self, name: &str, member: CastMember, at: Origin) {
        if self.draft.speaker(name, at) {
            self.draft.script.cast.insert(name.to_owned(), member);
        }
    }

    /// `title: …` at the top of the file. False when the row is no header.
    fn header(&mut self, row: &str, at: Origin) -> bool {
        let Some((key, value)) = row.split_once([':', '：']) else { return false };
        let Some(key) = header_key(key.trim()) else { return false };
        let value = tidy(value);
        let script = &mut self.draft.script;
        match key {
            Header::Title => script.title = value,
            Header::Lang => script.lang = value,
            Header::Author => script.author = Some(value).filter(|v| !v.is_empty()),
            Header::Description => script.description = Some(value).filter(|v| !v.is_empty()),
            Header::Gap => match duration_ms(&value) {
                Some(ms) => script.gap_ms = ms,
                None => self.draft.warn(&Finding::BadPause { text: row }, at),
            },
        }
        true
    }

    fn close(&mut self) {
        let Some((line, at)) = self.open.take() else { return };
        if tidy(&line.text).is_empty() {
            self.draft.warn(&Finding::EmptyText, at);
            return;
        }
        for (index, (text, pause_ms)) in split_at_pauses(&line.text).into_iter().enumerate() {
            // What belongs to the line as a whole stays with its first piece.
            let piece = if index == 0 {
                Line { text, ..line.clone() }
            } else {
                Line {
                    speaker: line.speaker.clone(),
                    style: line.style.clone(),
                    speed: line.speed,
                    text,
                    ..Line::default()
                }
            };
            self.draft.line(piece, at);
            if let Some(ms) = pause_ms {
                self.draft.pause(ms, at);
            }
        }
    }
}

impl Draft<'_> {
    fn warn_once_unnamed(&mut self, said: &mut bool, at: Origin) {
        if !std::mem::replace(said, true) {
            self.warn(&Finding::SpeakersUnnamed, at);
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Header {
    Title,
    Lang,
    Author,
    Description,
    Gap,
}

pub(super) fn header_key(key: &str) -> Option<Header> {
    match key.to_ascii_lowercase().as_str() {
        "title" | "제목" => Some(Header::Title),
        "lang" | "language" | "언어" => Some(Header::Lang),
        "author" | "authors" | "작가" => Some(Header::Author),
        "description" | "설명" => Some(Header::Description),
        "gap" | "간격" => Some(Header::Gap),
        _ => None,
    }
}

fn declared(lines: &[SourceLine<'_>]) -> BTreeSet<String> {
    lines
        .iter()
        .filter_map(|line| {
            let row = line.text.trim();
            let value = row.strip_prefix("@cast").or_else(|| row.strip_prefix("@배역"))?;
            let entry = value.strip_prefix(char::is_whitespace)?;
            cast_entry(remove_remark(entry)).ok().map(|(name, _)| tidy(&name))
        })
        .collect()
}

/// A remark may follow a directive: blank, `#`, blank, outside of quotes.
fn remove_remark(value: &str) -> &str {
    let (mut in_quotes, mut escaped) = (false, false);
    let start = value.char_indices().find_map(|(offset, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_quotes => escaped = true,
            '"' => in_quotes = !in_quotes,
            ' ' if !in_quotes && value[offset..].starts_with(" # ") => return Some(offset),
            _ => {}
        }
        None
    });
    start.map_or(value, |at| &value[..at])
}

/// `== Title ==`, the end being optional.
fn chapter(row: &str) -> Option<&str> {
    let title = row.strip_prefix("==")?.trim_start_matches('=').trim_end_matches('=').trim();
    (!title.is_empty()).then_some(title)
}

/// What stands after `pause` in a row such as `[pause 1.5s]`.
pub(super) fn pause(row: &str) -> Option<&str> {
    let inner = row.strip_prefix('[')?.strip_suffix(']')?.trim();
    let word_end = inner.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(inner.len());
    let word = &inner[..word_end];
    let is_pause = ["pause", "silence", "break"].iter().any(|w| word.eq_ignore_ascii_case(w))
        || matches!(word, "멈춤" | "쉼" | "침묵");
    (is_pause && !inner.contains(['[', ']'])).then(|| inner[word_end..].trim_start_matches([':', ' ', '\t']))
}

/// Pauses inside a line split it; a backslash before one makes it text (and is taken away).
fn split_at_pauses(text: &str) -> Vec<(String, Option<u32>)> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut from = 0;
    for (place, pause_ms) in inline_pauses(text) {
        piece.push_str(&text[from..place.start]);
        if piece.ends_with('\\') {
            piece.pop();
            from = place.start;
        } else {
            pieces.push((std::mem::take(&mut piece), Some(pause_ms)));
            from = place.end;
        }
    }
    piece.push_str(&text[from..]);
    pieces.push((piece, None));
    pieces
}

/// Where `[pause 1.5s]` and the like stand in a text, and how long they are.
pub(crate) fn inline_pauses(text: &str) -> impl Iterator<Item = (Range<usize>, u32)> {
    text.match_indices('[').filter_map(|(open, _)| {
        // A pause is short: looking no further keeps a text of opening brackets linear.
        let close = open + text.as_bytes()[open..].iter().take(48).position(|b| *b == b']')? + 1;
        let ms = pause(&text[open..close]).and_then(duration_ms)?;
        Some((open..close, ms))
    })
}

/// `[00:01:02]`, `[00:01:02 - 00:01:05]`, `[… --> …]` in front of a row.
fn times(row: &str) -> (Option<(u64, Option<u64>)>, &str) {
    let found = row.strip_prefix('[').and_then(|rest| {
        let (inner, rest) = rest.split_once(']')?;
        let (start, end) = match inner.split_once("-->").or_else(|| inner.split_once(['-', '–', '~'])) {
            Some((start, end)) => (start, Some(clock_ms(end)?)),
            None => (inner, None),
        };
        Some(((clock_ms(start)?, end), rest.trim_start()))
    });
    match found {
        Some((times, rest)) => (Some(times), rest),
        None => (None, row),
    }
}
