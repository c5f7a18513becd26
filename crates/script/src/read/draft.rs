//! The script while it is being read: one place for limits, the cast and clean text.

use std::collections::btree_map::Entry;

use crate::{
    CastMember, Chapter, Item, Limits, Line, Origin, Pause, Script,
    decode::{is_bidi_control, tidy, unwanted},
    findings::Finding,
    problem::Problems,
};

pub(super) struct Draft<'a> {
    pub(super) script: Script,
    pub(super) problems: &'a mut Problems,
    pub(super) limits: &'a Limits,
    full: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(limits: &'a Limits, problems: &'a mut Problems) -> Self {
        Self { script: Script::default(), problems, limits, full: false }
    }

    pub(super) fn warn(&mut self, finding: &Finding<'_>, at: Origin) {
        self.problems.add(finding, at);
    }

    /// Adds a line after cleaning its texts, and its speaker to the cast. A line without any text
    /// is left out; whether that is wrong is for the reader to say.
    pub(super) fn line(&mut self, mut line: Line, at: Origin) {
        // Text formats were looked at row by row; escapes of JSON and character references were not.
        if let Some((_, finding)) = unwanted(&line.text) {
            if !self.problems.has_error() {
                self.problems.add(&finding, at);
            }
        } else if let Some(c) = line.text.chars().find(|c| is_bidi_control(*c)) {
            self.problems.add(&Finding::BidiControl { code: c.into() }, at);
        }
        line.text = tidy(&line.text);
        line.speaker = tidy(&line.speaker);
        line.style = line.style.map(|style| tidy(&style)).filter(|style| !style.is_empty());
        line.translation = line.translation.map(|text| tidy(&text)).filter(|text| !text.is_empty());
        line.id = line.id.map(|id| tidy(&id)).filter(|id| !id.is_empty());
        line.origin = Some(at);
        if line.text.is_empty() || !self.has_room(at) {
            return;
        }
        if self.speaker(&line.speaker, at) {
            self.script.items.push(Item::Line(line));
        }
    }

    pub(super) fn pause(&mut self, pause_ms: u32, at: Origin) {
        if self.has_room(at) {
            self.script.items.push(Item::Pause(Pause { pause_ms, origin: Some(at) }));
        }
    }

    pub(super) fn chapter(&mut self, title: &str, at: Origin) {
        let title = tidy(title);
        if !title.is_empty() && self.has_room(at) {
            self.script.items.push(Item::Chapter(Chapter { title, origin: Some(at) }));
        }
    }

    /// Makes sure that the cast has this speaker.
    pub(super) fn speaker(&mut self, name: &str, at: Origin) -> bool {
        let count = self.script.cast.len();
        if let Entry::Vacant(place) = self.script.cast.entry(name.to_owned()) {
            if count >= self.limits.max_speakers {
                if !self.full {
                    self.problems.add(&Finding::TooManySpeakers { max: self.limits.max_speakers }, at);
                }
                self.full = true;
                return false;
            }
            if name.chars().nth(self.limits.max_name_chars).is_some() {
                self.problems.add(&Finding::NameTooLong { max: self.limits.max_name_chars }, at);
            }
            place.insert(CastMember::default());
        }
        true
    }

    /// The line that was added last, if nothing came after it.
    pub(super) fn last_line(&mut self) -> Option<&mut Line> {
        match self.script.items.last_mut() {
            Some(Item::Line(line)) => Some(line),
            _ => None,
        }
    }

    /// Whether the reader may stop: no further item is taken.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    fn has_room(&mut self, at: Origin) -> bool {
        if self.script.items.len() < self.limits.max_lines {
            return !self.full;
        }
        if !self.full {
            self.problems.add(&Finding::TooManyItems { max: self.limits.max_lines }, at);
        }
        self.full = true;
        false
    }
}
