use privacy_dataset::{Dataset, LookupPlan, PlanError};
use segment_core::IdentityKind;

use crate::shop::{shop, yaml};

fn plan(datasets: &[Dataset], target: &str) -> Result<Option<LookupPlan>, PlanError> {
    LookupPlan::new(datasets, &target.parse().unwrap(), &IdentityKind::Email)
}

fn routes(datasets: &[Dataset], target: &str) -> Vec<String> {
    let plan = plan(datasets, target).unwrap();
    plan.map(|plan| plan.routes().iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn directions_decide_where_values_flow() {
    for (reference, reached) in [('<', true), ('>', false), ('-', true)] {
        let datasets = shop(&["contact: email=email id", &format!("account: contact_id{reference}contact.id user_id")]);
        assert_eq!(!routes(&datasets, "shop.account.user_id").is_empty(), reached, "{reference}");
    }
    for (reference, reached) in [('<', false), ('>', true), ('-', true)] {
        let datasets = shop(&[&format!("contact: email=email account{reference}account.id"), "account: id user_id"]);
        assert_eq!(!routes(&datasets, "shop.account.user_id").is_empty(), reached, "{reference}");
    }
}

#[test]
fn cycles_end_and_several_routes_are_taken_shortest_first() {
    let datasets = shop(&["a: email=email id next-b.id self-a.id", "b: id next-c.id", "c: id next-a.id user_id"]);
    assert_eq!(
        routes(&datasets, "shop.c.user_id"),
        [
            "shop.a (email -> id), shop.c (next -> user_id)",
            "shop.a (email -> next), shop.b (id -> next), shop.c (id -> user_id)"
        ]
    );
}

#[test]
fn two_references_between_two_collections_are_two_routes_and_one_declared_twice_is_one() {
    let datasets = shop(&["a: email=email id", "b: buyer<a.id payer<a.id user_id"]);
    assert_eq!(routes(&datasets, "shop.b.user_id").len(), 2);
    let datasets = shop(&["a: email=email id>b.a_id", "b: a_id<a.id user_id"]);
    assert_eq!(routes(&datasets, "shop.b.user_id").len(), 1);
}

#[test]
fn skipped_collections_are_not_entered() {
    let lines = ["a: email=email id", "!b: a_id<a.id id", "c: b_id<b.id user_id"];
    assert!(routes(&shop(&lines), "shop.c.user_id").is_empty());
    assert!(routes(&shop(&["!a: email=email id", "c: a_id<a.id user_id"]), "shop.c.user_id").is_empty());
    assert_eq!(
        plan(&shop(&lines), "shop.b.id").unwrap_err().to_string(),
        "the collection of shop.b.id has `skip_processing`, so nothing may be looked up there"
    );
}

#[test]
fn only_the_kind_that_is_asked() {
    let datasets = shop(&["a: phone=phone id=user_id"]);
    assert!(plan(&datasets, "shop.a.id").unwrap().is_none());
    let target = "shop.a.id".parse().unwrap();
    assert!(LookupPlan::new(&datasets, &target, &IdentityKind::PhoneNumber).unwrap().is_some());
    assert!(LookupPlan::new(&datasets, &target, &IdentityKind::UserId).unwrap().is_some());
}

#[test]
fn what_is_unknown_is_told_apart() {
    let datasets = shop(&["customer: email=email id name created phone", "orders: id"]);
    for (target, expected) in [
        ("shpo.customer.id", "there is no dataset `shpo`; known: `shop`"),
        ("shop.custmer.id", "the dataset `shop` has no collection `custmer`; known: `customer`, `orders`"),
        (
            "shop.customer.idd",
            "the collection `shop.customer` has no field `idd`; known are `id`, `name`, `email` and 2 more",
        ),
        (
            "shop.customer.id.nested",
            "the collection `shop.customer` has no field `id.nested`; known are `created`, `id`, `name` and 2 more",
        ),
    ] {
        assert_eq!(plan(&datasets, target).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_reference_that_leads_nowhere_is_an_error_with_its_cause() {
    let datasets = shop(&["a: email=email id", "b: a_id<a.idd user_id"]);
    let error = plan(&datasets, "shop.b.user_id").unwrap_err();
    assert_eq!(error.to_string(), "the field shop.b.a_id has a reference that leads nowhere");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the collection `shop.a` has no field `idd`; known: `id`, `email`");
}

#[test]
fn several_datasets_are_one_graph() {
    let mut datasets = shop(&["contact: email=email id"]);
    datasets.extend(Dataset::parse_all(&yaml("crm", &["account: contact_id<shop:contact.id user_id"])).unwrap());
    assert_eq!(
        routes(&datasets, "crm.account.user_id"),
        ["shop.contact (email -> id), crm.account (contact_id -> user_id)"]
    );
    datasets.push(datasets[0].clone());
    assert!(matches!(plan(&datasets, "crm.account.user_id"), Err(PlanError::DuplicateDataset { .. })));
}

#[test]
fn a_dataset_that_is_not_loaded_matters_only_where_it_is_needed() {
    let datasets = shop(&["a: email=email id>crm:people.id", "b: user_id", "c: email=email id"]);
    assert_eq!(routes(&datasets, "shop.c.id").len(), 1);
    assert_eq!(
        plan(&datasets, "shop.b.user_id").unwrap_err().to_string(),
        "nothing leads to shop.b.user_id but a reference between shop.a.id and the dataset `crm`, which is not loaded: \
         add it to the same file, or describe the way inside one database"
    );
    let none = shop(&["a: id>crm:people.id"]);
    assert!(routes(&none, "shop.a.id").is_empty());
}

#[test]
fn collections_can_be_named_with_their_schema() {
    let datasets = shop(&["public.customer: email=email id", "public.account: customer_id<public.customer.id user_id"]);
    let plan = plan(&datasets, "shop.public.account.user_id").unwrap().unwrap();
    assert_eq!(plan.routes()[0].steps()[1].collection, "public.account");
    assert_eq!(plan.target().collection(), "public.account");
}

#[test]
fn a_dense_graph_without_directions_is_refused_quickly() {
    let lines: Vec<_> = (0..30)
        .map(|n| {
            let references: Vec<_> = (0..n).map(|other| format!("r{other}-c{other}.id")).collect();
            format!("c{n}: id email=email {}", references.join(" ")).trim_end().to_owned()
        })
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    assert!(matches!(plan(&shop(&lines), "shop.c7.id"), Err(PlanError::TooManyRoutes { max: 256, .. })));
}

#[test]
fn a_very_long_chain_does_not_exhaust_the_stack() {
    let lines: Vec<_> = (0..2_000).map(|n| format!("c{n}: id email=email next>c{}.id", (n + 1) % 2_000)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    assert!(matches!(plan(&shop(&lines), "shop.c1999.id"), Err(PlanError::TooManyRoutes { .. })));
}
