use sori_listening::MIGRATIONS;

#[test]
fn both_engines_have_the_same_migrations() {
    sori_db::testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &MIGRATIONS);
}
