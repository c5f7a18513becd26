//! What the handle promises, on SQLite and on PostgreSQL.

use sori_db::{Backend, Db, DbError, Migration, MigrationSet, testing};
use uuid::Uuid;

const NOTES: MigrationSet = MigrationSet {
    block: "notes",
    sqlite: &[Migration {
        name: "0001_note",
        sql: "CREATE TABLE note (id BLOB PRIMARY KEY NOT NULL, text TEXT UNIQUE, n BIGINT NOT NULL, x DOUBLE PRECISION, yes BOOLEAN);",
    }],
    postgres: &[Migration {
        name: "0001_note",
        sql: "CREATE TABLE note (id UUID PRIMARY KEY NOT NULL, text TEXT UNIQUE, n BIGINT NOT NULL, x DOUBLE PRECISION, yes BOOLEAN);",
    }],
};

async fn insert(db: &Db, text: &str) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    db.query("INSERT INTO note (id, text, n, x, yes) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(text)
        .bind(1_i64)
        .bind(None::<f64>)
        .bind(true)
        .execute()
        .await
        .map(|_| id)
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    for test in testing::databases(&[NOTES]).await {
        let id = insert(&test.db, "안녕 'quoted' 🦜").await.unwrap();
        let row: (Uuid, String, i64, Option<f64>, bool) = test
            .db
            .query("SELECT id, text, n, x, yes FROM note WHERE id = $1")
            .bind(id)
            .fetch_one()
            .await
            .unwrap();
        assert_eq!(row, (id, "안녕 'quoted' 🦜".to_owned(), 1, None, true));
        let none: Option<(i64,)> =
            test.db.query("SELECT n FROM note WHERE n = $1").bind(99_i64).fetch_optional().await.unwrap();
        assert_eq!(none, None);
    }
}

#[tokio::test]
async fn a_unique_index_answers_with_a_conflict_and_a_dropped_transaction_leaves_nothing() {
    for test in testing::databases(&[NOTES]).await {
        insert(&test.db, "once").await.unwrap();
        let again = insert(&test.db, "once").await;
        assert!(matches!(again, Err(DbError::Conflict { .. })), "{again:?}");

        let mut tx = test.db.begin().await.unwrap();
        tx.query("DELETE FROM note").execute().await.unwrap();
        drop(tx);
        let left: i64 = test.db.query("SELECT count(*) FROM note").scalar().await.unwrap();
        assert_eq!(left, 1);
    }
}

#[tokio::test]
async fn eight_writers_lose_no_count_and_see_no_busy_error() {
    for test in testing::databases(&[NOTES]).await {
        let id = insert(&test.db, "counter").await.unwrap();
        let writers = (0..8).map(|_| {
            let db = test.db.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let mut tx = db.begin().await.unwrap();
                    let _: i64 = tx.query("SELECT count(*) FROM note").scalar().await.unwrap();
                    let _: i64 = tx
                        .query("UPDATE note SET n = n + 1 WHERE id = $1 RETURNING n")
                        .bind(id)
                        .scalar()
                        .await
                        .unwrap();
                    tx.commit().await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let n: i64 = test.db.query("SELECT n FROM note WHERE id = $1").bind(id).scalar().await.unwrap();
        assert_eq!(n, 401, "{:?}", test.db.backend());
    }
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_tables_once() {
    for test in [testing::sqlite().await, testing::postgres().await] {
        let starts = (0..4).map(|_| {
            let url = test.url.clone();
            tokio::spawn(async move { Db::open(&url).await.unwrap().migrate(&[NOTES]).await })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
        let applied: i64 = test.db.query("SELECT count(*) FROM db_migration").scalar().await.unwrap();
        assert_eq!(applied, 1);
    }
}

#[tokio::test]
async fn tables_of_a_newer_version_or_an_edited_migration_are_refused() {
    for test in testing::databases(&[NOTES]).await {
        const OLDER: MigrationSet = MigrationSet { block: "notes", sqlite: &[], postgres: &[] };
        let refused = test.db.migrate(&[OLDER]).await;
        assert!(
            matches!(&refused, Err(DbError::Migration { reason, .. }) if reason.contains("newer")),
            "{refused:?}"
        );

        const EDITED: [Migration; 1] = [Migration { name: "0001_note", sql: "SELECT 1" }];
        let edited = MigrationSet { block: "notes", sqlite: &EDITED, postgres: &EDITED };
        let refused = test.db.migrate(&[edited]).await;
        assert!(
            matches!(&refused, Err(DbError::Migration { reason, .. }) if reason.contains("changed")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_opened_says_so_without_its_password() {
    let refused = Db::open("mysql://root:secret@db/x").await.unwrap_err().to_string();
    assert!(!refused.contains("secret@"), "{refused}");
    assert!(matches!(Db::open("sqlite:///nowhere/at/all.db").await, Err(DbError::Open(_))));
    let sqlite = testing::sqlite().await;
    assert_eq!(sqlite.db.backend(), Backend::Sqlite);
}

#[tokio::test]
async fn a_migration_that_cannot_be_split_is_refused_and_leaves_nothing() {
    const SQL: &str = "CREATE TABLE first (id BIGINT); INSERT INTO first VALUES (';')";
    const UNSPLIT: [Migration; 1] = [Migration { name: "0001_unsplit", sql: SQL }];
    for test in testing::databases(&[]).await {
        let set = MigrationSet { block: "unsplit", sqlite: &UNSPLIT, postgres: &UNSPLIT };
        let refused = test.db.migrate(&[set]).await;
        assert!(matches!(refused, Err(DbError::Migration { .. })), "{refused:?}");
        assert!(test.db.query("SELECT id FROM first").fetch_all::<(i64,)>().await.is_err());
    }
}
