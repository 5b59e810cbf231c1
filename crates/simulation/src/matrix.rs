//! The crash matrix: in every story, a process is killed once at every named crash point that it passes: the first, the
//! second and the last time.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use crate::{
    crashes::{Crashes, Point, Story, When},
    scenario,
};

/// Steps that must be among them: what a request goes through from intake to its last look.
const MUST: [&str; 16] = [
    "intake",
    "claim_requests",
    "metadata",
    "external_ids",
    "events",
    "save_request",
    "intend",
    "workspace",
    "create",
    "save_regulation",
    "claim_regulation",
    "list",
    "get",
    "suppressions",
    "extend",
    "decide",
];

/// Prints the matrix; whether it held.
pub(crate) fn run(seed: u64, out: &mut impl Write) -> io::Result<bool> {
    let mut crashes = 0_u64;
    let mut held = true;
    let mut passed: BTreeMap<Point, BTreeSet<String>> = BTreeMap::new();
    for story in Story::ALL {
        let plain = scenario::run(seed, Crashes::planned(story, None));
        held &= told(out, &format!("{story:?} without a crash"), &plain.violations)?;
        for (point, times) in plain.passed {
            for time in BTreeSet::from([1, 2.min(times), times]) {
                let outcome = scenario::run(seed, Crashes::planned(story, Some((point, time))));
                crashes += 1;
                let killed = outcome.trace.iter().any(|line| line.ends_with(&format!("is killed {point}")));
                if !killed {
                    writeln!(out, "{story:?}: nobody was killed {point}, time {time}")?;
                    held = false;
                }
                held &= told(out, &format!("{story:?}, killed {point}, time {time}"), &outcome.violations)?;
                passed.entry(point).or_default().insert(format!("{story:?}"));
            }
        }
    }
    for (point, stories) in &passed {
        let stories: Vec<_> = stories.iter().map(String::as_str).collect();
        writeln!(out, "{:<24} {}", point.to_string(), stories.join(", "))?;
    }
    for step in MUST {
        for when in [When::Before, When::After] {
            let point = Point { when, step };
            if !passed.contains_key(&point) {
                writeln!(out, "no story passes {point}")?;
                held = false;
            }
        }
    }
    writeln!(out, "{} crash points, {crashes} crashes: {}", passed.len(), if held { "held" } else { "BROKEN" })?;
    Ok(held)
}

fn told(out: &mut impl Write, what: &str, violations: &[String]) -> io::Result<bool> {
    for violation in violations {
        writeln!(out, "{what}: {violation}")?;
    }
    Ok(violations.is_empty())
}
