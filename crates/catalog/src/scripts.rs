//! Scripts: the document with its revision, and what the catalog notes beside it.
//!
//! `revision` counts every change of the document; a save names the revision it is based on.
//! `heard_revision` is the last one that changed the sound: a rendering of it or of a later one
//! is up to date.

mod change;
mod create;
mod read;
mod replace;
mod row;

use std::collections::BTreeMap;

pub(crate) use self::{
    replace::update,
    row::{ScriptRow, check, stored},
};
use serde::{Deserialize, Serialize};
use sori_contracts::{LineId, RenderingId, ScriptId, ShowId};
use sori_script::{CastMember, Format, Script};

use crate::{ShowRef, Visibility, fields};

/// A script to be stored.
#[derive(Clone, Debug, Default)]
pub struct NewScript {
    pub script: Script,
    pub show_id: Option<ShowId>,
    pub level: Option<String>,
    /// Where it came from on the web.
    pub source_urls: Vec<String>,
    /// The text as its author wrote it, kept for the editor.
    pub source_text: Option<String>,
    pub source_format: Option<Format>,
}

/// What replaces the document of a script.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub script: Script,
    pub source_text: Option<String>,
    pub source_format: Option<Format>,
    /// The script is only what the text says: a title or a voice that was chosen here stays where
    /// the text names none.
    pub is_read_from_text: bool,
}

/// A script as a rendering needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptDocument {
    pub id: ScriptId,
    pub revision: i64,
    pub script: Script,
    /// One for each [`sori_script::Item::Line`], in order.
    pub line_ids: Vec<LineId>,
}

/// A script with everything that the catalog knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ScriptView)]
pub struct ScriptView {
    pub id: ScriptId,
    /// Names this state of the document; give it back when saving.
    pub revision: i64,
    pub show: Option<ShowRef>,
    pub level: Option<String>,
    pub source_urls: Vec<String>,
    pub script: Script,
    /// One for each item of type `line`, in order; they survive edits.
    pub line_ids: Vec<LineId>,
    /// In the order in which they first speak.
    pub speakers: Vec<String>,
    pub line_count: i64,
    /// The text as its author wrote it; `null` when a line was changed on its own since.
    pub source_text: Option<String>,
    pub source_format: Option<Format>,
    pub rendering_id: Option<RenderingId>,
    /// Whether that rendering says what the script says now.
    pub is_rendering_current: bool,
    /// Of that rendering.
    pub duration_ms: Option<i64>,
    pub visibility: Visibility,
    /// It belongs to you.
    pub is_mine: bool,
    /// You may change, render and delete it.
    pub may_change: bool,
    /// You may say who else sees it.
    pub may_share: bool,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

/// What to change of a script without replacing it: a field that is left out stays, `null`
/// empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScriptChange {
    /// When given, the change is refused if the script is at another revision.
    pub revision: Option<i64>,
    #[schema(max_length = 300)]
    pub title: Option<String>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub show_id: Option<Option<ShowId>>,
    /// Such as `A2` or `beginner`.
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub level: Option<Option<String>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub author: Option<Option<String>>,
    /// Speakers to set; others stay.
    pub cast: Option<BTreeMap<String, CastMember>>,
    pub source_urls: Option<Vec<String>>,
    /// Only editors publish.
    pub visibility: Option<Visibility>,
}
