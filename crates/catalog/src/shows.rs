//! Shows: series of scripts.

use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, Caller, Member, Right, ShowId};
use sori_db::{DbError, Tx, now_ms};
use sori_http::{AccessFault, Page, PageQuery};
use uuid::Uuid;

use crate::{
    Catalog, CatalogFault,
    fields::{self, MAX_TITLE_CHARS},
    fold::{contains, fold},
    ownership::{Library, Listed, Ownedness, Ownership, Thing, Visibility},
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
    /// Only editors publish.
    pub visibility: Option<Visibility>,
}

/// Which shows to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ShowFilter {
    /// Part of the title; case makes no difference.
    pub query: Option<String>,
    /// Everything that you may see when left out.
    #[param(inline)]
    pub library: Option<Library>,
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
    /// Of the scripts that you may see.
    pub script_count: i64,
    pub visibility: Visibility,
    /// It belongs to you.
    pub is_mine: bool,
    /// You may change and delete it.
    pub may_change: bool,
    /// You may say who else sees it.
    pub may_share: bool,
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
    owner_id: Option<Uuid>,
    visibility: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl ShowView {
    fn of(row: ShowRow, caller: &Caller) -> Self {
        let whose = Ownedness::of(caller, row.owner_id, &row.visibility);
        Self {
            id: ShowId(row.id),
            title: row.title,
            description: row.description,
            lang: row.lang,
            cover_url: row.cover_url,
            script_count: row.script_count,
            visibility: whose.visibility,
            is_mine: whose.is_mine,
            may_change: whose.may_change,
            may_share: whose.may_share,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
        }
    }
}

const SELECT: &str = "SELECT w.id, w.title, w.description, w.lang, w.cover_url, w.owner_id, w.visibility,
    w.created_at_ms, w.updated_at_ms,
    (SELECT count(*) FROM catalog_script s WHERE s.show_id = w.id AND {seen}) AS script_count
    FROM catalog_show w";

impl Catalog {
    /// Private to its maker.
    pub async fn create_show(&self, by: &Member, new: NewShow) -> Result<ShowId, CatalogFault> {
        self.insert_show(new, Some(by.account), Visibility::Private).await
    }

    pub(crate) async fn insert_show(
        &self,
        new: NewShow,
        owner: Option<AccountId>,
        visibility: Visibility,
    ) -> Result<ShowId, CatalogFault> {
        let title = fields::required("title", &new.title, MAX_TITLE_CHARS)?;
        let description = fields::description(new.description.as_deref())?;
        let lang = fields::lang(new.lang.as_deref())?;
        let cover_url = cover_url(new.cover_url.as_deref())?;
        let (id, now) = (ShowId::generate(), now_ms());
        self.db
            .query(
                "INSERT INTO catalog_show
                    (id, title, title_folded, description, lang, cover_url, created_at_ms, updated_at_ms,
                     owner_id, visibility)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
            )
            .bind(id)
            .bind(title.as_str())
            .bind(fold(&title))
            .bind(description)
            .bind(lang)
            .bind(cover_url)
            .bind(now)
            .bind(owner)
            .bind(visibility.as_str())
            .execute()
            .await?;
        Ok(id)
    }

    pub async fn show(&self, caller: &Caller, id: ShowId) -> Result<ShowView, CatalogFault> {
        let query = Select::joined(SELECT, caller, Listed::Scripts)
            .seen_by(caller, Listed::Shows)
            .and("w.id = ?", [id.into()])
            .page(&self.db, "w.id", 1);
        let row: Option<ShowRow> = query.fetch_optional().await?;
        row.map(|row| ShowView::of(row, caller)).ok_or(CatalogFault::ShowNotFound(id))
    }

    /// Newest first.
    pub async fn shows(
        &self,
        caller: &Caller,
        filter: &ShowFilter,
        page: &PageQuery,
    ) -> Result<Page<ShowView>, CatalogFault> {
        let limit = page.limit()?;
        let pattern = fields::query(filter.query.as_deref())?.map(|query| contains(&query));
        let rows: Vec<ShowRow> = Select::joined(SELECT, caller, Listed::Scripts)
            .seen_by(caller, Listed::Shows)
            .shows_in(caller, filter.library)
            .and_if(r"w.title_folded LIKE ? ESCAPE '\'", pattern)
            .and_if("w.id < ?", page.after::<ShowId>()?)
            .page(&self.db, "w.id DESC", limit)
            .fetch_all()
            .await?;
        let views = rows.into_iter().map(|row| ShowView::of(row, caller)).collect();
        Ok(Page::cut(views, limit, |show: &ShowView| show.id.to_string()))
    }

    pub async fn change_show(
        &self,
        caller: &Caller,
        id: ShowId,
        change: ShowChange,
    ) -> Result<ShowView, CatalogFault> {
        let mut tx = self.db.begin().await?;
        let whose = Ownership::require(&mut tx, caller, Thing::Show(id), Right::Write).await?;
        let visibility = change.visibility.unwrap_or(whose.visibility);
        if !whose.may_become(caller, visibility) {
            return Err(AccessFault::Forbidden.into());
        }
        let show: Changeable = tx
            .query("SELECT title, description, lang, cover_url FROM catalog_show WHERE id = $1")
            .bind(id)
            .fetch_one()
            .await?;
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
        tx.query(
            "UPDATE catalog_show SET title = $2, title_folded = $3, description = $4, lang = $5,
                cover_url = $6, updated_at_ms = $7, visibility = $8
             WHERE id = $1",
        )
        .bind(id)
        .bind(title.as_str())
        .bind(fold(&title))
        .bind(description)
        .bind(lang)
        .bind(cover_url)
        .bind(now_ms())
        .bind(visibility.as_str())
        .execute()
        .await?;
        tx.commit().await?;
        self.show(caller, id).await
    }

    /// Its scripts stay, without a show.
    pub async fn delete_show(&self, caller: &Caller, id: ShowId) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        Ownership::require(&mut tx, caller, Thing::Show(id), Right::Write).await?;
        tx.query("DELETE FROM catalog_show WHERE id = $1").bind(id).execute().await?;
        Ok(tx.commit().await?)
    }

    /// The show of a script, when the caller may see it: a script says nothing about its show.
    pub(crate) async fn show_ref(
        &self,
        caller: &Caller,
        id: Option<Uuid>,
    ) -> Result<Option<ShowRef>, DbError> {
        let Some(id) = id else { return Ok(None) };
        let title: Option<(String,)> = Select::new("SELECT w.title FROM catalog_show w")
            .seen_by(caller, Listed::Shows)
            .and("w.id = ?", [id.into()])
            .page(&self.db, "w.id", 1)
            .fetch_optional()
            .await?;
        Ok(title.map(|(title,)| ShowRef { id: ShowId(id), title }))
    }
}

/// Refuses a show that the caller may not put anything into.
pub(crate) async fn require_show(
    tx: &mut Tx,
    caller: &Caller,
    id: Option<ShowId>,
) -> Result<(), CatalogFault> {
    match id {
        Some(id) => Ownership::require(tx, caller, Thing::Show(id), Right::Write).await.map(drop),
        None => Ok(()),
    }
}

#[derive(sqlx::FromRow)]
struct Changeable {
    title: String,
    description: Option<String>,
    lang: Option<String>,
    cover_url: Option<String>,
}

fn cover_url(given: Option<&str>) -> Result<Option<String>, CatalogFault> {
    let given = given.filter(|given| !given.trim().is_empty());
    Ok(given.map(|given| fields::url("cover_url", given)).transpose()?)
}
