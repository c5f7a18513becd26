//! Actors: who speaks, under which names. A name or alias means one actor at the most, whatever
//! its case, so that an imported speaker can be linked without a question.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sori_contracts::{ActorId, Caller};
use sori_db::{Db, DbError, Tx, now_ms};
use sori_http::{Page, PageQuery, RequestFault};
use sori_script::Script;
use uuid::Uuid;

use crate::{
    Catalog, CatalogFault,
    document::LineRow,
    fields::{self, MAX_NAME_CHARS},
    fold::{contains, fold},
    ownership::Listed,
    select::Select,
};

const MAX_ALIASES: usize = 50;

/// An actor to be made.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewActor {
    /// At most 80 characters; no other actor has it as a name or alias.
    #[schema(example = "김민아", max_length = 80)]
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    /// Other names, such as those of speakers in scripts.
    #[serde(default)]
    #[schema(example = json!(["MINA", "미나"]))]
    pub aliases: Vec<String>,
}

/// What to change of an actor: a field that is left out stays, `null` empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActorChange {
    #[schema(max_length = 80)]
    pub name: Option<String>,
    #[serde(deserialize_with = "fields::given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Actor)]
pub struct ActorView {
    pub id: ActorId,
    pub name: String,
    pub description: Option<String>,
    /// In alphabetical order.
    pub aliases: Vec<String>,
    /// Of the scripts that you may see.
    pub line_count: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct ActorRow {
    id: Uuid,
    name: String,
    description: Option<String>,
    line_count: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

const SELECT: &str = "SELECT id, name, description, created_at_ms, updated_at_ms,
    (SELECT count(*) FROM catalog_line l JOIN catalog_script s ON s.id = l.script_id
        WHERE l.actor_id = catalog_actor.id AND {seen}) AS line_count
    FROM catalog_actor";

impl Catalog {
    /// Lines that already name the actor as their speaker, and have no actor yet, become the
    /// actor's.
    pub async fn create_actor(&self, new: NewActor) -> Result<ActorId, CatalogFault> {
        let name = fields::required("name", &new.name, MAX_NAME_CHARS)?;
        let description = fields::description(new.description.as_deref())?;
        check_count(new.aliases.len())?;
        let (id, now) = (ActorId::generate(), now_ms());
        let mut tx = self.db.begin().await?;
        tx.query(
            "INSERT INTO catalog_actor (id, name, description, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $4)",
        )
        .bind(id)
        .bind(name.as_str())
        .bind(description)
        .bind(now)
        .execute()
        .await?;
        self.give_name(&mut tx, id, &name, true).await?;
        for alias in &new.aliases {
            let alias = fields::required("aliases", alias, MAX_NAME_CHARS)?;
            self.give_name(&mut tx, id, &alias, false).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    pub async fn actor(&self, caller: &Caller, id: ActorId) -> Result<ActorView, CatalogFault> {
        let row: Option<ActorRow> = Select::joined(SELECT, caller, Listed::Scripts)
            .and("id = ?", [id.into()])
            .page(&self.db, "id", 1)
            .fetch_optional()
            .await?;
        let row = row.ok_or(CatalogFault::ActorNotFound(id))?;
        Ok(self.with_aliases(vec![row]).await?.remove(0))
    }

    /// Newest first. The query is part of a name or of an alias.
    pub async fn actors(
        &self,
        caller: &Caller,
        query: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<ActorView>, CatalogFault> {
        let limit = page.limit()?;
        let pattern = fields::query(query)?.map(|query| contains(&query));
        let rows: Vec<ActorRow> = Select::joined(SELECT, caller, Listed::Scripts)
            .and_if(
                r"EXISTS (SELECT 1 FROM catalog_actor_alias a
                    WHERE a.actor_id = catalog_actor.id AND a.alias_folded LIKE ? ESCAPE '\')",
                pattern,
            )
            .and_if("id < ?", page.after::<ActorId>()?)
            .page(&self.db, "id DESC", limit)
            .fetch_all()
            .await?;
        let page = Page::cut(rows, limit, |row| row.id.to_string());
        Ok(Page { items: self.with_aliases(page.items).await?, next_cursor: page.next_cursor })
    }

    pub async fn change_actor(
        &self,
        caller: &Caller,
        id: ActorId,
        change: ActorChange,
    ) -> Result<ActorView, CatalogFault> {
        let actor = self.actor(caller, id).await?;
        let description = match change.description {
            Some(description) => fields::description(description.as_deref())?,
            None => actor.description,
        };
        let name = match &change.name {
            Some(name) => fields::required("name", name, MAX_NAME_CHARS)?,
            None => actor.name.clone(),
        };
        let mut tx = self.db.begin().await?;
        tx.query("UPDATE catalog_actor SET name = $2, description = $3, updated_at_ms = $4 WHERE id = $1")
            .bind(id)
            .bind(name.as_str())
            .bind(description)
            .bind(now_ms())
            .execute()
            .await?;
        if name != actor.name {
            tx.query(
                "DELETE FROM catalog_actor_alias WHERE actor_id = $1 AND (is_name OR alias_folded = $2)",
            )
            .bind(id)
            .bind(fold(&name))
            .execute()
            .await?;
            self.give_name(&mut tx, id, &name, true).await?;
        }
        tx.commit().await?;
        self.actor(caller, id).await
    }

    /// The actor's lines stay, without an actor.
    pub async fn delete_actor(&self, id: ActorId) -> Result<(), CatalogFault> {
        match self.db.query("DELETE FROM catalog_actor WHERE id = $1").bind(id).execute().await? {
            0 => Err(CatalogFault::ActorNotFound(id)),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`CatalogFault::AliasTaken`] when it names an actor already, be it this one.
    pub async fn add_alias(&self, id: ActorId, alias: &str) -> Result<(), CatalogFault> {
        let alias = fields::required("alias", alias, MAX_NAME_CHARS)?;
        check_count(self.actor(&Caller::Visitor, id).await?.aliases.len() + 1)?;
        let mut tx = self.db.begin().await?;
        self.give_name(&mut tx, id, &alias, false).await?;
        Ok(tx.commit().await?)
    }

    pub async fn remove_alias(&self, id: ActorId, alias: &str) -> Result<(), CatalogFault> {
        let removed = self
            .db
            .query(
                "DELETE FROM catalog_actor_alias WHERE actor_id = $1 AND alias_folded = $2 AND NOT is_name",
            )
            .bind(id)
            .bind(fold(alias).replace('\0', ""))
            .execute()
            .await?;
        if removed > 0 {
            return Ok(());
        }
        self.actor(&Caller::Visitor, id).await?;
        Err(CatalogFault::AliasNotFound { actor: id, alias: alias.to_owned() })
    }

    /// Adds a name to an actor, and gives it the lines of that speaker which have no actor yet.
    async fn give_name(
        &self,
        tx: &mut Tx,
        id: ActorId,
        name: &str,
        is_name: bool,
    ) -> Result<(), CatalogFault> {
        let folded = fold(name);
        let given = tx
            .query(
                "INSERT INTO catalog_actor_alias (alias_folded, alias, is_name, actor_id)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (alias_folded) DO NOTHING",
            )
            .bind(folded.as_str())
            .bind(name)
            .bind(is_name)
            .bind(id)
            .execute()
            .await?;
        if given == 0 {
            let owner: Option<(Uuid,)> = tx
                .query("SELECT actor_id FROM catalog_actor_alias WHERE alias_folded = $1")
                .bind(folded)
                .fetch_optional()
                .await?;
            return Err(CatalogFault::AliasTaken {
                alias: name.to_owned(),
                actor: owner.map(|(id,)| ActorId(id)),
            });
        }
        tx.query("UPDATE catalog_line SET actor_id = $1 WHERE actor_id IS NULL AND speaker_folded = $2")
            .bind(id)
            .bind(folded)
            .execute()
            .await?;
        Ok(())
    }

    async fn with_aliases(&self, rows: Vec<ActorRow>) -> Result<Vec<ActorView>, CatalogFault> {
        let mut aliases = aliases_of(&self.db, rows.iter().map(|row| row.id)).await?;
        let views = rows.into_iter().map(|row| ActorView {
            id: ActorId(row.id),
            name: row.name,
            description: row.description,
            aliases: aliases.remove(&row.id).unwrap_or_default(),
            line_count: row.line_count,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
        });
        Ok(views.collect())
    }
}

fn check_count(aliases: usize) -> Result<(), RequestFault> {
    if aliases <= MAX_ALIASES {
        return Ok(());
    }
    Err(RequestFault::Field {
        field: "aliases",
        en: format!("An actor takes at most {MAX_ALIASES} aliases."),
        ko: format!("배우 한 명의 별칭은 최대 {MAX_ALIASES}개입니다."),
    })
}

async fn aliases_of(
    db: &Db,
    actors: impl ExactSizeIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<String>>, DbError> {
    let mut aliases: HashMap<Uuid, Vec<String>> = HashMap::new();
    if actors.len() == 0 {
        return Ok(aliases);
    }
    let places: Vec<_> = (1..=actors.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT actor_id, alias FROM catalog_actor_alias WHERE NOT is_name AND actor_id IN ({})
         ORDER BY alias_folded",
        places.join(", ")
    );
    let rows: Vec<(Uuid, String)> =
        actors.fold(db.query_dynamic(sql), sori_db::Query::bind).fetch_all().await?;
    for (actor, alias) in rows {
        aliases.entry(actor).or_default().push(alias);
    }
    Ok(aliases)
}

/// Links lines without an actor to the one whose name or alias is the line's speaker, or what the
/// cast calls that speaker.
pub(crate) async fn link_actors(tx: &mut Tx, script: &Script, lines: &mut [LineRow]) -> Result<(), DbError> {
    let mut names: HashMap<&str, [String; 2]> = HashMap::new();
    for line in lines.iter().filter(|line| line.is_line() && line.actor_id.is_none()) {
        // Borrowed from the cast, which knows every speaker of a checked script.
        if let Some((speaker, _)) = script.cast.get_key_value(&line.speaker) {
            names.entry(speaker).or_insert_with(|| [fold(speaker), fold(script.display_name(speaker))]);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    // At most 200 speakers, so at most 400 parameters.
    let wanted: Vec<&String> = names.values().flatten().collect();
    let places: Vec<_> = (1..=wanted.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT alias_folded, actor_id FROM catalog_actor_alias WHERE alias_folded IN ({})",
        places.join(", ")
    );
    let query = wanted.into_iter().fold(tx.query_dynamic(sql), sori_db::Query::bind);
    let known: HashMap<String, Uuid> = query.fetch_all::<(String, Uuid)>().await?.into_iter().collect();
    for line in lines.iter_mut().filter(|line| line.is_line() && line.actor_id.is_none()) {
        let named = names.get(line.speaker.as_str());
        line.actor_id = named.and_then(|named| named.iter().find_map(|name| known.get(name).copied()));
    }
    Ok(())
}
