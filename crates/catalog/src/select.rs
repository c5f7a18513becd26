//! SELECT with the conditions that a request asks for. Only fixed text of this crate becomes SQL;
//! what a client sent is always a parameter.

use sori_db::{Db, Query, Value};

pub(crate) struct Select {
    sql: String,
    values: Vec<Value>,
    glue: &'static str,
}

impl Select {
    /// `head` ends before `WHERE`.
    pub(crate) fn new(head: &'static str) -> Self {
        Self { sql: head.to_owned(), values: Vec::new(), glue: " WHERE " }
    }

    /// A head in which a condition stands where it says `{seen}`.
    pub(crate) fn with_condition(
        head: &'static str,
        condition: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        let (before, after) = head.split_once("{seen}").unwrap_or((head, ""));
        let mut select = Self::new(before);
        select.push(condition, values);
        select.sql.push_str(after);
        select
    }

    /// Adds a condition; `?` in it stands for the values in order, `?0` for the last one again.
    pub(crate) fn and(mut self, condition: &'static str, values: impl IntoIterator<Item = Value>) -> Self {
        self.sql.push_str(self.glue);
        self.push(condition, values);
        self.glue = " AND ";
        self
    }

    fn push(&mut self, condition: &'static str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        self.sql.push('(');
        let mut parts = condition.split('?');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let part = match part.strip_prefix('0') {
                Some(part) => part,
                None => {
                    self.values.push(values.next().expect("as many values as question marks"));
                    part
                }
            };
            self.sql.push_str(&format!("${}", self.values.len()));
            self.sql.push_str(part);
        }
        self.sql.push(')');
    }

    /// [`Select::and`] with one value, when there is one.
    pub(crate) fn and_if(self, condition: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.and(condition, [value.into()]),
            None => self,
        }
    }

    /// `order` is the text behind `ORDER BY`. One row more than `limit` is asked for: it proves
    /// that there is a next page.
    pub(crate) fn page<'a>(self, db: &'a Db, order: &'static str, limit: u32) -> Query<'a> {
        let sql = format!("{} ORDER BY {order} LIMIT {}", self.sql, u64::from(limit) + 1);
        self.values.into_iter().fold(db.query_dynamic(sql), Query::bind)
    }
}

/// `($1, $2), ($3, $4)`: placeholders for a statement on many rows.
pub(crate) fn tuples(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_number_their_values() {
        let select = Select::new("SELECT a FROM t")
            .and("a = ? OR b = ?0", ["x".into()])
            .and_if("c = ?", None::<i64>)
            .and("(d, e) < (?, ?)", [1_i64.into(), 2_i64.into()]);
        assert_eq!(select.sql, "SELECT a FROM t WHERE (a = $1 OR b = $1) AND ((d, e) < ($2, $3))");
        assert_eq!(select.values.len(), 3);
    }

    #[test]
    fn tuples_count_on() {
        assert_eq!(tuples(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}
