//! What of a person could not be copied.

use privacy_store::owned::OwnedOptions;

use super::{Databases, SHOP, TWO_WAYS, World, copied, email, fill, knowing, on_all, records, rows_of, shop};

on_all! {
    a_missing_column_is_a_hole
    a_missing_table_is_a_hole_and_so_is_what_it_leads_to
    more_rows_than_are_read_are_a_hole
    rows_that_are_left_out_do_not_hide_that_there_are_more
    what_takes_too_long_is_a_hole
}

async fn a_missing_column_is_a_hole(world: World) {
    fill(&world).await;
    world.run("ALTER TABLE orders DROP COLUMN note").await;
    let (package, said) = copied(&rows_of(&world, SHOP), &email("ann@example.com")).await;
    assert_eq!(records(&package, "orders").len(), 2, "what there is, comes");
    assert_eq!(said[0].holes["shop.orders"], "the field shop.orders.note is no column of its table");
    assert!(!said[0].passing);
    assert_eq!(package.holes.len(), 1);
}

async fn a_missing_table_is_a_hole_and_so_is_what_it_leads_to(world: World) {
    fill(&world).await;
    let further = format!(
        "{SHOP}
      - name: items
        fields:
          - {{ name: order_id, fides_meta: {{ references: [{{ dataset: shop, field: orders.id, direction: from }}] }} }}
"
    );
    world.run("DROP TABLE orders; CREATE TABLE items (order_id INTEGER)").await;
    let (package, said) = copied(&rows_of(&world, &further), &email("ann@example.com")).await;
    assert_eq!(records(&package, "customer").len(), 1);
    assert!(said[0].holes["shop.orders"].contains("is no table or view of the database"), "{said:?}");
    assert!(said[0].holes["shop.items"].contains("what shop.orders leads to could not be followed"), "{said:?}");
}

async fn more_rows_than_are_read_are_a_hole(world: World) {
    fill(&world).await;
    let options = OwnedOptions::default().with_max_rows_of_a_person(1);
    let rows = Databases::new().add_with(&world, "shop", &shop(SHOP), options).rows();
    let (package, said) = copied(&rows, &email("ann@example.com")).await;
    assert_eq!(records(&package, "orders").len(), 1);
    assert_eq!(said[0].holes["shop.orders"], "there are more than 1 rows; the rest is left out");
}

/// Two rows of somebody else, which the database finds equal, take up what would be read.
async fn rows_that_are_left_out_do_not_hide_that_there_are_more(world: World) {
    let column = world.pick("TEXT COLLATE NOCASE", "CITEXT", "VARCHAR(40) COLLATE utf8mb4_general_ci");
    let extension = world.pick("", "CREATE EXTENSION IF NOT EXISTS citext;", "");
    world
        .run(&format!(
            "{extension} CREATE TABLE customer (email TEXT, segment_id {column}, name TEXT);
             INSERT INTO customer VALUES ('a@example.com', 'U1', 'Una'), ('b@example.com', 'U1', 'Una'), ('c@example.com', 'u1', 'Ann')"
        ))
        .await;
    let options = OwnedOptions::default().with_max_rows_of_a_person(1);
    let rows = Databases::new().add_with(&world, "shop", &shop(TWO_WAYS), options);
    let rows = rows.user_ids_in("shop.customer.segment_id").rows();
    let (_, said) = copied(&rows, &knowing(email("ann@example.com"), &["u1"])).await;
    assert!(said[0].holes["shop.customer"].ends_with("the rest is left out"), "{said:?}");
}

async fn what_takes_too_long_is_a_hole(world: World) {
    fill(&world).await;
    let slow = world.pick(
        "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000000000) SELECT CAST(max(n) AS TEXT) FROM c)",
        "CAST(pg_sleep(30) AS text)",
        "CAST(SLEEP(30) AS CHAR(40))",
    );
    world
        .run(&format!(
            "ALTER TABLE orders RENAME TO all_orders; CREATE VIEW orders AS SELECT id, customer_id, {slow} AS note FROM all_orders"
        ))
        .await;
    let options = OwnedOptions::default().with_statement_timeout(std::time::Duration::from_millis(300));
    let rows = Databases::new().add_with(&world, "shop", &shop(SHOP), options).rows();
    let (package, said) = copied(&rows, &email("ann@example.com")).await;
    assert_eq!(records(&package, "customer").len(), 1);
    let hole = &said[0].holes["shop.orders"];
    assert!(hole.contains("the query took too long") && !said[0].passing, "{hole}");
}
