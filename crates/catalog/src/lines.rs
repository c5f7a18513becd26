//! Lines: one by one, in pages, and found by what is said.

mod change;
mod store;

use serde::{Deserialize, Serialize};
use sori_contracts::{ActorId, Caller, LineId, Right, ScriptId};
use sori_http::{Page, PageQuery, RequestFault};
use uuid::Uuid;

pub(crate) use self::store::{put_lines, replace_lines};
use crate::{
    Catalog, CatalogFault, WordView, fields,
    fold::{contains, fold},
    ownership::{Listed, Thing},
    select::Select,
};

/// One spoken line. The older API calls it a token.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ScriptLine)]
pub struct LineView {
    pub id: LineId,
    pub script_id: ScriptId,
    /// Among the items of the script, from 0.
    pub position: i64,
    /// The id that the author gave it.
    pub author_id: Option<String>,
    pub speaker: String,
    pub actor_id: Option<ActorId>,
    pub text: String,
    pub style: Option<String>,
    pub speed: Option<f32>,
    pub pause_after_ms: Option<i64>,
    pub overlap_ms: Option<i64>,
    pub translation: Option<String>,
    /// When timed input such as subtitles wants it to be heard.
    pub fit_start_ms: Option<i64>,
    pub fit_end_ms: Option<i64>,
    /// When it is heard in the script's rendering; `null` before there is one.
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
    /// With their times in that rendering; empty before there is one.
    pub words: Vec<WordView>,
}

/// Which lines to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct LineFilter {
    /// Part of what is said or of the speaker's name; case makes no difference.
    pub query: Option<String>,
    pub script_id: Option<ScriptId>,
    /// The whole name; case makes no difference.
    pub speaker: Option<String>,
    pub actor_id: Option<ActorId>,
}

/// What to change of a line: a field that is left out stays, `null` empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineChange {
    /// When given, the change is refused if the script is at another revision.
    pub revision: Option<i64>,
    pub text: Option<String>,
    /// One who is not in the cast yet joins it.
    pub speaker: Option<String>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub style: Option<Option<String>>,
    /// 0.5 to 2.0.
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<f32>)]
    pub speed: Option<Option<f32>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<u32>)]
    pub pause_after_ms: Option<Option<u32>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<u32>)]
    pub overlap_ms: Option<Option<u32>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub translation: Option<Option<String>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub actor_id: Option<Option<ActorId>>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct FoundLine {
    pub(crate) script_id: Uuid,
    #[sqlx(flatten)]
    pub(crate) row: crate::document::LineRow,
}

macro_rules! columns {
    () => {
        "id, position, kind, author_id, speaker, actor_id, text, style, speed, pause_ms, overlap_ms,
         fit_start_ms, fit_end_ms, translation, origin_line, origin_column, start_ms, end_ms"
    };
}

/// All items of a script in order: [`crate::document::LineRow`].
pub(crate) const LINES_OF_SCRIPT: &str =
    concat!("SELECT ", columns!(), " FROM catalog_line WHERE script_id = $1 ORDER BY position");
const FOUND: &str = concat!("SELECT script_id, ", columns!(), " FROM catalog_line");

impl Catalog {
    pub async fn line(&self, caller: &Caller, id: LineId) -> Result<LineView, CatalogFault> {
        let found: Option<FoundLine> = Select::new(FOUND)
            .and("id = ? AND kind = 'line'", [id.into()])
            .seen_by(caller, Listed::Lines)
            .page(&self.db, "id", 1)
            .fetch_optional()
            .await?;
        let found = found.ok_or(CatalogFault::LineNotFound(id))?;
        let mut views = self.with_words(vec![found]).await?;
        Ok(views.remove(0))
    }

    /// In the order of the script. The cursor is a position, so a page asked for across an edit
    /// goes on where the old one ended.
    pub async fn script_lines(
        &self,
        caller: &Caller,
        script: ScriptId,
        page: &PageQuery,
    ) -> Result<Page<LineView>, CatalogFault> {
        let limit = page.limit()?;
        let after = page.after::<i64>()?;
        self.require(caller, Thing::Script(script), Right::Read).await?;
        let found: Vec<FoundLine> = Select::new(FOUND)
            .and("script_id = ? AND kind = 'line'", [script.into()])
            .and_if("position > ?", after)
            .page(&self.db, "position", limit)
            .fetch_all()
            .await?;
        let page = Page::cut(found, limit, |found| found.row.position.to_string());
        Ok(Page { items: self.with_words(page.items).await?, next_cursor: page.next_cursor })
    }

    /// Newest first.
    pub async fn search_lines(
        &self,
        caller: &Caller,
        filter: &LineFilter,
        page: &PageQuery,
    ) -> Result<Page<LineView>, CatalogFault> {
        let limit = page.limit()?;
        let pattern = fields::query(filter.query.as_deref())?.map(|query| contains(&query));
        let found: Vec<FoundLine> = Select::new(FOUND)
            .and("kind = 'line'", [])
            .seen_by(caller, Listed::Lines)
            .and_if(r"text_folded LIKE ? ESCAPE '\' OR speaker_folded LIKE ?0 ESCAPE '\'", pattern)
            .and_if("script_id = ?", filter.script_id)
            .and_if("speaker_folded = ?", speaker(filter.speaker.as_deref())?)
            .and_if("actor_id = ?", filter.actor_id)
            .and_if("id < ?", page.after::<LineId>()?)
            .page(&self.db, "id DESC", limit)
            .fetch_all()
            .await?;
        let page = Page::cut(found, limit, |found| found.row.id.to_string());
        Ok(Page { items: self.with_words(page.items).await?, next_cursor: page.next_cursor })
    }

    /// Every line of a script; a script has at most 20,000 items.
    pub(crate) async fn all_lines(
        &self,
        caller: &Caller,
        script: ScriptId,
    ) -> Result<Vec<FoundLine>, CatalogFault> {
        self.require(caller, Thing::Script(script), Right::Read).await?;
        Ok(self
            .db
            .query(concat!(
                "SELECT script_id, ",
                columns!(),
                " FROM catalog_line WHERE script_id = $1 AND kind = 'line' ORDER BY position"
            ))
            .bind(script)
            .fetch_all()
            .await?)
    }

    pub(crate) async fn with_words(&self, found: Vec<FoundLine>) -> Result<Vec<LineView>, CatalogFault> {
        let ids: Vec<Uuid> = found.iter().map(|found| found.row.id).collect();
        let mut words = self.words_of(&ids).await?;
        let views = found.into_iter().map(|found| {
            let words = words.remove(&found.row.id).unwrap_or_default();
            LineView::of(found, words)
        });
        Ok(views.collect())
    }
}

/// A speaker to filter by, folded.
pub(crate) fn speaker(given: Option<&str>) -> Result<Option<String>, RequestFault> {
    Ok(fields::optional("speaker", given, fields::MAX_NAME_CHARS)?.map(|speaker| fold(&speaker)))
}

impl LineView {
    fn of(FoundLine { script_id, row }: FoundLine, words: Vec<WordView>) -> Self {
        Self {
            id: LineId(row.id),
            script_id: ScriptId(script_id),
            position: row.position,
            author_id: row.author_id,
            speaker: row.speaker,
            actor_id: row.actor_id.map(ActorId),
            text: row.text,
            style: row.style,
            speed: row.speed.map(|speed| speed as f32),
            pause_after_ms: row.pause_ms,
            overlap_ms: row.overlap_ms,
            translation: row.translation,
            fit_start_ms: row.fit_start_ms,
            fit_end_ms: row.fit_end_ms,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            words,
        }
    }
}
