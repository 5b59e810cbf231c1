//! What was masked is not masked twice, and what was not is not passed over.

use segment_core::{
    MaskOrder, MaskingKey, RowTrace,
    ports::{Begun, SubjectMasker},
};
use serde_json::{Value, json};

use super::{
    DOCUMENTS, Databases, SHOP, World, counts, email, fill, hmac, knowing, mask, on_all, open, order, policy, rows_of,
    shop,
};

on_all! {
    a_masking_that_is_dropped_is_rolled_back
    a_committed_masking_is_recognised
    a_masking_of_nested_fields_is_recognised
    a_row_that_somebody_else_made_so_is_no_mark
    what_was_masked_before_is_no_mark
    another_request_masks_again_under_its_own_key
}

async fn a_masking_that_is_dropped_is_rolled_back(world: World) {
    fill(&world).await;
    let rows = rows_of(&world, SHOP);
    drop(open(&rows, &order("shop", &email("ann@example.com"))).await.unwrap());
    assert_eq!(world.ask("SELECT email FROM customer WHERE id = 1").await, [Some("ann@example.com".to_owned())]);
    mask(&rows, &email("ann@example.com")).await.unwrap();
}

async fn a_committed_masking_is_recognised(world: World) {
    fill(&world).await;
    let (rows, subject) = (rows_of(&world, SHOP), email("ann@example.com"));
    let mut order = order("shop", &subject);
    let masking = open(&rows, &order).await.unwrap();
    order.trace = RowTrace { marks: masking.report().marks.clone(), ..RowTrace::default() };
    drop(masking);
    // The marks were stored and the commit never came: it is done now.
    let masking = open(&rows, &order).await.unwrap();
    masking.commit().await.unwrap();
    let masked = world.ask("SELECT email FROM customer ORDER BY id").await;
    assert!(matches!(rows.begin(&order).await.unwrap(), Begun::Before));
    assert_eq!(world.ask("SELECT email FROM customer ORDER BY id").await, masked, "nothing is masked twice");
}

/// The database may spell a document in its own way.
async fn a_masking_of_nested_fields_is_recognised(world: World) {
    let json = world.pick("TEXT", "JSONB", "LONGTEXT");
    world
        .run(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, doc {json}); INSERT INTO customer VALUES \
             (1, 'ann@example.com', '{{\"zip\": 1,\"city\":\"Ulm\",\"age\":36}}')"
        ))
        .await;
    let rows = rows_of(&world, DOCUMENTS);
    let mut order = order("shop", &email("ann@example.com"));
    let masking = open(&rows, &order).await.unwrap();
    order.trace = RowTrace { marks: masking.report().marks.clone(), ..RowTrace::default() };
    masking.commit().await.unwrap();
    assert!(matches!(rows.begin(&order).await.unwrap(), Begun::Before));
}

async fn a_row_that_somebody_else_made_so_is_no_mark(world: World) {
    fill(&world).await;
    let rows = Databases::with(policy("null_rewrite", &[]))
        .add(&world, "shop", &shop(SHOP))
        .user_ids_in("shop.customer.segment_id");
    let (rows, mut order) = (rows.rows(), order("shop", &knowing(email("ann@example.com"), &["u1"])));
    let masking = open(&rows, &order).await.unwrap();
    order.trace = RowTrace { marks: masking.report().marks.clone(), ..RowTrace::default() };
    drop(masking);
    world.run("UPDATE orders SET note = NULL WHERE id = 10").await;
    open(&rows, &order).await.unwrap().commit().await.unwrap();
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [None], "not yet done, and done now");
    assert!(matches!(rows.begin(&order).await.unwrap(), Begun::Before));
}

async fn what_was_masked_before_is_no_mark(world: World) {
    fill(&world).await;
    world.run("UPDATE customer SET email = 'ann@example.com', name = 'gone' WHERE id = 2").await;
    let keeps_email = ("user.contact.email", "preserve", Value::Null);
    let rewrites = ("user.name", "string_rewrite", json!({"rewrite_value": "gone"}));
    let rows =
        Databases::with(policy("null_rewrite", &[keeps_email, rewrites])).add(&world, "shop", &shop(SHOP)).rows();
    let report = mask(&rows, &email("ann@example.com")).await.unwrap();
    assert_eq!(report.collections["shop.customer"], 1, "the other was so already");
    assert_eq!(report.marks.iter().filter(|mark| mark.collection == "shop.customer").count(), 1);
}

async fn another_request_masks_again_under_its_own_key(world: World) {
    fill(&world).await;
    let keeps_email = policy("hmac", &[("user.contact.email", "preserve", Value::Null)]);
    let rows = Databases::with(keeps_email).add(&world, "shop", &shop(SHOP)).rows();
    mask(&rows, &email("ann@example.com")).await.unwrap();
    let another = MaskOrder { key: MaskingKey::new([8; 32]), ..order("shop", &email("ann@example.com")) };
    let masking = open(&rows, &another).await.unwrap();
    assert_eq!(counts(masking.report()), [("shop.customer", 1), ("shop.orders", 1)]);
    masking.commit().await.unwrap();
    let name = world.ask("SELECT name FROM customer WHERE id = 1").await.remove(0).unwrap();
    assert_eq!((name.len(), name == hmac("Ann")), (64, false));
}
