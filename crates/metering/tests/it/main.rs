mod alerts;
mod rig;
mod routes;
mod webhook;

#[test]
fn every_migration_is_listed() {
    sori_db::testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &sori_metering::MIGRATIONS);
}
