//! One statement with its parameters, on a database or inside a transaction.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};

use crate::{
    Db, DbError, Tx, Value,
    value::{postgres_arguments, sqlite_arguments},
};

/// Whatever `#[derive(sqlx::FromRow)]` is put on, and tuples.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

pub(crate) enum Target<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

#[must_use = "a query does nothing before it is run"]
pub struct Query<'a> {
    target: Target<'a>,
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// Runs one sqlx call on whichever engine is there.
macro_rules! run {
    ($self:ident, $make:expr, $method:ident) => {{
        let Query { target, sql, values } = $self;
        let reads = reads(&sql);
        let sql = AssertSqlSafe(sql.into_owned());
        match target {
            Target::Db(Db::Sqlite { write, read }) => {
                let pool = if reads { read } else { write };
                $make(sql, sqlite_arguments(values)?).$method(pool).await.map_err(DbError::from)
            }
            Target::Db(Db::Postgres(pool)) => {
                $make(sql, postgres_arguments(values)?).$method(pool).await.map_err(DbError::from)
            }
            Target::Tx(Tx::Sqlite(tx)) => {
                $make(sql, sqlite_arguments(values)?).$method(&mut **tx).await.map_err(DbError::from)
            }
            Target::Tx(Tx::Postgres(tx)) => {
                $make(sql, postgres_arguments(values)?).$method(&mut **tx).await.map_err(DbError::from)
            }
        }
    }};
}

/// The same with the count of rows that both engines' answers hold.
macro_rules! execute {
    ($self:ident) => {{
        let Query { target, sql, values } = $self;
        let sql = AssertSqlSafe(sql.into_owned());
        let rows = match target {
            Target::Db(Db::Sqlite { write, .. }) => {
                sqlx::query_with(sql, sqlite_arguments(values)?).execute(write).await?.rows_affected()
            }
            Target::Db(Db::Postgres(pool)) => {
                sqlx::query_with(sql, postgres_arguments(values)?).execute(pool).await?.rows_affected()
            }
            Target::Tx(Tx::Sqlite(tx)) => {
                sqlx::query_with(sql, sqlite_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
            Target::Tx(Tx::Postgres(tx)) => {
                sqlx::query_with(sql, postgres_arguments(values)?).execute(&mut **tx).await?.rows_affected()
            }
        };
        Ok(rows)
    }};
}

impl<'a> Query<'a> {
    pub(crate) fn new(target: Target<'a>, sql: Cow<'static, str>) -> Self {
        Self { target, sql, values: Vec::new() }
    }

    /// The value of the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub async fn fetch_all<T: Row>(self) -> Result<Vec<T>, DbError> {
        run!(self, sqlx::query_as_with::<_, T, _>, fetch_all)
    }

    pub async fn fetch_optional<T: Row>(self) -> Result<Option<T>, DbError> {
        run!(self, sqlx::query_as_with::<_, T, _>, fetch_optional)
    }

    /// [`DbError::RowMissing`] when there is none.
    pub async fn fetch_one<T: Row>(self) -> Result<T, DbError> {
        run!(self, sqlx::query_as_with::<_, T, _>, fetch_one)
    }

    /// The first column of the one row.
    pub async fn scalar<T>(self) -> Result<T, DbError>
    where
        (T,): Row,
    {
        Ok(self.fetch_one::<(T,)>().await?.0)
    }

    /// How many rows it changed.
    pub async fn execute(self) -> Result<u64, DbError> {
        execute!(self)
    }
}

/// Only plain SELECTs go to the readers of SQLite: `INSERT … RETURNING` answers rows and writes.
fn reads(sql: &str) -> bool {
    sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}
