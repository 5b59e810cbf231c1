//! References from one database into another.

use segment_core::{
    ConnectionKey, FindingCode, Identity, IdentityKind, MaskOrder,
    ports::{SubjectDirectory, SubjectMasker},
};
use serde_json::json;

use super::{Databases, World, copied_of, email, hmac, on_all, open, order};
use privacy_store::owned::{OwnedDatabases, OwnedDirectory, OwnedOptions, OwnedRows};

on_all! {
    rows_come_from_both_databases
    user_ids_are_found_through_another_database
    the_second_database_is_masked_after_the_first
    what_hangs_on_a_row_shared_in_another_database_is_left
    what_hangs_on_a_row_of_the_person_alone_in_another_database_is_masked
}

const CRM: &str = "
dataset:
  - fides_key: crm
    collections:
      - name: contact
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: number, fides_meta: { references: [{ dataset: shop, field: account.number, direction: to }] } }
";

const SHOP: &str = "
dataset:
  - fides_key: shop
    collections:
      - name: account
        fields:
          - { name: number, fides_meta: { primary_key: true } }
          - { name: user_id }
          - { name: nick, data_categories: [user.name] }
";

/// The one in the world, the other always SQLite.
async fn two(world: &World) -> World {
    world
        .run(
            "CREATE TABLE contact (id INTEGER PRIMARY KEY, email TEXT, number NUMERIC(10, 2));
             INSERT INTO contact VALUES (1, 'ann@example.com', 42.00), (2, 'ben@example.com', 43.00)",
        )
        .await;
    let other = World::sqlite();
    other
        .run(
            "CREATE TABLE account (number INTEGER PRIMARY KEY, user_id TEXT, nick TEXT);
             INSERT INTO account VALUES (42, 'u42', 'annie'), (43, 'u43', 'benny')",
        )
        .await;
    other
}

fn both(world: &World, other: &World) -> OwnedRows {
    Databases::new().add(world, "crm", CRM).add(other, "shop", SHOP).rows()
}

async fn rows_come_from_both_databases(world: World) {
    let other = two(&world).await;
    let (package, said) = copied_of(&both(&world, &other), &email("ann@example.com"), &["crm", "shop"]).await;
    let nicks = super::records(&package, "account");
    assert_eq!(nicks, [json!({"number": 42, "user_id": "u42", "nick": "annie"})]);
    let collections: Vec<_> = said.iter().flat_map(|one| one.collections.clone()).collect();
    assert_eq!(collections, [("crm.contact".to_owned(), 1), ("shop.account".to_owned(), 1)]);
}

async fn user_ids_are_found_through_another_database(world: World) {
    let other = two(&world).await;
    let mut databases = OwnedDatabases::new(super::MaskingPolicy::default());
    for (key, of, yaml) in [("crm", &world, CRM), ("shop", &other, SHOP)] {
        let datasets = super::Dataset::parse_all(yaml).unwrap();
        databases.connect(&of.url().into(), key, datasets, false, OwnedOptions::default()).unwrap();
    }
    let directory = OwnedDirectory::new(databases.into(), "shop.account.user_id".parse().unwrap());
    let identity = Identity::new(IdentityKind::Email, "ben@example.com").unwrap();
    let answer = directory.user_ids(&identity, 10).await.unwrap();
    assert_eq!(answer.user_ids, [segment_core::Pii::from("u43")]);
    let checks = directory.describe().await;
    assert!(checks.iter().any(|check| check.name == "dataset crm: connection" && check.result.is_ok()), "{checks:?}");
}

async fn the_second_database_is_masked_after_the_first(world: World) {
    let other = two(&world).await;
    let (rows, subject) = (both(&world, &other), email("ann@example.com"));
    let mut traces = rows.trace(&subject).await.unwrap();
    let entered: Vec<_> = traces[&ConnectionKey::new("shop")].entered_by.keys().collect();
    assert_eq!(entered, ["shop.account.number"]);
    for dataset in ["crm", "shop"] {
        let trace = traces.remove(&ConnectionKey::new(dataset)).unwrap();
        let order = MaskOrder { trace, ..order(dataset, &subject) };
        open(&rows, &order).await.unwrap().commit().await.unwrap();
    }
    let address = world.ask("SELECT email FROM contact WHERE id = 1").await;
    assert_eq!(address, [Some(hmac("ann@example.com"))]);
    let nicks = other.ask("SELECT nick FROM account ORDER BY number").await;
    assert_eq!(nicks, [Some(hmac("annie")), Some("benny".to_owned())], "although nothing leads there any more");
}

/// Customers, who have an address in another database, on which doorbells here hang.
const CUSTOMERS: &str = "
dataset:
  - fides_key: crm
    collections:
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: address, fides_meta: { references: [{ dataset: places, field: address.id, direction: to }] } }
      - name: doorbell
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: address, fides_meta: { references: [{ dataset: places, field: address.id, direction: from }] } }
          - { name: label, data_categories: [user] }
";

const PLACES: &str = "
dataset:
  - fides_key: places
    collections:
      - name: address
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: street, data_categories: [user.contact.address] }
";

/// Ann's address in the other database, where somebody else may live, too; the labels of the doorbells after her rows are masked.
async fn doorbells(world: &World, of_ben: u32) -> (Vec<Option<String>>, Vec<FindingCode>) {
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, address INTEGER);
             CREATE TABLE doorbell (id INTEGER PRIMARY KEY, address INTEGER, label TEXT);
             INSERT INTO customer VALUES (1, 'ann@example.com', 7), (2, 'ben@example.com', {of_ben});
             INSERT INTO doorbell VALUES (1, 7, 'Ann'), (2, 8, 'Ben')"
        ))
        .await;
    let other = World::sqlite();
    other.run("CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT); INSERT INTO address VALUES (7, 'Long Lane'), (8, 'x')").await;
    let rows = Databases::new().add(world, "crm", CUSTOMERS).add(&other, "places", PLACES).rows();
    let subject = email("ann@example.com");
    let mut traces = rows.trace(&subject).await.unwrap();
    let mut codes = Vec::new();
    for dataset in ["crm", "places"] {
        let trace = traces.remove(&ConnectionKey::new(dataset)).unwrap();
        let masking = open(&rows, &MaskOrder { trace, ..order(dataset, &subject) }).await.unwrap();
        codes.extend(masking.report().findings.iter().map(|finding| finding.code));
        masking.commit().await.unwrap();
    }
    let street = other.ask("SELECT street FROM address WHERE id = 7").await;
    assert_eq!(street == [Some(hmac("Long Lane"))], of_ben != 7, "{street:?}");
    (world.ask("SELECT label FROM doorbell ORDER BY id").await, codes)
}

async fn what_hangs_on_a_row_shared_in_another_database_is_left(world: World) {
    let (labels, codes) = doorbells(&world, 7).await;
    assert_eq!(labels, ["Ann", "Ben"].map(|label| Some(label.to_owned())));
    assert_eq!(codes, [FindingCode::SharedRow; 2]);
}

async fn what_hangs_on_a_row_of_the_person_alone_in_another_database_is_masked(world: World) {
    let (labels, codes) = doorbells(&world, 8).await;
    assert_eq!((labels, codes), (vec![Some(hmac("Ann")), Some("Ben".to_owned())], vec![]));
}
