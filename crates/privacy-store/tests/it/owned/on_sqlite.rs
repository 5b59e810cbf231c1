//! What only SQLite has.

use privacy_store::owned::OwnedOptions;

use super::{World, customer, described, found, shop};

#[tokio::test]
async fn columns_without_affinity_are_found_in_every_form() {
    for (declared, stored, asked, expected, mismatched) in [
        ("", "42", "42", true, 0),
        ("", "'42'", "42", true, 0),
        ("", "42.0", "42", true, 0),
        ("BLOB", "42", "42", true, 0),
        ("BLOB", "X'616e6e'", "ann", true, 0),
        ("BLOB", "'ann'", "ann", true, 0),
        ("", "42", "042", false, 0),
        ("", "X'ff'", "x", false, 0),
        ("INTEGER", "'12abc'", "12abc", true, 0),
        ("INTEGER", "12", "12abc", false, 0),
        ("INTEGER", "12", "012", false, 1),
        ("INTEGER", "9223372036854775807", "9223372036854775807", true, 0),
        ("REAL", "42", "42", true, 0),
        ("NUMERIC(10,2)", "42.50", "42.5", true, 0),
        ("VARCHAR(2)", "'annabel'", "annabel", true, 0),
        ("TEXT", "42", "42", true, 0),
        ("TEXT", "'042'", "42", false, 0),
    ] {
        let world = World::sqlite();
        world
            .run(&format!(
                "CREATE TABLE customer (key {declared}, id TEXT); INSERT INTO customer VALUES ({stored}, 'u1')"
            ))
            .await;
        let (ids, dropped) =
            found(&world.directory(&customer("key", "user_id"), "shop.customer.id"), "user_id", asked).await;
        assert_eq!((!ids.is_empty(), dropped), (expected, mismatched), "{declared} {stored} asked for {asked}");
    }
}

#[tokio::test]
async fn an_unknown_column_is_never_taken_for_a_string() {
    let world = World::sqlite();
    world.run("CREATE TABLE customer (id TEXT); INSERT INTO customer VALUES ('u1')").await;
    let directory = world.directory(&customer("email", "user_id"), "shop.customer.id");
    assert!(super::ask(&directory, "user_id", "email").await.is_err());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_dropped_and_counted() {
    let world = World::sqlite();
    world.run("CREATE TABLE customer (email TEXT, id BLOB); INSERT INTO customer VALUES ('a@b.c', X'ff00'), ('a@b.c', 'u1')").await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    assert_eq!(found(&directory, "email", "a@b.c").await, (vec!["u1".to_owned()], 1));
}

#[tokio::test]
async fn the_index_of_every_kind_of_column_is_used() {
    for declared in ["TEXT", "INTEGER", "BLOB", "", "REAL"] {
        let world = World::sqlite();
        world
            .run(&format!("CREATE TABLE customer (key {declared}, id TEXT); CREATE INDEX by_key ON customer (key)"))
            .await;
        let (lines, messages) = described(&world.directory(&customer("key", "user_id"), "shop.customer.id")).await;
        assert_eq!(messages, "", "{declared} {lines:?}");
    }
}

#[tokio::test]
async fn special_characters_in_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a shop?.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    let sql = "CREATE TABLE customer (email TEXT, id TEXT); INSERT INTO customer VALUES ('a@b.c', 'u1')";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    let url = format!("sqlite://{}", path.display().to_string().replace('?', "%3F"));
    let datasets = privacy_dataset::Dataset::parse_all(&shop(
        "      - { name: customer, fields: [{ name: email, fides_meta: { identity: email } }, { name: id }] }",
    ))
    .unwrap();
    let target = "shop.customer.id".parse().unwrap();
    let directory =
        privacy_store::owned::OwnedDirectory::connect(&url.into(), "shop", datasets, target, OwnedOptions::default())
            .unwrap();
    assert_eq!(found(&directory, "email", "a@b.c").await.0, ["u1"]);
}
