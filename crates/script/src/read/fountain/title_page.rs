//! The title page: `Key: value` rows up to the first blank row, values going on in indented rows.

use super::{inline, strip::Row};
use crate::{
    decode::tidy,
    findings::Finding,
    read::{
        attributes::{cast_entry, duration_ms},
        draft::Draft,
        text::{Header, header_key},
    },
};

#[derive(Default)]
pub(super) struct TitlePage {
    /// What `Narration:` says, if it is there.
    pub(super) narrate: Option<bool>,
}

/// Keys of Fountain and of this program. Only one of them can begin a title page; otherwise
/// `MINA: Hello` in the first row would be taken for one.
const KEYS: [&str; 15] = [
    "title",
    "credit",
    "author",
    "authors",
    "source",
    "draft date",
    "date",
    "contact",
    "copyright",
    "notes",
    "revision",
    "cast",
    "narration",
    "format",
    "episode",
];

/// Reads the title page into the draft. Returns the index of the first row after it.
pub(super) fn read(rows: &[Row], draft: &mut Draft<'_>) -> (usize, TitlePage) {
    let mut page = TitlePage::default();
    let start = rows.iter().position(|row| !row.is_blank()).unwrap_or(rows.len());
    let begins = rows.get(start).is_some_and(|row| entry(&row.text).is_some_and(|(key, _)| is_key(key)));
    if !begins {
        return (0, page);
    }
    let mut key = String::new();
    let mut index = start;
    while let Some(row) = rows.get(index).filter(|row| !row.is_blank()) {
        match entry(&row.text).filter(|_| !row.text.starts_with([' ', '\t'])) {
            Some((name, value)) => {
                key = name.to_lowercase();
                if !value.is_empty() {
                    set(&key, value, row, draft, &mut page);
                }
            }
            None => set(&key, row.text.trim(), row, draft, &mut page),
        }
        index += 1;
    }
    (index, page)
}

fn entry(row: &str) -> Option<(&str, &str)> {
    let (key, value) = row.split_once([':', '：'])?;
    Some((key.trim(), value.trim()))
}

fn is_key(key: &str) -> bool {
    KEYS.contains(&key.to_lowercase().as_str()) || header_key(key).is_some()
}

fn set(key: &str, value: &str, row: &Row, draft: &mut Draft<'_>, page: &mut TitlePage) {
    match key {
        "cast" => {
            match cast_entry(value) {
                Ok((name, member)) => {
                    let name = tidy(&name);
                    if draft.speaker(&name, row.start()) {
                        draft.script.cast.insert(name, member);
                    }
                }
                Err(part) => draft.warn(&Finding::BadDirective { text: part }, row.start()),
            }
            return;
        }
        "narration" => {
            page.narrate = Some(matches!(value.to_lowercase().as_str(), "on" | "yes" | "true" | "예"));
            return;
        }
        _ => {}
    }
    let Some(header) = header_key(key) else { return };
    if let Header::Gap = header {
        match duration_ms(value) {
            Some(ms) => draft.script.gap_ms = ms,
            None => draft.warn(&Finding::BadPause { text: value }, row.start()),
        }
        return;
    }
    let value = tidy(&inline::plain(value));
    let script = &mut draft.script;
    match header {
        Header::Lang => script.lang = value,
        Header::Title => append(&mut script.title, &value),
        Header::Author => append(script.author.get_or_insert_default(), &value),
        Header::Description => append(script.description.get_or_insert_default(), &value),
        Header::Gap => {}
    }
}

/// A value over several rows becomes one row.
fn append(to: &mut String, value: &str) {
    if !to.is_empty() {
        to.push(' ');
    }
    to.push_str(value);
}
