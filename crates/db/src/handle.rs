//! The open database, and a transaction on it.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    DbError, MigrationSet, migrate,
    query::{Query, Target},
};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A handle on the one database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite knows one writer at a time: a pool of one connection makes writers queue here, where
    /// they wait in order, instead of in the file lock, where they time out.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

impl Db {
    /// Opens `sqlite:///absolute/path` (made when missing) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        match url.split_once("://") {
            Some(("sqlite", path)) => Self::open_sqlite(Path::new(path)).await,
            Some(("postgres" | "postgresql", _)) => Self::open_postgres(url).await,
            // The address may hold a password: only its beginning is repeated.
            _ => Err(DbError::BadUrl(url.chars().take_while(|c| *c != '@').take(24).collect())),
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let write = pool(1).connect_with(options.clone()).await.map_err(DbError::Open)?;
        let read = pool(SQLITE_READERS).connect_with(options).await.map_err(DbError::Open)?;
        Ok(Self::Sqlite { write, read })
    }

    async fn open_postgres(url: &str) -> Result<Self, DbError> {
        let options = PgConnectOptions::from_str(url).map_err(DbError::Open)?.disable_statement_logging();
        let pool =
            PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        Ok(Self::Postgres(pool.connect_with(options).await.map_err(DbError::Open)?))
    }

    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Self::Sqlite { .. } => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// Brings the tables up to date. Safe when several processes start at once.
    pub async fn migrate(&self, sets: &[MigrationSet]) -> Result<(), DbError> {
        migrate::run(self, sets).await
    }

    /// A statement on its own. Reads and writes are told apart by the first word.
    pub fn query(&self, sql: &'static str) -> Query<'_> {
        Query::new(Target::Db(self), sql.into())
    }

    /// A statement put together at run time. Whoever calls it has made sure that nothing a client
    /// sent stands in its text.
    pub fn query_dynamic(&self, sql: String) -> Query<'_> {
        Query::new(Target::Db(self), sql.into())
    }

    /// A transaction that may write. Dropping it undoes it.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        match self {
            // A deferred BEGIN that reads first and writes later fails under load with SQLITE_BUSY.
            Self::Sqlite { write, .. } => {
                let pool = write.clone();
                run_to_completion(async move { pool.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite) })
                    .await
            }
            Self::Postgres(pool) => {
                let pool = pool.clone();
                run_to_completion(async move { pool.begin().await.map(Tx::Postgres) }).await
            }
        }
    }

    /// The same database over one connection of its own, opened at first use: for a thread that
    /// must not wait behind the others, in a runtime of its own.
    #[must_use]
    pub fn on_its_own(&self) -> Self {
        match self {
            Self::Sqlite { write, .. } => {
                let options = (*write.connect_options()).clone();
                let alone = SqlitePoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_lazy_with(options);
                Self::Sqlite { write: alone.clone(), read: alone }
            }
            Self::Postgres(pool) => {
                let options = (*pool.connect_options()).clone();
                let alone = PgPoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_lazy_with(options);
                Self::Postgres(alone)
            }
        }
    }

    /// Where the SQLite file lies.
    #[must_use]
    pub fn file(&self) -> Option<std::path::PathBuf> {
        match self {
            Self::Sqlite { write, .. } => Some(write.connect_options().get_filename().to_owned()),
            Self::Postgres(_) => None,
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A request that is dropped halfway must not give back a connection inside a half-begun transaction.
async fn run_to_completion(
    begin: impl Future<Output = Result<Tx, sqlx::Error>> + Send + 'static,
) -> Result<Tx, DbError> {
    match tokio::spawn(begin).await {
        Ok(begun) => Ok(begun?),
        Err(_) => Err(DbError::Unreachable(sqlx::Error::PoolClosed)),
    }
}

#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        Query::new(Target::Tx(self), sql.into())
    }

    /// See [`Db::query_dynamic`].
    pub fn query_dynamic(&mut self, sql: String) -> Query<'_> {
        Query::new(Target::Tx(self), sql.into())
    }

    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}
