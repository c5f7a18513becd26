//! Shows: series of scripts.

use serde::{Deserialize, Serialize};
use sori_contracts::ShowId;
use sori_db::{DbError, now_ms};
use sori_http::{Page, PageQuery};
use uuid::Uuid;

use crate::{
    Catalog, CatalogFault,
    fields::{self, MAX_TITLE_CHARS},
    fold::{contains, fold},
    select::Select,
};

/// A show to be made.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShow {
    /// At most 300 characters.
    #[schema(example = "The Night Radio", max_length = 300)]
    pub title: String,
    #[serde(default)]
    pub description: Option<String>,
    /// BCP 47 tag.
    #[serde(default)]
    #[schema(example = "en-US")]
    pub lang: Option<String>,
    #[serde(default)]
    pub cover_url: Option<String>,
}

/// What to change of a show: a field that is left out stays, `null` empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShowChange {
    #[schema(max_length = 300)]
    pub title: Option<String>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub lang: Option<Option<String>>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub cover_url: Option<Option<String>>,
}

/// A show of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Show)]
pub struct ShowView {
    pub id: ShowId,
    pub title: String,
    pub description: Option<String>,
    pub lang: Option<String>,
    pub cover_url: Option<String>,
    pub script_count: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

/// The show that a script belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ShowRef {
    pub id: ShowId,
    pub title: String,
}

#[derive(sqlx::FromRow)]
struct ShowRow {
    id: Uuid,
    title: String,
    description: Option<String>,
    lang: Option<String>,
    cover_url: Option<String>,
    script_count: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl From<ShowRow> for ShowView {
    fn from(row: ShowRow) -> Self {
        Self {
            id: ShowId(row.id),
            title: row.title,
            description: row.description,
            lang: row.lang,
            cover_url: row.cover_url,
            script_count: row.script_count,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
        }
    }
}

const SELECT: &str = "SELECT id, title, description, lang, cover_url, created_at_ms, updated_at_ms,
    (SELECT count(*) FROM catalog_script s WHERE s.show_id = catalog_show.id) AS script_count
    FROM catalog_show";

impl Catalog {
    pub async fn create_show(&self, new: NewShow) -> Result<ShowId, CatalogFault> {
        let title = fields::required("title", &new.title, MAX_TITLE_CHARS)?;
        let description = fields::description(new.description.as_deref())?;
        let lang = fields::lang(new.lang.as_deref())?;
        let cover_url = cover_url(new.cover_url.as_deref())?;
        let (id, now) = (ShowId::generate(), now_ms());
        self.db
            .query(
                "INSERT INTO catalog_show
                    (id, title, title_folded, description, lang, cover_url, created_at_ms, updated_at_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            )
            .bind(id)
            .bind(title.as_str())
            .bind(fold(&title))
            .bind(description)
            .bind(lang)
            .bind(cover_url)
            .bind(now)
            .execute()
            .await?;
        Ok(id)
    }

    pub async fn show(&self, id: ShowId) -> Result<ShowView, CatalogFault> {
        let row: Option<ShowRow> =
            self.db.query_dynamic(format!("{SELECT} WHERE id = $1")).bind(id).fetch_optional().await?;
        row.map(Into::into).ok_or(CatalogFault::ShowNotFound(id))
    }

    /// Newest first.
    pub async fn shows(&self, query: Option<&str>, page: &PageQuery) -> Result<Page<ShowView>, CatalogFault> {
        let limit = page.limit()?;
        let pattern = fields::query(query)?.map(|query| contains(&query));
        let rows: Vec<ShowRow> = Select::new(SELECT)
            .and_if(r"title_folded LIKE ? ESCAPE '\'", pattern)
            .and_if("id < ?", page.after::<ShowId>()?)
            .page(&self.db, "id DESC", limit)
            .fetch_all()
            .await?;
        Ok(Page::cut(rows.into_iter().map(ShowView::from).collect(), limit, |show| show.id.to_string()))
    }

    pub async fn change_show(&self, id: ShowId, change: ShowChange) -> Result<ShowView, CatalogFault> {
        let show = self.show(id).await?;
        let title = match &change.title {
            Some(title) => fields::required("title", title, MAX_TITLE_CHARS)?,
            None => show.title,
        };
        let description = match change.description {
            Some(description) => fields::description(description.as_deref())?,
            None => show.description,
        };
        let lang = match change.lang {
            Some(lang) => fields::lang(lang.as_deref())?,
            None => show.lang,
        };
        let cover_url = match change.cover_url {
            Some(url) => cover_url(url.as_deref())?,
            None => show.cover_url,
        };
        self.db
            .query(
                "UPDATE catalog_show SET title = $2, title_folded = $3, description = $4, lang = $5,
                    cover_url = $6, updated_at_ms = $7
                 WHERE id = $1",
            )
            .bind(id)
            .bind(title.as_str())
            .bind(fold(&title))
            .bind(description)
            .bind(lang)
            .bind(cover_url)
            .bind(now_ms())
            .execute()
            .await?;
        self.show(id).await
    }

    /// Its scripts stay, without a show.
    pub async fn delete_show(&self, id: ShowId) -> Result<(), CatalogFault> {
        match self.db.query("DELETE FROM catalog_show WHERE id = $1").bind(id).execute().await? {
            0 => Err(CatalogFault::ShowNotFound(id)),
            _ => Ok(()),
        }
    }

    pub(crate) async fn show_ref(&self, id: Option<Uuid>) -> Result<Option<ShowRef>, DbError> {
        let Some(id) = id else { return Ok(None) };
        let title: Option<(String,)> =
            self.db.query("SELECT title FROM catalog_show WHERE id = $1").bind(id).fetch_optional().await?;
        Ok(title.map(|(title,)| ShowRef { id: ShowId(id), title }))
    }

    /// Refuses a show that is not there.
    pub(crate) async fn require_show(&self, id: Option<ShowId>) -> Result<(), CatalogFault> {
        match id {
            Some(id) => self.show(id).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

fn cover_url(given: Option<&str>) -> Result<Option<String>, CatalogFault> {
    let given = given.filter(|given| !given.trim().is_empty());
    Ok(given.map(|given| fields::url("cover_url", given)).transpose()?)
}
