//! Accounts through their routes and through `Identity`, on SQLite and on PostgreSQL.

mod accounts;
mod audit;
mod keys;
mod personal;
mod processes;
mod scene;
mod sessions;
mod sign_in;
mod signatures;
mod tokens;

#[test]
fn both_engines_have_the_same_migrations() {
    sori_db::testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &sori_auth::MIGRATIONS);
}
