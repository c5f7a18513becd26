//! The catalog through its routes, on SQLite and on PostgreSQL.

mod accounts;
mod actors;
mod api;
mod export;
mod import;
mod library;
mod lines;
mod openapi;
mod ownership;
mod personal;
mod renderings;
mod scripts;
mod shares;
mod shows;

#[test]
fn both_engines_have_the_same_migrations() {
    sori_db::testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &sori_catalog::MIGRATIONS);
}
