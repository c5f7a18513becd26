//! The times that a finished rendering gives to lines and words.

use std::collections::HashSet;

use sori_contracts::{AccountId, Caller, Fault as _, Kind, LineId, RenderingId, Right, ScriptId, ShowId};
use sori_db::Tx;
use uuid::Uuid;

use crate::{Catalog, CatalogFault, document::signed, ownership::Thing, select::tuples, words::insert_words};

/// When one line is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedLine {
    pub line_id: LineId,
    pub start_ms: u64,
    pub end_ms: u64,
    pub words: Vec<RenderedWord>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedWord {
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

const ROWS_PER_UPDATE: usize = 1_000;

impl Catalog {
    /// Makes a rendering of `revision` the one that is heard, with its times in place of earlier
    /// ones, all in one transaction. Safe to repeat.
    ///
    /// Nothing happens when the script is gone, when it sounds different since `revision`, or when
    /// a rendering of a later revision is there: the rendering is whole, it only came too late.
    ///
    /// # Errors
    /// [`CatalogFault::LineNotFound`] when a line is not of this script.
    pub async fn attach_rendering(
        &self,
        id: ScriptId,
        revision: i64,
        rendering: RenderingId,
        duration_ms: u64,
        lines: &[RenderedLine],
    ) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        // Comes first, so that it holds the script's row until the end.
        let attached = tx
            .query(
                "UPDATE catalog_script SET rendering_id = $3, rendering_revision = $2, duration_ms = $4
                 WHERE id = $1 AND heard_revision <= $2 AND revision >= $2
                    AND (rendering_revision IS NULL OR rendering_revision <= $2)",
            )
            .bind(id)
            .bind(revision)
            .bind(rendering)
            .bind(signed(duration_ms))
            .execute()
            .await?;
        if attached == 0 {
            tracing::info!(script = %id, revision, %rendering, "the script changed while it was rendered");
            return Ok(());
        }
        forget_times(&mut tx, id).await?;
        require_lines(&mut tx, id, lines).await?;
        for lines in lines.chunks(ROWS_PER_UPDATE) {
            let sql = format!(
                "UPDATE catalog_line SET start_ms = v.column2, end_ms = v.column3
                 FROM (VALUES {}) AS v WHERE catalog_line.id = v.column1",
                tuples(lines.len(), 3)
            );
            let query = lines.iter().fold(tx.query_dynamic(sql), |query, line| {
                query.bind(line.line_id).bind(signed(line.start_ms)).bind(signed(line.end_ms))
            });
            query.execute().await?;
        }
        insert_words(&mut tx, lines).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a rendering that is removed off its script. Another one stays; safe to repeat.
    pub async fn detach_rendering(&self, id: ScriptId, rendering: RenderingId) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        let detached = tx
            .query(
                "UPDATE catalog_script
                 SET rendering_id = NULL, rendering_revision = NULL, duration_ms = NULL
                 WHERE id = $1 AND rendering_id = $2",
            )
            .bind(id)
            .bind(rendering)
            .execute()
            .await?;
        if detached > 0 {
            forget_times(&mut tx, id).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn forget_times(tx: &mut Tx, script: ScriptId) -> Result<(), CatalogFault> {
    tx.query("DELETE FROM catalog_word WHERE line_id IN (SELECT id FROM catalog_line WHERE script_id = $1)")
        .bind(script)
        .execute()
        .await?;
    tx.query(
        "UPDATE catalog_line SET start_ms = NULL, end_ms = NULL WHERE script_id = $1 AND start_ms IS NOT NULL",
    )
    .bind(script)
    .execute()
    .await?;
    Ok(())
}

async fn require_lines(tx: &mut Tx, script: ScriptId, lines: &[RenderedLine]) -> Result<(), CatalogFault> {
    let ids: Vec<(Uuid,)> = tx
        .query("SELECT id FROM catalog_line WHERE script_id = $1 AND kind = 'line'")
        .bind(script)
        .fetch_all()
        .await?;
    let mut ids: HashSet<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    // Taking each out also refuses a line that is named twice.
    match lines.iter().find(|line| !ids.remove(&line.line_id.0)) {
        Some(stranger) => Err(CatalogFault::LineNotFound(stranger.line_id)),
        None => Ok(()),
    }
}

/// What a listener needs to know of a script that can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardScript {
    pub title: String,
    pub owner: Option<AccountId>,
    pub show: Option<ShowId>,
    pub rendering: RenderingId,
}

#[derive(sqlx::FromRow)]
struct HeardRow {
    title: String,
    owner_id: Option<Uuid>,
    show_id: Option<Uuid>,
    rendering_id: Option<Uuid>,
}

/// Among the next so many of a show one is looked for that the caller may hear.
const LOOKED_AHEAD: u32 = 20;

impl Catalog {
    /// A script as it is heard. One row of it: asked for every range of every stream.
    ///
    /// # Errors
    /// [`CatalogFault::ScriptNotFound`] when it does not exist for the caller, or is not rendered.
    pub async fn heard(&self, caller: &Caller, id: ScriptId) -> Result<HeardScript, CatalogFault> {
        self.require(caller, Thing::Script(id), Right::Read).await?;
        let row: Option<HeardRow> = self
            .db
            .query("SELECT title, owner_id, show_id, rendering_id FROM catalog_script WHERE id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        let missing = || CatalogFault::ScriptNotFound(id);
        let row = row.ok_or_else(missing)?;
        Ok(HeardScript {
            rendering: row.rendering_id.map(RenderingId).ok_or_else(missing)?,
            title: row.title,
            owner: row.owner_id.map(AccountId),
            show: row.show_id.map(ShowId),
        })
    }

    /// The script made after this one in its show, that is rendered and that the caller may hear.
    pub async fn heard_next(&self, caller: &Caller, id: ScriptId) -> Result<Option<ScriptId>, CatalogFault> {
        let later: Vec<(Uuid,)> = self
            .db
            .query(
                "SELECT later.id FROM catalog_script AS later
                 JOIN catalog_script AS this ON this.show_id = later.show_id AND this.id = $1
                 WHERE later.id > $1 AND later.rendering_id IS NOT NULL ORDER BY later.id LIMIT $2",
            )
            .bind(id)
            .bind(LOOKED_AHEAD)
            .fetch_all()
            .await?;
        for (later,) in later {
            let later = ScriptId(later);
            match self.require(caller, Thing::Script(later), Right::Read).await {
                Ok(_) => return Ok(Some(later)),
                Err(fault) if fault.kind() == Kind::NotFound => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }
}
