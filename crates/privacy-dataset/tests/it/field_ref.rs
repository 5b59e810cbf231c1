use privacy_dataset::{FieldPath, FieldRef};

#[test]
fn three_names_or_more() {
    let plain: FieldRef = "shop.customer.id".parse().unwrap();
    assert_eq!((plain.dataset(), plain.collection(), plain.field().as_column()), ("shop", "customer", Some("id")));

    let nested: FieldRef = "a.b.c.d".parse().unwrap();
    assert_eq!(nested.field().segments(), ["c", "d"]);
    assert_eq!(nested.field().as_column(), None);
    assert_eq!(nested.to_string(), "a.b.c.d");

    assert_eq!(FieldRef::new("shop", "customer.id").unwrap(), plain);
    assert_eq!(FieldPath::parse("c.d").unwrap(), *nested.field());
}

#[test]
fn anything_less_is_refused_with_the_form() {
    for text in ["", "shop", "shop.customer", "shop..id", ".customer.id", "shop.customer."] {
        let error = text.parse::<FieldRef>().unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is not of the form dataset.collection.field"));
    }
    assert_eq!(
        FieldRef::new("shop", "customer").unwrap_err().to_string(),
        "`customer` is not of the form collection.field"
    );
    assert!(FieldRef::new("", "customer.id").is_err());
}
