//! From identities to a person, or to a puzzle for a human.

use segment_core::{Action, Finding, FindingCode, IdentitySet, Resolution, RowTrace};

use super::{
    join::join,
    puzzle::{Puzzle, ResolveError},
    spelling,
    trace::Person,
    walk,
};
use crate::Sources;

/// What is known of a person at one connection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The ids and profiles; empty for somebody unknown.
    pub resolution: Resolution,
    /// What a person has to know.
    pub findings: Vec<Finding>,
    /// Where was looked, in words.
    pub looked: Vec<String>,
}

/// Finds a person at one connection. An operator's suppression names user ids itself, and nothing is looked up for it.
///
/// # Errors
///
/// [`ResolveError`]; with [`ResolveError::Puzzle`] nothing may be collected and nothing sent.
pub async fn resolve(
    sources: &Sources,
    action: Action,
    identities: &IdentitySet,
    max_user_ids: usize,
) -> Result<Found, ResolveError> {
    if matches!(action, Action::Suppression | Action::Unsuppression) {
        let user_ids = identities.iter().map(|identity| identity.value().clone()).collect();
        return Ok(Found { resolution: Resolution { user_ids, ..Resolution::default() }, ..Found::default() });
    }
    let mut traces = Vec::new();
    for identity in identities {
        traces.push(walk::walk(sources, identity, max_user_ids).await?);
    }
    let mut looked: Vec<String> = traces.iter().flat_map(|trace| trace.looked.iter().cloned()).collect();
    looked.sort();
    looked.dedup();
    let mismatched: u64 = traces.iter().map(|trace| trace.mismatched).sum();
    let people = join(traces);
    if people.len() > 1 {
        return Err(ResolveError::Puzzle(Puzzle::Conflict(people.len())));
    }
    let mut findings = Vec::new();
    if mismatched > 0 {
        findings.push(Finding::new(
            FindingCode::LookupMismatch,
            format!("the owned database found {mismatched} rows equal whose key differs; they were left out"),
        ));
    }
    let Some(person) = people.into_iter().next() else { return Ok(Found { findings, looked, ..Found::default() }) };
    if action.regulates() && person.user_ids.is_empty() && person.profile_user_ids.is_empty() {
        return Err(ResolveError::Puzzle(Puzzle::NoUserId));
    }
    finish(sources, action, person, findings, looked).await
}

async fn finish(
    sources: &Sources,
    action: Action,
    person: Person,
    mut findings: Vec<Finding>,
    looked: Vec<String>,
) -> Result<Found, ResolveError> {
    let profiles: Vec<_> = person.profiles.into_iter().collect();
    let spelled = match (&sources.profiles, action.regulates()) {
        (Some(api), true) => spelling::spell(api.as_ref(), &profiles, person.user_ids, person.profile_user_ids).await?,
        _ => spelling::Spelled { user_ids: &person.user_ids | &person.profile_user_ids, unconfirmed: 0 },
    };
    if spelled.unconfirmed > 0 {
        let many = spelled.unconfirmed;
        findings.push(Finding::new(
            FindingCode::CaseUnconfirmed,
            format!("{many} user ids are known only from the Profile API, which lower-cases; they were sent as shown"),
        ));
    }
    if person.unreachable > 0 && action.regulates() {
        let many = person.unreachable;
        findings.push(Finding::new(
            FindingCode::Unreachable,
            format!("{many} other ids of the person, such as anonymous ids, cannot be reached by a regulation"),
        ));
    }
    let resolution = Resolution {
        user_ids: spelled.user_ids,
        profiles,
        identifiers: person.identifiers,
        unreachable: person.unreachable,
        rows: RowTrace::default(),
    };
    Ok(Found { resolution, findings, looked })
}
