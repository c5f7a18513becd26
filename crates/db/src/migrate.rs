//! Tables are made and changed by numbered files, one folder per engine and block.

use std::time::Duration;

use crate::{Backend, Db, DbError, Tx, now_ms};

#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

/// The migrations of one block, in order; both lists hold the same names.
#[derive(Clone, Copy, Debug)]
pub struct MigrationSet {
    pub block: &'static str,
    pub sqlite: &'static [Migration],
    pub postgres: &'static [Migration],
}

/// `migrations!("catalog", "0001_script", "0002_actor")` takes the files
/// `migrations/{sqlite,postgres}/NAME.sql` of the calling crate.
#[macro_export]
macro_rules! migrations {
    ($block:literal $(, $name:literal)+ $(,)?) => {
        $crate::MigrationSet {
            block: $block,
            sqlite: &[$($crate::Migration {
                name: $name,
                sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql")),
            }),+],
            postgres: &[$($crate::Migration {
                name: $name,
                sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql")),
            }),+],
        }
    };
}

/// Any number that only Sori uses: PostgreSQL's advisory lock while tables change.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7310110114105)";
/// Two processes that both make the first table collide once at the most.
const TRIES: u32 = 5;

pub(crate) async fn run(db: &Db, sets: &[MigrationSet]) -> Result<(), DbError> {
    for attempt in 1.. {
        match try_run(db, sets).await {
            Err(DbError::Conflict { .. } | DbError::Statement(_)) if attempt < TRIES => {
                tokio::time::sleep(Duration::from_millis(50 * u64::from(attempt))).await;
            }
            outcome => return outcome,
        }
    }
    unreachable!("the last try returns")
}

/// All of it in one transaction: a half-made schema cannot be seen.
async fn try_run(db: &Db, sets: &[MigrationSet]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    if db.backend() == Backend::Postgres {
        tx.query(LOCK).execute().await?;
    }
    tx.query(
        "CREATE TABLE IF NOT EXISTS db_migration (
            block TEXT NOT NULL, name TEXT NOT NULL, checksum BIGINT NOT NULL, applied_at_ms BIGINT NOT NULL,
            PRIMARY KEY (block, name))",
    )
    .execute()
    .await?;
    for set in sets {
        apply(&mut tx, set).await?;
    }
    tx.commit().await
}

async fn apply(tx: &mut Tx, set: &MigrationSet) -> Result<(), DbError> {
    let migrations = match tx.backend() {
        Backend::Sqlite => set.sqlite,
        Backend::Postgres => set.postgres,
    };
    let applied: Vec<(String, i64)> = tx
        .query("SELECT name, checksum FROM db_migration WHERE block = $1")
        .bind(set.block)
        .fetch_all()
        .await?;
    let failed = |name: &str, reason: &str| DbError::Migration {
        block: set.block.to_owned(),
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    for (name, checksum) in &applied {
        match migrations.iter().find(|migration| migration.name == name) {
            None => {
                return Err(failed(
                    name,
                    "was applied by a newer version: start that version, or restore a backup",
                ));
            }
            Some(known) if checksum_of(known.sql) != *checksum => {
                return Err(failed(name, "was changed after it had been applied"));
            }
            Some(_) => {}
        }
    }
    for migration in migrations {
        if applied.iter().any(|(name, _)| name == migration.name) {
            continue;
        }
        for statement in statements(migration.sql) {
            if statement.matches('\'').count() % 2 == 1 {
                return Err(failed(
                    migration.name,
                    "holds a semicolon inside a text, which is not understood",
                ));
            }
            tx.query_dynamic(statement.to_owned()).execute().await?;
        }
        tx.query("INSERT INTO db_migration (block, name, checksum, applied_at_ms) VALUES ($1, $2, $3, $4)")
            .bind(set.block)
            .bind(migration.name)
            .bind(checksum_of(migration.sql))
            .bind(now_ms())
            .execute()
            .await?;
        tracing::info!(block = set.block, name = migration.name, "migrated");
    }
    Ok(())
}

/// Migrations hold no semicolon inside a statement, nor in a comment.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(';').map(str::trim).filter(|statement| !statement.is_empty())
}

/// FNV-1a over the text, 64 bits: only to notice an edit.
fn checksum_of(sql: &str) -> i64 {
    let hash = sql.bytes().filter(|byte| *byte != b'\r').fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::from_ne_bytes(hash.to_ne_bytes())
}
