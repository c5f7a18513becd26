//! Words: what a line's rendering says, and when.

use std::collections::HashMap;

use serde::Serialize;
use sori_contracts::LineId;
use sori_db::{DbError, Tx};
use uuid::Uuid;

use crate::{Catalog, RenderedLine, document::signed, select::tuples};

/// A spoken word with its time in the script's rendering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Word)]
pub struct WordView {
    pub text: String,
    pub start_ms: i64,
    pub end_ms: i64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct WordRow {
    pub(crate) line_id: Uuid,
    pub(crate) text: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Five parameters a row: far below SQLite's 32,766 and PostgreSQL's 65,535.
const ROWS_PER_INSERT: usize = 1_000;

impl Catalog {
    /// The words of some lines, by line, each in order.
    pub(crate) async fn words_of(&self, lines: &[Uuid]) -> Result<HashMap<Uuid, Vec<WordView>>, DbError> {
        let mut words: HashMap<Uuid, Vec<WordView>> = HashMap::new();
        for lines in lines.chunks(ROWS_PER_INSERT) {
            let places: Vec<_> = (1..=lines.len()).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT line_id, text, start_ms, end_ms FROM catalog_word WHERE line_id IN ({})
                 ORDER BY line_id, position",
                places.join(", ")
            );
            let query = lines.iter().fold(self.db.query_dynamic(sql), |query, id| query.bind(*id));
            for row in query.fetch_all::<WordRow>().await? {
                let word = WordView { text: row.text, start_ms: row.start_ms, end_ms: row.end_ms };
                words.entry(row.line_id).or_default().push(word);
            }
        }
        Ok(words)
    }
}

pub(crate) async fn insert_words(tx: &mut Tx, lines: &[RenderedLine]) -> Result<(), DbError> {
    let words: Vec<_> = lines
        .iter()
        .flat_map(|line| {
            line.words.iter().zip(0_i64..).map(|(word, position)| (line.line_id, position, word))
        })
        .collect();
    for words in words.chunks(ROWS_PER_INSERT) {
        let sql = format!(
            "INSERT INTO catalog_word (line_id, position, text, start_ms, end_ms) VALUES {}",
            tuples(words.len(), 5)
        );
        let query = words.iter().fold(tx.query_dynamic(sql), |query, (line, position, word)| {
            query
                .bind(*line)
                .bind(*position)
                // PostgreSQL stores no NUL.
                .bind(word.text.replace('\0', ""))
                .bind(signed(word.start_ms))
                .bind(signed(word.end_ms))
        });
        query.execute().await?;
    }
    Ok(())
}

pub(crate) async fn delete_words(tx: &mut Tx, line: LineId) -> Result<(), DbError> {
    tx.query("DELETE FROM catalog_word WHERE line_id = $1").bind(line).execute().await.map(|_| ())
}
