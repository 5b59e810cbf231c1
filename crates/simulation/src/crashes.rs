//! Where a process can be killed: before and after every durable step and every call.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    Before,
    After,
}

/// A named crash point, such as `after intend`: the intent is committed, the call has not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) when: When,
    pub(crate) step: &'static str,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Before => "before",
            When::After => "after",
        };
        write!(f, "{when} {}", self.step)
    }
}

/// What happens beside one planned crash, and nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    /// Nothing.
    Plain,
    /// Everything is suppressed only.
    Strict,
    /// Segment creates the first regulation, and the answer is lost.
    AnswerLost,
    /// The first call never arrives, and nobody can know that.
    CallLost,
    /// Every read takes half a lease.
    SlowReads,
    /// Segment ends the first regulation without success, and a human retries.
    Fails,
}

impl Story {
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Strict, Self::AnswerLost, Self::CallLost, Self::SlowReads, Self::Fails];
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    story: Story,
    /// There, at the n-th time, counted from 1; nowhere to see which points there are.
    crash: Option<(Point, u64)>,
}

/// Which crashes are to happen, and which points were passed.
#[derive(Debug, Default)]
pub(crate) struct Crashes {
    plan: Option<Plan>,
    passed: Mutex<BTreeMap<Point, u64>>,
}

impl Crashes {
    /// By chance.
    pub(crate) fn by_chance() -> Self {
        Self::default()
    }

    /// At most one, there, at the n-th time, counted from 1.
    pub(crate) fn planned(story: Story, crash: Option<(Point, u64)>) -> Self {
        Self { plan: Some(Plan { story, crash }), passed: Mutex::default() }
    }

    /// Counts the point; whether the planned crash is now.
    pub(crate) fn is_now(&self, point: Point) -> bool {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let times = passed.entry(point).or_default();
        *times += 1;
        self.plan.and_then(|plan| plan.crash) == Some((point, *times))
    }

    pub(crate) fn is_planned(&self) -> bool {
        self.plan.is_some()
    }

    pub(crate) fn is(&self, story: Story) -> bool {
        self.plan.is_some_and(|plan| plan.story == story)
    }

    /// How often each point was passed.
    pub(crate) fn passed(&self) -> BTreeMap<Point, u64> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
