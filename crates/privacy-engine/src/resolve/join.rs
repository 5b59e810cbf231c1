//! Sets that share an element, directly or through a third, are one person.

use std::collections::BTreeSet;

use super::trace::{Element, Person, Trace};

/// The people that the traces are about. An identity that leads nowhere conflicts with nothing; what it was asked by is
/// kept, so that a read-back asks for it too.
pub(super) fn join(traces: Vec<Trace>) -> Vec<Person> {
    let mut groups: Vec<(BTreeSet<Element>, Person)> = Vec::new();
    let mut nowhere = BTreeSet::new();
    for trace in traces {
        if trace.elements.is_empty() {
            nowhere.extend(trace.person.identifiers);
            continue;
        }
        let (mut elements, mut person) = (trace.elements, trace.person);
        let mut apart = Vec::new();
        for (other_elements, other) in groups {
            if elements.is_disjoint(&other_elements) {
                apart.push((other_elements, other));
            } else {
                elements.extend(other_elements);
                person.absorb(other);
            }
        }
        apart.push((elements, person));
        groups = apart;
    }
    if let Some((_, person)) = groups.first_mut() {
        person.identifiers.extend(nowhere);
    }
    groups.into_iter().map(|(_, person)| person).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use segment_core::Pii;

    use super::*;

    fn trace(user_ids: &[u8]) -> Trace {
        let ids = || user_ids.iter().map(|id| Pii::new(format!("u-{id}")));
        Trace {
            elements: ids().map(Element::UserId).collect(),
            person: Person { user_ids: ids().collect(), ..Person::default() },
            ..Trace::default()
        }
    }

    fn people(traces: &[&[u8]]) -> usize {
        join(traces.iter().map(|ids| trace(ids)).collect()).len()
    }

    #[test]
    fn what_shares_an_element_is_one_person() {
        assert_eq!(people(&[&[1], &[1]]), 1);
        assert_eq!(people(&[&[1], &[2]]), 2);
        assert_eq!(people(&[&[1], &[2], &[1, 2]]), 1, "through a third");
        assert_eq!(people(&[&[1], &[], &[]]), 1, "what leads nowhere conflicts with nothing");
        assert_eq!(people(&[&[], &[]]), 0);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(sets in prop::collection::vec(prop::collection::vec(0_u8..9, 0..4), 0..6), by in 0_usize..6) {
            let forward: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
            let mut turned = forward.clone();
            let by = by.min(turned.len());
            turned.rotate_left(by);
            prop_assert_eq!(people(&forward), people(&turned));
        }
    }
}
