//! Rows on their way into a package.

use async_trait::async_trait;
use segment_core::{
    IdentityKind, PackageReceipt, Records,
    ports::{PackageError, PackageWriter, SubjectRows},
};
use serde_json::json;

use super::{
    Databases, SHOP, TWO_WAYS, World, by, copied, copied_of, email, fill, knowing, on_all, records, rows_of, shop,
};
use privacy_store::owned::OwnedOptions;

on_all! {
    rows_come_along_the_references
    a_row_that_is_found_twice_comes_once
    equal_rows_of_a_table_without_a_key_all_come
    user_ids_lead_to_rows_too
    values_are_what_they_were
    nobody_has_no_rows
    a_view_is_copied_like_a_table
    what_is_not_wanted_only_leads_on
    types_of_their_own_have_a_text
    names_may_be_anything
    references_without_a_direction_do_not_lead_to_others
    circles_end
    a_key_that_cannot_be_of_the_type_hides_no_other
    a_uuid_leads_to_a_text
    what_only_the_database_calls_equal_is_somebody_else
    a_package_that_cannot_be_written_ends_the_reading
}

async fn rows_come_along_the_references(world: World) {
    fill(&world).await;
    let (package, said) = copied(&rows_of(&world, SHOP), &email("ANN@example.com")).await;
    let ann = json!({"id": 1, "email": "ann@example.com", "name": "Ann", "plan": "pro", "segment_id": "u1"});
    assert_eq!(records(&package, "customer"), [ann]);
    assert_eq!(
        records(&package, "orders"),
        [json!({"id": 10, "customer_id": 1, "note": "ring twice"}), json!({"id": 11, "customer_id": 1, "note": null}),]
    );
    assert!(package.holes.is_empty());
    let [said] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(said.collections, [("shop.customer".to_owned(), 1), ("shop.orders".to_owned(), 2)].into());
    assert!(said.holes.is_empty() && !said.passing);
}

async fn a_row_that_is_found_twice_comes_once(world: World) {
    fill(&world).await;
    world
        .run(
            "INSERT INTO customer VALUES (3, 'else@example.com', 'Ann too', 'pro', 'u1'), (4, NULL, 'No', 'pro', NULL)",
        )
        .await;
    let mut subject = email("ann@example.com");
    let user_id = by(IdentityKind::UserId, "u1").identities.iter().next().unwrap().clone();
    let both = subject.identities.iter().cloned().chain([user_id]);
    subject.identities = segment_core::IdentitySet::new(both).unwrap();
    let (package, _) = copied(&rows_of(&world, TWO_WAYS), &subject).await;
    let names: Vec<_> = records(&package, "customer").iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["Ann", "Ann too"]);
}

async fn equal_rows_of_a_table_without_a_key_all_come(world: World) {
    world.run("CREATE TABLE customer (email TEXT, segment_id TEXT, name TEXT);
        INSERT INTO customer VALUES ('ann@example.com', 'u1', 'Ann'), ('ann@example.com', 'u1', 'Ann'), ('b@example.com', 'u1', 'Ann')").await;
    let subject = knowing(email("ann@example.com"), &["u1"]);
    let rows = Databases::new().add(&world, "shop", &shop(TWO_WAYS)).user_ids_in("shop.customer.segment_id").rows();
    assert_eq!(records(&copied(&rows, &subject).await.0, "customer").len(), 3);
}

async fn user_ids_lead_to_rows_too(world: World) {
    fill(&world).await;
    let rows = Databases::new().add(&world, "shop", &shop(SHOP)).user_ids_in("shop.customer.segment_id").rows();
    let (package, _) = copied(&rows, &knowing(by(IdentityKind::PhoneNumber, "+49 30 1"), &["u2", "none"])).await;
    assert_eq!(records(&package, "orders"), [json!({"id": 12, "customer_id": 2, "note": "back door"})]);
}

async fn values_are_what_they_were(world: World) {
    let types = world.pick(
        "big INTEGER, amount NUMERIC, flag BOOLEAN, born DATE, doc JSON, photo BLOB, ratio REAL",
        "big BIGINT, amount NUMERIC(30, 2), flag BOOLEAN, born DATE, doc JSONB, photo BYTEA, ratio FLOAT8",
        "big BIGINT, amount DECIMAL(30, 2), flag VARCHAR(5), born DATE, doc LONGTEXT, photo BLOB, ratio DOUBLE",
    );
    let photo = world.pick("x'6869'", "'\\x6869'", "x'6869'");
    world
        .run(&format!(
            "CREATE TABLE customer (email TEXT, {types}); INSERT INTO customer VALUES \
             ('ann@example.com', 9007199254740993, '12345678901234567890.25', 'true', '1990-05-17', '{{\"a\":[1,null]}}', {photo}, 0.1)"
        ))
        .await;
    let fields: String = ["big", "amount", "flag", "born", "doc", "photo", "ratio"]
        .map(|name| format!("          - {{ name: {name} }}\n"))
        .concat();
    let rows = rows_of(
        &world,
        &format!(
            "
      - name: customer
        fields:
          - {{ name: email, fides_meta: {{ identity: email }} }}
{fields}"
        ),
    );
    let (package, _) = copied(&rows, &email("ann@example.com")).await;
    let row = records(&package, "customer").remove(0);
    assert_eq!(row["big"].to_string(), "9007199254740993");
    // SQLite keeps what is no integer as a float: what it lost is not ours to know.
    if !matches!(world, World::Sqlite(_)) {
        assert_eq!(row["amount"], "12345678901234567890.25");
    }
    assert_eq!(row["flag"], world.pick(json!("true"), json!(true), json!("true")));
    assert_eq!(
        (&row["born"], &row["photo"], row["ratio"].to_string()),
        (&json!("1990-05-17"), &json!("aGk="), "0.1".into())
    );
    // MariaDB has no type of its own for JSON.
    assert_eq!(row["doc"], world.pick(json!({"a": [1, null]}), json!({"a": [1, null]}), json!("{\"a\":[1,null]}")));
}

async fn nobody_has_no_rows(world: World) {
    fill(&world).await;
    let (package, said) = copied(&rows_of(&world, SHOP), &email("nobody@example.com")).await;
    assert!(records(&package, "customer").is_empty() && records(&package, "orders").is_empty());
    assert_eq!(said[0].collections.values().sum::<u64>(), 0);
}

async fn a_view_is_copied_like_a_table(world: World) {
    fill(&world).await;
    world.run("ALTER TABLE customer RENAME TO people; CREATE VIEW customer AS SELECT * FROM people").await;
    let (package, said) = copied(&rows_of(&world, SHOP), &email("ann@example.com")).await;
    assert_eq!((records(&package, "customer").len(), records(&package, "orders").len()), (1, 2));
    assert!(said[0].holes.is_empty());
}

async fn what_is_not_wanted_only_leads_on(world: World) {
    fill(&world).await;
    let other = World::sqlite();
    other.run("CREATE TABLE visit (customer INTEGER, page TEXT); INSERT INTO visit VALUES (1, '/a'), (2, '/b')").await;
    let visits = "
dataset:
  - fides_key: site
    collections:
      - name: visit
        fields:
          - { name: customer, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
          - { name: page }
";
    let rows = Databases::new().add(&world, "shop", &shop(SHOP)).add(&other, "site", visits).rows();
    let (package, said) = copied_of(&rows, &email("ann@example.com"), &["site"]).await;
    let sources: Vec<_> = package.records.keys().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["site"]);
    assert_eq!((said.len(), said[0].collections["site.visit"]), (1, 1));
    world.run("DROP TABLE customer").await;
    let (_, said) = copied_of(&rows, &email("ann@example.com"), &["site"]).await;
    assert!(said[0].holes["site.visit"].contains("what shop.customer leads to could not be followed"), "{said:?}");
}

async fn types_of_their_own_have_a_text(world: World) {
    let types = world.pick(
        "flags TEXT, place TEXT, doc JSON",
        "flags BIT(4), place POINT, doc JSONB",
        "flags BIT(4), place POINT, doc LONGTEXT",
    );
    let values = world.pick("'5', '(1,2)'", "B'0101', '(1,2)'", "b'0101', ST_GeomFromText('POINT(1 2)')");
    let document = "{\"account\":123456789012345678901234567890}";
    world
        .run(&format!(
            "CREATE TABLE customer (email TEXT, {types}); INSERT INTO customer VALUES ('ann@example.com', {values}, '{document}')"
        ))
        .await;
    let collections = "
      - name: customer
        fields: [{ name: email, fides_meta: { identity: email } }, { name: flags }, { name: place }, { name: doc }]
";
    let (package, said) = copied(&rows_of(&world, collections), &email("ann@example.com")).await;
    let row = records(&package, "customer").remove(0);
    assert_eq!(row["flags"], world.pick(json!("5"), json!("0101"), json!(5)));
    assert_eq!(row["place"], world.pick("(1,2)", "(1,2)", "POINT(1 2)"));
    let doc = row["doc"].as_str().unwrap().replace(' ', "");
    assert_eq!(doc, document, "as a text, where numbers would be rounded");
    assert!(said[0].holes.is_empty());
}

async fn names_may_be_anything(world: World) {
    world
        .run(
            "CREATE TABLE \"Order Items\" (\"select\" TEXT, \"group\" TEXT, \"Größe; --\" TEXT);
             INSERT INTO \"Order Items\" VALUES ('ann@example.com', 'a', 'b')",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: Order Items
        fields:
          - { name: select, fides_meta: { identity: email } }
          - { name: group }
          - { name: 'Größe; --' }
",
    );
    let (package, said) = copied(&rows, &email("ann@example.com")).await;
    let row = json!({"select": "ann@example.com", "group": "a", "Größe; --": "b"});
    assert_eq!(records(&package, "Order_20Items"), [row]);
    assert_eq!(said[0].collections, [("shop.Order Items".to_owned(), 1)].into());
}

async fn references_without_a_direction_do_not_lead_to_others(world: World) {
    world
        .run(
            "CREATE TABLE orders (id INTEGER, email TEXT, product INTEGER); CREATE TABLE product (id INTEGER, title TEXT);
             CREATE TABLE review (product INTEGER, body TEXT);
             INSERT INTO orders VALUES (1, 'ann@example.com', 7), (2, 'ben@example.com', 7); INSERT INTO product VALUES (7, 'tea');
             INSERT INTO review VALUES (7, 'of somebody else')",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: orders
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: product, fides_meta: { references: [{ dataset: shop, field: product.id }] } }
      - { name: product, fields: [{ name: id, fides_meta: { primary_key: true } }, { name: title }] }
      - name: review
        fields:
          - { name: product, fides_meta: { references: [{ dataset: shop, field: product.id }] } }
          - { name: body }
",
    );
    let (package, _) = copied(&rows, &email("ann@example.com")).await;
    assert_eq!(records(&package, "orders").len(), 1);
    assert_eq!(records(&package, "product"), [json!({"id": 7, "title": "tea"})]);
    assert_eq!(records(&package, "review"), [json!(null); 0]);
}

async fn circles_end(world: World) {
    world
        .run(
            "CREATE TABLE person (id INTEGER, email TEXT, boss INTEGER, team INTEGER); CREATE TABLE team (id INTEGER, lead INTEGER);
             INSERT INTO person VALUES (1, 'ann@example.com', 1, 5), (2, 'ben@example.com', 1, 5); INSERT INTO team VALUES (5, 2)",
        )
        .await;
    let rows = rows_of(
        &world,
        "
      - name: person
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: boss, fides_meta: { references: [{ dataset: shop, field: person.id, direction: from }] } }
          - { name: team, fides_meta: { references: [{ dataset: shop, field: team.id, direction: to }] } }
      - name: team
        fields:
          - { name: id }
          - { name: lead, fides_meta: { references: [{ dataset: shop, field: person.id, direction: to }] } }
",
    );
    let (package, _) = copied(&rows, &email("ann@example.com")).await;
    assert_eq!(records(&package, "person").len(), 1, "neither reports nor the lead of the team");
    assert_eq!(records(&package, "team").len(), 1);
}

async fn a_key_that_cannot_be_of_the_type_hides_no_other(world: World) {
    world.run("CREATE TABLE customer (number INTEGER, name TEXT); INSERT INTO customer VALUES (7, 'Ann')").await;
    let collections = "
      - { name: customer, fields: [{ name: number }, { name: name }] }
";
    let rows = Databases::new().add(&world, "shop", &shop(collections)).user_ids_in("shop.customer.number").rows();
    let (package, said) = copied(&rows, &knowing(email("ann@example.com"), &["not a number", "7", "7abc"])).await;
    assert_eq!(records(&package, "customer"), [json!({"number": 7, "name": "Ann"})]);
    assert!(said[0].holes.is_empty(), "{said:?}");
}

async fn a_uuid_leads_to_a_text(world: World) {
    let uuid = world.pick("TEXT", "UUID", "UUID");
    world
        .run(&format!(
            "CREATE TABLE customer (id {uuid}, email TEXT); CREATE TABLE orders (customer TEXT);
             INSERT INTO customer VALUES ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'ann@example.com');
             INSERT INTO orders VALUES ('6ba7b810-9dad-11d1-80b4-00c04fd430c8')"
        ))
        .await;
    let rows = rows_of(
        &world,
        "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
      - name: orders
        fields:
          - { name: customer, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
",
    );
    assert_eq!(records(&copied(&rows, &email("ann@example.com")).await.0, "orders").len(), 1);
}

async fn what_only_the_database_calls_equal_is_somebody_else(world: World) {
    let column = world.pick("TEXT COLLATE NOCASE", "TEXT", "VARCHAR(40) COLLATE utf8mb4_general_ci");
    world
        .run(&format!(
            "CREATE TABLE customer (segment_id {column}, name VARCHAR(40));
             INSERT INTO customer VALUES ('u1', 'Ann'), ('U1', 'Una'), ('ü1', 'Ute')"
        ))
        .await;
    let collections = "
      - { name: customer, fields: [{ name: segment_id }, { name: name }] }
";
    let rows = Databases::new().add(&world, "shop", &shop(collections)).user_ids_in("shop.customer.segment_id").rows();
    let (package, said) = copied(&rows, &knowing(email("ann@example.com"), &["u1"])).await;
    assert_eq!(records(&package, "customer"), [json!({"segment_id": "u1", "name": "Ann"})]);
    assert_eq!(said[0].findings.len(), usize::from(!matches!(world, World::Postgres(_))), "whom it found, is told");
}

/// A disk that is full.
#[derive(Debug)]
struct Full;

#[async_trait]
impl PackageWriter for Full {
    async fn append(&self, _: &str, _: &str, records: Records) -> Result<(), PackageError> {
        if records.is_empty() { Ok(()) } else { Err(PackageError::Destination("full".to_owned())) }
    }

    async fn incomplete(&self, _: &str, _: &str, _: &str) -> Result<(), PackageError> {
        Ok(())
    }

    async fn limit(&self, _: &str) -> Result<(), PackageError> {
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<PackageReceipt, PackageError> {
        Err(PackageError::Destination("full".to_owned()))
    }
}

async fn a_package_that_cannot_be_written_ends_the_reading(world: World) {
    fill(&world).await;
    let values: Vec<_> = (100..5_100).map(|id| format!("({id}, 'ann@example.com', 'Ann', 'pro', 'u1')")).collect();
    world.run(&format!("INSERT INTO customer VALUES {}", values.join(", "))).await;
    // It ends by itself, and not because it took too long.
    let options = OwnedOptions::default().with_statement_timeout(std::time::Duration::from_hours(1));
    let rows = Databases::new().add_with(&world, "shop", &shop(SHOP), options).rows();
    let shop = [segment_core::ConnectionKey::new("shop")].into();
    let error = rows.copy(&email("ann@example.com"), &shop, &Full).await.unwrap_err();
    assert!(matches!(error, PackageError::Destination(_)), "{error:?}");
}
