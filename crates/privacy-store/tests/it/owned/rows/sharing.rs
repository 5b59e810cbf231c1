//! Rows that others refer to.

use segment_core::FindingCode;

use super::{World, counts, email, mask, on_all, rows_of};

on_all! {
    a_row_that_others_refer_to_is_left
    what_hangs_on_a_shared_row_is_left_too
    a_row_that_only_the_person_refers_to_is_masked
    others_count_wherever_they_are
    what_hangs_on_a_shared_row_is_left_where_that_row_has_nothing_to_mask
    one_shared_row_among_many_is_found
}

const ADDRESSES: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: address, fides_meta: { references: [{ dataset: shop, field: address.id, direction: to }] } }
      - name: address
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: street, data_categories: [user.contact.address] }
      - name: doorbell
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: address, fides_meta: { references: [{ dataset: shop, field: address.id, direction: from }] } }
          - { name: label, data_categories: [user] }
      - name: shop
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: address, fides_meta: { references: [{ dataset: shop, field: address.id, direction: to }] } }
";

async fn fill(world: &World, customers: &str, shops: &str) {
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, address INTEGER);
             CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT);
             CREATE TABLE doorbell (id INTEGER PRIMARY KEY, address INTEGER, label TEXT);
             CREATE TABLE shop (id INTEGER PRIMARY KEY, address INTEGER);
             INSERT INTO customer VALUES {customers};
             INSERT INTO address VALUES (7, 'Long Lane'), (8, 'Short Street');
             INSERT INTO doorbell VALUES (1, 7, 'Ann'); {shops}"
        ))
        .await;
}

async fn streets(world: &World) -> Vec<bool> {
    let streets = world.ask("SELECT street FROM address ORDER BY id").await;
    streets.iter().map(|street| street.as_deref().is_some_and(|street| street.len() == 64)).collect()
}

async fn a_row_that_others_refer_to_is_left(world: World) {
    fill(&world, "(1, 'ann@example.com', 7), (2, 'ben@example.com', 7)", "").await;
    let report = mask(&rows_of(&world, ADDRESSES), &email("ann@example.com")).await.unwrap();
    assert_eq!(streets(&world).await, [false, false]);
    let finding = report.findings.iter().find(|finding| finding.code == FindingCode::SharedRow).unwrap();
    assert_eq!(report.findings.len(), 2, "the address, and its doorbell");
    assert!(finding.message.starts_with("1 rows of shop.address were left"), "{}", finding.message);
}

async fn what_hangs_on_a_shared_row_is_left_too(world: World) {
    fill(&world, "(1, 'ann@example.com', 7), (2, 'ben@example.com', 7)", "").await;
    mask(&rows_of(&world, ADDRESSES), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT label FROM doorbell").await, [Some("Ann".to_owned())]);
}

async fn a_row_that_only_the_person_refers_to_is_masked(world: World) {
    fill(&world, "(1, 'ann@example.com', 7), (2, 'ann@example.com', 7), (3, 'ben@example.com', 8)", "").await;
    let report = mask(&rows_of(&world, ADDRESSES), &email("ann@example.com")).await.unwrap();
    assert_eq!(streets(&world).await, [true, false]);
    assert_eq!(counts(&report), [("shop.address", 1), ("shop.doorbell", 1)]);
    assert!(report.findings.is_empty());
    assert_ne!(world.ask("SELECT label FROM doorbell").await, [Some("Ann".to_owned())]);
}

async fn others_count_wherever_they_are(world: World) {
    fill(&world, "(1, 'ann@example.com', 7)", "INSERT INTO shop VALUES (1, 7)").await;
    let report = mask(&rows_of(&world, ADDRESSES), &email("ann@example.com")).await.unwrap();
    assert_eq!(streets(&world).await, [false, false], "a shop is there, and nothing leads to shops");
    assert_eq!(counts(&report), [("shop.address", 0), ("shop.doorbell", 0)]);
}

async fn what_hangs_on_a_shared_row_is_left_where_that_row_has_nothing_to_mask(world: World) {
    fill(&world, "(1, 'ann@example.com', 7), (2, 'ben@example.com', 7)", "").await;
    let plain = ADDRESSES.replace("{ name: street, data_categories: [user.contact.address] }", "{ name: street }");
    let report = mask(&rows_of(&world, &plain), &email("ann@example.com")).await.unwrap();
    assert_eq!(world.ask("SELECT label FROM doorbell").await, [Some("Ann".to_owned())]);
    assert_eq!((counts(&report), report.findings.len()), (vec![("shop.doorbell", 0)], 1));
}

async fn one_shared_row_among_many_is_found(world: World) {
    let customers: Vec<_> = (1_000..2_200).map(|id| format!("({id}, 'ann@example.com', {id})")).collect();
    fill(&world, &format!("{}, (1, 'ben@example.com', 1700)", customers.join(", ")), "").await;
    let addresses: Vec<_> = (1_000..2_200).map(|id| format!("({id}, 'street {id}')")).collect();
    world.run(&format!("INSERT INTO address VALUES {}", addresses.join(", "))).await;
    let report = mask(&rows_of(&world, ADDRESSES), &email("ann@example.com")).await.unwrap();
    assert_eq!(report.collections["shop.address"], 1_199);
    assert!(report.findings.iter().any(|finding| finding.message.starts_with("1 rows of shop.address were left")));
    assert_eq!(
        world.ask("SELECT street FROM address WHERE street LIKE 'street %'").await,
        [Some("street 1700".to_owned())]
    );
}
