//! Fountain 1.1 (<https://fountain.io/syntax>): a screenplay in plain text.
//!
//! Dialogue becomes lines; scene headings and sections become chapters; action is skipped or
//! narrated. What Fountain has no words for travels in notes, which other tools do not print:
//! `[[pause 1.5s]]` and `[[@ speed 1.1, id "l1"]]` in the dialogue it belongs to, and the cast in
//! the title page (`Cast:` with rows such as `MINA = af_heart`). Scripts without letter case, such
//! as Korean, need `@민호` or a declared cast to tell a name from action.

mod inline;
mod strip;
mod title_page;

use super::{
    Action, Options,
    attributes::{duration_ms, line_attributes},
    draft::Draft,
    text::pause,
};
use crate::{
    Item, Line, NARRATOR, Origin, Script, decode::source_lines, findings::Finding, problem::Problems,
};
use strip::Row;

pub(super) fn read(text: &str, options: &Options, problems: &mut Problems) -> Script {
    let lines = source_lines(text, &options.limits, problems);
    let rows = strip::strip(&lines, problems);
    let mut draft = Draft::new(&options.limits, problems);
    let (body, page) = title_page::read(&rows, &mut draft);
    let mut reader = Reader {
        draft,
        narrate: page.narrate.unwrap_or(options.action == Action::Narrate),
        speech: None,
        skipped: None,
        section: false,
    };
    reader.body(&rows[body..]);
    reader.finish()
}

struct Reader<'a> {
    draft: Draft<'a>,
    narrate: bool,
    speech: Option<Speech>,
    /// The first passage of action that was skipped, and how many there were.
    skipped: Option<(Origin, usize)>,
    /// The last item is a chapter from a section, which the next heading replaces.
    section: bool,
}

/// A character's speech while it is read; a parenthetical closes one line and opens the next.
struct Speech {
    line: Line,
    at: Origin,
}

impl Reader<'_> {
    fn body(&mut self, rows: &[Row]) {
        let mut after_blank = true;
        for (index, row) in rows.iter().enumerate() {
            if self.draft.is_full() {
                return;
            }
            let blank = row.is_blank();
            if self.speech.is_some() && !blank {
                self.dialogue(row);
            } else if blank {
                // Two blanks keep the speech open over an empty row (Fountain, "Dialogue").
                let keeps_open = row.text.len() >= 2 && row.notes.is_empty() && self.speech.is_some();
                if !keeps_open {
                    self.close();
                }
                self.notes(row);
            } else {
                let next_has_text = rows.get(index + 1).is_some_and(|next| !next.is_blank());
                self.element(row, after_blank, next_has_text);
            }
            after_blank = blank && self.speech.is_none();
        }
    }

    fn finish(mut self) -> Script {
        self.close();
        if let Some((at, count)) = self.skipped {
            self.draft.warn(&Finding::ActionSkipped { count }, at);
        }
        self.draft.script
    }

    fn element(&mut self, row: &Row, after_blank: bool, next_has_text: bool) {
        let text = row.text.trim();
        let at = row.start();
        if text.len() >= 3 && text.bytes().all(|b| b == b'=') {
            // A page break.
        } else if let Some(section) = text.strip_prefix('#') {
            self.chapter(section.trim_start_matches('#'), at, true);
        } else if text.starts_with('=') || text.starts_with('~') {
            // A synopsis or a lyric outside of a speech.
        } else if let Some(heading) = forced_heading(text) {
            self.chapter(heading, at, false);
        } else if let Some(action) = text.strip_prefix('!') {
            self.action(action, at, after_blank);
        } else if let Some(name) = text.strip_prefix('@') {
            self.character(name, at);
        } else if text.starts_with('>') || is_transition(text, after_blank, next_has_text) {
            // Centred text or a transition.
        } else if is_heading(text) && after_blank {
            self.chapter(text, at, false);
        } else if after_blank && next_has_text && self.is_character(text) {
            self.character(text, at);
        } else {
            self.action(text, at, after_blank);
        }
        self.notes(row);
    }

    fn chapter(&mut self, title: &str, at: Origin, is_section: bool) {
        let title = inline::plain(without_scene_number(title.trim()));
        if self.section && matches!(self.draft.script.items.last(), Some(Item::Chapter(_))) {
            self.draft.script.items.pop();
        }
        self.draft.chapter(&title, at);
        self.section = is_section;
    }

    fn action(&mut self, text: &str, at: Origin, starts: bool) {
        if self.narrate {
            let text = inline::plain(text);
            let line = Line { speaker: NARRATOR.to_owned(), text, ..Line::default() };
            self.draft.line(line, at);
        } else if starts || self.skipped.is_none() {
            self.skipped.get_or_insert((at, 0)).1 += 1;
        }
    }

    /// A name in capitals; or, for scripts without case, a name of the declared cast.
    fn is_character(&self, text: &str) -> bool {
        let name = character_name(text).0;
        if self.draft.script.cast.contains_key(&name) {
            return true;
        }
        let before_extension = text.split('(').next().unwrap_or(text);
        before_extension.chars().any(char::is_uppercase)
            && !before_extension.chars().any(char::is_lowercase)
            && !name.is_empty()
    }

    fn character(&mut self, text: &str, at: Origin) {
        let (text, dual) = match text.trim_end().strip_suffix('^') {
            Some(text) if !text.ends_with('\\') => (text.trim_end(), true),
            _ => (text, false),
        };
        let (speaker, style) = character_name(text);
        let overlap_ms = dual.then_some(Line::WITH_PREVIOUS_MS);
        self.speech = Some(Speech { line: Line { speaker, style, overlap_ms, ..Line::default() }, at });
    }

    fn dialogue(&mut self, row: &Row) {
        let text = row.text.trim();
        if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            self.parenthetical(&inline::plain(inner), row.start());
            return self.notes(row);
        }
        let mut from = 0;
        for (at, note) in &row.notes {
            // A pause parts the words before it from those after it.
            if note_pause(note).is_some() {
                let offset = if at.line == row.number { row.offset(at.column) } else { row.text.len() };
                self.say(row, from, offset.max(from));
                from = offset.max(from);
            }
            self.note(*at, note);
        }
        self.say(row, from, row.text.len());
    }

    fn say(&mut self, row: &Row, from: usize, to: usize) {
        let text = row.text[from..to].trim();
        let Some(speech) = self.speech.as_mut().filter(|_| !text.is_empty()) else { return };
        if speech.line.text.is_empty() {
            speech.at = row.place(from + (row.text[from..to].len() - row.text[from..to].trim_start().len()));
        }
        let text = text.strip_prefix('~').filter(|_| from == 0).unwrap_or(text);
        speech.line.text.push(' ');
        speech.line.text.push_str(&inline::plain(text));
    }

    /// `(beat)` is a pause; anything else is how the next words are said.
    fn parenthetical(&mut self, inner: &str, at: Origin) {
        self.part_speech(at);
        let beat_ms = match inner.trim().to_lowercase().as_str() {
            "beat" | "a beat" | "pause" | "사이" | "잠시" | "멈칫" => Some(600),
            "long beat" | "long pause" | "긴 사이" => Some(1_500),
            _ => None,
        };
        match (beat_ms, &mut self.speech) {
            (Some(ms), _) => self.draft.pause(ms, at),
            (None, Some(speech)) => speech.line.style = Some(inner.trim().to_owned()),
            (None, None) => {}
        }
    }

    fn close(&mut self) {
        if let Some(Speech { line, at }) = self.speech.take() {
            self.draft.line(line, at);
            self.section = false;
        }
    }

    fn notes(&mut self, row: &Row) {
        for (at, note) in &row.notes {
            self.note(*at, note);
        }
    }

    /// Notes are for people, except `[[pause …]]` and `[[@ …]]`.
    fn note(&mut self, at: Origin, note: &str) {
        if let Some(attributes) = note.trim().strip_prefix('@') {
            let line = match &mut self.speech {
                Some(speech) => Some(&mut speech.line),
                None => self.draft.last_line(),
            };
            let result = line.map_or(Err(note), |line| line_attributes(attributes, line));
            if let Err(part) = result {
                self.draft.warn(&Finding::BadAttribute { text: part }, at);
            }
        } else if let Some(pause) = note_pause(note) {
            self.part_speech(at);
            match duration_ms(&pause) {
                Some(ms) => self.draft.pause(ms, at),
                None => self.draft.warn(&Finding::BadPause { text: note }, at),
            }
        }
    }

    /// Ends the line that is being spoken; the same character goes on with a new one.
    fn part_speech(&mut self, at: Origin) {
        if let Some(speech) = self.speech.as_mut().filter(|speech| !speech.line.text.trim().is_empty()) {
            let next = Line { speaker: speech.line.speaker.clone(), ..Line::default() };
            let done = std::mem::replace(&mut speech.line, next);
            let done_at = std::mem::replace(&mut speech.at, at);
            self.draft.line(done, done_at);
            self.section = false;
        }
    }
}

/// The length of the pause that a note asks for.
fn note_pause(note: &str) -> Option<String> {
    pause(&format!("[{}]", note.trim())).filter(|length| !length.is_empty()).map(str::to_owned)
}

/// The name without its extension, and the extension if it says how something is spoken.
/// `(V.O.)`, `(O.S.)` and `(CONT'D)` say only where.
fn character_name(text: &str) -> (String, Option<String>) {
    let mut depth_start = None;
    let mut escaped = false;
    for (offset, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => {
                depth_start = Some(offset);
                break;
            }
            _ => {}
        }
    }
    let (name, extension) = depth_start.map_or((text, ""), |at| text.split_at(at));
    let mut style = None;
    for part in extension.split(['(', ')']).map(str::trim).filter(|part| !part.is_empty()) {
        let known: String = part.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
        let is_place = ["VO", "OS", "OC", "CONTD", "CONT", "CONTINUED", "MORE", "OFF", "SUBTITLE"]
            .contains(&known.as_str());
        if !is_place {
            style = Some(inline::plain(part).to_lowercase());
        }
    }
    (crate::decode::tidy(&inline::plain(name)), style)
}

/// `.HEADING`, but not an ellipsis.
fn forced_heading(text: &str) -> Option<&str> {
    text.strip_prefix('.').filter(|rest| !rest.is_empty() && !rest.starts_with('.'))
}

fn is_heading(text: &str) -> bool {
    const PREFIXES: [&str; 7] = ["INT./EXT", "INT/EXT", "I/E", "INT", "EXT", "EST", "EXT/INT"];
    PREFIXES.iter().any(|prefix| {
        let head = text.get(..prefix.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(prefix) && text[prefix.len()..].starts_with(['.', ' '])
    })
}

/// `CUT TO:` between blank rows.
fn is_transition(text: &str, after_blank: bool, next_has_text: bool) -> bool {
    after_blank && !next_has_text && text.ends_with("TO:") && !text.chars().any(char::is_lowercase)
}

/// `INT. HOUSE #1A#` without its number.
fn without_scene_number(title: &str) -> &str {
    let Some(body) = title.strip_suffix('#') else { return title };
    match body.rfind('#') {
        // An escaped sign is a part of the title.
        Some(start)
            if start > 0
                && !body[start + 1..].contains(' ')
                && !body.contains("\\#")
                && !body.ends_with('\\') =>
        {
            body[..start].trim_end()
        }
        _ => title,
    }
}
