//! The row of a script.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sori_contracts::ScriptId;
use sori_db::{Db, Tx};
use sori_http::RequestFault;
use sori_script::{CastMember, Limits, Script, ScriptError, validate};
use uuid::Uuid;

use crate::{
    CatalogFault,
    document::LineRow,
    fields::{self, MAX_TITLE_CHARS},
};

#[derive(sqlx::FromRow)]
pub(crate) struct ScriptRow {
    pub(super) show_id: Option<Uuid>,
    pub(super) title: String,
    pub(super) lang: String,
    pub(super) level: Option<String>,
    pub(super) description: Option<String>,
    pub(super) author: Option<String>,
    pub(super) source_urls: String,
    pub(super) gap_ms: i64,
    pub(super) cast_members: String,
    pub(super) speakers: String,
    pub(super) line_count: i64,
    pub(super) revision: i64,
    pub(super) heard_revision: i64,
    pub(super) rendering_id: Option<Uuid>,
    pub(super) rendering_revision: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) created_at_ms: i64,
    pub(super) updated_at_ms: i64,
    pub(super) owner_id: Option<Uuid>,
    pub(super) visibility: String,
}

/// Without the source text, which can be long.
macro_rules! columns {
    () => {
        "show_id, title, lang, level, description, author, source_urls, gap_ms, cast_members, speakers,
         line_count, revision, heard_revision, rendering_id, rendering_revision, duration_ms, created_at_ms,
         updated_at_ms, owner_id, visibility"
    };
}

impl ScriptRow {
    pub(super) async fn find(db: &Db, id: ScriptId) -> Result<Self, CatalogFault> {
        db.query(concat!("SELECT ", columns!(), " FROM catalog_script WHERE id = $1"))
            .bind(id)
            .fetch_optional()
            .await?
            .ok_or(CatalogFault::ScriptNotFound(id))
    }

    /// Holds the row until the transaction ends: whoever else wants to change the script or to
    /// attach a rendering waits. With `expected`, refused at another revision. The answer has the
    /// new revision, which is one higher when the document is about to change.
    pub(crate) async fn hold(
        tx: &mut Tx,
        id: ScriptId,
        expected: Option<i64>,
        changes_document: bool,
    ) -> Result<Self, CatalogFault> {
        let row: Option<Self> = tx
            .query(concat!(
                "UPDATE catalog_script SET revision = revision + $3
                 WHERE id = $1 AND ($2 IS NULL OR revision = $2) RETURNING ",
                columns!()
            ))
            .bind(id)
            .bind(expected)
            .bind(i64::from(changes_document))
            .fetch_optional()
            .await?;
        match row {
            Some(row) => Ok(row),
            None => Err(Self::why_not(tx, id).await?),
        }
    }

    async fn why_not(tx: &mut Tx, id: ScriptId) -> Result<CatalogFault, CatalogFault> {
        let current: Option<(i64,)> =
            tx.query("SELECT revision FROM catalog_script WHERE id = $1").bind(id).fetch_optional().await?;
        Ok(match current {
            Some((current,)) => CatalogFault::ScriptChanged { id, current },
            None => CatalogFault::ScriptNotFound(id),
        })
    }

    pub(crate) fn script(&self, lines: &[LineRow]) -> Result<Script, CatalogFault> {
        Ok(Script {
            title: self.title.clone(),
            lang: self.lang.clone(),
            author: self.author.clone(),
            description: self.description.clone(),
            cast: self.cast()?,
            items: lines.iter().map(LineRow::item).collect(),
            gap_ms: u32::try_from(self.gap_ms).unwrap_or_default(),
        })
    }

    pub(super) fn cast(&self) -> Result<BTreeMap<String, CastMember>, CatalogFault> {
        stored("cast", &self.cast_members)
    }

    pub(super) fn is_rendering_current(&self) -> bool {
        self.rendering_revision.is_some_and(|revision| revision >= self.heard_revision)
    }
}

pub(crate) fn stored<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, CatalogFault> {
    serde_json::from_str(text).map_err(|source| CatalogFault::Stored { what, source })
}

/// JSON for a column.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers with text keys can be written")
}

/// Refuses what the readers would refuse, and titles that are too long for a list.
pub(crate) fn check(script: &Script) -> Result<(), CatalogFault> {
    fields::text("title", &script.title, MAX_TITLE_CHARS)?;
    let problems = validate(script, &Limits::default());
    if problems.iter().any(sori_script::Problem::is_error) {
        return Err(ScriptError::Invalid(problems).into());
    }
    Ok(())
}

/// PostgreSQL stores no NUL, and a longer text would not have been read.
pub(super) fn check_source(text: Option<&str>) -> Result<(), CatalogFault> {
    let Some(text) = text else { return Ok(()) };
    if text.len() <= Limits::default().max_bytes && !text.contains('\0') {
        return Ok(());
    }
    Err(RequestFault::Field {
        field: "source_text",
        en: "source_text takes at most 8 MiB of text without NUL characters.".into(),
        ko: "source_text는 NUL 문자가 없는 8MiB 이하의 텍스트여야 합니다.".into(),
    }
    .into())
}
