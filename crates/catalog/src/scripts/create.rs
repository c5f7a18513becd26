//! A new script.

use sori_contracts::{AccountId, Caller, Member, NewJob, Priority, Right, ScriptId, jobs::FORGET_SCRIPT};
use sori_db::{Tx, now_ms};

use super::{
    NewScript,
    row::{check, check_source, to_json},
};
use crate::{
    Catalog, CatalogFault, NewShow, Visibility,
    actors::link_actors,
    document::{rows, speakers},
    fields,
    fold::fold,
    lines::put_lines,
    ownership::{Ownership, Thing},
    shows::require_show,
};

impl Catalog {
    /// Stores a script, private to its maker, and links its speakers to actors of the same name or
    /// alias.
    ///
    /// # Errors
    /// [`CatalogFault::Script`] when it breaks a rule of scripts, [`CatalogFault::ShowNotFound`].
    pub async fn create_script(&self, by: &Member, new: NewScript) -> Result<ScriptId, CatalogFault> {
        let mut tx = self.db.begin().await?;
        require_show(&mut tx, &Caller::Account(*by), new.show_id).await?;
        let id = insert_script(&mut tx, new, Some(by.account), Visibility::Private).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A public show of the server's own, with one script.
    pub async fn add_own_show(&self, show: NewShow, script: NewScript) -> Result<ScriptId, CatalogFault> {
        let show_id = Some(self.insert_show(show, None, Visibility::Public).await?);
        let mut tx = self.db.begin().await?;
        let script = NewScript { show_id, ..script };
        let id = insert_script(&mut tx, script, None, Visibility::Public).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn delete_script(&self, caller: &Caller, id: ScriptId) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        Ownership::require(&mut tx, caller, Thing::Script(id), Right::Write).await?;
        self.remove_script(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn remove_script(&self, tx: &mut Tx, id: ScriptId) -> Result<(), CatalogFault> {
        tx.query("DELETE FROM catalog_script WHERE id = $1").bind(id).execute().await?;
        if let Some(queue) = &self.queue {
            let payload = serde_json::json!({ "script_id": id });
            // Not the job *of* the script: there is no page of it any more that could show it.
            let order = NewJob {
                id: None,
                kind: FORGET_SCRIPT,
                payload,
                priority: Priority::Low,
                script_id: None,
                owner: None,
            };
            queue.enqueue(tx, order).await?;
        }
        Ok(())
    }
}

async fn insert_script(
    tx: &mut Tx,
    new: NewScript,
    owner: Option<AccountId>,
    visibility: Visibility,
) -> Result<ScriptId, CatalogFault> {
    let script = &new.script;
    check(script)?;
    check_source(new.source_text.as_deref())?;
    let source_urls = fields::source_urls(&new.source_urls)?;
    let level = fields::level(new.level.as_deref())?;

    let (id, now) = (ScriptId::generate(), now_ms());
    let mut lines = rows(script);
    let speakers = speakers(script);
    tx.query(
            "INSERT INTO catalog_script (id, show_id, title, title_folded, lang, level, description, author,
                source_urls, gap_ms, cast_members, speakers, line_count, revision, heard_revision,
                created_at_ms, updated_at_ms, source_format, source_is_current, source_text, owner_id, visibility)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, 1, $14, $14, $15, $16, $17,
                $18, $19)",
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
        .bind(owner)
        .bind(visibility.as_str())
        .execute()
        .await?;
    link_actors(tx, script, &mut lines).await?;
    put_lines(tx, id, &lines).await?;
    Ok(id)
}
