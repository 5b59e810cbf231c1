//! What cannot be masked is refused before anything is written, and what goes wrong on the way is rolled back.

use privacy_store::owned::OwnedOptions;
use segment_core::ports::{DirectoryError, SubjectMasker, SubjectRows};
use serde_json::json;
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

use super::{
    Databases, SHOP, World, counts, email, fill, hmac, mask, on_all, open, order, policy, rows_of, sentence, shop,
};

on_all! {
    what_a_table_cannot_hold_is_refused
    a_column_that_went_missing_is_named
    a_key_is_never_masked
    a_trigger_in_the_middle_rolls_back
    more_rows_than_are_read_are_not_masked_at_all
    a_table_in_use_is_tried_again
    rows_that_are_held_are_waited_for
    a_primary_key_stays
    a_key_of_bytes_is_refused_by_name
    what_the_database_computes_is_refused
    a_check_of_the_table_rolls_back
    a_unique_index_that_may_be_violated_is_told_before
    a_unique_index_that_cut_values_would_violate_keeps_everything
    a_document_that_would_lose_digits_is_not_written
}

const ONE: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: said, data_categories: [user] }
";

async fn refused(world: &World, table: &str, collections: &str) -> String {
    world.run(table).await;
    let error = mask(&rows_of(world, collections), &email("ann@example.com")).await.unwrap_err();
    sentence(&error)
}

async fn what_a_table_cannot_hold_is_refused(world: World) {
    let insert = "INSERT INTO customer VALUES (1, 'ann@example.com', '7')";
    let table = |columns: &str| format!("DROP TABLE IF EXISTS customer; CREATE TABLE customer ({columns}); {insert}");
    let number = table("id INTEGER PRIMARY KEY, email TEXT, said INTEGER NOT NULL");
    let words = refused(&world, &number, ONE).await;
    assert!(
        words.starts_with("shop.customer.said cannot be masked: it is ") && words.contains("null is not allowed"),
        "{words}"
    );
    let no_key = table("id INTEGER, email TEXT, said TEXT");
    let words = refused(&world, &no_key, ONE).await;
    assert!(words.contains("shop.customer cannot be masked: it has no primary key"), "{words}");
    world.run(&table("id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(20) UNIQUE")).await;
    let equal = policy("hmac", &[("user", "string_rewrite", json!({"rewrite_value": "gone"}))]);
    let rows = Databases::with(equal).add(&world, "shop", &shop(ONE)).rows();
    let words = sentence(&mask(&rows, &email("ann@example.com")).await.unwrap_err());
    assert!(words.contains("a unique index would be violated"), "{words}");
    world.run("DROP TABLE customer; CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, said TEXT);
        CREATE VIEW customer AS SELECT id, email, said FROM people; INSERT INTO people VALUES (1, 'ann@example.com', '7')").await;
    let words = sentence(&mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err());
    assert!(words.contains("it is no table; describe the table behind it"), "{words}");
    assert_eq!(world.ask("SELECT said FROM people").await, [Some("7".to_owned())]);
}

async fn a_column_that_went_missing_is_named(world: World) {
    fill(&world).await;
    let rows = rows_of(&world, SHOP);
    drop(open(&rows, &order("shop", &email("ann@example.com"))).await.unwrap());
    world.run("ALTER TABLE orders DROP COLUMN note").await;
    let error = mask(&rows, &email("ann@example.com")).await.unwrap_err();
    assert_eq!(sentence(&error), "shop.orders.note cannot be masked: it is no column of its table");
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some("Ann".to_owned())], "nothing was");
}

async fn a_key_is_never_masked(world: World) {
    let parent = "DROP TABLE IF EXISTS customer; DROP TABLE IF EXISTS team; CREATE TABLE team (name VARCHAR(40) PRIMARY KEY); INSERT INTO team VALUES ('a')";
    world.run(parent).await;
    world
        .run(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(40), FOREIGN KEY (said) REFERENCES team (name));
             INSERT INTO customer VALUES (1, 'ann@example.com', 'a')",
        )
        .await;
    mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT said FROM customer").await, [Some("a".to_owned())], "a foreign key stays");
    let overridden = ONE.replace(
        "{ name: said, data_categories: [user] }",
        "{ name: said, fides_meta: { masking_strategy_override: { strategy: hmac } } }",
    );
    let error = mask(&rows_of(&world, &overridden), &email("ann@example.com")).await.unwrap_err();
    assert!(sentence(&error).contains("it is part of a foreign key, which is never masked"), "{}", sentence(&error));
}

async fn a_primary_key_stays(world: World) {
    let key = world.pick("TEXT", "TEXT", "VARCHAR(80)");
    world
        .run(&format!(
            "CREATE TABLE customer (email {key} PRIMARY KEY, said TEXT); INSERT INTO customer VALUES ('ann@example.com', 'hello')"
        ))
        .await;
    let yaml = "
      - name: customer
        fields:
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: said, data_categories: [user] }
";
    let rows = rows_of(&world, yaml);
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let row = world.ask("SELECT email FROM customer UNION ALL SELECT said FROM customer").await;
    assert_eq!(row, [Some("ann@example.com".to_owned()), Some(hmac("hello"))]);
    let preview = rows.preview(&email("ann@example.com")).await.unwrap();
    let warning = "shop.customer.email holds personal data and is part of the primary key: it stays as it is";
    assert_eq!(preview[0].warnings, [warning]);
}

async fn a_key_of_bytes_is_refused_by_name(world: World) {
    let bytes = world.pick("BLOB", "BYTEA", "BINARY(16)");
    let id = world.pick(
        "x'ff00ff00ff00ff00ff00ff00ff00ff00'",
        "'\\xff00ff00ff00ff00'",
        "x'ff00ff00ff00ff00ff00ff00ff00ff00'",
    );
    world
        .run(&format!(
            "CREATE TABLE customer (id {bytes} PRIMARY KEY, email TEXT, said TEXT); INSERT INTO customer VALUES ({id}, 'ann@example.com', 'x')"
        ))
        .await;
    let words = sentence(&mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err());
    // SQLite's column can hold texts as well: the row is named.
    let expected = world.pick(
        "shop.customer: a row's primary key has no value, or one that is no text",
        "shop.customer cannot be masked: its primary key has id, which is bytea",
        "shop.customer cannot be masked: its primary key has id, which is binary",
    );
    assert!(words.starts_with(expected), "{words}");
    if matches!(world, World::Sqlite(_)) {
        return;
    }
    // What it says to do helps.
    world.run("ALTER TABLE customer ADD COLUMN number INTEGER; UPDATE customer SET number = 7; CREATE UNIQUE INDEX by_number ON customer (number)").await;
    let named = ONE.replace(
        "{ name: id, fides_meta: { primary_key: true } }",
        "{ name: number, fides_meta: { primary_key: true } }",
    );
    mask(&rows_of(&world, &named), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT said FROM customer").await, [Some(hmac("x"))]);
}

async fn what_the_database_computes_is_refused(world: World) {
    world.run("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(400) GENERATED ALWAYS AS (lower(email)) STORED)").await;
    let words = sentence(&mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err());
    assert_eq!(words, "shop.customer.said cannot be masked: the database computes it; mask what it is computed from");
}

async fn a_check_of_the_table_rolls_back(world: World) {
    world.run("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(80) CHECK (said IN ('yes', 'no')));
        INSERT INTO customer VALUES (1, 'ann@example.com', 'yes')").await;
    let words = sentence(&mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err());
    assert!(words.contains("refused it; nothing was written"), "{words}");
    assert_eq!(world.ask("SELECT email FROM customer").await, [Some("ann@example.com".to_owned())]);
}

async fn a_unique_index_that_may_be_violated_is_told_before(world: World) {
    world.run("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(40), tenant INTEGER, UNIQUE (tenant, said));
        INSERT INTO customer VALUES (1, 'ann@example.com', 'a', 7), (2, 'ann@example.com', 'b', 7)").await;
    let equal = policy("hmac", &[("user", "string_rewrite", json!({"rewrite_value": "gone"}))]);
    let rows = Databases::with(equal).add(&world, "shop", &shop(ONE)).rows();
    let warnings = rows.preview(&email("ann@example.com")).await.unwrap().remove(0).warnings;
    assert!(
        warnings[0].starts_with("the unique index over shop.customer.tenant, said may be violated"),
        "{warnings:?}"
    );
    let words = sentence(&mask(&rows, &email("ann@example.com")).await.unwrap_err());
    assert!(words.contains("a unique index would be violated"), "{words}");
}

/// Two masked values that are equal once they are cut.
async fn a_unique_index_that_cut_values_would_violate_keeps_everything(world: World) {
    let values: Vec<_> = (0..40).map(|number| format!("({number}, 'ann@example.com', 'said {number}')")).collect();
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said VARCHAR(100) UNIQUE); INSERT INTO customer VALUES {}",
            values.join(", ")
        ))
        .await;
    let cut = ONE.replace(
        "name: said, data_categories: [user]",
        "name: said, data_categories: [user], fides_meta: { length: 1 }",
    );
    let error = mask(&rows_of(&world, &cut), &email("ann@example.com")).await.unwrap_err();
    assert!(sentence(&error).contains("a unique index would be violated; nothing was written"), "{}", sentence(&error));
    assert_eq!(world.ask("SELECT said FROM customer WHERE id = 39").await, [Some("said 39".to_owned())]);
}

async fn a_trigger_in_the_middle_rolls_back(world: World) {
    fill(&world).await;
    let trigger = world.pick(
        "CREATE TRIGGER stop BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'ann@example.com'); END",
        "CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'ann@example.com'; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER stop BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stop()",
        "CREATE TRIGGER stop BEFORE UPDATE ON orders FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ann@example.com'",
    );
    world.run(trigger).await;
    let error = mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap_err();
    let DirectoryError::Query { collection, source } = &error else { panic!("{error:?}") };
    assert_eq!(collection, "shop.orders");
    assert!(!source.to_string().contains("ann@"), "what the database says may name a person: {source}");
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some("Ann".to_owned())], "rolled back");
    world.run(world.pick("DROP TRIGGER stop", "DROP TRIGGER stop ON orders", "DROP TRIGGER stop")).await;
    mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap();
}

async fn more_rows_than_are_read_are_not_masked_at_all(world: World) {
    fill(&world).await;
    let options = OwnedOptions::default().with_max_rows_of_a_person(1);
    let rows = Databases::new().add_with(&world, "shop", &shop(SHOP), options).rows();
    let error = mask(&rows, &email("ann@example.com")).await.unwrap_err();
    assert!(sentence(&error).contains("more than 1 rows of one person"), "{}", sentence(&error));
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some("Ann".to_owned())]);
}

/// Two maskings of the same rows at once: the second waits or fails, and does nothing twice.
async fn a_table_in_use_is_tried_again(world: World) {
    fill(&world).await;
    let options = || {
        let short = std::time::Duration::from_millis(300);
        OwnedOptions::default().with_connect_timeout(short).with_statement_timeout(short)
    };
    let rows = || Databases::new().add_with(&world, "shop", &shop(SHOP), options()).rows();
    let first = rows();
    let held = open(&first, &order("shop", &email("ann@example.com"))).await.unwrap();
    let second = rows();
    let error = second.begin(&order("shop", &email("ann@example.com"))).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable(_)), "{error:?}");
    held.commit().await.unwrap();
    let report = mask(&second, &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 0), ("shop.orders", 0)], "her address is gone, and with it the way");
    let name = world.ask("SELECT name FROM customer WHERE id = 1").await;
    assert_eq!(name, [Some(hmac("Ann"))], "once");
}

/// Rows that somebody else holds and never lets go are no reason to call a human at once.
async fn rows_that_are_held_are_waited_for(world: World) {
    fill(&world).await;
    let second = std::time::Duration::from_secs(1);
    let options = OwnedOptions::default().with_connect_timeout(second).with_statement_timeout(2 * second);
    let rows = Databases::new().add_with(&world, "shop", &shop(SHOP), options).rows();
    let held = world.hold("UPDATE customer SET plan = 'free' WHERE id = 1").await;
    let error = rows.begin(&order("shop", &email("ann@example.com"))).await.unwrap_err();
    let DirectoryError::Unavailable(why) = &error else { panic!("{error:?}") };
    let expected = world.pick("is locked", "another session holds the rows", "the server is not available");
    assert!(why.to_string().contains(expected), "{why}");
    drop(held);
    mask(&rows, &email("ann@example.com")).await.unwrap();
}

async fn a_document_that_would_lose_digits_is_not_written(world: World) {
    let json = world.pick("TEXT", "JSONB", "LONGTEXT");
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, doc {json}); INSERT INTO customer VALUES \
             (1, 'ann@example.com', '{{\"city\":\"Ulm\",\"account\":123456789012345678901234567890}}')"
        ))
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: doc, fields: [{ name: city, data_categories: [user.contact] }] }
",
    );
    let error = mask(&rows, &email("ann@example.com")).await.unwrap_err();
    assert!(sentence(&error).contains("more digits than could be written back"), "{}", sentence(&error));
}

/// MariaDB: what cannot be rolled back is not begun.
#[tokio::test]
async fn a_table_without_transactions_is_refused() {
    let Some(world) = World::mysql().await else { return };
    for engine in ["MyISAM", "Aria"] {
        world.run(&format!("DROP TABLE IF EXISTS customer; CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, said TEXT) ENGINE = {engine};
            INSERT INTO customer VALUES (1, 'ann@example.com', 'x')")).await;
        let words = sentence(&mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err());
        assert!(
            words.starts_with("shop.customer cannot be masked: its engine has no transactions"),
            "{engine}: {words}"
        );
        assert_eq!(world.ask("SELECT said FROM customer").await, [Some("x".to_owned())]);
    }
}

/// MariaDB waits for whoever changes a row, and masks what it is then.
#[tokio::test]
async fn a_row_that_changes_meanwhile_is_waited_for() {
    let Some(world) = World::mysql().await else { return };
    fill(&world).await;
    let mut other = MySqlConnection::connect(&world.url()).await.unwrap();
    other.execute("START TRANSACTION").await.unwrap();
    other.execute("UPDATE customer SET name = 'Anna' WHERE id = 1").await.unwrap();
    let rows = rows_of(&world, SHOP);
    let masking = tokio::spawn(async move { mask(&rows, &email("ann@example.com")).await });
    let waits = "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
        ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()";
    while world.ask(waits).await == [Some("0".to_owned())] {
        assert!(!masking.is_finished(), "nothing was waited for");
        // The server shows something new only to whoever has not asked for a tenth of a second.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    other.execute("COMMIT").await.unwrap();
    masking.await.unwrap().unwrap();
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some(hmac("Anna"))]);
}

/// PostgreSQL: a row that somebody changes while it is masked is masked as it is then, or not at all.
#[tokio::test]
async fn a_row_that_changes_meanwhile_is_masked_as_it_is_then() {
    let Some(world) = World::postgres().await else { return };
    fill(&world).await;
    let mut other = PgConnection::connect(&world.url()).await.unwrap();
    other.execute("BEGIN; UPDATE customer SET name = 'Anna' WHERE id = 1").await.unwrap();
    let rows = rows_of(&world, SHOP);
    let masking = tokio::spawn(async move { rows.begin(&order("shop", &email("ann@example.com"))).await.map(drop) });
    let waits = "SELECT CAST(count(*) AS TEXT) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%' \
        AND datname = current_database()";
    while world.ask(waits).await != [Some("1".to_owned())] {
        assert!(!masking.is_finished(), "nothing was waited for");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    other.execute("COMMIT").await.unwrap();
    let error = masking.await.unwrap().unwrap_err();
    let DirectoryError::Unavailable(why) = &error else { panic!("{error:?}") };
    assert!(why.to_string().contains("changed by somebody else meanwhile; nothing was written"), "{why}");
    mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some(hmac("Anna"))]);
}

/// Such an index makes no column unique, and so names no row.
#[tokio::test]
async fn an_index_of_expressions_or_of_some_rows_is_no_key() {
    for world in [Some(World::sqlite()), World::postgres().await].into_iter().flatten() {
        for index in ["(id, lower(email))", "(id) WHERE id > 5"] {
            world.run(&format!("DROP TABLE IF EXISTS customer; CREATE TABLE customer (id INTEGER, email TEXT, said TEXT); CREATE UNIQUE INDEX one ON customer {index}")).await;
            let error = mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap_err();
            assert!(
                sentence(&error).contains("it has no primary key, so its rows cannot be named"),
                "{index}: {error}"
            );
        }
        world.run("DROP INDEX one; CREATE UNIQUE INDEX one ON customer (id)").await;
        mask(&rows_of(&world, ONE), &email("ann@example.com")).await.unwrap();
    }
}
