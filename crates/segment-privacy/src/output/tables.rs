//! The same results as tables and sentences.

use std::fmt::Write as _;

use comfy_table::Table;
use jiff::Timestamp;

use super::{
    Output,
    print::table,
    shapes::{
        CheckShape, ChecksShape, ConnectionShape, ConnectionsShape, DryRunShape, FileShape, HoldShape, LastTestShape,
        LogShape, PlanShape, PurgeShape, RegulationsShape, RejectedShape, RequestShape, SummaryShape, TaskShape,
    },
};

/// To the minute, in UTC.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn maybe(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), minute)
}

/// A request with its tasks.
pub(crate) fn request(shape: &RequestShape, output: &Output) -> String {
    let mut text = format!("{} {} {}\n", shape.id, shape.action, output.status(&shape.status));
    let _ = writeln!(text, "received {}, due {} (UTC)", minute(shape.received_at), minute(shape.due_at));
    if let Some(at) = shape.completed_at {
        let verified =
            shape.verified_at.map_or_else(|| "not verified".to_owned(), |at| format!("verified {}", minute(at)));
        let _ = writeln!(
            text,
            "complete {}{}",
            minute(at),
            if shape.action == "access" { String::new() } else { format!(", {verified}") }
        );
    }
    if let Some(reason) = &shape.denied_reason {
        let _ = writeln!(text, "denied: {reason}");
    }
    for identity in shape.identities.iter().flatten() {
        let _ = writeln!(text, "{}: {}", identity.kind, identity.value);
    }
    for task in &shape.tasks {
        write_task(task, &mut text, output);
    }
    if let Some(package) = &shape.package {
        let _ = writeln!(text, "package {} ({} bytes, sha256 {})", package.location, package.bytes, package.sha256);
    }
    text.trim_end().to_owned()
}

fn write_task(task: &TaskShape, text: &mut String, output: &Output) {
    let outcome = task.outcome.as_deref().map(|outcome| format!(": {outcome}")).unwrap_or_default();
    let _ = writeln!(text, "\n{} {}{outcome}", task.connection, output.status(&task.status));
    if let (Some(code), Some(message)) = (&task.code, &task.message) {
        let _ = writeln!(text, "  {code}: {message}");
    }
    for id in task.user_ids.iter().flatten() {
        let _ = writeln!(text, "  user id {id}");
    }
    if !task.collections.is_empty() {
        let counts: Vec<_> = task.collections.iter().map(|(name, records)| format!("{records} {name}")).collect();
        let _ = writeln!(text, "  {}", counts.join(", "));
    }
    for regulation in &task.regulations {
        let id = regulation.id.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "  {} {id} {} ({} user ids{})",
            regulation.kind,
            output.status(&regulation.status),
            regulation.subjects,
            regulation.source.as_ref().map(|source| format!(", source {source} only")).unwrap_or_default()
        );
        for destination in &regulation.destinations {
            let _ = writeln!(text, "    {}: {}", destination.name, destination.status);
        }
    }
    for finding in &task.findings {
        let _ = writeln!(text, "  {}: {}", finding.code, finding.message);
    }
}

pub(crate) fn requests(all: &[SummaryShape], output: &Output) -> String {
    if all.is_empty() {
        return "no requests".to_owned();
    }
    let mut rows = table(&["request", "action", "status", "received", "due", "complete", "verified"]);
    for one in all {
        let due = if one.overdue { format!("{} OVERDUE", minute(one.due_at)) } else { minute(one.due_at) };
        rows.add_row([
            one.id.clone(),
            one.action.clone(),
            output.status(&one.status),
            minute(one.received_at),
            due,
            maybe(one.completed_at),
            maybe(one.verified_at),
        ]);
    }
    rows.to_string()
}

pub(crate) fn log(entries: &[LogShape]) -> String {
    let mut rows = table(&["at (UTC)", "step", "facts"]);
    for entry in entries {
        rows.add_row([entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string(), entry.step.clone(), facts(&entry.facts)]);
    }
    rows.to_string()
}

fn facts(facts: &serde_json::Value) -> String {
    let Some(object) = facts.as_object() else { return facts.to_string() };
    let one = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    object.iter().map(one).collect::<Vec<_>>().join("\n")
}

pub(crate) fn regulations(all: &RegulationsShape) -> String {
    let mut rows = table(&["connection", "regulation", "type", "ours", "at Segment", "user ids", "created"]);
    for one in &all.regulations {
        rows.add_row([
            one.connection.clone(),
            one.regulation.id.clone().unwrap_or_else(|| "-".to_owned()),
            match &one.regulation.source {
                Some(source) => format!("{}\nsource {source}", one.regulation.kind),
                None => one.regulation.kind.clone(),
            },
            one.state.clone().unwrap_or_else(|| "not ours".to_owned()),
            one.at_segment.clone().unwrap_or_else(|| "-".to_owned()),
            one.regulation.subjects.to_string(),
            maybe(one.created_at),
        ]);
    }
    let mut quota = table(&["connection", "quota", "month", "used", "of", "waiting", "until"]);
    for one in &all.quota {
        quota.add_row([
            one.connection.clone(),
            one.category.clone(),
            one.month.clone(),
            one.used.to_string(),
            one.limit.to_string(),
            one.waiting.to_string(),
            maybe(one.forecast),
        ]);
    }
    format!("{rows}\n{quota}")
}

pub(crate) fn connections(all: &ConnectionsShape, output: &Output) -> String {
    if all.connections.is_empty() {
        return "no connections".to_owned();
    }
    let mut rows = table(&["connection", "kind", "from", "takes new work", "workspace", "source", "last test (UTC)"]);
    for one in &all.connections {
        rows.add_row([
            one.key.clone(),
            one.kind.clone(),
            one.from.clone(),
            if one.enabled { "yes" } else { "no, disabled" }.to_owned(),
            one.workspace.clone().unwrap_or_default(),
            one.source.clone().unwrap_or_else(|| "all".to_owned()),
            last_test(one.last_test.as_ref(), output),
        ]);
    }
    rows.to_string()
}

fn last_test(test: Option<&LastTestShape>, output: &Output) -> String {
    test.map_or_else(|| "never".to_owned(), |test| format!("{} {}", output.status(&test.status), minute(test.at)))
}

pub(crate) fn connection(one: &ConnectionShape, output: &Output) -> String {
    let state = if one.enabled { "" } else { ", disabled: it takes no new work" };
    let mut rows = table(&["field", "value", "required", "default"]);
    for field in &one.fields {
        rows.add_row([
            field.name.clone(),
            field.value.clone().unwrap_or_default(),
            if field.required { "required" } else { "" }.to_owned(),
            field.default.clone().unwrap_or_default(),
        ]);
    }
    format!(
        "{} {}, from the {}{state}\n{rows}\nlast test: {}",
        one.key,
        one.kind,
        if one.from == "file" { "configuration file" } else { "record database" },
        last_test(one.last_test.as_ref(), output)
    )
}

pub(crate) fn holds(all: &[HoldShape]) -> String {
    if all.is_empty() {
        return "no legal holds".to_owned();
    }
    let mut rows = table(&["hold", "placed (UTC)", "lifted (UTC)", "names", "why"]);
    for one in all {
        let named: Vec<_> = match &one.identities {
            Some(identities) => identities.iter().map(|one| format!("{}: {}", one.kind, one.value)).collect(),
            None => one.names.clone(),
        };
        rows.add_row([
            one.id.clone(),
            minute(one.placed_at),
            maybe(one.lifted_at),
            named.join("\n"),
            one.reason.clone().unwrap_or_else(|| "(--reveal shows it)".to_owned()),
        ]);
    }
    rows.to_string()
}

pub(crate) fn purge(run: &PurgeShape) -> String {
    let mut text = match (run.dry_run, run.forgotten.as_slice()) {
        (true, _) => format!(
            "dry run: {} packages would be deleted, and what names people destroyed of {} requests",
            run.packages, run.identities
        ),
        (false, []) => format!(
            "{} packages deleted; what names people destroyed of {} requests; {} lifted legal holds dropped",
            run.packages, run.identities, run.holds
        ),
        (false, forgotten) => format!("forgotten: {}", forgotten.join(", ")),
    };
    for failure in &run.failures {
        let _ = write!(text, "\n{} could not be purged: {}", failure.request, failure.message);
    }
    text
}

pub(crate) fn checks(all: &ChecksShape, output: &Output) -> String {
    let mut rows = table(&["", "check", "status", "what was seen, what to do"]);
    let mut add = |whose: &str, checks: &[CheckShape]| {
        for check in checks {
            rows.add_row([whose.to_owned(), check.name.clone(), output.status(&check.status), check.message.clone()]);
        }
    };
    for connection in &all.connections {
        add(&connection.key, &connection.checks);
    }
    add("local", &all.local);
    rows.to_string()
}

pub(crate) fn dry_run(run: &DryRunShape) -> String {
    let mut rows = table(&["connection", "action", "regulation", "user ids", "calls", "warnings"]);
    for plan in run.plan.iter().filter(|plan| plan.regulation_type.is_some()) {
        rows.add_row([
            plan.connection.clone(),
            plan.action.clone(),
            plan.regulation_type.clone().unwrap_or_default(),
            plan.subjects.to_string(),
            plan.calls.to_string(),
            plan.warnings.join("\n"),
        ]);
    }
    let mut text = format!("dry run: nothing was written\n{rows}");
    if let Some(masks) = masks(&run.plan) {
        let _ = write!(text, "\n{masks}");
    }
    if let Some(look_ups) = look_ups(&run.plan) {
        let _ = write!(text, "\n{look_ups}");
    }
    if !run.rejected.is_empty() {
        let _ = write!(text, "\n{}", rejected(&run.rejected));
    }
    text
}

/// How many rows would be masked.
fn masks(plans: &[PlanShape]) -> Option<Table> {
    let plans: Vec<_> = plans.iter().filter(|plan| plan.regulation_type.is_none()).collect();
    let mut rows = table(&["dataset", "action", "people", "rows", "warnings"]);
    for plan in &plans {
        let masks = plan.masks.iter().map(|(collection, rows)| format!("{collection}: {rows}"));
        rows.add_row([
            plan.connection.clone(),
            plan.action.clone(),
            plan.subjects.to_string(),
            masks.collect::<Vec<_>>().join("\n"),
            plan.warnings.join("\n"),
        ]);
    }
    (!plans.is_empty()).then_some(rows)
}

/// How user ids and rows are found.
fn look_ups(plans: &[PlanShape]) -> Option<Table> {
    let mut rows = table(&["looked up for", "in", "by", "values of", "expected rows", "index"]);
    let steps: Vec<_> = plans.iter().flat_map(|plan| plan.steps.iter().map(move |step| (plan, step))).collect();
    for (plan, step) in &steps {
        let index = step.index.map_or("", |index| if index { "yes" } else { "no: reads the whole table" });
        rows.add_row([
            plan.connection.clone(),
            step.collection.clone(),
            step.by.clone(),
            step.values_of.clone(),
            step.expected_rows.map_or_else(String::new, |rows| rows.to_string()),
            index.to_owned(),
        ]);
    }
    (!steps.is_empty()).then_some(rows)
}

pub(crate) fn file(file: &FileShape, output: &Output) -> String {
    let mut text = format!(
        "{} accepted, {} linked to earlier requests, {} rejected; {} regulations\n",
        file.accepted, file.linked, file.rejected_total, file.regulations
    );
    for (status, requests) in &file.requests {
        let _ = writeln!(text, "{requests} {}", output.status(status));
    }
    if !file.rejected.is_empty() {
        let _ = write!(text, "{}", rejected(&file.rejected));
    }
    text.trim_end().to_owned()
}

fn rejected(all: &[RejectedShape]) -> Table {
    let mut rows = table(&["line", "code", "why"]);
    for row in all {
        rows.add_row([row.line.to_string(), row.code.clone(), row.message.clone()]);
    }
    rows
}

/// Tokens, as `token list` has them.
pub(crate) fn tokens(all: &[serde_json::Value]) -> String {
    if all.is_empty() {
        return "no tokens".to_owned();
    }
    let mut rows = table(&["name", "id", "scopes", "status", "ends", "last used"]);
    let text = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap_or("-").to_owned();
    let moment = |one: &serde_json::Value, name: &str| maybe(one[name].as_str().and_then(|at| at.parse().ok()));
    for one in all {
        let scopes: Vec<_> =
            one["scopes"].as_array().into_iter().flatten().filter_map(|scope| scope.as_str()).collect();
        rows.add_row([
            text(one, "name"),
            text(one, "id"),
            scopes.join(" "),
            text(one, "status"),
            moment(one, "expires_at"),
            moment(one, "used_at"),
        ]);
    }
    rows.to_string()
}

/// What receivers of webhooks were told.
pub(crate) fn deliveries(all: &[serde_json::Value]) -> String {
    if all.is_empty() {
        return "nothing was told, and nothing waits".to_owned();
    }
    let mut rows = table(&["told", "request", "status", "at (UTC)", "state", "attempts", "answer"]);
    let text = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap_or("-").to_owned();
    for one in all {
        rows.add_row([
            text(one, "webhook"),
            text(one, "request"),
            text(one, "status"),
            maybe(one["at"].as_str().and_then(|at| at.parse().ok())),
            text(one, "state"),
            one["attempts"].to_string(),
            text(one, "answer"),
        ]);
    }
    rows.to_string()
}
