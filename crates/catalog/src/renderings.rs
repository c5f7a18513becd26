//! The times that a finished rendering gives to lines and words.

use std::collections::HashSet;

use sori_contracts::{LineId, RenderingId, ScriptId};
use sori_db::Tx;
use uuid::Uuid;

use crate::{Catalog, CatalogFault, document::signed, select::tuples, words::insert_words};

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
