//! `NAME (style) {attributes}:` at the start of a row.

use std::collections::BTreeSet;

use super::super::attributes::quoted;

/// A label and the words after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label<'a> {
    pub(super) name: String,
    pub(super) style: Option<&'a str>,
    pub(super) attributes: Option<&'a str>,
    pub(super) text: &'a str,
}

impl<'a> Label<'a> {
    /// The label of `row`, if it has one. A declared name may look any way (in quotes, if it holds
    /// a colon); another one has to look like a name.
    pub(super) fn find(row: &'a str, declared: &BTreeSet<String>) -> Option<Self> {
        if row.starts_with('"') {
            let (name, rest) = quoted(row)?;
            return Self::after_name(name, rest).filter(|label| declared.contains(&label.name));
        }
        let name_end = row.find([':', '：', '(', '（', '{'])?;
        let (name, rest) = row.split_at(name_end);
        let label = Self::after_name(name.trim().to_owned(), rest)?;
        (declared.contains(&label.name) || label.is_plausible(row)).then_some(label)
    }

    /// Reads what follows a name: style, attributes, colon, text.
    fn after_name(name: String, rest: &'a str) -> Option<Self> {
        let mut rest = rest.trim_start();
        let mut style = None;
        if let Some(inner) = rest.strip_prefix(['(', '（']) {
            let close = inner.find([')', '）'])?;
            style = Some(inner[..close].trim()).filter(|style| !style.is_empty());
            rest = inner[close..].trim_start_matches([')', '）']).trim_start();
        }
        let mut attributes = None;
        if let Some(inner) = rest.strip_prefix('{') {
            let close = closing_brace(inner)?;
            attributes = Some(&inner[..close]);
            rest = inner[close + 1..].trim_start();
        }
        let text = rest.strip_prefix([':', '：'])?;
        Some(Self { name, style, attributes, text })
    }

    /// Whether an undeclared label can be a name at all: short, a few words, no punctuation of
    /// sentences, no clock (`10:30`) and no address (`https://`).
    fn is_plausible(&self, row: &str) -> bool {
        let name = self.name.as_str();
        let bare = ["Dr.", "Mr.", "Mrs.", "Ms.", "St.", "Prof."]
            .iter()
            .find_map(|title| name.strip_prefix(title))
            .unwrap_or(name);
        let is_wide = row[..row.len() - self.text.len()].ends_with('：');
        let is_apart = is_wide
            || self.text.is_empty()
            || self.text.starts_with(char::is_whitespace)
            || (!name.chars().any(char::is_lowercase) && !self.text.starts_with(['/', '\\']));
        (1..=60).contains(&name.chars().count())
            && name.split_whitespace().count() <= 4
            && name.starts_with(char::is_alphanumeric)
            && name.chars().any(char::is_alphabetic)
            && !bare.contains(['.', '!', '?', ',', ';', '"', '[', ']', '<', '>', '=', '…', '“', '”'])
            && !(name.ends_with(|c: char| c.is_ascii_digit())
                && self.text.starts_with(|c: char| c.is_ascii_digit()))
            && is_apart
    }

    /// Words that people put before a colon without meaning a speaker, and labels that are several
    /// words in lower case (`he said: …`).
    pub(super) fn looks_like_remark(&self) -> bool {
        const REMARKS: [&str; 22] = [
            "note",
            "notes",
            "nb",
            "todo",
            "fixme",
            "warning",
            "hint",
            "tip",
            "example",
            "remember",
            "important",
            "ps",
            "scene",
            "setting",
            "http",
            "https",
            "참고",
            "주의",
            "메모",
            "비고",
            "예",
            "장면",
        ];
        let lower = self.name.to_lowercase();
        REMARKS.contains(&lower.as_str())
            || (self.name.contains(' ') && self.name == lower && self.name.starts_with(char::is_lowercase))
    }
}

/// The brace that closes attributes, quotes being respected.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut in_quotes, mut escaped) = (false, false);
    text.char_indices().find_map(|(offset, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_quotes => escaped = true,
            '"' => in_quotes = !in_quotes,
            '}' if !in_quotes => return Some(offset),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Label;

    #[track_caller]
    fn check(row: &str, expected: Option<(&str, Option<&str>, &str)>) {
        let declared = BTreeSet::from(["A:B".to_owned(), "who? me!".to_owned()]);
        let label = Label::find(row, &declared);
        let got = label.as_ref().map(|l| (l.name.as_str(), l.style, l.text));
        assert_eq!(got, expected, "{row}");
    }

    #[test]
    fn labels_are_names_with_a_colon() {
        check("MINA: Hi", Some(("MINA", None, " Hi")));
        check("MINA:Hi", Some(("MINA", None, "Hi")));
        check("민호：안녕", Some(("민호", None, "안녕")));
        check("민호:안녕", Some(("민호", None, "안녕")));
        check("Dr. Kim (tired): So.", Some(("Dr. Kim", Some("tired"), " So.")));
        check("Speaker 1: x", Some(("Speaker 1", None, " x")));
        check("MINA（속삭이며）：쉿", Some(("MINA", Some("속삭이며"), "쉿")));
        check("BEN (a) {id \"}:\"}: x", Some(("BEN", Some("a"), " x")));
    }

    #[test]
    fn declared_names_may_look_any_way() {
        check("\"A:B\": x", Some(("A:B", None, " x")));
        check("who? me!: x", Some(("who? me!", None, " x")));
        check("\"Quoted\": x", None);
    }

    #[test]
    fn sentences_clocks_and_addresses_are_no_labels() {
        check("We meet at 10:30 sharp", None);
        check("https://example.org/x", None);
        check("He said this to all of them: go", None);
        check("Well, then: go", None);
        check("word:word", None);
        check("(aside): x", None);
        check("MINA (open: x", None);
        check("no label", None);
    }
}
