//! Which strategy masks which field.

use std::{cmp::Reverse, collections::BTreeMap, iter};

use super::MaskingStrategy;

const USER: &str = "user";

/// Which strategy masks which data category.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MaskingPolicy {
    default: MaskingStrategy,
    by_category: BTreeMap<String, MaskingStrategy>,
}

impl MaskingPolicy {
    /// `by_category` masks its categories and what is below them, `default` everything else that is `user` or below.
    #[must_use]
    pub fn new(default: MaskingStrategy, by_category: BTreeMap<String, MaskingStrategy>) -> Self {
        Self { default, by_category }
    }

    /// The strategy for a field with these categories; `None` if it holds nothing that is to be masked.
    ///
    /// Of the policy's categories that are equal to one of the field's, or above it, the longest decides: the one of most
    /// names, then of most characters, then the first in the alphabet. Where there is none, the default masks a field of
    /// which a category is `user` or below.
    #[must_use]
    pub fn strategy_for<'a>(&'a self, categories: impl IntoIterator<Item = &'a str>) -> Option<&'a MaskingStrategy> {
        let categories: Vec<_> = categories.into_iter().collect();
        let covers = |above: &str| categories.iter().any(|category| is_within(category, above));
        self.by_category
            .iter()
            .filter(|(category, _)| covers(category))
            .max_by_key(|(category, _)| (category.split('.').count(), category.len(), Reverse(*category)))
            .map(|(_, strategy)| strategy)
            .or_else(|| covers(USER).then_some(&self.default))
    }

    /// Every strategy with its category; the first is the one of `default`.
    pub fn strategies(&self) -> impl Iterator<Item = (&str, &MaskingStrategy)> {
        let by_category = self.by_category.iter().map(|(category, strategy)| (category.as_str(), strategy));
        iter::once(("default", &self.default)).chain(by_category)
    }
}

/// Whether `category` is `above` or below it: `user.contact.email` is within `user.contact`, `user.contacts` is not.
fn is_within(category: &str, above: &str) -> bool {
    category.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('.'))
}
