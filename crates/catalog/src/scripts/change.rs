//! A change of what stands beside the lines: title, cast, show, level, addresses.

use sori_contracts::{Caller, Right, ScriptId};
use sori_db::{Tx, now_ms};
use sori_http::AccessFault;
use sori_script::Script;

use super::{
    ScriptChange,
    replace::update,
    row::{ScriptRow, check, to_json},
};
use crate::{
    Catalog, CatalogFault,
    document::LineRow,
    fields::{self, MAX_TITLE_CHARS},
    lines::LINES_OF_SCRIPT,
    ownership::{Ownership, Thing},
    shows::require_show,
};

impl Catalog {
    /// # Errors
    /// [`CatalogFault::ScriptChanged`] when the change names a revision and the script is at
    /// another one; [`CatalogFault::Script`] when the changed script breaks a rule.
    pub async fn change_script(
        &self,
        caller: &Caller,
        id: ScriptId,
        change: ScriptChange,
    ) -> Result<(), CatalogFault> {
        let title =
            change.title.as_deref().map(|t| fields::required("title", t, MAX_TITLE_CHARS)).transpose()?;
        let description =
            change.description.as_ref().map(|d| fields::description(d.as_deref())).transpose()?;
        let author = change
            .author
            .as_ref()
            .map(|author| fields::optional("author", author.as_deref(), MAX_TITLE_CHARS))
            .transpose()?;
        let beside = Beside {
            level: change.level.as_ref().map(|level| fields::level(level.as_deref())).transpose()?,
            source_urls: change.source_urls.as_deref().map(fields::source_urls).transpose()?,
        };

        let mut tx = self.db.begin().await?;
        let whose = Ownership::require(&mut tx, caller, Thing::Script(id), Right::Write).await?;
        let visibility = change.visibility.unwrap_or(whose.visibility);
        if !whose.may_become(caller, visibility) {
            return Err(AccessFault::Forbidden.into());
        }
        require_show(&mut tx, caller, change.show_id.flatten()).await?;
        // Shows and levels are no part of the document: an editor that has it open may still save.
        let changes_document =
            title.is_some() || description.is_some() || author.is_some() || change.cast.is_some();
        let row = ScriptRow::hold(&mut tx, id, change.revision, changes_document).await?;
        if changes_document {
            let lines: Vec<LineRow> = tx.query(LINES_OF_SCRIPT).bind(id).fetch_all().await?;
            let old = row.script(&lines)?;
            let mut new = Script { title: title.unwrap_or(old.title.clone()), ..old.clone() };
            new.description = description.unwrap_or(new.description);
            new.author = author.unwrap_or(new.author);
            new.cast.extend(change.cast.unwrap_or_default());
            check(&new)?;
            update(&mut tx, id, &row, &old, &new).await?;
        }
        let show_id = change.show_id.map_or(row.show_id, |show| show.map(|show| show.0));
        tx.query("UPDATE catalog_script SET show_id = $2, updated_at_ms = $3, visibility = $4 WHERE id = $1")
            .bind(id)
            .bind(show_id)
            .bind(now_ms())
            .bind(visibility.as_str())
            .execute()
            .await?;
        beside.store(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }
}

/// What the catalog notes beside the document.
struct Beside {
    level: Option<Option<String>>,
    source_urls: Option<Vec<String>>,
}

impl Beside {
    async fn store(self, tx: &mut Tx, id: ScriptId) -> Result<(), CatalogFault> {
        if let Some(level) = self.level {
            tx.query("UPDATE catalog_script SET level = $2 WHERE id = $1")
                .bind(id)
                .bind(level)
                .execute()
                .await?;
        }
        if let Some(urls) = self.source_urls {
            tx.query("UPDATE catalog_script SET source_urls = $2 WHERE id = $1")
                .bind(id)
                .bind(to_json(&urls))
                .execute()
                .await?;
        }
        Ok(())
    }
}
