//! Writing the rows of a script, many in one statement.

use sori_contracts::{LineId, ScriptId};
use sori_db::{DbError, Tx};

use crate::{
    document::{LineRow, Reconciled},
    select::tuples,
    words::delete_words,
};

const COLUMNS: [&str; 21] = [
    "id",
    "script_id",
    "position",
    "kind",
    "author_id",
    "speaker",
    "speaker_folded",
    "actor_id",
    "text",
    "text_folded",
    "style",
    "speed",
    "pause_ms",
    "overlap_ms",
    "fit_start_ms",
    "fit_end_ms",
    "translation",
    "origin_line",
    "origin_column",
    "start_ms",
    "end_ms",
];
/// 21 parameters a row: below SQLite's 32,766 in all.
const ROWS_PER_INSERT: usize = 500;

/// Inserts rows, and overwrites those that are there by id.
pub(crate) async fn put_lines(tx: &mut Tx, script: ScriptId, rows: &[LineRow]) -> Result<(), DbError> {
    let overwrite: Vec<_> =
        COLUMNS[2..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
    for rows in rows.chunks(ROWS_PER_INSERT) {
        let sql = format!(
            "INSERT INTO catalog_line ({}) VALUES {} ON CONFLICT (id) DO UPDATE SET {}",
            COLUMNS.join(", "),
            tuples(rows.len(), COLUMNS.len()),
            overwrite.join(", ")
        );
        let query = rows.iter().fold(tx.query_dynamic(sql), |query, row| {
            let (speaker_folded, text_folded) = row.folded();
            query
                .bind(row.id)
                .bind(script)
                .bind(row.position)
                .bind(row.kind.as_str())
                .bind(row.author_id.clone())
                .bind(row.speaker.as_str())
                .bind(speaker_folded)
                .bind(row.actor_id)
                .bind(row.text.as_str())
                .bind(text_folded)
                .bind(row.style.clone())
                .bind(row.speed)
                .bind(row.pause_ms)
                .bind(row.overlap_ms)
                .bind(row.fit_start_ms)
                .bind(row.fit_end_ms)
                .bind(row.translation.clone())
                .bind(row.origin_line)
                .bind(row.origin_column)
                .bind(row.start_ms)
                .bind(row.end_ms)
        });
        query.execute().await?;
    }
    Ok(())
}

/// Brings the rows of a script from the old document to the new one.
pub(crate) async fn replace_lines(tx: &mut Tx, script: ScriptId, new: &Reconciled) -> Result<(), DbError> {
    for removed in new.removed.chunks(ROWS_PER_INSERT) {
        let places: Vec<_> = (1..=removed.len()).map(|n| format!("${n}")).collect();
        let sql = format!("DELETE FROM catalog_line WHERE id IN ({})", places.join(", "));
        removed.iter().fold(tx.query_dynamic(sql), |query, id| query.bind(*id)).execute().await?;
    }
    for reworded in &new.reworded {
        delete_words(tx, LineId(*reworded)).await?;
    }
    // Out of the way first: rows change places, and no two may have one place at any time.
    tx.query("UPDATE catalog_line SET position = -position - 1 WHERE script_id = $1")
        .bind(script)
        .execute()
        .await?;
    put_lines(tx, script, &new.rows).await
}
