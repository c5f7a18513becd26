//! The canonical script and its rows, in both directions. Pure.

use std::collections::HashSet;

use sori_contracts::LineId;
use sori_script::{Chapter, Item, Line, Origin, Pause, Script};
use uuid::Uuid;

use crate::{
    align::{Known, align},
    fold::fold,
};

/// One item of a script as it is stored.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct LineRow {
    pub(crate) id: Uuid,
    pub(crate) position: i64,
    pub(crate) kind: String,
    pub(crate) author_id: Option<String>,
    pub(crate) speaker: String,
    pub(crate) actor_id: Option<Uuid>,
    /// What is said; the title of a chapter.
    pub(crate) text: String,
    pub(crate) style: Option<String>,
    pub(crate) speed: Option<f64>,
    /// Silence after a line; the length of a pause.
    pub(crate) pause_ms: Option<i64>,
    pub(crate) overlap_ms: Option<i64>,
    /// When timed input wants the line to be heard.
    pub(crate) fit_start_ms: Option<i64>,
    pub(crate) fit_end_ms: Option<i64>,
    pub(crate) translation: Option<String>,
    pub(crate) origin_line: Option<i64>,
    pub(crate) origin_column: Option<i64>,
    /// When it is heard in the attached rendering.
    pub(crate) start_ms: Option<i64>,
    pub(crate) end_ms: Option<i64>,
}

pub(crate) const LINE: &str = "line";
const PAUSE: &str = "pause";
const CHAPTER: &str = "chapter";

impl LineRow {
    pub(crate) fn of(item: &Item, position: usize) -> Self {
        let origin = item.origin();
        let blank = Self {
            id: LineId::generate().0,
            position: i64::try_from(position).unwrap_or(i64::MAX),
            kind: LINE.into(),
            author_id: None,
            speaker: String::new(),
            actor_id: None,
            text: String::new(),
            style: None,
            speed: None,
            pause_ms: None,
            overlap_ms: None,
            fit_start_ms: None,
            fit_end_ms: None,
            translation: None,
            origin_line: origin.map(|origin| origin.line.into()),
            origin_column: origin.map(|origin| origin.column.into()),
            start_ms: None,
            end_ms: None,
        };
        match item {
            Item::Line(line) => Self {
                author_id: line.id.clone(),
                speaker: line.speaker.clone(),
                text: line.text.clone(),
                style: line.style.clone(),
                speed: line.speed.map(f64::from),
                pause_ms: line.pause_after_ms.map(i64::from),
                overlap_ms: line.overlap_ms.map(i64::from),
                fit_start_ms: line.start_ms.map(signed),
                fit_end_ms: line.end_ms.map(signed),
                translation: line.translation.clone(),
                ..blank
            },
            Item::Pause(pause) => Self { kind: PAUSE.into(), pause_ms: Some(pause.pause_ms.into()), ..blank },
            Item::Chapter(chapter) => Self { kind: CHAPTER.into(), text: chapter.title.clone(), ..blank },
        }
    }

    pub(crate) fn item(&self) -> Item {
        let origin = match (self.origin_line, self.origin_column) {
            (Some(line), Some(column)) => Some(Origin { line: small(line), column: small(column) }),
            _ => None,
        };
        match self.kind.as_str() {
            PAUSE => Item::Pause(Pause { pause_ms: self.pause_ms.map_or(0, small), origin }),
            CHAPTER => Item::Chapter(Chapter { title: self.text.clone(), origin }),
            _ => Item::Line(Line {
                id: self.author_id.clone(),
                speaker: self.speaker.clone(),
                text: self.text.clone(),
                style: self.style.clone(),
                // Stored from an f32, so nothing is lost.
                speed: self.speed.map(|speed| speed as f32),
                pause_after_ms: self.pause_ms.map(small),
                overlap_ms: self.overlap_ms.map(small),
                start_ms: self.fit_start_ms.map(unsigned),
                end_ms: self.fit_end_ms.map(unsigned),
                translation: self.translation.clone(),
                origin,
            }),
        }
    }

    pub(crate) fn is_line(&self) -> bool {
        self.kind == LINE
    }

    /// Both are empty for what is not spoken, so that a search does not find it.
    pub(crate) fn folded(&self) -> (String, String) {
        if self.is_line() { (fold(&self.speaker), fold(&self.text)) } else { Default::default() }
    }
}

/// Rows for a script that has none yet.
pub(crate) fn rows(script: &Script) -> Vec<LineRow> {
    script.items.iter().enumerate().map(|(position, item)| LineRow::of(item, position)).collect()
}

/// What becomes of a script's rows when its document is replaced.
pub(crate) struct Reconciled {
    /// All rows of the new document, in order.
    pub(crate) rows: Vec<LineRow>,
    pub(crate) removed: Vec<Uuid>,
    /// Kept lines that say something else now: their words are those of the old text.
    pub(crate) reworded: Vec<Uuid>,
}

/// Gives lines of the new script the ids of the old lines that they are. Times go with the text;
/// the actor goes with the speaker.
pub(crate) fn reconcile(old: &[LineRow], new: &Script) -> Reconciled {
    let old_lines: Vec<&LineRow> = old.iter().filter(|row| row.is_line()).collect();
    let old_ids: Vec<String> = old_lines.iter().map(|row| row.id.to_string()).collect();
    let known_old: Vec<Known<'_>> = old_lines
        .iter()
        .zip(&old_ids)
        .map(|(row, id)| Known {
            ids: [row.author_id.as_deref(), Some(id)],
            speaker: &row.speaker,
            text: &row.text,
        })
        .collect();
    let known_new: Vec<Known<'_>> = new
        .lines()
        .map(|(_, line)| Known { ids: [line.id.as_deref(), None], speaker: &line.speaker, text: &line.text })
        .collect();
    let mut kept = HashSet::new();
    let mut reworded = Vec::new();
    let mut found = align(&known_old, &known_new).into_iter();
    let mut rows = rows(new);
    for row in rows.iter_mut().filter(|row| row.is_line()) {
        let Some(old) = found.next().flatten().map(|o| old_lines[o]) else { continue };
        row.id = old.id;
        kept.insert(old.id);
        if row.speaker == old.speaker {
            row.actor_id = old.actor_id;
        }
        if row.text == old.text {
            (row.start_ms, row.end_ms) = (old.start_ms, old.end_ms);
        } else {
            reworded.push(row.id);
        }
    }
    let removed = old.iter().map(|row| row.id).filter(|id| !kept.contains(id)).collect();
    Reconciled { rows, removed, reworded }
}

/// The part of a script that decides how it sounds: whoever changes anything else does not make a
/// rendering out of date.
pub(crate) fn audible(script: &Script) -> Script {
    let mut script = script.clone().without_origins();
    (script.title, script.author, script.description) = (String::new(), None, None);
    for item in &mut script.items {
        if let Item::Line(line) = item {
            (line.id, line.translation) = (None, None);
        }
    }
    script
}

/// Speakers in the order in which they first speak.
pub(crate) fn speakers(script: &Script) -> Vec<String> {
    let mut speakers: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for (_, line) in script.lines() {
        if seen.insert(line.speaker.as_str()) {
            speakers.push(line.speaker.clone());
        }
    }
    speakers
}

pub(crate) fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default()
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        sori_script::read(text.as_bytes(), sori_script::Format::Text, &sori_script::Limits::default())
            .unwrap()
            .script
    }

    #[test]
    fn every_item_is_rebuilt_exactly() {
        let items = [
            Item::Chapter(Chapter { title: "One".into(), origin: Some(Origin { line: 1, column: 4 }) }),
            Item::Line(Line {
                id: Some("a-1".into()),
                speaker: "MINA".into(),
                text: "안녕, [word](/wɜːd/)".into(),
                style: Some("whispering".into()),
                speed: Some(1.1),
                pause_after_ms: Some(0),
                overlap_ms: Some(Line::WITH_PREVIOUS_MS),
                start_ms: Some(0),
                end_ms: Some(3_600_000_000),
                translation: Some("Hello".into()),
                origin: None,
            }),
            Item::Pause(Pause { pause_ms: 600_000, origin: None }),
        ];
        for (position, item) in items.iter().enumerate() {
            assert_eq!(&LineRow::of(item, position).item(), item);
        }
    }

    #[test]
    fn an_edit_keeps_ids_and_only_a_new_text_loses_its_times() {
        let mut old = rows(&script("A: One.\n\n[pause 1s]\nB: Two.\nA: Three.\n"));
        for (row, at) in old.iter_mut().zip([0, 500, 1_000, 2_000]) {
            (row.start_ms, row.end_ms, row.actor_id) = (Some(at), Some(at + 400), Some(Uuid::now_v7()));
        }
        let new = reconcile(&old, &script("A: Zero.\nA: One.\nB: Two again.\nA: Three.\n"));
        let ids: Vec<_> = new.rows.iter().map(|row| row.id).collect();
        assert_eq!(ids[1..], [old[0].id, old[2].id, old[3].id]);
        assert_eq!(new.removed, [old[1].id]);
        assert_eq!(new.reworded, [old[2].id]);
        let starts: Vec<_> = new.rows.iter().map(|row| row.start_ms).collect();
        assert_eq!(starts, [None, Some(0), None, Some(2_000)]);
        assert_eq!(new.rows[2].actor_id, old[2].actor_id);
        assert_eq!(new.rows.iter().map(|row| row.position).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn titles_and_translations_are_not_heard() {
        let plain = script("A: One.\nB: Two.\n");
        let mut changed = plain.clone();
        changed.title = "Other".into();
        if let Item::Line(line) = &mut changed.items[0] {
            line.translation = Some("하나.".into());
        }
        assert_eq!(audible(&plain), audible(&changed));
        changed.cast.get_mut("A").unwrap().voice = Some("af_heart".into());
        assert_ne!(audible(&plain), audible(&changed));
        assert_eq!(speakers(&plain), ["A", "B"]);
    }
}
