//! Which fields are masked, and how.

use privacy_dataset::{Dataset, MaskedFields, MaskingPolicy};

const CUSTOMER: &str = "
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields:
          - { name: id, data_categories: [user.unique_id], fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email, length: 40 } }
          - { name: segment_id, data_categories: [user.unique_id] }
          - { name: created, data_categories: [system.operations] }
          - { name: seal, data_categories: [user], fides_meta: { read_only: true } }
          - { name: team, data_categories: [user.job], fides_meta: { references: [{ dataset: shop, field: team.name }] } }
          - { name: doc, fields: [{ name: city, data_categories: [user.contact] }, { name: theme }] }
          - { name: notes, data_categories: [user], fields: [{ name: first, data_categories: [user] }] }
          - { name: plan, data_categories: [system], fides_meta: { masking_strategy_override: { strategy: null_rewrite } } }
          - { name: nick, data_categories: [user.name], fides_meta: { masking_strategy_override: { strategy: preserve } } }
      - name: team
        data_categories: [user.job]
        fields: [{ name: name }, { name: motto }, { name: wall, fields: [{ name: colour }] }]
";

fn masked(yaml: &str, collection: &str) -> Result<MaskedFields, String> {
    let datasets = Dataset::parse_all(yaml).unwrap();
    let target = ["shop.customer.segment_id".parse().unwrap()];
    MaskedFields::new(&datasets, "shop", collection, &MaskingPolicy::default(), &target).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    })
}

fn shown(masked: &MaskedFields) -> Vec<String> {
    masked.fields.iter().map(|field| format!("{} {}", field.path, field.strategy.name())).collect()
}

#[test]
fn personal_fields_are_masked_and_the_rest_is_left() {
    let customer = masked(CUSTOMER, "customer").unwrap();
    assert_eq!(shown(&customer), ["email hmac", "doc.city hmac", "notes hmac", "plan null_rewrite"]);
    assert_eq!(customer.fields[0].length, Some(40));
    assert_eq!(customer.fields.iter().map(|field| field.overridden).collect::<Vec<_>>(), [false, false, false, true]);
    let left: Vec<_> = customer.left.iter().map(|line| line.split(" holds").next().unwrap()).collect();
    assert_eq!(
        left,
        ["shop.customer.id", "shop.customer.seal", "shop.customer.team"],
        "where the user id is needs no word"
    );
}

#[test]
fn categories_of_a_collection_are_those_of_its_fields() {
    let team = masked(CUSTOMER, "team").unwrap();
    assert_eq!(shown(&team), ["motto hmac", "wall.colour hmac"], "not the column as a whole");
    assert!(team.left[0].starts_with("shop.team.name holds personal data and joins collections"), "{:?}", team.left);
    let dataset = CUSTOMER.replace("  - fides_key: shop", "  - fides_key: shop\n    data_categories: [user]");
    assert!(shown(&masked(&dataset, "customer").unwrap()).contains(&"created hmac".to_owned()));
}

#[test]
fn a_field_that_joins_is_masked_where_it_says_so_itself() {
    let yaml = CUSTOMER.replace(
        "field: team.name }] }",
        "field: team.name }], masking_strategy_override: { strategy: hash, configuration: { algorithm: SHA-512 } } }",
    );
    assert!(shown(&masked(&yaml, "customer").unwrap()).contains(&"team hash".to_owned()));
}

#[test]
fn what_cannot_be_is_named_with_its_place() {
    let with = |from: &str, to: &str| masked(&CUSTOMER.replace(from, to), "customer").unwrap_err();
    let key = with("primary_key: true }", "primary_key: true, masking_strategy_override: { strategy: hmac } }");
    assert!(key.starts_with("shop.customer.id is a primary key, which is never masked"), "{key}");
    let sealed = with("read_only: true }", "read_only: true, masking_strategy_override: { strategy: hmac } }");
    assert!(sealed.starts_with("shop.customer.seal is read_only and has a masking_strategy_override"), "{sealed}");
    let misspelt = with("strategy: null_rewrite", "strategy: nul_rewrite");
    assert!(
        misspelt.starts_with("shop.customer.plan has a masking_strategy_override that cannot be used: "),
        "{misspelt}"
    );
    assert!(misspelt.contains("null_rewrite"), "{misspelt}");
}

#[test]
fn a_collection_that_is_not_there_has_no_fields() {
    assert_eq!(masked(CUSTOMER, "orders").unwrap(), MaskedFields::default());
}
