//! What the connection test says, the same on every database.

use super::{World, customer, described, on_all, shop};

on_all! {
    all_is_well
    a_missing_index_is_a_warning_that_says_which
    missing_tables_and_columns_are_named
    a_target_that_the_dataset_lacks_is_named
    an_identity_that_leads_nowhere_is_a_warning_and_none_at_all_a_failure
    views_will_do
}

const CHAIN: &str = "
      - { name: contact, fields: [{ name: email, fides_meta: { identity: email } }, { name: id }] }
      - name: account
        fields:
          - { name: contact_id, fides_meta: { references: [{ dataset: shop, field: contact.id, direction: from }] } }
          - { name: user_id }
          - { name: nickname, fides_meta: { identity: nickname } }
      - { name: unused, fields: [{ name: id }] }
";

async fn all_is_well(world: World) {
    world.run("CREATE TABLE contact (email TEXT, id INTEGER PRIMARY KEY); CREATE INDEX by_email ON contact (email);
        CREATE TABLE account (contact_id INTEGER, user_id TEXT, nickname TEXT); CREATE INDEX by_contact ON account (contact_id);
        CREATE INDEX by_nickname ON account (nickname)").await;
    let (lines, messages) = described(&world.directory(&shop(CHAIN), "shop.account.user_id")).await;
    assert_eq!(messages, "");
    assert_eq!(
        lines,
        [
            "dataset shop: connection: ok",
            "dataset shop: field shop.account.user_id: ok",
            "dataset shop: identities: ok",
            "dataset shop: collection contact: ok",
            "dataset shop: field contact.email: ok",
            "dataset shop: index contact.email: ok",
            "dataset shop: field contact.id: ok",
            "dataset shop: collection account: ok",
            "dataset shop: field account.contact_id: ok",
            "dataset shop: index account.contact_id: ok",
            "dataset shop: field account.nickname: ok",
            "dataset shop: index account.nickname: ok",
            "dataset shop: field account.user_id: ok",
        ]
    );
}

async fn a_missing_index_is_a_warning_that_says_which(world: World) {
    world.run("CREATE TABLE customer (email TEXT, id TEXT PRIMARY KEY)").await;
    let (lines, messages) = described(&world.directory(&customer("email", "email"), "shop.customer.id")).await;
    assert!(lines.contains(&"dataset shop: index customer.email: warning".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.ends_with("failed")), "{lines:?}");
    let statement = world.pick(
        r#"CREATE INDEX "customer_email" ON "customer" ("email")"#,
        r#"CREATE INDEX CONCURRENTLY ON "customer" ("email")"#,
        "CREATE INDEX `customer_email` ON `customer` (`email`)",
    );
    assert!(messages.contains(statement), "{messages}");
    world.run(statement).await;
    let (lines, _) = described(&world.directory(&customer("email", "email"), "shop.customer.id")).await;
    assert!(lines.contains(&"dataset shop: index customer.email: ok".to_owned()), "{lines:?}");
}

async fn missing_tables_and_columns_are_named(world: World) {
    world.run("CREATE TABLE contact (mail TEXT, id INTEGER PRIMARY KEY)").await;
    let (lines, messages) = described(&world.directory(&shop(CHAIN), "shop.account.user_id")).await;
    assert_eq!(
        lines[3..],
        [
            "dataset shop: collection contact: ok",
            "dataset shop: field contact.email: failed",
            "dataset shop: field contact.id: ok",
            "dataset shop: collection account: failed",
        ]
    );
    assert_eq!(
        messages,
        "the field shop.contact.email is no column of its table; known: `mail`, `id`\n\
         the collection shop.account is no table or view of the database; known: `contact`\n"
    );
}

async fn a_target_that_the_dataset_lacks_is_named(world: World) {
    world.run("CREATE TABLE contact (email TEXT)").await;
    let (lines, messages) = described(&world.directory(&shop(CHAIN), "shop.account.user")).await;
    assert_eq!(lines, ["dataset shop: connection: ok", "dataset shop: field shop.account.user: failed"]);
    assert!(messages.starts_with("the collection `shop.account` has no field `user`; known"), "{messages}");
}

async fn an_identity_that_leads_nowhere_is_a_warning_and_none_at_all_a_failure(world: World) {
    world.run("CREATE TABLE a (email TEXT, id TEXT PRIMARY KEY); CREATE TABLE b (phone TEXT)").await;
    let yaml = shop(
        "
      - { name: a, fields: [{ name: email, fides_meta: { identity: email } }, { name: id }] }
      - { name: b, fields: [{ name: phone, fides_meta: { identity: phone_number } }] }
      - { name: c, fields: [{ name: id }] }
",
    );
    let (lines, messages) = described(&world.directory(&yaml, "shop.a.id")).await;
    assert_eq!(lines[2], "dataset shop: identities: warning");
    assert!(messages.contains("nobody is found by phone_number"), "{messages}");
    let (lines, messages) = described(&world.directory(&yaml, "shop.c.id")).await;
    assert_eq!(lines[2..], ["dataset shop: identities: failed"]);
    assert!(messages.contains("no identity leads to shop.c.id"), "{messages}");
}

async fn views_will_do(world: World) {
    world
        .run(
            "CREATE TABLE t (mail TEXT, id INTEGER PRIMARY KEY); CREATE INDEX by_mail ON t (mail);
        CREATE VIEW customer AS SELECT mail AS email, id FROM t",
        )
        .await;
    let (lines, messages) = described(&world.directory(&customer("email", "email"), "shop.customer.id")).await;
    assert_eq!(messages, "", "{lines:?}");
}
