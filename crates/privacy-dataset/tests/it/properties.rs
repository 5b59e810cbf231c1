use privacy_dataset::{Dataset, FieldRef, LookupPlan};
use proptest::prelude::*;
use segment_core::IdentityKind;

const REAL: &str = include_str!("../data/postgres_example_test_dataset.yml");

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Dataset::parse_all(&text);
        if let Ok(field) = text.parse::<FieldRef>() {
            prop_assert_eq!(field.to_string().parse::<FieldRef>().unwrap(), field);
        }
    }

    #[test]
    fn yaml_like_text_is_read_or_refused(words in proptest::collection::vec(
        prop_oneof![
            Just("dataset:"), Just("fides_key: a"), Just("collections:"), Just("fields:"), Just("name: b"), Just("- "),
            Just("\n"), Just("\n  "), Just("\n    "), Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just("&a "),
            Just("*a"), Just("<<: "), Just("!!str "), Just("? "), Just("|"), Just(">"), Just("'"), Just("\""), Just("---"),
        ], 0..60)) {
        let _ = Dataset::parse_all(&words.concat());
    }

    #[test]
    fn a_damaged_real_file_is_read_or_refused(cut in 0..REAL.len(), insert in "[\\PC\n]{0,8}", skip in 0..40_usize) {
        let text = format!("{}{insert}{}", &REAL[..cut], &REAL[(cut + skip).min(REAL.len())..]);
        if let Ok(datasets) = Dataset::parse_all(&text) {
            let target = "postgres_example_test_dataset.customer.id".parse().unwrap();
            let _ = LookupPlan::new(&datasets, &target, &IdentityKind::Email);
        }
    }
}
