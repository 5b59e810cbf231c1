use privacy_dataset::{Dataset, DatasetError};

fn error(yaml: &str) -> DatasetError {
    Dataset::parse_all(yaml).unwrap_err()
}

/// A dataset `shop` with these collections.
fn shop(collections: &str) -> String {
    format!("dataset:\n  - fides_key: shop\n    collections:\n{collections}")
}

#[test]
fn what_is_no_dataset_is_said_to_be_none() {
    for yaml in ["", "~", "text", "42", "1.5", "true", "- a\n- b", "{}", "policy: []", "dataset:", "# nothing"] {
        assert_eq!(error(yaml), DatasetError::NotADataset, "{yaml:?}");
    }
}

#[test]
fn a_single_mapping_is_tolerated_and_unknown_keys_are_passed_over() {
    let yaml = "
fides_version: 2
dataset:
  fides_key: shop
  organization_fides_key: default
  meta: { owner: [a, b] }
  collections:
    - name: customer
      data_qualifier: x
      fields:
        - { name: id, retention: forever, fides_meta: { return_all_elements: true } }
    - name: empty
      fields:
";
    let datasets = Dataset::parse_all(yaml).unwrap();
    assert_eq!(datasets[0].collections.len(), 2);
    assert!(Dataset::parse_all("dataset: []").unwrap().is_empty());
}

#[test]
fn the_older_meta_is_read_and_the_newer_wins() {
    let yaml = shop(
        "
      - name: customer
        fidesops_meta: { skip_processing: true, after: [shop.first] }
        fields:
          - { name: email, fidesops_meta: { identity: email } }
          - { name: phone, fidesops_meta: { identity: email }, fides_meta: { identity: phone_number } }
          - { name: note, fides_meta: }
",
    );
    let customer = Dataset::parse_all(&yaml).unwrap().remove(0).collections.remove(0);
    assert!(customer.skip_processing);
    assert_eq!(customer.after, ["shop.first"]);
    assert_eq!(customer.fields[0].identity.as_deref(), Some("email"));
    assert_eq!(customer.fields[1].identity.as_deref(), Some("phone_number"));
}

#[test]
fn nested_fields_have_paths() {
    let yaml = shop(
        "      - { name: c, fields: [{ name: profile, fields: [{ name: contact, fields: [{ name: email }] }] }] }",
    );
    let collection = Dataset::parse_all(&yaml).unwrap().remove(0).collections.remove(0);
    let paths: Vec<_> = collection.walk().iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["profile", "profile.contact", "profile.contact.email"]);
}

#[test]
fn names_keep_their_spelling() {
    let yaml = shop("      - { name: 007, fields: [{ name: no }, { name: 1.50 }, { name: \"on\" }] }");
    let collection = Dataset::parse_all(&yaml).unwrap().remove(0).collections.remove(0);
    let names: Vec<_> = collection.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!((collection.name.as_str(), names), ("007", vec!["no", "1.50", "on"]));
}

#[test]
fn the_schema_of_a_namespace_is_read() {
    let yaml =
        "dataset: { fides_key: shop, fides_meta: { namespace: { database_name: d, schema: sales } }, collections: [] }";
    assert_eq!(Dataset::parse_all(yaml).unwrap()[0].schema.as_deref(), Some("sales"));
}

#[test]
fn each_mistake_names_its_place() {
    let field = |meta: &str| shop(&format!("      - {{ name: a, fields: [{{ name: b, fides_meta: {{ {meta} }} }}] }}"));
    for (yaml, expected) in [
        (
            shop("      - { name: a }\n      - { name: a }"),
            "the collection shop.a is there twice: put its fields into one entry",
        ),
        (
            shop("      - { name: a, fields: [{ name: b }, { name: b }] }"),
            "the field shop.a.b is there twice: keep one of them",
        ),
        (
            shop("      - { name: a, fields: [{ name: b, fields: [{ name: c }, { name: c }] }] }"),
            "the field shop.a.b.c is there twice: keep one of them",
        ),
        (
            field("references: [{ dataset: shop, field: customer }]"),
            "shop.a.b refers to `shop.customer`: a reference needs `dataset`, and `field` as collection.field",
        ),
        (
            field("references: [{ field: customer.id }]"),
            "shop.a.b refers to `customer.id`: a reference needs `dataset`, and `field` as collection.field",
        ),
        (
            field("references: [{ dataset: shop, field: c.id, direction: sideways }]"),
            "shop.a.b has a reference with direction `sideways`: use `from`, `to`, or leave it out for both ways",
        ),
        (
            shop("      - { name: '' }"),
            "a collection of shop has an empty name: give it the name that the database has",
        ),
        (
            "dataset: [{ fides_key: a }, { fides_key: a }]".to_owned(),
            "the dataset a is there twice: `fides_key` must be unique",
        ),
    ] {
        assert_eq!(error(&yaml).to_string(), expected);
    }
}

#[test]
fn yaml_mistakes_have_a_line() {
    for (yaml, line) in [
        ("dataset:\n  - fides_key: [", 2),
        ("dataset:\n  - name: shop\n    collections: []", 2),
        ("dataset:\n  - fides_key: shop\n    collections: 12", 3),
        ("dataset:\n  - fides_key: shop\n    fides_key: twice", 3),
        ("dataset: text", 1),
    ] {
        let error = error(yaml);
        let DatasetError::Yaml { line: found, message } = &error else { panic!("{yaml}: {error}") };
        assert!(found.is_some_and(|found| found >= line), "{yaml}: {message}");
        assert!(message.contains("line"), "{message}");
    }
}

#[test]
fn bombs_do_not_go_off() {
    let deep = format!("dataset: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(matches!(error(&deep), DatasetError::Yaml { .. }));
    let deep = shop(&format!("      - {{ name: a, fields: {} }}", "[{ name: a, fields: ".repeat(5_000)));
    assert!(matches!(error(&deep), DatasetError::Yaml { .. }));

    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let previous = vec![format!("*a{}", n - 1); 10].join(", ");
        laughs.push_str(&format!("a{n}: &a{n} [{previous}]\n"));
    }
    assert!(matches!(error(&laughs), DatasetError::Yaml { .. }));
}
