//! The example dataset of Fides itself.

use privacy_dataset::{Dataset, Direction, LookupPlan};
use segment_core::IdentityKind;

const YAML: &str = include_str!("../data/postgres_example_test_dataset.yml");

fn routes(target: &str) -> Vec<String> {
    let datasets = Dataset::parse_all(YAML).unwrap();
    let plan = LookupPlan::new(&datasets, &target.parse().unwrap(), &IdentityKind::Email).unwrap();
    plan.map(|plan| {
        plan.routes().iter().map(|route| route.to_string().replace("postgres_example_test_dataset.", "")).collect()
    })
    .unwrap_or_default()
}

#[test]
fn everything_of_the_file_is_read() {
    let datasets = Dataset::parse_all(YAML).unwrap();
    let [dataset] = datasets.as_slice() else { panic!("one dataset") };
    assert_eq!(dataset.fides_key, "postgres_example_test_dataset");
    assert_eq!(dataset.collections.len(), 11);

    let field = |path: &str| {
        let (collection, field) = path.split_once('.').unwrap();
        dataset.collection(collection).unwrap().fields.iter().find(|f| f.name == field).unwrap()
    };
    assert!(field("customer.id").primary_key);
    assert_eq!(field("customer.name").length, Some(40));
    assert_eq!(field("customer.email").data_categories, ["user.contact.email"]);
    assert!(field("customer.email").holds(&IdentityKind::Email));
    assert_eq!(field("customer.address_id").references[0].direction, Some(Direction::To));
    let masking = field("employee.name").masking_strategy_override.as_ref().unwrap();
    assert_eq!(masking.strategy, "string_rewrite");
    assert_eq!(masking.configuration["format_preservation"]["suffix"], "-test");
}

#[test]
fn the_customer_id_is_one_step_away() {
    assert_eq!(routes("postgres_example_test_dataset.customer.id"), ["customer (email -> id)"]);
}

#[test]
fn a_chain_over_three_collections() {
    assert_eq!(
        routes("postgres_example_test_dataset.order_item.product_id"),
        ["customer (email -> id), orders (customer_id -> id), order_item (order_id -> product_id)"]
    );
}

#[test]
fn every_identity_collection_and_every_route_is_taken() {
    assert_eq!(
        routes("postgres_example_test_dataset.address.id"),
        [
            "customer (email -> address_id), address (id -> id)",
            "employee (email -> address_id), address (id -> id)",
            "customer (email -> id), orders (customer_id -> shipping_address_id), address (id -> id)",
            "customer (email -> id), payment_card (customer_id -> billing_address_id), address (id -> id)",
        ]
    );
    assert_eq!(
        routes("postgres_example_test_dataset.service_request.id"),
        [
            "service_request (alt_email -> id)",
            "service_request (email -> id)",
            "employee (email -> id), service_request (employee_id -> id)",
        ]
    );
}

#[test]
fn the_identity_field_can_be_the_target() {
    assert_eq!(routes("postgres_example_test_dataset.visit.email"), ["visit (email -> email)"]);
}
