//! Masking, on real tables.

use segment_core::FindingCode;
use serde_json::{Value, json};

use super::{
    DOCUMENTS, Databases, SHOP, World, copied, counts, email, fill, hmac, knowing, mask, on_all, policy, rows_of, shop,
};

on_all! {
    personal_fields_are_masked_and_nothing_else
    categories_choose_the_strategy
    what_is_not_there_stays_away
    lengths_and_unique_indexes_are_respected
    numbers_and_dates_become_null
    values_with_a_form_of_their_own_become_null
    fields_nested_in_json_are_masked_one_by_one
    keys_of_several_columns_name_rows
    the_dataset_may_name_the_key
    names_may_be_anything
    many_rows_are_masked_in_batches
    many_rows_named_by_several_columns_are_masked_in_batches
    what_is_no_document_stays_or_becomes_null
    rows_that_only_the_database_calls_equal_are_told
    nobody_is_masked_for_nobody
}

async fn personal_fields_are_masked_and_nothing_else(world: World) {
    fill(&world).await;
    let report = mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 1), ("shop.orders", 1)], "a row without a note has nothing to mask");
    let customers = world.ask("SELECT email FROM customer ORDER BY id").await;
    assert_eq!(customers, [Some(hmac("ann@example.com")), Some("ben@example.com".to_owned())]);
    assert_eq!(world.ask("SELECT name FROM customer ORDER BY id").await, [Some(hmac("Ann")), Some("Ben".to_owned())]);
    let rest = world.ask("SELECT plan FROM customer UNION ALL SELECT segment_id FROM customer WHERE id = 1").await;
    assert_eq!(rest, ["pro", "pro", "u1"].map(|text| Some(text.to_owned())));
    let notes = world.ask("SELECT note FROM orders ORDER BY id").await;
    assert_eq!(notes, [Some(hmac("ring twice")), None, Some("back door".to_owned())]);
}

async fn categories_choose_the_strategy(world: World) {
    fill(&world).await;
    let policy = policy(
        "null_rewrite",
        &[
            ("user.contact", "string_rewrite", json!({"rewrite_value": "gone"})),
            ("user.contact.email", "hash", json!({"format_preservation": {"suffix": "@masked.example"}})),
            ("user.name", "preserve", Value::Null),
        ],
    );
    let rows = Databases::with(policy).add(&world, "shop", &shop(SHOP)).rows();
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let email = world.ask("SELECT email FROM customer WHERE id = 1").await.remove(0).unwrap();
    assert!(email.ends_with("@masked.example") && email.len() == 64 + 15, "{email}");
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some("Ann".to_owned())]);
    assert_eq!(world.ask("SELECT note FROM orders WHERE customer_id = 1").await, [None, None]);
}

async fn what_is_not_there_stays_away(world: World) {
    fill(&world).await;
    world.run("UPDATE customer SET name = '' WHERE id = 1").await;
    mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some(String::new())]);
    assert_eq!(world.ask("SELECT note FROM orders WHERE id = 11").await, [None]);
}

async fn lengths_and_unique_indexes_are_respected(world: World) {
    world
        .run(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(30) UNIQUE, code CHAR(10), said VARCHAR(100));
             INSERT INTO customer VALUES (1, 'ann@example.com', 'abc', 'hello'), (2, 'ANN@example.com', 'def', 'hello')",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: code, data_categories: [user] }
          - { name: said, data_categories: [user], fides_meta: { length: 7 } }
",
    );
    let report = mask(&rows, &email("ANN@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 2)]);
    let emails = world.ask("SELECT email FROM customer ORDER BY id").await;
    assert_eq!(
        emails,
        [Some(hmac("ann@example.com")[..30].to_owned()), Some(hmac("ANN@example.com")[..30].to_owned())]
    );
    let codes = world.ask("SELECT code FROM customer ORDER BY id").await;
    assert_eq!(codes[0].as_deref(), Some(&hmac("abc")[..10]));
    assert_eq!(world.ask("SELECT said FROM customer WHERE id = 1").await, [Some(hmac("hello")[..7].to_owned())]);
}

async fn numbers_and_dates_become_null(world: World) {
    world
        .run(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, born DATE, age INTEGER, score NUMERIC(5, 2));
             INSERT INTO customer VALUES (1, 'ann@example.com', '1990-05-17', 36, 1.5)",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        data_categories: [user]
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: born }
          - { name: age }
          - { name: score, fides_meta: { masking_strategy_override: { strategy: preserve } } }
",
    );
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let null = "SELECT CASE WHEN born IS NULL AND age IS NULL AND score IS NOT NULL THEN 'as it should' ELSE 'no' END FROM customer";
    assert_eq!(world.ask(null).await, [Some("as it should".to_owned())]);
}

async fn values_with_a_form_of_their_own_become_null(world: World) {
    let types = world.pick(
        "flag BOOLEAN, seen TIMESTAMP, code UUID, photo BLOB, doc JSON",
        "flag BOOLEAN, seen TIMESTAMPTZ, code UUID, photo BYTEA, doc JSONB, mood mood, tags TEXT[], ip INET, span INT4RANGE",
        "flag BOOLEAN, seen DATETIME, code UUID, photo BLOB, doc JSON, mood ENUM('glad', 'sad'), tags SET('a', 'b'), place POINT",
    );
    let values = world.pick(
        "TRUE, '2026-01-01 10:00:00', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', x'ff', '{\"a\":1}'",
        "TRUE, '2026-01-01 10:00:00', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '\\xff', '{\"a\":1}', 'glad', '{a,b}', '192.0.2.1', '[1,5)'",
        "TRUE, '2026-01-01 10:00:00', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', x'ff', '{\"a\":1}', 'glad', 'a,b', ST_GeomFromText('POINT(1 2)')",
    );
    let prepare = world.pick("", "CREATE TYPE mood AS ENUM ('glad', 'sad');", "");
    world
        .run(&format!(
            "{prepare} CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, {types});
             INSERT INTO customer VALUES (1, 'ann@example.com', {values}), (2, 'ben@example.com', {values})"
        ))
        .await;
    let names: Vec<_> =
        types.split(", ").filter(|part| !part.starts_with('\'')).map(|part| part.split(' ').next().unwrap()).collect();
    let fields: Vec<_> = names.iter().map(|name| format!("{{ name: {name}, data_categories: [user] }}")).collect();
    let collection = format!(
        "      - {{ name: customer, fields: [{{ name: id }}, {{ name: email, fides_meta: {{ identity: email }} }}, {}] }}",
        fields.join(", ")
    );
    mask(&rows_of(&world, &collection), &email("ann@example.com")).await.unwrap();
    for name in names {
        let null = format!("SELECT CASE WHEN {name} IS NULL THEN 'null' ELSE 'a value' END FROM customer ORDER BY id");
        assert_eq!(world.ask(&null).await, ["null", "a value"].map(|text| Some(text.to_owned())), "{name}");
    }
}

async fn fields_nested_in_json_are_masked_one_by_one(world: World) {
    let json = world.pick("TEXT", "JSONB", "LONGTEXT");
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, doc {json}); INSERT INTO customer VALUES (1, 'ann@example.com', \
             '{{\"phones\":[{{\"number\":\"1\",\"kind\":\"home\"}},{{\"number\":\"2\"}}],\"age\":36,\"city\":\"Ulm\"}}')"
        ))
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - name: doc
            fields:
              - { name: city }
              - { name: age, data_categories: [user.demographic] }
              - { name: phones, fields: [{ name: number, data_categories: [user.contact] }, { name: kind }] }
",
    );
    let report = mask(&rows, &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 1)]);
    let doc = world.ask("SELECT CAST(doc AS CHAR(500)) FROM customer").await.remove(0).unwrap();
    let doc: Value = serde_json::from_str(doc.trim_end()).unwrap();
    let phones = json!([{"number": hmac("1"), "kind": "home"}, {"number": hmac("2")}]);
    assert_eq!(doc, json!({"phones": phones, "age": null, "city": "Ulm"}));
}

/// A key of a text and a number, in another order than the columns.
const COMPOSITE: &str = "
      - name: customer
        fields:
          - { name: email, data_categories: [user], fides_meta: { identity: email } }
          - { name: tenant }
          - { name: number }
          - { name: said, data_categories: [user] }
";

async fn keys_of_several_columns_name_rows(world: World) {
    world
        .run(
            "CREATE TABLE customer (email TEXT, tenant TEXT, number INTEGER, said TEXT, PRIMARY KEY (number, tenant));
             INSERT INTO customer VALUES ('ann@example.com', 'a', 1, 'x'), ('ann@example.com', 'b', 1, 'y'),
                ('ben@example.com', 'a', 2, 'z'), ('ben@example.com', 'b', 2, 'z')"
                .replace(
                    "email TEXT, tenant TEXT",
                    world.pick("email TEXT, tenant TEXT", "email TEXT, tenant TEXT", "email TEXT, tenant VARCHAR(40)"),
                )
                .as_str(),
        )
        .await;
    let report = mask(&rows_of(&world, COMPOSITE), &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 2)]);
    let said = world.ask("SELECT said FROM customer ORDER BY number, tenant").await;
    assert_eq!(said, [Some(hmac("x")), Some(hmac("y")), Some("z".to_owned()), Some("z".to_owned())]);
}

async fn the_dataset_may_name_the_key(world: World) {
    world
        .run(
            "CREATE TABLE customer (number INTEGER NOT NULL UNIQUE, email TEXT);
             INSERT INTO customer VALUES (1, 'ann@example.com'), (2, 'ben@example.com')",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        fields:
          - { name: number, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user], fides_meta: { identity: email } }
",
    );
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let emails = world.ask("SELECT email FROM customer ORDER BY number").await;
    assert_eq!(emails, [Some(hmac("ann@example.com")), Some("ben@example.com".to_owned())]);
}

async fn names_may_be_anything(world: World) {
    world
        .run(
            "CREATE TABLE \"Order Items\" (\"primary\" INTEGER PRIMARY KEY, \"select\" TEXT, \"Größe; --\" TEXT);
             INSERT INTO \"Order Items\" VALUES (1, 'ann@example.com', 'b'), (2, 'ben@example.com', 'c')",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: Order Items
        fields:
          - { name: primary, fides_meta: { primary_key: true } }
          - { name: select, fides_meta: { identity: email } }
          - { name: 'Größe; --', data_categories: [user] }
",
    );
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let sql = world.pick(
        "SELECT \"Größe; --\" FROM \"Order Items\"",
        "SELECT \"Größe; --\" FROM \"Order Items\" ORDER BY 1 DESC",
        "SELECT `Größe; --` FROM `Order Items` ORDER BY `primary`",
    );
    let mut texts = world.ask(sql).await;
    texts.sort();
    let mut expected = [Some(hmac("b")), Some("c".to_owned())];
    expected.sort();
    assert_eq!(texts, expected);
}

/// More than two batches, of which the last is not full.
async fn many_rows_are_masked_in_batches(world: World) {
    fill(&world).await;
    let values: Vec<_> = (100..11_200).map(|id| format!("({id}, 1, 'note {id}')")).collect();
    world.run(&format!("INSERT INTO orders VALUES {}", values.join(", "))).await;
    let report = mask(&rows_of(&world, SHOP), &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 1), ("shop.orders", 11_101)]);
    assert_eq!(world.ask("SELECT note FROM orders WHERE note LIKE 'note %'").await, []);
    for id in [100, 5_200, 11_199] {
        let note = world.ask(&format!("SELECT note FROM orders WHERE id = {id}")).await;
        assert_eq!(note, [Some(hmac(&format!("note {id}")))]);
    }
    assert_eq!(report.marks.len(), 10);
}

async fn many_rows_named_by_several_columns_are_masked_in_batches(world: World) {
    let tenant = world.pick("TEXT", "TEXT", "VARCHAR(40)");
    world
        .run(&format!(
            "CREATE TABLE customer (email TEXT, tenant {tenant}, number INTEGER, said TEXT, PRIMARY KEY (number, tenant))"
        ))
        .await;
    let values: Vec<_> =
        (0..600).map(|number| format!("('ann@example.com', 'a', {number}, 'said {number}')")).collect();
    world.run(&format!("INSERT INTO customer VALUES {}", values.join(", "))).await;
    let report = mask(&rows_of(&world, COMPOSITE), &email("ann@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 600)]);
    let said = world.ask("SELECT said FROM customer ORDER BY number").await;
    let expected: Vec<_> = (0..600).map(|number| Some(hmac(&format!("said {number}")))).collect();
    assert_eq!(said, expected);
}

async fn what_is_no_document_stays_or_becomes_null(world: World) {
    let documents = ["''", "' '", "'ann'", "NULL"];
    let values: Vec<_> =
        documents.iter().enumerate().map(|(id, doc)| format!("({id}, 'ann@example.com', {doc})")).collect();
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, doc TEXT); INSERT INTO customer VALUES {}",
            values.join(", ")
        ))
        .await;
    mask(&rows_of(&world, DOCUMENTS), &email("ann@example.com")).await.unwrap();
    let documents = world.ask("SELECT doc FROM customer ORDER BY id").await;
    assert_eq!(documents, [Some(String::new()), Some(" ".to_owned()), None, None]);
}

async fn rows_that_only_the_database_calls_equal_are_told(world: World) {
    let column = world.pick("TEXT COLLATE NOCASE", "CITEXT", "VARCHAR(40) COLLATE utf8mb4_general_ci");
    let extension = world.pick("", "CREATE EXTENSION IF NOT EXISTS citext;", "");
    world
        .run(&format!(
            "{extension} CREATE TABLE customer (id INTEGER PRIMARY KEY, segment_id {column}, name TEXT);
             INSERT INTO customer VALUES (1, 'u1', 'Ann'), (2, 'U1', 'Una')"
        ))
        .await;
    let collections = "
      - name: customer
        fields: [{ name: id }, { name: segment_id }, { name: name, data_categories: [user.name] }]
";
    let rows = Databases::new().add(&world, "shop", &shop(collections)).user_ids_in("shop.customer.segment_id").rows();
    let subject = knowing(email("ann@example.com"), &["u1"]);
    let report = mask(&rows, &subject).await.unwrap();
    let sentence = "the database found 1 rows of shop.customer equal whose key differs; they were left out";
    let told: Vec<_> = report.findings.iter().map(|finding| (finding.code, finding.message.as_str())).collect();
    assert_eq!(told, [(FindingCode::LookupMismatch, sentence)]);
    let names = world.ask("SELECT name FROM customer ORDER BY id").await;
    assert_eq!(names, [Some(hmac("Ann")), Some("Una".to_owned())]);
    let (_, said) = copied(&rows, &subject).await;
    assert_eq!(said[0].findings, report.findings, "of a copy, too");
}

async fn nobody_is_masked_for_nobody(world: World) {
    fill(&world).await;
    let report = mask(&rows_of(&world, SHOP), &email("nobody@example.com")).await.unwrap();
    assert_eq!(counts(&report), [("shop.customer", 0), ("shop.orders", 0)]);
    assert!(report.marks.is_empty());
    assert_eq!(
        world.ask("SELECT name FROM customer ORDER BY id").await,
        [Some("Ann".to_owned()), Some("Ben".to_owned())]
    );
}

/// SQLite: a column without a type holds numbers and texts as they were put in.
#[tokio::test]
async fn keys_without_a_type_name_rows() {
    for key in ["PRIMARY KEY (number)", "PRIMARY KEY (number, tenant)"] {
        let world = World::sqlite();
        world
            .run(&format!(
                "CREATE TABLE customer (email TEXT, tenant, number, said TEXT, {key});
                 INSERT INTO customer VALUES ('ann@example.com', 1, 7, 'x'), ('ann@example.com', 'b', '9', 'y'), ('ann@example.com', 'c', 8, 'z')"
            ))
            .await;
        let report = mask(&rows_of(&world, COMPOSITE), &email("ann@example.com")).await.unwrap();
        assert_eq!(counts(&report), [("shop.customer", 3)]);
        let said = world.ask("SELECT said FROM customer ORDER BY tenant").await;
        assert_eq!(said, ["x", "y", "z"].map(|said| Some(hmac(said))));
    }
}
