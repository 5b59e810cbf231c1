//! What only MySQL and MariaDB have.

use segment_core::ports::DirectoryError;

use super::{
    World, ask, at, compares, contacts, customer, described, found, is_broken_off, is_no_database, refuses, shop,
};

#[tokio::test]
async fn a_write_through_the_same_pool_fails() {
    let Some(world) = World::mysql().await else { return };
    // A view whose reading writes: the look-up is the attempt.
    world
        .run(
            "CREATE TABLE seen (at TEXT); CREATE TABLE t (email TEXT); INSERT INTO t VALUES ('a@b.c');
        CREATE FUNCTION note() RETURNS VARCHAR(9) MODIFIES SQL DATA BEGIN INSERT INTO seen VALUES ('now'); RETURN 'now'; END;
        CREATE VIEW customer AS SELECT email, note() AS id FROM t",
        )
        .await;
    let error = ask(&at(&world.url()), "email", "a@b.c").await.unwrap_err();
    let DirectoryError::Query { collection, source } = error else { panic!("{error:?}") };
    assert_eq!(
        (collection.as_str(), source.to_string().as_str()),
        ("shop.customer", "the session is read-only (error 1792)")
    );
}

#[tokio::test]
async fn types_are_compared_as_the_column_has_them() {
    let Some(world) = World::mysql().await else { return };
    let cases = [
        ("char(10)", "'ann'", "ann", true, 0),
        ("varchar(3)", "'ann'", "annabel", false, 0),
        ("varchar(10) collate utf8mb4_general_ci", "'ann'", "Ann", false, 1),
        ("varchar(10) character set latin1", "'jörg'", "jörg", true, 0),
        ("text", "'ann'", "ann", true, 0),
        ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", true, 0),
        ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "not one", false, 0),
        ("enum('red', 'green')", "'red'", "red", true, 0),
        ("enum('red', 'green')", "'red'", "blue", false, 0),
        ("enum('red', 'green')", "'red'", "1", false, 0),
        ("bigint", "42", "42", true, 0),
        ("bigint", "42", "042", false, 1),
        ("bigint", "42", "42abc", false, 0),
        ("bigint", "9007199254740993", "9007199254740992", false, 0),
        ("bigint unsigned", "18446744073709551615", "18446744073709551615", true, 0),
        ("decimal(10,2)", "42.00", "42", true, 0),
        ("decimal(5,2)", "42.10", "42.104", false, 0),
        ("decimal(30,0)", "123456789012345678901234567890", "123456789012345678901234567890", true, 0),
        ("int(8) unsigned zerofill", "42", "42", true, 0),
        (
            "decimal(40,0)",
            "1234567890123456789012345678901234567890",
            "1234567890123456789012345678901234567890",
            true,
            0,
        ),
        ("year", "2024", "2024", true, 0),
        ("varchar(10) character set latin1", "'ann'", "日本", false, 0),
        ("smallint", "4", "70000", false, 0),
        ("date", "'2024-01-01'", "2024-01-01", true, 0),
        ("date", "'2024-01-01'", "2024-13-45", false, 0),
        ("varbinary(20)", "'ann'", "ann", true, 0),
        ("varbinary(20)", "x'ff'", "ann", false, 0),
    ];
    compares(&world, &cases).await;
}

#[tokio::test]
async fn types_without_equality_are_refused_by_name() {
    let Some(world) = World::mysql().await else { return };
    refuses(&world, &["bit(8)", "set('a', 'b')", "point", "float", "double", "binary(16)"]).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_dropped_and_counted() {
    let Some(world) = World::mysql().await else { return };
    world.run("CREATE TABLE customer (email text, id varbinary(9)); INSERT INTO customer VALUES ('a@b.c', x'ff00'), ('a@b.c', 'u1')").await;
    assert_eq!(found(&at(&world.url()), "email", "a@b.c").await, (vec!["u1".to_owned()], 1));
}

#[tokio::test]
async fn what_a_character_set_lacks_does_not_hide_its_siblings() {
    let Some(world) = World::mysql().await else { return };
    world
        .run(
            "CREATE TABLE contact (email TEXT, account TEXT); CREATE TABLE account (number varchar(9) CHARACTER SET latin1, id TEXT);
        INSERT INTO contact VALUES ('a@b.c', '日本'), ('a@b.c', 'x'), ('a@b.c', '😀'); INSERT INTO account VALUES ('x', 'u1')",
        )
        .await;
    assert_eq!(
        found(&world.directory(&contacts(), "shop.account.id"), "email", "a@b.c").await,
        (vec!["u1".to_owned()], 0)
    );
}

#[tokio::test]
async fn numbers_of_every_size_are_asked_for_together() {
    let Some(world) = World::mysql().await else { return };
    let long = "9".repeat(40);
    world
        .run(&format!(
            "CREATE TABLE contact (email TEXT, account TEXT); CREATE TABLE account (number decimal(65,2), id TEXT);
        INSERT INTO contact VALUES ('a@b.c', '{long}'), ('a@b.c', '7'), ('a@b.c', '1.5'), ('a@b.c', '0.{}');
        INSERT INTO account VALUES ({long}, 'long'), (7, 'seven'), (1.5, 'half'), (8, 'eight')",
            "1".repeat(30)
        ))
        .await;
    let directory = world.directory(&contacts(), "shop.account.id");
    assert_eq!(found(&directory, "email", "a@b.c").await.0, ["half", "long", "seven"]);
}

#[tokio::test]
async fn case_insensitive_text_is_compared_again() {
    let Some(world) = World::mysql().await else { return };
    world
        .run(
            "CREATE TABLE customer (email varchar(99), id varchar(99)) COLLATE utf8mb4_general_ci;
        INSERT INTO customer VALUES ('Ann@Example.com', 'u1'), ('ann@example.com', 'U1'), ('änn@example.com', 'u2')",
        )
        .await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    assert_eq!(found(&directory, "email", "ANN@example.com").await, (vec!["U1".to_owned(), "u1".to_owned()], 1));
    let directory = world.directory(&customer("email", "user_id"), "shop.customer.id");
    assert_eq!(found(&directory, "user_id", "Ann@Example.com").await, (vec!["u1".to_owned()], 2));
}

#[tokio::test]
async fn a_unique_index_serves_an_empty_table_too() {
    let Some(world) = World::mysql().await else { return };
    world.run("CREATE TABLE customer (email varchar(99) UNIQUE, id bigint PRIMARY KEY)").await;
    let (lines, messages) = described(&at(&world.url())).await;
    assert_eq!(messages, "", "{lines:?}");
    // A text column wants a length: the statement says so, and works.
    world.run("DROP TABLE customer; CREATE TABLE customer (email text, id bigint)").await;
    let (_, messages) = described(&at(&world.url())).await;
    let statement = "CREATE INDEX `customer_email` ON `customer` (`email`(191))";
    assert!(messages.contains(statement), "{messages}");
    world.run(statement).await;
    assert_eq!(described(&at(&world.url())).await.1, "");
}

#[tokio::test]
async fn an_index_that_only_begins_with_another_column_does_not_serve() {
    let Some(world) = World::mysql().await else { return };
    world.run("CREATE TABLE customer (email varchar(99), id bigint, INDEX (id, email))").await;
    assert!(described(&at(&world.url())).await.1.contains("no index serves"));
}

#[tokio::test]
async fn tables_of_other_databases() {
    let (Some(world), Some(other)) = (World::mysql().await, World::mysql().await) else { return };
    other.run("CREATE TABLE customer (email TEXT, id TEXT); INSERT INTO customer VALUES ('a@b.c', 'u1')").await;
    let url = other.url();
    let name = url.rsplit('/').next().unwrap();
    let named = shop(&format!(
        "      - {{ name: {name}.customer, fields: [{{ name: email, fides_meta: {{ identity: email }} }}, {{ name: id }}] }}"
    ));
    let directory = world.directory(&named, &format!("shop.{name}.customer.id"));
    assert_eq!(found(&directory, "email", "a@b.c").await.0, ["u1"]);
    assert!(ask(&at(&world.url()), "email", "a@b.c").await.is_err());
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_broken_off() {
    let Some(world) = World::mysql().await else { return };
    is_broken_off(&world, "CONCAT(SLEEP(30), 'x')").await;
}

#[tokio::test]
async fn what_the_server_has_as_its_defaults_does_not_matter() {
    let Some(world) = World::mysql().await else { return };
    let url = world.url();
    let name = url.rsplit('/').next().unwrap();
    let (user, host) = (name.replace("test_", "user_"), url.split_once('@').unwrap().1);
    world.run("CREATE TABLE customer (email char(20), id char(9)); INSERT INTO customer VALUES ('a@b.c', 'u1')").await;
    world.run(&format!("CREATE USER {user}; GRANT SELECT ON {name}.* TO {user}")).await;
    // It is not for those who may do everything, such as all other tests.
    world.run("SET GLOBAL init_connect = 'SET autocommit = 0, sql_mode = \"PAD_CHAR_TO_FULL_LENGTH\"'").await;
    let directory = at(&format!("mysql://{user}@{host}"));
    assert_eq!(found(&directory, "email", "a@b.c").await, (vec!["u1".to_owned()], 0));
    // Neither is an old moment looked at, nor is the table locked.
    world.run("INSERT INTO customer VALUES ('a@b.c', 'u2')").await;
    assert_eq!(found(&directory, "email", "a@b.c").await.0, ["u1", "u2"]);
    world.run("SET SESSION lock_wait_timeout = 5; ALTER TABLE customer ADD COLUMN name TEXT").await;
    world.run(&format!("SET GLOBAL init_connect = ''; DROP USER {user}")).await;
}

#[tokio::test]
async fn what_the_server_refuses_is_told_with_what_to_do() {
    let Some(world) = World::mysql().await else { return };
    let url = world.url();
    let name = url.rsplit('/').next().unwrap();
    let (user, host) = (name.replace("test_", "user_"), url.split_once('@').unwrap().1);
    world.run("CREATE TABLE customer (email TEXT, id TEXT); CREATE TABLE other (id TEXT)").await;
    world.run(&format!("CREATE USER {user} IDENTIFIED BY 'hunter2'; GRANT SELECT ON {name}.other TO {user}")).await;

    let messages = described(&at(&format!("mysql://{user}:hunter3@{host}"))).await.1;
    assert!(messages.contains("the user or the password was refused"), "{messages}");
    let error = ask(&at(&format!("mysql://{user}:hunter2@{host}")), "email", "a@b.c").await.unwrap_err().to_string();
    assert!(error.contains("GRANT SELECT"), "{error}");
    world.run(&format!("GRANT SELECT (email) ON {name}.customer TO {user}")).await;
    let error = ask(&at(&format!("mysql://{user}:hunter2@{host}")), "email", "a@b.c").await.unwrap_err().to_string();
    assert!(error.contains("the field shop.customer.id is no column of its table"), "{error}");
    world.run(&format!("DROP USER {user}")).await;
    is_no_database(&world).await;
}
