//! What the connection test and a dry run say of rows.

use segment_core::{ConnectionKey, DatasetRows, ports::SubjectRows};

use privacy_store::owned::OwnedRows;

use super::{Databases, SHOP, World, email, fill, on_all, policy, rows_of, shop};

on_all! {
    a_dry_run_counts_and_writes_nothing
    steps_say_what_they_cost
    checks_name_what_is_masked_and_what_is_not
    what_cannot_be_masked_fails_the_check
    encryption_is_said_not_to_erase
    types_that_contradict_the_table_are_told
    what_cannot_be_masked_is_said_by_a_dry_run_and_the_rest_counted
    a_reference_to_a_dataset_that_is_not_loaded_is_told
}

fn shop_key() -> ConnectionKey {
    ConnectionKey::new("shop")
}

async fn a_dry_run_counts_and_writes_nothing(world: World) {
    fill(&world).await;
    let said = rows_of(&world, SHOP).preview(&email("ann@example.com")).await.unwrap();
    let [DatasetRows { collections, warnings, .. }] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(*collections, [("shop.customer".to_owned(), 1), ("shop.orders".to_owned(), 2)].into());
    assert!(warnings.is_empty());
    assert_eq!(world.ask("SELECT name FROM customer WHERE id = 1").await, [Some("Ann".to_owned())]);
}

async fn steps_say_what_they_cost(world: World) {
    fill(&world).await;
    let values: Vec<_> = (100..1_100).map(|id| format!("({id}, {}, 'x')", id / 10)).collect();
    world.run(&format!("INSERT INTO orders VALUES {}", values.join(", "))).await;
    world.run(world.pick("ANALYZE", "ANALYZE", "ANALYZE TABLE orders, customer")).await;
    let rows = Databases::new().add(&world, "shop", &shop(SHOP)).user_ids_in("shop.customer.segment_id").rows();
    let steps = rows.steps(&shop_key()).await.unwrap();
    let shown: Vec<_> =
        steps.iter().map(|step| (step.collection.as_str(), step.by.as_str(), step.values_of.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("shop.customer", "email", "identity email"),
            ("shop.customer", "segment_id", "user ids of segment"),
            ("shop.orders", "customer_id", "shop.customer.id"),
        ]
    );
    assert_eq!(steps.iter().map(|step| step.index).collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
    let expected = steps[2].expected_rows.unwrap();
    assert!((5..=20).contains(&expected), "about ten orders each: {expected}");
}

async fn described(world: &World, collections: &str) -> Vec<String> {
    lines(&rows_of(world, collections)).await
}

async fn lines(rows: &OwnedRows) -> Vec<String> {
    let checks = rows.describe(&shop_key()).await;
    let line = |check: segment_core::ports::DirectoryCheck| match check.result {
        Ok(seen) => format!("{}: {seen}", check.name),
        Err(problem) if problem.warning => format!("{}: warning: {}", check.name, problem.message),
        Err(problem) => format!("{}: failed: {}", check.name, problem.message),
    };
    checks.into_iter().map(line).collect()
}

async fn checks_name_what_is_masked_and_what_is_not(world: World) {
    fill(&world).await;
    world.run("DROP TABLE orders; CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT)").await;
    let more = format!(
        "{}
      - {{ name: visitor, fields: [{{ name: ip, data_categories: [user.device.ip_address] }}] }}
",
        SHOP.replace("name: customer_id\n", "name: customer_id\n            data_categories: [user.unique_id]\n")
    );
    let lines = described(&world, &more).await;
    let find = |start: &str| {
        lines.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {lines:#?}"))
    };
    assert!(find("dataset shop: references: warning: ").contains("nothing leads to shop.visitor"));
    assert_eq!(
        find("dataset shop: masking of customer"),
        "dataset shop: masking of customer: email by hmac, name by hmac"
    );
    assert!(
        find("dataset shop: masking of orders: warning: note by hmac")
            .contains("shop.orders.customer_id holds personal data and joins")
    );
    assert!(find("dataset shop: customer by email").ends_with("by an index"));
    assert!(find("dataset shop: orders by customer_id: warning").contains("CREATE INDEX"));
}

async fn what_cannot_be_masked_fails_the_check(world: World) {
    fill(&world).await;
    world.run("DROP TABLE orders; CREATE TABLE orders (id INTEGER, customer_id INTEGER, note TEXT)").await;
    let lines = described(&world, SHOP).await;
    let failed = "dataset shop: masking of orders: failed: shop.orders cannot be masked: it has no primary key";
    assert!(lines.iter().any(|line| line.starts_with(failed)), "{lines:#?}");
}

async fn encryption_is_said_not_to_erase(world: World) {
    fill(&world).await;
    let lines = lines(&Databases::with(policy("aes_encrypt", &[])).add(&world, "shop", &shop(SHOP)).rows()).await;
    let said =
        lines.iter().find(|line| line.starts_with("dataset shop: masking of customer: warning: email by aes_encrypt"));
    assert!(said.unwrap().contains("it hides, and does not erase"), "{lines:#?}");
}

async fn types_that_contradict_the_table_are_told(world: World) {
    fill(&world).await;
    let typed = SHOP
        .replace(
            "{ name: plan, data_categories: [system.operations] }",
            "{ name: plan, fides_meta: { data_type: integer } }",
        )
        .replace("{ name: name, data_categories: [user.name] }", "{ name: name, fides_meta: { data_type: string } }");
    let lines = described(&world, &typed).await;
    let types: Vec<_> = lines.iter().filter(|line| line.contains(": types of ")).collect();
    let text = world.pick("TEXT", "text", "varchar");
    let said = format!(
        "dataset shop: types of customer: warning: plan is integer in the dataset and {text} in the table: correct `data_type`"
    );
    assert_eq!(types, [&said]);
}

async fn what_cannot_be_masked_is_said_by_a_dry_run_and_the_rest_counted(world: World) {
    fill(&world).await;
    world.run("DROP TABLE orders; CREATE TABLE orders (id INTEGER, customer_id INTEGER, note TEXT); INSERT INTO orders VALUES (1, 1, 'x')").await;
    let said = rows_of(&world, SHOP).preview(&email("ann@example.com")).await.unwrap().remove(0);
    assert_eq!(said.collections, [("shop.customer".to_owned(), 1)].into());
    assert!(said.warnings[0].starts_with("shop.orders cannot be masked: it has no primary key"), "{said:?}");
}

async fn a_reference_to_a_dataset_that_is_not_loaded_is_told(world: World) {
    fill(&world).await;
    let further = SHOP.replace(
        "{ name: segment_id }",
        "{ name: segment_id, fides_meta: { references: [{ dataset: crm, field: contact.number, direction: to }] } }",
    );
    let lines = described(&world, &further).await;
    let said =
        "dataset shop: references: warning: shop.customer.segment_id refers to the dataset crm, which is not loaded";
    assert!(lines.iter().any(|line| line == said), "{lines:#?}");
}
