//! P5 to P7: lists of regulations and suppressions.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::config::{ListOrder, MockConfig};
use crate::endpoint::Endpoint;
use crate::public_api::pagination::Page;
use crate::public_api::validation::Failures;
use crate::public_api::{SOURCE_TYPES, STATUSES, WORKSPACE_TYPES, success};
use crate::state::{Regulation, Scope, World};
use crate::timestamps::micros;

pub(super) fn regulations(call: &Call, world: &World, config: &MockConfig, now: Timestamp) -> Answer {
    let of_source = call.endpoint == Endpoint::ListSourceRegulations;
    // P5's enum lacks DELETE_ARCHIVE_ONLY, P6's has it [TS].
    let known_types: &[&str] = if of_source { &SOURCE_TYPES } else { &WORKSPACE_TYPES };
    let mut failures = Failures::default();
    let status = call.query.get("status");
    if let Some(status) = status {
        failures.one_of("status", status, &STATUSES);
    }
    let types = call.query.array("regulationTypes");
    for (index, kind) in types.iter().enumerate() {
        failures.one_of(&format!("regulationTypes[{index}]"), kind, known_types);
    }
    let page = Page::read(&call.query, config, &mut failures);
    if let Some(refusal) = failures.into_answer() {
        return refusal;
    }
    let source = of_source.then(|| call.segment(2));
    let wanted = |one: &&Regulation| {
        one.shown(now)
            && source_of(one) == source.as_deref()
            && status.is_none_or(|status| one.status(now) == status)
            && (types.is_empty() || types.contains(&one.what.kind.as_str()))
    };
    let mut found: Vec<&Regulation> = world.regulations.all().iter().filter(wanted).collect();
    if config.order == ListOrder::NewestFirst {
        found.reverse();
    }
    let total = found.len();
    let entries: Vec<Value> = page.of(found).into_iter().map(|regulation| entry(regulation, now)).collect();
    let mut data = json!({"regulations": entries});
    if !of_source || config.paginate_source_lists {
        data["pagination"] = page.output(total);
    }
    success(call, &data, now)
}

fn source_of(regulation: &Regulation) -> Option<&str> {
    match &regulation.what.scope {
        Scope::Workspace => None,
        Scope::Source(source) | Scope::CloudSource { source, .. } => Some(source),
    }
}

/// `regulationType` is newer than OpenAPI 32.0.4 \[TS\].
fn entry(regulation: &Regulation, now: Timestamp) -> Value {
    let mut entry = json!({
        "id": regulation.id,
        "subjectType": regulation.what.subject_type,
        "subjects": regulation.what.subjects,
        "status": regulation.status(now),
        "createdAt": micros(regulation.created_at),
        "regulationType": regulation.what.kind,
    });
    if let Some(at) = regulation.finished_at(now) {
        entry["finishedAt"] = json!(micros(at));
    }
    entry
}

/// Lists what suppress-only and suppress-with-delete suppressed alike (U22), with `userId` as in the sample \[OAS22\].
pub(super) fn suppressions(call: &Call, world: &World, config: &MockConfig, now: Timestamp) -> Answer {
    let mut failures = Failures::default();
    let page = Page::read(&call.query, config, &mut failures);
    if let Some(refusal) = failures.into_answer() {
        return refusal;
    }
    let mut users = world.suppressions.of_workspace();
    if config.order == ListOrder::NewestFirst {
        users.reverse();
    }
    let total = users.len();
    let suppressed: Vec<Value> =
        page.of(users).into_iter().map(|user_id| json!({"subjectType": "userId", "subjectIds": [user_id]})).collect();
    success(call, &json!({"suppressed": suppressed, "pagination": page.sparse_output(total)}), now)
}
