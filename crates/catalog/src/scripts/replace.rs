//! A save: the whole document is replaced, and lines that are still there keep their ids.

use sori_contracts::{Caller, Right, ScriptId};
use sori_db::{Tx, now_ms};
use sori_script::Script;

use super::{
    Document,
    row::{ScriptRow, check, check_source, to_json},
};
use crate::{
    Catalog, CatalogFault,
    actors::link_actors,
    document::{LineRow, audible, reconcile, speakers},
    fold::fold,
    lines::{LINES_OF_SCRIPT, replace_lines},
    ownership::{Ownership, Thing},
};

impl Catalog {
    /// Replaces the document that was read at `revision`.
    ///
    /// # Errors
    /// [`CatalogFault::ScriptChanged`] when it is at another revision by now;
    /// [`CatalogFault::Script`] when the new one breaks a rule of scripts.
    pub async fn replace_script(
        &self,
        caller: &Caller,
        id: ScriptId,
        revision: i64,
        document: Document,
    ) -> Result<(), CatalogFault> {
        check_source(document.source_text.as_deref())?;
        let mut tx = self.db.begin().await?;
        Ownership::require(&mut tx, caller, Thing::Script(id), Right::Write).await?;
        let row = ScriptRow::hold(&mut tx, id, Some(revision), true).await?;
        let old_lines: Vec<LineRow> = tx.query(LINES_OF_SCRIPT).bind(id).fetch_all().await?;
        let old = row.script(&old_lines)?;
        let mut script = document.script;
        if document.is_read_from_text {
            keep_choices(&old, &mut script);
        }
        check(&script)?;

        let mut new = reconcile(&old_lines, &script);
        link_actors(&mut tx, &script, &mut new.rows).await?;
        replace_lines(&mut tx, id, &new).await?;
        update(&mut tx, id, &row, &old, &script).await?;
        tx.query(
            "UPDATE catalog_script SET source_format = $2, source_is_current = $3, source_text = $4 WHERE id = $1",
        )
        .bind(id)
        .bind(document.source_format.map(|format| to_json(&format)))
        .bind(document.source_text.is_some())
        .bind(document.source_text)
        .execute()
        .await?;
        Ok(tx.commit().await?)
    }
}

/// Stores what belongs to the document but is no line. `row` is the script's row at the new
/// revision with the old content.
pub(crate) async fn update(
    tx: &mut Tx,
    id: ScriptId,
    row: &ScriptRow,
    old: &Script,
    new: &Script,
) -> Result<(), CatalogFault> {
    let heard = if audible(old) == audible(new) { row.heard_revision } else { row.revision };
    tx.query(
        "UPDATE catalog_script SET title = $2, title_folded = $3, lang = $4, description = $5, author = $6,
            gap_ms = $7, cast_members = $8, speakers = $9, line_count = $10, heard_revision = $11,
            updated_at_ms = $12
         WHERE id = $1",
    )
    .bind(id)
    .bind(new.title.as_str())
    .bind(fold(&new.title))
    .bind(new.lang.as_str())
    .bind(new.description.clone())
    .bind(new.author.clone())
    .bind(new.gap_ms)
    .bind(to_json(&new.cast))
    .bind(to_json(&speakers(new)))
    .bind(new.lines().count() as i64)
    .bind(heard)
    .bind(now_ms())
    .execute()
    .await?;
    Ok(())
}

/// A text seldom says everything: where it is silent, what was chosen on the page stays.
fn keep_choices(old: &Script, new: &mut Script) {
    if new.title.trim().is_empty() {
        new.title.clone_from(&old.title);
    }
    for (speaker, member) in &mut new.cast {
        let Some(chosen) = old.cast.get(speaker) else { continue };
        if member.voice.is_none() {
            member.voice.clone_from(&chosen.voice);
            member.speed = member.speed.or(chosen.speed);
        }
        if member.name.is_none() {
            member.name.clone_from(&chosen.name);
        }
    }
}
