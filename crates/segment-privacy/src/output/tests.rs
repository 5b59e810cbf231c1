//! Every table, as people see it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use privacy_service::shapes::{DestinationShape, FindingShape, IdentitiesShape, PackageShape, StepShape};

use super::{Output, shapes::*, tables};
use crate::cli::{Color, Format, Global, LogFormat};

fn output() -> Output {
    Output::new(&Global {
        config: "segment-privacy.toml".into(),
        output: Format::Table,
        quiet: false,
        verbose: 0,
        log_format: LogFormat::Text,
        color: Color::Never,
    })
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_500_000 + 60 * minute).unwrap()
}

fn regulation() -> RegulationShape {
    let destination = |name: &str, status: &str| DestinationShape {
        name: name.into(),
        status: status.into(),
        message: String::new(),
    };
    RegulationShape {
        id: Some("2kLmN4pQrS6tUvW8xYz0aBcDeFg".into()),
        kind: "SUPPRESS_WITH_DELETE".into(),
        source: None,
        status: "FAILED".into(),
        subjects: 2,
        destinations: vec![
            destination("Braze Cloud Mode (Actions)", "FINISHED"),
            destination("Old One", "NOT_SUPPORTED"),
        ],
    }
}

fn task() -> TaskShape {
    TaskShape {
        connection: "segment_prod".into(),
        holder: "connection".into(),
        status: "requires_attention".into(),
        outcome: None,
        code: Some("regulation_failed".into()),
        message: Some("Segment ended the regulation as FAILED".into()),
        identities: IdentitiesShape { resolved_user_ids: 2, unreachable: 1 },
        user_ids: None,
        collections: BTreeMap::new(),
        regulations: vec![regulation(), RegulationShape { source: Some("web".into()), ..regulation() }],
        findings: vec![FindingShape { code: "out_of_reach".into(), message: "forwarded is not erased".into() }],
    }
}

fn request() -> RequestShape {
    RequestShape {
        id: "pri_0190".into(),
        external_id: None,
        action: "erasure".into(),
        status: "requires_attention".into(),
        received_at: at(0),
        due_at: at(43_200),
        completed_at: None,
        verified_at: None,
        denied_reason: None,
        identities: None,
        tasks: vec![task()],
        masked: BTreeMap::new(),
        package: None,
    }
}

fn access() -> RequestShape {
    let collected = [("metadata", 1), ("traits", 20), ("events", 250)];
    let done = TaskShape {
        status: "complete".into(),
        outcome: Some("collected".into()),
        code: None,
        message: None,
        collections: collected.map(|(name, records)| (name.to_owned(), records)).into(),
        regulations: Vec::new(),
        findings: Vec::new(),
        ..task()
    };
    let package = PackageShape { location: "packages/pri_0190.zip".into(), bytes: 12_345, sha256: "ab12".into() };
    RequestShape {
        action: "access".into(),
        status: "complete".into(),
        completed_at: Some(at(1)),
        tasks: vec![done],
        package: Some(package),
        ..request()
    }
}

#[test]
fn a_request() {
    let revealed = RequestShape {
        identities: Some(vec![IdentityShape { kind: "email".into(), value: "ann@example.com".into() }]),
        tasks: vec![TaskShape { user_ids: Some(vec!["u-1001".into(), "U-1001".into()]), ..task() }],
        ..request()
    };
    let verified = RequestShape { action: "erasure".into(), verified_at: Some(at(2)), ..access() };
    let denied = RequestShape {
        status: "denied".into(),
        denied_reason: Some("not them".into()),
        tasks: Vec::new(),
        ..request()
    };
    let all = [request(), access(), revealed, verified, denied].map(|one| tables::request(&one, &output()));
    insta::assert_snapshot!("request", all.join("\n\n--\n\n"));
}

#[test]
fn lists() {
    let summary = |overdue| SummaryShape {
        id: "pri_0190".into(),
        action: "erasure".into(),
        status: "awaiting_processor".into(),
        received_at: at(0),
        due_at: at(43_200),
        completed_at: None,
        verified_at: None,
        tasks: 2,
        overdue,
    };
    let log = |step: &str, facts| LogShape { at: at(0), step: step.into(), facts };
    let log = [log("received", json!({"action": "erasure", "connections": ["prod"]})), log("note", json!("text"))];
    let all = [
        tables::requests(&[summary(false), summary(true)], &output()),
        tables::requests(&[], &output()),
        tables::log(&log),
    ];
    insta::assert_snapshot!("lists", all.join("\n\n--\n\n"));
}

#[test]
fn regulations_and_quota() {
    let ours = |regulation| LedgerShape {
        intent: Some("rin_1".into()),
        connection: "prod".into(),
        state: Some("tracking".into()),
        at_segment: Some("RUNNING".into()),
        created_at: Some(at(0)),
        regulation,
    };
    let foreign = LedgerShape { intent: None, state: None, at_segment: None, created_at: None, ..ours(regulation()) };
    let quota = QuotaShape {
        connection: "prod".into(),
        category: "segment_only".into(),
        month: "2026-11".into(),
        limit: 110_000,
        reserve: 5_500,
        used: 42,
        waiting: 120_000,
        forecast: Some(at(0)),
    };
    let source = RegulationShape { source: Some("web".into()), ..regulation() };
    let all = RegulationsShape { regulations: vec![ours(regulation()), ours(source), foreign], quota: vec![quota] };
    insta::assert_snapshot!("regulations", tables::regulations(&all));
}

#[test]
fn checks() {
    let check = |name: &str, status: &str, message: &str| CheckShape {
        name: name.into(),
        status: status.into(),
        message: message.into(),
    };
    let connection = ConnectionChecksShape {
        key: "prod".into(),
        kind: "segment_unify".into(),
        access: None,
        status: "failed".into(),
        checks: vec![
            check("workspace", "succeeded", "the access token is of acme (7hT2)"),
            check(
                "profile api",
                "failed",
                "Segment's Profile API refused the credential. Check that `access_secret` is right",
            ),
        ],
    };
    let local =
        vec![check("erasure", "warning", "deletes nothing"), check("permissions", "skipped", "cannot be tried")];
    let all = ChecksShape { connections: vec![connection], local };
    insta::assert_snapshot!("checks", tables::checks(&all, &output()));
}

#[test]
fn connections() {
    let tested = LastTestShape { at: at(0), status: "succeeded".into(), checks: json!([]) };
    let field = |name: &str, value: Option<&str>, required, default: Option<&str>| FieldShape {
        secret: name.starts_with("access-"),
        name: name.into(),
        value: value.map(Into::into),
        required,
        default: default.map(Into::into),
    };
    let one = |key: &str, from: &str, enabled, last_test| ConnectionShape {
        key: key.into(),
        kind: "segment_unify".into(),
        from: from.into(),
        enabled,
        workspace: Some("acme".into()),
        source: None,
        last_test,
        fields: vec![
            field("domain", None, false, Some("platform.segmentapis.com")),
            field("access-token", Some("(hidden)"), true, None),
            field("segment-user-id", None, false, None),
        ],
    };
    let list = ConnectionsShape {
        connections: vec![
            one("prod", "file", true, Some(tested)),
            ConnectionShape { source: Some("web".into()), ..one("web", "database", false, None) },
        ],
    };
    let all = [
        tables::connections(&list, &output()),
        tables::connections(&ConnectionsShape { connections: Vec::new() }, &output()),
        tables::connection(&list.connections[0], &output()),
        tables::connection(&list.connections[1], &output()),
    ];
    insta::assert_snapshot!("connections", all.join("\n\n--\n\n"));
}

#[test]
fn holds() {
    let hold = |revealed: bool| HoldShape {
        id: "hld_0190".into(),
        placed_at: at(0),
        lifted_at: revealed.then(|| at(5)),
        names: vec!["email".into(), "user_id".into()],
        identities: revealed.then(|| vec![IdentityShape { kind: "email".into(), value: "ann@example.com".into() }]),
        reason: revealed.then(|| "court case 4711".into()),
        left_already: Vec::new(),
    };
    let all = [tables::holds(&[hold(false), hold(true)]), tables::holds(&[])];
    insta::assert_snapshot!("holds", all.join("\n\n--\n\n"));
}

fn look_up(by: &str, values_of: &str, expected_rows: Option<u64>, index: bool) -> StepShape {
    StepShape {
        collection: "shop.customer".into(),
        by: by.into(),
        values_of: values_of.into(),
        expected_rows,
        index: Some(index),
    }
}

#[test]
fn plans_and_files() {
    let rejected =
        || vec![RejectedShape { line: 7, code: "identity_refused".into(), message: "the email is empty".into() }];
    let plan = PlanShape {
        connection: "prod".into(),
        action: "delete".into(),
        regulation_type: Some("SUPPRESS_WITH_DELETE".into()),
        subjects: 12_000,
        calls: 3,
        masks: BTreeMap::new(),
        steps: vec![look_up("email", "identity email", Some(1), true)],
        warnings: vec!["nothing is known of the person here (2 people)".into(), "forwarded is not erased".into()],
    };
    let rows = PlanShape {
        connection: "shop".into(),
        action: "mask".into(),
        regulation_type: None,
        subjects: 2,
        calls: 0,
        masks: [("shop.customer".to_owned(), 2), ("shop.orders".to_owned(), 7)].into(),
        steps: vec![
            look_up("email", "identity email", Some(1), true),
            look_up("id", "shop.orders.customer", None, false),
        ],
        warnings: vec!["shop.orders.id holds personal data and is part of the primary key: it stays as it is".into()],
    };
    let run = DryRunShape { dry_run: true, plan: vec![plan, rows], rejected: rejected() };
    let file = FileShape {
        accepted: 10,
        linked: 2,
        rejected_total: 1,
        rejected: rejected(),
        requests: [("complete".to_owned(), 9), ("error".to_owned(), 1)].into(),
        regulations: 1,
    };
    let all = [tables::dry_run(&run), tables::file(&file, &output())];
    insta::assert_snapshot!("plans_and_files", all.join("\n\n--\n\n"));
}

#[test]
fn purges() {
    let run = |dry_run, forgotten: &[&str], failures| PurgeShape {
        dry_run,
        packages: 1,
        identities: 2,
        holds: 0,
        forgotten: forgotten.iter().map(|id| (*id).to_owned()).collect(),
        failures,
    };
    let failure = PurgeFailureShape { request: "pri_0190".into(), message: "cannot write the package".into() };
    let all =
        [run(true, &[], Vec::new()), run(false, &[], vec![failure]), run(false, &["pri_0190", "pri_0191"], Vec::new())];
    insta::assert_snapshot!("purges", all.map(|one| tables::purge(&one)).join("\n\n--\n\n"));
}

#[test]
fn a_report_as_table_and_csv() {
    let row = privacy_engine::ReportRow {
        action: segment_core::Action::Erasure,
        regime: segment_core::Regime::Ccpa,
        received: 20,
        open: 3,
        overdue: 1,
        complete: 14,
        late: 2,
        outcomes: [(segment_core::Outcome::Deleted, 9), (segment_core::Outcome::NoData, 5)].into(),
        denied: 2,
        canceled: 1,
        median_days: Some(12),
        ninety_percent_days: Some(31),
    };
    let none =
        privacy_engine::ReportRow { median_days: None, ninety_percent_days: None, outcomes: [].into(), ..row.clone() };
    let shape = ReportShape::new(Some(jiff::civil::date(2026, 1, 1)), None, vec![row, none]);
    let json = serde_json::to_string_pretty(&shape).unwrap();
    insta::assert_snapshot!([shape.table(), shape.csv(), json].join("\n\n"));
}
