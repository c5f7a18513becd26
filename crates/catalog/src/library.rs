//! The library: scripts in pages, searched, filtered and sorted.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sori_contracts::{Caller, RenderingId, ScriptId, ShowId};
use sori_db::Value;
use sori_http::{Page, PageQuery, RequestFault};
use uuid::Uuid;

use crate::{
    Catalog, CatalogFault, ShowRef, fields,
    fold::{contains, escape},
    lines::speaker,
    ownership::{Library, Listed, Ownedness, Visibility},
    scripts::stored,
    select::Select,
};

/// Which scripts to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ScriptFilter {
    /// Part of the title, the show's title, a line or a speaker's name; case makes no difference.
    pub query: Option<String>,
    pub show_id: Option<ShowId>,
    /// A language tag; `en` also finds `en-US`.
    pub lang: Option<String>,
    pub level: Option<String>,
    /// The whole name of one who speaks in it; case makes no difference.
    pub speaker: Option<String>,
    /// Everything that you may see when left out.
    #[param(inline)]
    pub library: Option<Library>,
    /// `updated` when left out.
    #[param(inline)]
    pub sort: ScriptSort,
}

/// The order of the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScriptSort {
    /// Changed last, first.
    #[default]
    Updated,
    /// Newest first.
    Created,
    /// By code points, without case.
    Title,
    /// Shortest first; what is not rendered yet comes last.
    Duration,
}

/// A script in a list.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScriptSummary {
    pub id: ScriptId,
    pub title: String,
    pub show: Option<ShowRef>,
    #[schema(example = "en-US")]
    pub lang: String,
    pub level: Option<String>,
    pub description: Option<String>,
    /// In the order in which they first speak.
    pub speakers: Vec<String>,
    pub line_count: i64,
    /// Of the rendering.
    pub duration_ms: Option<i64>,
    pub rendering_id: Option<RenderingId>,
    /// Whether that rendering says what the script says now.
    pub is_rendering_current: bool,
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

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: Uuid,
    title: String,
    title_folded: String,
    show_id: Option<Uuid>,
    show_title: Option<String>,
    lang: String,
    level: Option<String>,
    description: Option<String>,
    speakers: String,
    line_count: i64,
    duration_ms: Option<i64>,
    rendering_id: Option<Uuid>,
    rendering_revision: Option<i64>,
    heard_revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    owner_id: Option<Uuid>,
    visibility: String,
}

/// The show is absent when the caller may not see it: neither its title nor its id is found then.
const SELECT: &str =
    "SELECT s.id, s.title, s.title_folded, w.id AS show_id, w.title AS show_title, s.lang, s.level,
    s.description, s.speakers, s.line_count, s.duration_ms, s.rendering_id, s.rendering_revision,
    s.heard_revision, s.created_at_ms, s.updated_at_ms,
    s.owner_id, s.visibility
    FROM catalog_script s LEFT JOIN catalog_show w ON w.id = s.show_id AND {seen}";

/// Longer than any script, and exact as a BIGINT: the place of scripts without a duration.
const UNKNOWN_DURATION_MS: i64 = 1_000_000_000_000;

impl Catalog {
    pub async fn scripts(
        &self,
        caller: &Caller,
        filter: &ScriptFilter,
        page: &PageQuery,
    ) -> Result<Page<ScriptSummary>, CatalogFault> {
        let limit = page.limit()?;
        let pattern = fields::query(filter.query.as_deref())?.map(|query| contains(&query));
        let level = fields::level(filter.level.as_deref())?;
        let mut select = Select::joined(SELECT, caller, Listed::Shows)
            .seen_by(caller, Listed::Scripts)
            .scripts_in(caller, filter.library)
            .and_if(
                r"s.title_folded LIKE ? ESCAPE '\' OR w.title_folded LIKE ?0 ESCAPE '\' OR EXISTS (
                    SELECT 1 FROM catalog_line l WHERE l.script_id = s.id
                    AND (l.text_folded LIKE ?0 ESCAPE '\' OR l.speaker_folded LIKE ?0 ESCAPE '\'))",
                pattern,
            )
            .and_if("w.id = ?", filter.show_id)
            .and_if("s.level = ?", level)
            .and_if(
                "EXISTS (SELECT 1 FROM catalog_line l WHERE l.script_id = s.id AND l.speaker_folded = ?)",
                speaker(filter.speaker.as_deref())?,
            );
        if let Some(lang) = fields::lang(filter.lang.as_deref())? {
            let lang = lang.to_ascii_lowercase();
            let regions = format!("{}-%", escape(&lang));
            select = select
                .and(r"lower(s.lang) = ? OR lower(s.lang) LIKE ? ESCAPE '\'", [lang.into(), regions.into()]);
        }
        if let Some(after) = page.after::<After>()? {
            select = filter.sort.after(select, after)?;
        }
        let rows: Vec<SummaryRow> = select.page(&self.db, filter.sort.order(), limit).fetch_all().await?;
        let page = Page::cut(rows, limit, |row| filter.sort.cursor(row));
        let items = page.items.into_iter().map(|row| row.view(caller)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }
}

/// Where a page of scripts goes on: an id, and behind a colon the value it is sorted by.
struct After {
    id: Uuid,
    key: String,
}

impl FromStr for After {
    type Err = ();

    fn from_str(cursor: &str) -> Result<Self, ()> {
        let (id, key) = cursor.split_once(':').ok_or(())?;
        Ok(Self { id: Uuid::parse_str(id).map_err(|_| ())?, key: key.replace('\0', "") })
    }
}

impl ScriptSort {
    fn order(self) -> &'static str {
        match self {
            Self::Updated => "s.updated_at_ms DESC, s.id DESC",
            Self::Created => "s.id DESC",
            Self::Title => "s.title_folded, s.id",
            Self::Duration => "COALESCE(s.duration_ms, 1000000000000), s.id",
        }
    }

    fn cursor(self, row: &SummaryRow) -> String {
        let key = match self {
            Self::Updated => row.updated_at_ms.to_string(),
            Self::Created => String::new(),
            Self::Title => row.title_folded.clone(),
            Self::Duration => row.duration_ms.unwrap_or(UNKNOWN_DURATION_MS).to_string(),
        };
        format!("{}:{key}", row.id)
    }

    fn after(self, select: Select, after: After) -> Result<Select, RequestFault> {
        let number = || -> Result<Value, RequestFault> {
            Ok(after.key.parse::<i64>().map_err(|_| fields::wrong_cursor())?.into())
        };
        Ok(match self {
            Self::Updated => select.and("(s.updated_at_ms, s.id) < (?, ?)", [number()?, after.id.into()]),
            Self::Created => select.and("s.id < ?", [after.id.into()]),
            Self::Title => select.and("(s.title_folded, s.id) > (?, ?)", [after.key.into(), after.id.into()]),
            Self::Duration => select
                .and("(COALESCE(s.duration_ms, 1000000000000), s.id) > (?, ?)", [number()?, after.id.into()]),
        })
    }
}

impl SummaryRow {
    fn view(self, caller: &Caller) -> Result<ScriptSummary, CatalogFault> {
        let whose = Ownedness::of(caller, self.owner_id, &self.visibility);
        let show = self.show_id.zip(self.show_title).map(|(id, title)| ShowRef { id: ShowId(id), title });
        Ok(ScriptSummary {
            id: ScriptId(self.id),
            title: self.title,
            show,
            lang: self.lang,
            level: self.level,
            description: self.description,
            speakers: stored("list of speakers", &self.speakers)?,
            line_count: self.line_count,
            duration_ms: self.duration_ms,
            rendering_id: self.rendering_id.map(RenderingId),
            is_rendering_current: self
                .rendering_revision
                .is_some_and(|revision| revision >= self.heard_revision),
            visibility: whose.visibility,
            is_mine: whose.is_mine,
            may_change: whose.may_change,
            may_share: whose.may_share,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        })
    }
}
