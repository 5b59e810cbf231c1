use proptest::prelude::*;

use super::*;

fn email(value: &str) -> Result<Identity, IdentityError> {
    Identity::new(IdentityKind::Email, value)
}

#[test]
fn unusual_addresses_are_taken_as_they_are() {
    for value in ["a+b@x.org", "a/b@x.org", "a?b@x.org", "a#b@x.org", "a%b@x.org", "\"a b\"@x.org", "änne@exämple.org"]
    {
        assert_eq!(email(value).unwrap().value().expose(), value);
    }
}

#[test]
fn hostile_user_ids_are_values_like_others() {
    for value in ["u'1", "u\"1", "a\nb", "x\",\"y", "../../regulations", "'; DROP TABLE users; --"] {
        assert_eq!(Identity::new(IdentityKind::UserId, value).unwrap().value().expose(), value);
    }
}

#[test]
fn what_cannot_be_one_persons_identity_is_refused() {
    let user = |value: &str| Identity::new(IdentityKind::UserId, value).unwrap_err();
    assert!(matches!(user("  "), IdentityError::Empty { .. }));
    for value in ["null", "NULL", "undefined", "0", "[object Object]", "00000000-0000-0000-0000-000000000000"] {
        assert!(matches!(user(value), IdentityError::Placeholder { .. }), "{value}");
    }
    assert!(matches!(user("a\0b"), IdentityError::Nul { .. }));
    assert!(matches!(email("test@example.com"), Err(IdentityError::Placeholder { .. })));
    assert!(matches!(email("ann"), Err(IdentityError::NotAnAddress)));
    assert!(matches!(email("ann@example.com\nben@example.com"), Err(IdentityError::Control { .. })));
    assert!(matches!(email("@example.com"), Err(IdentityError::NotAnAddress)));
    let long = format!("{}@example.com", "a".repeat(288));
    assert!(matches!(email(&long), Err(IdentityError::TooLong { length: 300, max: 254, .. })));
    assert_eq!(IdentitySet::new([]), Err(IdentityError::NoIdentity));
}

#[test]
fn sets_ignore_order_repetition_and_the_case_of_addresses() {
    let one = IdentitySet::new([email("Ann@Example.com").unwrap(), email("ann@example.com").unwrap()]).unwrap();
    assert_eq!(one.len(), 1);
    let user = Identity::new(IdentityKind::UserId, "u-1").unwrap();
    let ab = IdentitySet::new([email("ann@example.com").unwrap(), user.clone()]).unwrap();
    let ba = IdentitySet::new([user, email("ANN@example.com").unwrap()]).unwrap();
    assert_eq!(ab.comparison_key(), ba.comparison_key());
}

#[test]
fn user_ids_that_differ_in_case_are_two() {
    let id = |value: &str| Identity::new(IdentityKind::UserId, value).unwrap();
    assert_eq!(IdentitySet::new([id("aB1"), id("ab1")]).unwrap().len(), 2);
}

#[test]
fn kinds_are_lower_snake_case() {
    assert_eq!(IdentityKind::parse("ios.idfa").unwrap().external_id_type(), "ios.idfa");
    assert_eq!(IdentityKind::parse("phone_number").unwrap().external_id_type(), "phone");
    for name in ["", "Email", "user id", "a/b", &"x".repeat(65)] {
        assert_eq!(IdentityKind::parse(name), Err(IdentityError::UnknownKind), "{name}");
    }
}

proptest! {
    #[test]
    fn no_error_and_no_debug_repeats_the_value(value in "[a-z]{12,20}") {
        let shown = format!("{:?}", Identity::new(IdentityKind::UserId, &value));
        prop_assert!(!shown.contains(&value));
        if let Err(error) = email(&value) {
            prop_assert!(!error.to_string().contains(&value));
        }
    }
}

#[test]
fn spellings_of_one_address_are_one_whatever_stands_between_them() {
    let of = |emails: &[&str]| IdentitySet::new(emails.iter().map(|value| email(value).unwrap())).unwrap();
    let set = of(&["ANN@example.com", "Ben@example.com", "ann@example.com"]);
    assert_eq!(set.len(), 2);
    assert_eq!(set.comparison_key(), of(&["ben@example.com", "ann@example.com"]).comparison_key());
}
