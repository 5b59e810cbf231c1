//! The words after `cargo xtask ci`.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::step::Step;

/// A word: the name of a step, or `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All steps, the extended ones too.
    Full,
    /// This one.
    Only(Step),
}

static WORDS: LazyLock<Vec<Choice>> = LazyLock::new(|| {
    let steps = Step::value_variants().iter().copied().map(Choice::Only);
    [Choice::Full].into_iter().chain(steps).collect()
});

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        &WORDS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Full => Some(PossibleValue::new("full").help("All that follow, the extended ones too")),
            Self::Only(step) => step.to_possible_value(),
        }
    }
}

/// Each step once, in the order of the enumeration; without a word the quick ones.
pub(super) fn planned(chosen: &[Choice]) -> Vec<Step> {
    let is_planned = |step: &Step| {
        chosen.contains(&Choice::Full)
            || chosen.contains(&Choice::Only(*step))
            || (chosen.is_empty() && !step.is_extended())
    };
    Step::value_variants().iter().copied().filter(is_planned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_once_and_in_order() {
        let only = [Step::Test, Step::Fmt, Step::Test].map(Choice::Only);
        assert_eq!(planned(&only), [Step::Fmt, Step::Test]);
    }

    #[test]
    fn without_a_word_the_quick_ones_run() {
        let quick = planned(&[]);
        assert_eq!((quick.first(), quick.last()), (Some(&Step::Fmt), Some(&Step::E2e)));
        assert!(!quick.iter().any(|step| step.is_extended()));
        assert_eq!(planned(&[Choice::Only(Step::Deny)]), [Step::Deny]);
    }

    #[test]
    fn full_is_all_of_them() {
        assert_eq!(planned(&[Choice::Full]), Step::value_variants());
        assert_eq!(planned(&[Choice::Only(Step::Fmt), Choice::Full]), Step::value_variants());
    }

    #[test]
    fn every_step_has_a_word_and_a_help() {
        for word in Choice::value_variants() {
            let value = word.to_possible_value().unwrap();
            assert!(value.get_help().is_some(), "{}", value.get_name());
            assert_eq!(Choice::from_str(value.get_name(), false), Ok(*word));
        }
    }
}
