//! A new script.

use sori_contracts::{NewJob, Priority, ScriptId, jobs::FORGET_SCRIPT};
use sori_db::now_ms;

use super::{
    NewScript,
    row::{check, check_source, to_json},
};
use crate::{
    Catalog, CatalogFault,
    actors::link_actors,
    document::{rows, speakers},
    fields,
    fold::fold,
    lines::put_lines,
};

impl Catalog {
    /// Stores a script, and links its speakers to actors of the same name or alias.
    ///
    /// # Errors
    /// [`CatalogFault::Script`] when it breaks a rule of scripts, [`CatalogFault::ShowNotFound`].
    pub async fn create_script(&self, new: NewScript) -> Result<ScriptId, CatalogFault> {
        let script = &new.script;
        check(script)?;
        check_source(new.source_text.as_deref())?;
        let source_urls = fields::source_urls(&new.source_urls)?;
        let level = fields::level(new.level.as_deref())?;
        self.require_show(new.show_id).await?;

        let (id, now) = (ScriptId::generate(), now_ms());
        let mut lines = rows(script);
        let speakers = speakers(script);
        let mut tx = self.db.begin().await?;
        tx.query(
            "INSERT INTO catalog_script (id, show_id, title, title_folded, lang, level, description, author,
                source_urls, gap_ms, cast_members, speakers, line_count, revision, heard_revision,
                created_at_ms, updated_at_ms, source_format, source_is_current, source_text)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, 1, $14, $14, $15, $16, $17)",
        )
        .bind(id)
        .bind(new.show_id)
        .bind(script.title.as_str())
        .bind(fold(&script.title))
        .bind(script.lang.as_str())
        .bind(level)
        .bind(script.description.clone())
        .bind(script.author.clone())
        .bind(to_json(&source_urls))
        .bind(script.gap_ms)
        .bind(to_json(&script.cast))
        .bind(to_json(&speakers))
        .bind(script.lines().count() as i64)
        .bind(now)
        .bind(new.source_format.map(|format| to_json(&format)))
        .bind(new.source_text.is_some())
        .bind(new.source_text.clone())
        .execute()
        .await?;
        link_actors(&mut tx, script, &mut lines).await?;
        put_lines(&mut tx, id, &lines).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn delete_script(&self, id: ScriptId) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        if tx.query("DELETE FROM catalog_script WHERE id = $1").bind(id).execute().await? == 0 {
            return Err(CatalogFault::ScriptNotFound(id));
        }
        if let Some(queue) = &self.queue {
            let payload = serde_json::json!({ "script_id": id });
            // Not the job *of* the script: there is no page of it any more that could show it.
            let order = NewJob { kind: FORGET_SCRIPT, payload, priority: Priority::Low, script_id: None, owner: None };
            queue.enqueue(&mut tx, order).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
