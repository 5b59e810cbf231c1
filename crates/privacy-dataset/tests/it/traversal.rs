//! How a person's rows are found.

use std::collections::BTreeSet;

use privacy_dataset::{Dataset, Origin, PlanError, Traversal};
use segment_core::IdentityKind;

use crate::shop::{shop, yaml};

fn traverse(datasets: &[Dataset], targets: &[&str]) -> Result<Traversal, PlanError> {
    let targets: Vec<_> = targets.iter().map(|target| target.parse().unwrap()).collect();
    Traversal::new(datasets, &BTreeSet::from([IdentityKind::Email]), &targets)
}

/// Each visit with its ways in: `^` leads up, `~` follows rows of the person alone.
fn visits(lines: &[&str]) -> Vec<String> {
    shown(&traverse(&shop(lines), &[]).unwrap())
}

fn shown(traversal: &Traversal) -> Vec<String> {
    let entry = |entry: &privacy_dataset::Entry| match &entry.values {
        Origin::Identity(kind) => format!("{}={kind}", entry.column),
        Origin::UserIds(target) => format!("{}={target}", entry.column),
        Origin::Rows { visit, column, up, only_own } => {
            let mark = if *up {
                "^"
            } else if *only_own {
                "~"
            } else {
                ""
            };
            format!("{}<{mark}{}.{column}", entry.column, traversal.visits[*visit].collection)
        }
        _ => "?".to_owned(),
    };
    let visit = |visit: &privacy_dataset::Visit| {
        format!("{}: {}", visit.collection, visit.entries.iter().map(entry).collect::<Vec<_>>().join(" "))
    };
    traversal.visits.iter().map(visit).collect()
}

#[test]
fn rows_are_followed_down_and_up() {
    assert_eq!(
        visits(&["customer: *id email=email address>address.id", "address: *id", "orders: customer<customer.id"]),
        ["customer: email=email", "address: id<^customer.address", "orders: customer<customer.id"]
    );
}

#[test]
fn a_reference_may_stand_at_either_end() {
    let at_the_key = ["customer: *id<orders.customer email=email", "orders: *id email=email customer"];
    assert_eq!(visits(&at_the_key), ["orders: email=email", "customer: email=email id<^orders.customer"]);
    let to = ["customer: *id>orders.customer email=email", "orders: *id customer"];
    assert_eq!(visits(&to), ["customer: email=email", "orders: customer<customer.id"], "down, whatever it is called");
}

#[test]
fn without_a_direction_nothing_leads_down_from_what_others_share() {
    let lines = ["orders: *id email=email product-product.id", "product: *id", "review: *id product-product.id"];
    assert_eq!(
        visits(&lines),
        ["orders: email=email", "product: id<^orders.product", "review: product<~product.id"],
        "rows of reviews come only from products that are the person's alone"
    );
}

/// Both hold addresses: the orders of a customer who ordered under another address are found by the customer, wherever they stand in
/// the file, and whatever customers refer to. That orders do not lead on to customers is told.
#[test]
fn rows_come_after_what_they_refer_to_in_whatever_order_they_are_written() {
    let address = "address: *id";
    for (orders, customer, told) in [
        ("orders: email=email customer-customer.id", "customer: *id email=email address-address.id", 1),
        ("orders: email=email customer<customer.id", "customer: *id email=email address-address.id", 0),
        ("orders: email=email customer-customer.id", "customer: *id email=email address", 1),
    ] {
        for lines in [[orders, customer, address], [customer, orders, address], [address, orders, customer]] {
            let traversal = traverse(&shop(&lines), &[]).unwrap();
            let way = if orders.contains('-') { "<~" } else { "<" };
            let expected =
                ["customer: email=email".to_owned(), format!("orders: email=email customer{way}customer.id")];
            let shown: Vec<_> = shown(&traversal).into_iter().filter(|visit| !visit.starts_with("address")).collect();
            assert_eq!(shown, expected, "{lines:?}");
            assert_eq!(traversal.not_followed.len(), told, "{:?}", traversal.not_followed);
        }
    }
}

#[test]
fn a_collection_is_asked_once_by_all_that_is_known() {
    let lines =
        ["payment: contact<contact.id account<account.id", "account: id contact<contact.id", "contact: email=email id"];
    assert_eq!(
        visits(&lines),
        ["contact: email=email", "account: contact<contact.id", "payment: contact<contact.id account<account.id"],
        "after everything that leads to it"
    );
}

#[test]
fn circles_end_and_are_named() {
    let lines = ["person: id email=email boss<person.id team>team.id", "team: id lead>person.id"];
    let traversal = traverse(&shop(&lines), &[]).unwrap();
    assert_eq!(shown(&traversal), ["person: email=email", "team: id<^person.team"]);
    let circle = "the references go in a circle";
    assert_eq!(
        traversal.not_followed,
        [
            format!("values of shop.person.id do not lead on to shop.person.boss: {circle}"),
            format!("values of shop.team.lead do not lead on to shop.person.id: {circle}"),
        ]
    );
}

#[test]
fn a_collection_comes_after_what_it_names() {
    let yaml = yaml("shop", &["a: email=email", "b: email=email"]).replacen(
        "fides_meta: { skip_processing: false }",
        "fides_meta: { after: [shop.b] }",
        1,
    );
    let datasets = Dataset::parse_all(&yaml).unwrap();
    assert_eq!(shown(&traverse(&datasets, &[]).unwrap()), ["b: email=email", "a: email=email"]);
    let datasets = Dataset::parse_all(&yaml.replace("shop.b", "shop.c")).unwrap();
    let error = traverse(&datasets, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the collection shop.a comes after `shop.c`, which is no collection; known: `shop.a`, `shop.b`"
    );
    let elsewhere = Dataset::parse_all(&yaml.replace("shop.b", "crm.c")).unwrap();
    assert_eq!(traverse(&elsewhere, &[]).unwrap().visits.len(), 2, "what is not loaded is not waited for");
}

#[test]
fn user_ids_lead_to_rows_as_identities_do() {
    let datasets = shop(&["customer: *id segment_id", "orders: customer<customer.id"]);
    let traversal = traverse(&datasets, &["shop.customer.segment_id"]).unwrap();
    assert_eq!(shown(&traversal), ["customer: segment_id=shop.customer.segment_id", "orders: customer<customer.id"]);
    assert!(traverse(&datasets, &[]).unwrap().visits.is_empty());
}

#[test]
fn references_lead_into_other_datasets() {
    let mut datasets = shop(&["customer: *id email=email"]);
    datasets
        .extend(Dataset::parse_all(&yaml("crm", &["ticket: customer<shop:customer.id", "note: id<gone:a.b"])).unwrap());
    assert_eq!(shown(&traverse(&datasets, &[]).unwrap()), ["customer: email=email", "ticket: customer<customer.id"]);
}

#[test]
fn what_is_skipped_nested_or_not_reached_is_left_out_and_named() {
    let lines =
        ["customer: *id email=email", "!orders: customer<customer.id", "visitor: ip@user.device", "stock: count"];
    let traversal = traverse(&shop(&lines), &[]).unwrap();
    assert_eq!(shown(&traversal), ["customer: email=email"]);
    assert_eq!(traversal.unreached, ["shop.visitor"], "no personal data are in the stock");
    let nested = Dataset::parse_all(
        "
dataset:
  - fides_key: shop
    collections:
      - name: doc
        fields: [{ name: body, fields: [{ name: email, fides_meta: { identity: email } }] }]
",
    );
    let traversal = traverse(&nested.unwrap(), &[]).unwrap();
    assert!(traversal.visits.is_empty());
    assert_eq!(
        traversal.not_followed,
        ["shop.doc.body.email is nested in a column, and nested fields cannot be looked up"]
    );
}

#[test]
fn who_refers_to_a_row_is_known_whatever_the_direction() {
    let lines = ["customer: *id email=email address>address.id", "address: *id", "shop: *id address<address.id"];
    let traversal = traverse(&shop(&lines), &[]).unwrap();
    let address = traversal.visits.iter().find(|visit| visit.collection == "address").unwrap();
    let referrers: Vec<_> =
        address.referrers.iter().map(|by| format!("{}.{} -> {}", by.collection, by.column, by.of)).collect();
    assert_eq!(referrers, ["customer.address -> id", "shop.address -> id"]);
    let customer = traversal.visits.iter().find(|visit| visit.collection == "customer").unwrap();
    assert_eq!(traversal.referring(customer), BTreeSet::from(["address"]));
}

#[test]
fn only_what_leads_on_is_taken() {
    let lines =
        ["customer: *id email=email name address>address.id", "address: *id street", "orders: customer<customer.id"];
    let traversal = traverse(&shop(&lines), &[]).unwrap();
    let takes: Vec<_> = traversal.visits.iter().map(|visit| visit.takes.iter().cloned().collect::<Vec<_>>()).collect();
    assert_eq!(takes, [vec!["address".to_owned(), "id".to_owned()], vec![], vec![]]);
}

#[test]
fn a_part_of_a_key_is_not_what_others_refer_to() {
    let lines = ["customer: *id email=email", "lives: *customer<customer.id *address>address.id", "address: id street"];
    assert_eq!(
        visits(&lines),
        ["customer: email=email", "lives: customer<customer.id", "address: id<^lives.address"],
        "an address may be somebody else's, too"
    );
}
