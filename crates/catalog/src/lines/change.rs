//! A change of one line, which is a change of its script.

use sori_contracts::{Caller, LineId, Right, ScriptId};
use sori_script::{Item, Line};
use uuid::Uuid;

use super::{LINES_OF_SCRIPT, LineChange, put_lines};
use crate::{
    Catalog, CatalogFault,
    actors::link_actors,
    document::LineRow,
    ownership::{Listed, Ownership, Thing},
    scripts::{ScriptRow, check, update},
    select::Select,
    words::delete_words,
};

impl Catalog {
    /// # Errors
    /// [`CatalogFault::ScriptChanged`] when the change names a revision and the script is at
    /// another one; [`CatalogFault::Script`] when the changed script breaks a rule.
    pub async fn change_line(
        &self,
        caller: &Caller,
        id: LineId,
        change: LineChange,
    ) -> Result<(), CatalogFault> {
        let script_id = self.script_of(caller, id).await?;
        if let Some(actor) = change.actor_id.flatten() {
            self.actor(caller, actor).await?;
        }
        let mut tx = self.db.begin().await?;
        Ownership::require(&mut tx, caller, Thing::Script(script_id), Right::Write).await?;
        let script_row = ScriptRow::hold(&mut tx, script_id, change.revision, true).await?;
        let mut rows: Vec<LineRow> = tx.query(LINES_OF_SCRIPT).bind(script_id).fetch_all().await?;
        let place = rows.iter().position(|row| row.id == id.0).ok_or(CatalogFault::LineNotFound(id))?;
        let old = script_row.script(&rows)?;
        let before = rows[place].clone();
        let Item::Line(mut line) = before.item() else { return Err(CatalogFault::LineNotFound(id)) };
        apply(&change, &mut line);

        let fresh = LineRow::of(&Item::Line(line), place);
        let mut row = LineRow { id: before.id, position: before.position, ..fresh };
        let says_the_same = row.text == before.text;
        if says_the_same {
            (row.start_ms, row.end_ms) = (before.start_ms, before.end_ms);
        }
        row.actor_id = match change.actor_id {
            Some(actor) => actor.map(|actor| actor.0),
            None if row.speaker == before.speaker => before.actor_id,
            None => None,
        };
        rows[place] = row;
        let mut new = script_row.script(&rows)?;
        let speaker = rows[place].speaker.clone();
        new.cast.entry(speaker.clone()).or_default();
        check(&new)?;

        if speaker != before.speaker && change.actor_id.is_none() {
            link_actors(&mut tx, &new, &mut rows[place..=place]).await?;
        }
        put_lines(&mut tx, script_id, &rows[place..=place]).await?;
        if !says_the_same {
            delete_words(&mut tx, id).await?;
        }
        update(&mut tx, script_id, &script_row, &old, &new).await?;
        if changes_the_text(&change) {
            // Saving the author's text once more would undo this change.
            tx.query("UPDATE catalog_script SET source_is_current = FALSE WHERE id = $1")
                .bind(script_id)
                .execute()
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn script_of(&self, caller: &Caller, id: LineId) -> Result<ScriptId, CatalogFault> {
        let script: Option<(Uuid,)> = Select::new("SELECT script_id FROM catalog_line")
            .and("id = ? AND kind = 'line'", [id.into()])
            .seen_by(caller, Listed::Lines)
            .page(&self.db, "id", 1)
            .fetch_optional()
            .await?;
        script.map(|(id,)| ScriptId(id)).ok_or(CatalogFault::LineNotFound(id))
    }
}

fn apply(change: &LineChange, line: &mut Line) {
    if let Some(text) = &change.text {
        line.text.clone_from(text);
    }
    if let Some(speaker) = &change.speaker {
        speaker.trim().clone_into(&mut line.speaker);
    }
    if let Some(style) = &change.style {
        line.style.clone_from(style);
    }
    line.speed = change.speed.unwrap_or(line.speed);
    line.pause_after_ms = change.pause_after_ms.unwrap_or(line.pause_after_ms);
    line.overlap_ms = change.overlap_ms.unwrap_or(line.overlap_ms);
    if let Some(translation) = &change.translation {
        line.translation.clone_from(translation);
    }
}

fn changes_the_text(change: &LineChange) -> bool {
    change.text.is_some()
        || change.speaker.is_some()
        || change.style.is_some()
        || change.speed.is_some()
        || change.pause_after_ms.is_some()
        || change.overlap_ms.is_some()
}
