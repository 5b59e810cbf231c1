//! Scripted faults: what goes wrong, for which requests, and how often.

mod fault;
mod render;
mod rewrite;
mod rule;

pub use fault::Fault;
pub(crate) use fault::Kind;
pub(crate) use render::render;
pub use rule::FaultRule;

use crate::call::Call;

/// The rules that were given, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    rules: Vec<FaultRule>,
}

impl FaultBook {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many rules may still fire.
    pub(crate) fn left(&self) -> usize {
        self.rules.iter().filter(|rule| rule.may_fire()).count()
    }

    /// The fault for a request. The first rule that is due fires, and rules after it do not count the request, so that
    /// two rules given one after the other fire one after the other.
    pub(crate) fn take(&mut self, call: &Call) -> Option<Fault> {
        self.rules.iter_mut().find_map(|rule| rule.take(call))
    }
}
