//! A whole script, read back.

use sori_contracts::{Caller, LineId, RenderingId, Right, ScriptId};

use super::{
    ScriptDocument, ScriptView,
    row::{ScriptRow, stored},
};
use crate::{Catalog, CatalogFault, Ownedness, document::LineRow, lines::LINES_OF_SCRIPT, ownership::Thing};

#[derive(sqlx::FromRow)]
struct SourceRow {
    source_format: Option<String>,
    source_text: Option<String>,
}

impl Catalog {
    /// The script as it stands now, exactly as it was stored, for a caller who may do so much.
    pub async fn document_for(
        &self,
        caller: &Caller,
        id: ScriptId,
        needed: Right,
    ) -> Result<ScriptDocument, CatalogFault> {
        self.require(caller, Thing::Script(id), needed).await?;
        self.document(id).await
    }

    /// The same for the server itself: asks nobody's rights.
    pub async fn document(&self, id: ScriptId) -> Result<ScriptDocument, CatalogFault> {
        let (row, lines) = self.consistent(id).await?;
        Ok(ScriptDocument {
            id,
            revision: row.revision,
            script: row.script(&lines)?,
            line_ids: line_ids(&lines),
        })
    }

    pub async fn script(&self, caller: &Caller, id: ScriptId) -> Result<ScriptView, CatalogFault> {
        self.require(caller, Thing::Script(id), Right::Read).await?;
        let (row, lines) = self.consistent(id).await?;
        let source: Option<SourceRow> = self
            .db
            .query(
                "SELECT source_format, CASE WHEN source_is_current THEN source_text END AS source_text
                 FROM catalog_script WHERE id = $1 AND revision = $2",
            )
            .bind(id)
            .bind(row.revision)
            .fetch_optional()
            .await?;
        let source = source.unwrap_or(SourceRow { source_format: None, source_text: None });
        let whose = Ownedness::of(caller, row.owner_id, &row.visibility);
        Ok(ScriptView {
            id,
            revision: row.revision,
            show: self.show_ref(caller, row.show_id).await?,
            level: row.level.clone(),
            source_urls: stored("list of addresses", &row.source_urls)?,
            script: row.script(&lines)?,
            line_ids: line_ids(&lines),
            speakers: stored("list of speakers", &row.speakers)?,
            line_count: row.line_count,
            source_text: source.source_text,
            source_format: source.source_format.map(|format| stored("format", &format)).transpose()?,
            rendering_id: row.rendering_id.map(RenderingId),
            is_rendering_current: row.is_rendering_current(),
            duration_ms: row.duration_ms,
            visibility: whose.visibility,
            is_mine: whose.is_mine,
            may_change: whose.may_change,
            may_share: whose.may_share,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
        })
    }

    /// Row and lines of one revision. They are two statements, and a save may come between them:
    /// then both are read again.
    async fn consistent(&self, id: ScriptId) -> Result<(ScriptRow, Vec<LineRow>), CatalogFault> {
        loop {
            let row = ScriptRow::find(&self.db, id).await?;
            let lines: Vec<LineRow> = self.db.query(LINES_OF_SCRIPT).bind(id).fetch_all().await?;
            if ScriptRow::find(&self.db, id).await?.revision == row.revision {
                return Ok((row, lines));
            }
        }
    }
}

fn line_ids(lines: &[LineRow]) -> Vec<LineId> {
    lines.iter().filter(|row| row.is_line()).map(|row| LineId(row.id)).collect()
}
