//! JSON values that know where they stand.
//!
//! `serde_json` gives places for syntax errors only. Raw values borrow from the source, so the
//! place of every value follows from its address; each level is parsed when it is looked at.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{Limits, Origin, findings::Finding};

/// A value, not yet looked into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a>(&'a RawValue);

impl<'a> Node<'a> {
    /// # Errors
    /// The reason and the place of the first syntax error.
    pub(super) fn document(text: &'a str) -> Result<Self, (String, Origin)> {
        serde_json::from_str::<&'a RawValue>(text).map(Node).map_err(|error| {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
            // serde_json counts bytes; people count characters.
            let row = text.split('\n').nth(line as usize - 1).unwrap_or_default();
            let bytes = error.column().saturating_sub(1).min(row.len());
            let chars = row.char_indices().take_while(|(offset, _)| *offset < bytes).count();
            let whole = error.to_string();
            let reason = whole.split(" at line ").next().unwrap_or(&whole).to_owned();
            (reason, Origin { line, column: u32::try_from(chars).unwrap_or(u32::MAX - 1) + 1 })
        })
    }

    pub(super) fn text(self) -> &'a str {
        self.0.get()
    }

    pub(super) fn array(self) -> Option<Vec<Node<'a>>> {
        if !self.text().starts_with('[') {
            return None;
        }
        let items: Vec<&'a RawValue> = serde_json::from_str(self.text()).ok()?;
        Some(items.into_iter().map(Node).collect())
    }

    /// The fields in their order, and the first key that is there twice.
    pub(super) fn object(self) -> Option<(Fields<'a>, Option<String>)> {
        let fields: Fields<'a> = serde_json::from_str(self.text()).ok()?;
        let mut keys: Vec<&str> = fields.0.iter().map(|(key, _)| key.as_ref()).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned());
        Some((fields, twice))
    }

    pub(super) fn string(self) -> Option<String> {
        serde_json::from_str(self.text()).ok()
    }

    pub(super) fn number(self) -> Option<f64> {
        serde_json::from_str(self.text()).ok()
    }

    /// A whole number that is not negative; `1.0` and `1e3` are whole too.
    pub(super) fn whole(self) -> Option<u64> {
        serde_json::from_str(self.text()).ok().or_else(|| {
            let value = self.number()?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            (value.fract() == 0.0 && (0.0..=9e15).contains(&value)).then_some(value as u64)
        })
    }

    pub(super) fn is_null(self) -> bool {
        self.text() == "null"
    }
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Fields<'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Node<'a>)> {
        self.0.iter().map(|(key, node)| (key.as_ref(), *node))
    }

    /// The value of a key; `null` counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.iter().find(|(name, node)| *name == key && !node.is_null()).map(|(_, node)| node)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((Cow::Owned(key), Node(value)));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Places of byte offsets. A minified script is one long row, so checkpoints every kilobyte keep
/// each look-up short.
pub(super) struct Positions<'a> {
    text: &'a str,
    checkpoints: Vec<(usize, Origin)>,
}

const STEP: usize = 1024;

impl<'a> Positions<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut checkpoints = vec![(0, Origin::START)];
        let mut at = Origin::START;
        let mut next = STEP;
        for (offset, c) in text.char_indices() {
            if offset >= next {
                checkpoints.push((offset, at));
                next = offset + STEP;
            }
            at = step(at, c);
        }
        Self { text, checkpoints }
    }

    pub(super) fn at(&self, offset: usize) -> Origin {
        let index = self.checkpoints.partition_point(|(start, _)| *start <= offset);
        let (start, origin) = self.checkpoints[index.saturating_sub(1)];
        let between = self.text.get(start..offset).unwrap_or_default();
        between.chars().fold(origin, step)
    }

    /// Raw values are slices of the source: their address is their place.
    pub(super) fn offset_of(&self, node: Node<'_>) -> usize {
        let offset = (node.text().as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if offset <= self.text.len() { offset } else { 0 }
    }
}

fn step(at: Origin, c: char) -> Origin {
    if c == '\n' { Origin { line: at.line + 1, column: 1 } } else { Origin { column: at.column + 1, ..at } }
}

/// What is refused before parsing: control characters outside of strings' escapes, and nesting
/// beyond the limit.
pub(super) fn refuse(text: &str, limits: &Limits) -> Option<(usize, Finding<'static>)> {
    if let Some(found) = crate::decode::unwanted(text) {
        return Some(found);
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > limits.max_depth {
                    return Some((offset, Finding::JsonTooDeep { max: limits.max_depth }));
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
