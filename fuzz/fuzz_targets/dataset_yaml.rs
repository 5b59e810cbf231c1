//! Fides YAML: it is read or refused, and what was read can be planned with, within bounds.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use privacy_dataset::{Dataset, FieldRef, LookupPlan, MAX_ROUTES, Traversal};
use segment_core::IdentityKind;

/// Plans for more fields say nothing new, and take time.
const TARGETS: usize = 4;

fuzz_target!(|text: &str| {
    let Ok(datasets) = Dataset::parse_all(text) else { return };
    let targets: Vec<FieldRef> = datasets.iter().flat_map(targets).take(TARGETS).collect();
    for target in &targets {
        if let Ok(Some(plan)) = LookupPlan::new(&datasets, target, &IdentityKind::Email) {
            assert!((1..=MAX_ROUTES).contains(&plan.routes().len()));
        }
    }
    let kinds = BTreeSet::from([IdentityKind::Email, IdentityKind::UserId]);
    let _ = Traversal::new(&datasets, &kinds, &targets);
});

fn targets(dataset: &Dataset) -> Vec<FieldRef> {
    let collections = dataset.collections.iter();
    let names = collections.flat_map(|collection| {
        collection.fields.iter().map(move |field| format!("{}.{}", collection.name, field.name))
    });
    names.filter_map(|name| FieldRef::new(&dataset.fides_key, &name).ok()).collect()
}
