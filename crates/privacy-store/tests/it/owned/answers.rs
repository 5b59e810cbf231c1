//! What look-ups answer, the same on every database.

use privacy_store::owned::OwnedOptions;
use segment_core::{
    Identity, IdentityKind,
    ports::{DirectoryError, SubjectDirectory},
};

use super::{World, ask, contacts, customer, found, on_all, shop};

/// The example dataset of Fides itself.
const FIDES: &str = include_str!("../../../../privacy-dataset/tests/data/postgres_example_test_dataset.yml");

const FIDES_TABLES: &str = "
    CREATE TABLE address (id VARCHAR(20) PRIMARY KEY, city VARCHAR(50));
    CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(200), name VARCHAR(40), address_id VARCHAR(20));
    CREATE TABLE orders (id VARCHAR(20) PRIMARY KEY, customer_id INTEGER, shipping_address_id VARCHAR(20));
    CREATE TABLE order_item (order_id VARCHAR(20), product_id BIGINT, quantity INTEGER);
    CREATE TABLE login (id BIGINT PRIMARY KEY, customer_id INTEGER, time VARCHAR(30));
    INSERT INTO customer VALUES (1, 'ann@example.com', 'Ann', 'a1'), (2, 'bob@example.com', 'Bob', 'a2'), (3, 'ann@example.com', 'Ann too', NULL);
    INSERT INTO orders VALUES ('o1', 1, 'a1'), ('o2', 1, 'a1'), ('o3', 2, 'a2'), ('o4', 3, NULL);
    INSERT INTO order_item VALUES ('o1', 10, 1), ('o2', 20, 1), ('o3', 30, 1), ('o4', 40, 2), ('o4', 10, 1);
    INSERT INTO login VALUES (100, 1, 'x'), (101, 1, 'y'), (102, 2, 'z'), (103, NULL, 'q');";

on_all! {
    a_customer_is_found_by_email
    a_chain_of_references_is_followed_over_three_tables
    one_dataset_answers_to_its_key_in_the_configuration
    an_email_is_asked_as_given_and_in_lower_case
    numbers_are_found_by_their_canonical_text_only
    a_key_that_cannot_be_cast_does_not_hide_its_siblings
    what_a_collation_equates_is_dropped_and_counted
    special_characters_arrive_as_they_are
    hostile_values_and_names_are_values_and_names
    nulls_and_empty_values_lead_nowhere
    more_than_the_limits_is_truncated
    many_keys_are_asked_in_chunks
    nobody_holds_that_kind_of_identity
    missing_tables_and_columns_are_told_apart
    nested_fields_are_refused
    a_change_of_the_tables_is_noticed
}

async fn a_customer_is_found_by_email(world: World) {
    world.run(FIDES_TABLES).await;
    let directory = world.directory(FIDES, "postgres_example_test_dataset.customer.id");
    assert_eq!(found(&directory, "email", "bob@example.com").await, (vec!["2".to_owned()], 0));
    assert_eq!(found(&directory, "email", "ann@example.com").await.0, ["1", "3"]);
    assert!(found(&directory, "email", "carl@example.com").await.0.is_empty());
}

async fn a_chain_of_references_is_followed_over_three_tables(world: World) {
    world.run(FIDES_TABLES).await;
    let products = world.directory(FIDES, "postgres_example_test_dataset.order_item.product_id");
    assert_eq!(found(&products, "email", "ann@example.com").await.0, ["10", "20", "40"]);
    let logins = world.directory(FIDES, "postgres_example_test_dataset.login.id");
    assert_eq!(found(&logins, "email", "ann@example.com").await.0, ["100", "101"]);
}

async fn one_dataset_answers_to_its_key_in_the_configuration(world: World) {
    world.run(FIDES_TABLES).await;
    let directory = world.directory(FIDES, "shop.customer.id");
    assert_eq!(found(&directory, "email", "bob@example.com").await.0, ["2"]);
}

async fn an_email_is_asked_as_given_and_in_lower_case(world: World) {
    world.run("CREATE TABLE customer (email TEXT, id TEXT);
        INSERT INTO customer VALUES ('Ann@Example.com', 'given'), ('ann@example.com', 'lower'), ('ANN@EXAMPLE.COM', 'upper')").await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    assert_eq!(found(&directory, "email", "Ann@Example.com").await, (vec!["given".to_owned(), "lower".to_owned()], 0));
    assert_eq!(found(&directory, "email", "ann@example.com").await.0, ["lower"]);
    // Every other kind is case-sensitive.
    let directory = world.directory(&customer("email", "user_id"), "shop.customer.id");
    assert_eq!(found(&directory, "user_id", "Ann@Example.com").await.0, ["given"]);
}

async fn numbers_are_found_by_their_canonical_text_only(world: World) {
    world
        .run("CREATE TABLE customer (number INTEGER, id TEXT); INSERT INTO customer VALUES (12, 'twelve'), (1, 'one')")
        .await;
    let directory = world.directory(&customer("number", "user_id"), "shop.customer.id");
    assert_eq!(found(&directory, "user_id", "12").await, (vec!["twelve".to_owned()], 0));
    for other in ["12abc", "012", "12.0", "+12", "1e0", "x12", "99999999999999999999"] {
        assert!(found(&directory, "user_id", other).await.0.is_empty(), "{other}");
    }
    assert_eq!(found(&directory, "user_id", "012").await.1, 1);
}

async fn a_key_that_cannot_be_cast_does_not_hide_its_siblings(world: World) {
    world
        .run(
            "CREATE TABLE contact (email TEXT, account TEXT); CREATE TABLE account (number INTEGER, id TEXT);
        INSERT INTO contact VALUES ('a@b.c', '12abc'), ('a@b.c', '7'), ('a@b.c', ''), ('a@b.c', '12'), ('a@b.c', 'x');
        INSERT INTO account VALUES (7, 'seven'), (12, 'twelve'), (0, 'zero')",
        )
        .await;
    let directory = world.directory(&contacts(), "shop.account.id");
    assert_eq!(found(&directory, "email", "a@b.c").await.0, ["seven", "twelve"]);
}

async fn what_a_collation_equates_is_dropped_and_counted(world: World) {
    let prepare = "CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level1', deterministic = false);";
    let (collation, prepare) = world.pick(("NOCASE", ""), ("blurred", prepare), ("utf8mb4_general_ci", ""));
    world
        .run(&format!(
            "{prepare} CREATE TABLE customer (name TEXT COLLATE {collation}, id TEXT COLLATE {collation});
        INSERT INTO customer VALUES ('jose', 'u1'), ('JOSE', 'u2'), ('josé', 'u3'), ('jose', 'U1')"
        ))
        .await;
    let directory = world.directory(&customer("name", "nickname"), "shop.customer.id");
    let equated = world.pick(1, 2, 2);
    // Both spellings of the id are there, although the collation equates them too.
    assert_eq!(found(&directory, "nickname", "jose").await, (vec!["U1".to_owned(), "u1".to_owned()], equated));
}

async fn special_characters_arrive_as_they_are(world: World) {
    world.run("CREATE TABLE customer (email TEXT, id TEXT)").await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    for (index, mailbox) in
        ["a+b", "a/b", "a?b", "a#b", "a%41b", "o'neil", "\"quoted\"", "jörg", "名前", "a\\b", "$1", "a_b", "{a}", "a;b"]
            .into_iter()
            .enumerate()
    {
        let email = format!("{mailbox}@exämple.com");
        let quoted = email.replace('\'', "''");
        world
            .run(&format!("INSERT INTO customer VALUES ('{quoted}', 'id-{index}-{}')", mailbox.replace('\'', "''")))
            .await;
        assert_eq!(found(&directory, "email", &email).await, (vec![format!("id-{index}-{mailbox}")], 0), "{email}");
    }
    assert!(found(&directory, "email", "a%b@exämple.com").await.0.is_empty());
}

async fn hostile_values_and_names_are_values_and_names(world: World) {
    world
        .run(
            r#"CREATE TABLE "cust""omer; DROP TABLE x" ("e""mail" TEXT, "select" TEXT);
        INSERT INTO "cust""omer; DROP TABLE x" VALUES ('a@b.c', 'u1')"#,
        )
        .await;
    let yaml = shop(
        r#"
      - name: 'cust"omer; DROP TABLE x'
        fields: [{ name: 'e"mail', fides_meta: { identity: user_id } }, { name: select }]
"#,
    );
    let directory = world.directory(&yaml, r#"shop.cust"omer; DROP TABLE x.select"#);
    for value in [
        "' OR '1'='1",
        "a@b.c' --",
        "x'; DROP TABLE \"cust\"\"omer; DROP TABLE x\"; --",
        "{a@b.c}",
        "a@b.c\",\"x",
        "%",
        "NULL ",
    ] {
        if let Ok(identity) = Identity::new(IdentityKind::UserId, value) {
            assert!(directory.user_ids(&identity, 10).await.unwrap().user_ids.is_empty(), "{value}");
        }
    }
    assert_eq!(found(&directory, "user_id", "a@b.c").await.0, ["u1"]);
}

async fn nulls_and_empty_values_lead_nowhere(world: World) {
    world.run("CREATE TABLE contact (email TEXT, account TEXT); CREATE TABLE account (number TEXT, id TEXT);
        INSERT INTO contact VALUES ('a@b.c', NULL), ('a@b.c', ''), ('a@b.c', 'k'), (NULL, 'other');
        INSERT INTO account VALUES ('', 'of nobody'), (NULL, 'of nobody either'), ('k', NULL), ('k', ''), ('k', 'u1'), ('other', 'u2')").await;
    assert_eq!(
        found(&world.directory(&contacts(), "shop.account.id"), "email", "a@b.c").await,
        (vec!["u1".to_owned()], 0)
    );
}

async fn more_than_the_limits_is_truncated(world: World) {
    world.run("CREATE TABLE customer (email TEXT, id INTEGER)").await;
    for id in 0..8 {
        world.run(&format!("INSERT INTO customer VALUES ('a@b.c', {id}), ('a@b.c', {id})")).await;
    }
    let yaml = customer("email", "email");
    let identity = Identity::new(IdentityKind::Email, "a@b.c").unwrap();
    for (rows, limit, expected, truncated) in
        [(100, 8, 8, false), (8, 8, 8, false), (100, 7, 7, true), (7, 100, 7, true)]
    {
        let directory = world.directory_with(&yaml, "shop.customer.id", OwnedOptions::default().with_max_rows(rows));
        let answer = directory.user_ids(&identity, limit).await.unwrap();
        assert_eq!((answer.user_ids.len(), answer.truncated), (expected, truncated), "{rows} rows, {limit} ids");
    }
}

async fn many_keys_are_asked_in_chunks(world: World) {
    world
        .run("CREATE TABLE contact (email TEXT, account TEXT); CREATE TABLE account (number INTEGER, id INTEGER);")
        .await;
    let values = |row: &dyn Fn(u32) -> String| (0..1_234).map(row).collect::<Vec<_>>().join(", ");
    world
        .run(&format!("INSERT INTO contact VALUES {}", values(&|n| format!("('a@b.c', '{n}'), ('a@b.c', '{n}x')"))))
        .await;
    world.run(&format!("INSERT INTO account VALUES {}", values(&|n| format!("({n}, {})", n + 5_000)))).await;
    let directory = world.directory(&contacts(), "shop.account.id");
    let identity = Identity::new(IdentityKind::Email, "a@b.c").unwrap();
    let answer = directory.user_ids(&identity, 10_000).await.unwrap();
    assert_eq!((answer.user_ids.len(), answer.truncated), (1_234, false));
}

async fn nobody_holds_that_kind_of_identity(world: World) {
    // No table is needed to know that.
    world.run("CREATE TABLE other (id TEXT)").await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    assert!(!ask(&directory, "phone_number", "+49 30 1").await.unwrap().searched);
}

async fn missing_tables_and_columns_are_told_apart(world: World) {
    world.run("CREATE TABLE customers (email TEXT, id TEXT); CREATE TABLE users (mail TEXT, id TEXT)").await;
    let error = async |yaml: &str, target: &str| {
        ask(&world.directory(yaml, target), "email", "a@b.c").await.unwrap_err().to_string()
    };
    assert_eq!(
        error(&customer("email", "email"), "shop.customer.id").await,
        "the collection shop.customer is no table or view of the database; known: `customers`, `users`"
    );
    let users =
        shop("      - { name: users, fields: [{ name: email, fides_meta: { identity: email } }, { name: id }] }");
    assert_eq!(
        error(&users, "shop.users.id").await,
        "the field shop.users.email is no column of its table; known: `mail`, `id`"
    );
    let unknown = customer("email", "email");
    let directory = world.directory(
        &unknown.replace("fides_key: shop", "fides_key: other\n    collections: []\n  - fides_key: shop"),
        "shpo.customer.id",
    );
    assert_eq!(
        ask(&directory, "email", "a@b.c").await.unwrap_err().to_string(),
        "there is no dataset `shpo`; known: `shop`, `other`"
    );
    assert_eq!(
        error(&unknown, "shop.custmer.id").await,
        "the dataset `shop` has no collection `custmer`; known: `customer`"
    );
    assert_eq!(
        error(&unknown, "shop.customer.idd").await,
        "the collection `shop.customer` has no field `idd`; known: `id`, `email`"
    );
}

async fn nested_fields_are_refused(world: World) {
    world.run("CREATE TABLE customer (email TEXT, profile TEXT)").await;
    let yaml = shop(
        "      - { name: customer, fields: [{ name: email, fides_meta: { identity: email } }, { name: profile, fields: [{ name: id }] }] }",
    );
    let directory = world.directory(&yaml, "shop.customer.profile.id");
    assert_eq!(
        ask(&directory, "email", "a@b.c").await.unwrap_err().to_string(),
        "shop.customer.profile.id is nested in a column, and nested fields cannot be looked up: name a column, or a view that has one"
    );
}

async fn a_change_of_the_tables_is_noticed(world: World) {
    world.run("CREATE TABLE customer (number INTEGER); INSERT INTO customer VALUES (7)").await;
    let directory = world.directory(&customer("number", "user_id"), "shop.customer.id");
    assert!(matches!(ask(&directory, "user_id", "7").await, Err(DirectoryError::Schema(_))));
    world.run("ALTER TABLE customer ADD COLUMN id TEXT; UPDATE customer SET id = 'u1'").await;
    assert_eq!(found(&directory, "user_id", "7").await.0, ["u1"]);
    // Another type of the key.
    world.run("DROP TABLE customer; CREATE TABLE customer (number TEXT, id TEXT); INSERT INTO customer VALUES ('x7', 'u2')").await;
    assert_eq!(found(&directory, "user_id", "x7").await.0, ["u2"]);
}
