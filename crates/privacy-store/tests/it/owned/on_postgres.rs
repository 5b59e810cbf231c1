//! What only PostgreSQL has.

use segment_core::ports::DirectoryError;

use super::{World, ask, compares, contacts, customer, described, found, is_broken_off, is_no_database, refuses, shop};

#[tokio::test]
async fn a_write_through_the_same_pool_fails() {
    let Some(world) = World::postgres().await else { return };
    // A view whose reading writes: the look-up is the attempt.
    world
        .run(
            "CREATE TABLE seen (at TEXT); CREATE TABLE t (email TEXT); INSERT INTO t VALUES ('a@b.c');
        CREATE FUNCTION note() RETURNS text LANGUAGE sql VOLATILE AS $$ INSERT INTO seen VALUES ('now') RETURNING at $$;
        CREATE VIEW customer AS SELECT email, note() AS id FROM t",
        )
        .await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    let error = ask(&directory, "email", "a@b.c").await.unwrap_err();
    let DirectoryError::Query { collection, source } = error else { panic!("{error:?}") };
    assert_eq!(
        (collection.as_str(), source.to_string().as_str()),
        ("shop.customer", "the session is read-only (SQLSTATE 25006)")
    );
}

#[tokio::test]
async fn types_are_cast_and_compared_as_the_column_has_them() {
    let Some(world) = World::postgres().await else { return };
    world.run("CREATE TYPE color AS ENUM ('red', 'green'); CREATE DOMAIN handle AS varchar(5) CHECK (VALUE <> 'bad'); CREATE DOMAIN handle2 AS handle").await;
    let cases = [
        ("char(10)", "'ann'", "ann", true, 0),
        ("varchar(3)", "'ann'", "annabel", false, 0),
        ("char(3)", "'ann'", "annabel", false, 0),
        ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", true, 0),
        ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "{6ba7b8109dad11d180b400c04fd430c8}", true, 0),
        ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "not one", false, 0),
        ("color", "'red'", "red", true, 0),
        ("color", "'red'", "blue", false, 0),
        ("handle2", "'ann'", "ann", true, 0),
        ("handle2", "'ann'", "bad", false, 0),
        ("bigint", "42", "42", true, 0),
        ("bigint", "42", "042", false, 1),
        ("numeric", "42.00", "42", true, 0),
        ("numeric(5,2)", "42.10", "42.104", false, 0),
        ("numeric(30,0)", "123456789012345678901234567890", "123456789012345678901234567890", true, 0),
        ("double precision", "42", "42", true, 0),
        ("smallint", "4", "70000", false, 0),
        ("timestamptz", "'2024-01-01'", "2024-13-45", false, 0),
        ("bytea", "'ann'", "ann", false, 1),
        ("jsonb", "'{\"a\":1}'", "{broken", false, 0),
        ("oid", "7", "7", true, 0),
        ("name", "'ann'", "ann", true, 0),
    ];
    compares(&world, &cases).await;
}

#[tokio::test]
async fn types_without_equality_are_refused_by_name() {
    let Some(world) = World::postgres().await else { return };
    refuses(&world, &["json", "xml", "text[]", "point"]).await;
}

#[tokio::test]
async fn case_insensitive_text_is_compared_again() {
    let Some(world) = World::postgres().await else { return };
    world.run("CREATE EXTENSION citext; CREATE TABLE customer (email citext, id citext); INSERT INTO customer VALUES ('Ann@Example.com', 'u1'), ('ann@example.com', 'U1')").await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    assert_eq!(found(&directory, "email", "ANN@example.com").await, (vec!["U1".to_owned(), "u1".to_owned()], 0));
    let directory = world.directory(&customer("email", "user_id"), "shop.customer.id");
    assert_eq!(found(&directory, "user_id", "Ann@Example.com").await, (vec!["u1".to_owned()], 1));
}

#[tokio::test]
async fn references_between_numbers_of_different_types() {
    let Some(world) = World::postgres().await else { return };
    world
        .run(
            "CREATE TABLE contact (email text, account numeric(10,2)); CREATE TABLE account (number bigint, id text);
        INSERT INTO contact VALUES ('a@b.c', 42), ('a@b.c', 1.5); INSERT INTO account VALUES (42, 'u1'), (1, 'u2')",
        )
        .await;
    let either_way = contacts().replace(", direction: from", "");
    let directory = world.directory(&either_way, "shop.account.id");
    assert_eq!(found(&directory, "email", "a@b.c").await, (vec!["u1".to_owned()], 0));
}

#[tokio::test]
async fn tables_of_other_schemas() {
    let Some(world) = World::postgres().await else { return };
    world.run("CREATE SCHEMA sales; CREATE TABLE sales.customer (email text, id text); INSERT INTO sales.customer VALUES ('a@b.c', 'u1')").await;
    let named = shop(
        "      - { name: sales.customer, fields: [{ name: email, fides_meta: { identity: email } }, { name: id }] }",
    );
    assert_eq!(found(&world.directory(&named, "shop.sales.customer.id"), "email", "a@b.c").await.0, ["u1"]);
    let plain = customer("email", "email");
    assert!(ask(&world.directory(&plain, "shop.customer.id"), "email", "a@b.c").await.is_err());
    let namespace =
        plain.replace("    collections:", "    fides_meta: { namespace: { schema: sales } }\n    collections:");
    assert_eq!(found(&world.directory(&namespace, "shop.customer.id"), "email", "a@b.c").await.0, ["u1"]);
    let (lines, messages) = described(&world.directory(&named, "shop.sales.customer.id")).await;
    assert!(messages.contains(r#"CREATE INDEX CONCURRENTLY ON "sales"."customer" ("email")"#), "{lines:?} {messages}");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_broken_off() {
    let Some(world) = World::postgres().await else { return };
    is_broken_off(&world, "pg_sleep(30)::text || 'x'").await;
}

#[tokio::test]
async fn a_user_without_rights_is_told_what_to_grant() {
    let Some(world) = World::postgres().await else { return };
    let World::Postgres(database) = &world else { return };
    let role = database.url.rsplit('/').next().unwrap().replace("test_", "role_");
    world
        .run(&format!("CREATE TABLE customer (email text, id text); CREATE ROLE {role} LOGIN PASSWORD 'hunter2'"))
        .await;
    let at = database.url.split_once('@').unwrap().1;
    let directory = super::at(&format!("postgres://{role}:hunter2@{at}"));
    let error = ask(&directory, "email", "a@b.c").await.unwrap_err().to_string();
    assert!(error.contains("GRANT SELECT"), "{error}");
    world.run(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named_as_the_cause() {
    let Some(world) = World::postgres().await else { return };
    is_no_database(&world).await;
}
