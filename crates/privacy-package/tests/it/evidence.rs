//! Evidence: whoever changes it is found out, and where.

use privacy_package::evidence::{
    EvidenceError, EvidenceKey, EvidenceRecord, KeyError, NoCertificate, PublicKey, certificate, export, verify,
};
use segment_core::{
    Action, AuditEntry, ChainEnd, ConnectionKey, EvidenceSalt, Finding, FindingCode, Gate, Holder, IntentId, Ledger,
    LedgerState, LogChain, Outcome, Regime, RegulationId, RegulationStatus, RegulationType, Request, RequestId,
    RequestStatus, Task, TaskState,
};
use serde_json::{Value, json};

const SEED: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const OTHER_SEED: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

fn key() -> EvidenceKey {
    EvidenceKey::from_base64(SEED).unwrap()
}

fn chain(subject: &str, steps: &[(&str, Value)]) -> LogChain {
    let mut end = ChainEnd::of(subject);
    let entries = (0..).zip(steps).map(|(n, (step, facts))| {
        let at = jiff::Timestamp::from_millisecond(1_795_500_000_123 + n * 60_000).unwrap();
        let entry = AuditEntry::new(at, *step, facts.clone());
        end.append(&entry);
        (entry, end.hash)
    });
    LogChain { subject: subject.to_owned(), entries: entries.collect() }
}

fn erasure() -> Request {
    let mut task = Task::new(ConnectionKey::new("segment_prod"));
    task.state = TaskState::Complete(Outcome::Deleted);
    task.findings = [Finding::new(FindingCode::OutOfReach, "Copies in S3 are not deleted <by Segment>.")].into();
    Request {
        id: RequestId::new("pri_1"),
        external_id: None,
        identities: None,
        action: Action::Erasure,
        regime: Regime::Gdpr,
        gate: Gate::Open,
        begun: true,
        status: RequestStatus::Complete,
        received_at: "2026-11-01T10:00:00Z".parse().unwrap(),
        due_at: "2026-12-01T10:00:00Z".parse().unwrap(),
        completed_at: Some("2026-11-20T10:00:00Z".parse().unwrap()),
        verified_at: None,
        denied_reason: None,
        tasks: vec![task],
        package: None,
        staging_key: None,
        recipient: None,
        masking_key: None,
        evidence_salt: None,
    }
}

fn document(request: &Request) -> String {
    let steps = ["received", "resolved", "status", "status"].map(|step| (step, json!({"n": step.len(), "of": ["a"]})));
    let chains = [chain("pri_1", &steps), chain("rin_1", &[("intended", json!({})), ("accepted", json!({"x": null}))])];
    let salt = EvidenceSalt::new([5; 32]);
    let at = "2026-11-27T10:00:00.5Z".parse().unwrap();
    export(&EvidenceRecord { request, regulations: &[], chains: &chains, salt: Some(&salt), at }, &key())
}

/// What is said of a document after a change to it.
fn changed(change: impl FnOnce(&mut Value)) -> EvidenceError {
    let mut value: Value = serde_json::from_str(&document(&erasure())).unwrap();
    change(&mut value);
    verify(&(serde_json::to_string_pretty(&value).unwrap() + "\n"), Some(&key().public())).unwrap_err()
}

fn entries(value: &mut Value) -> &mut Vec<Value> {
    value["logs"][0]["entries"].as_array_mut().unwrap()
}

#[test]
fn what_was_exported_is_verified_by_its_key_alone() {
    let text = document(&erasure());
    for trusted in [None, Some(key().public())] {
        let verified = verify(&text, trusted.as_ref()).unwrap();
        assert_eq!((verified.request.as_str(), verified.status.as_str(), verified.entries), ("pri_1", "complete", 6));
        assert_eq!(verified.signed_by, key().public());
    }
    assert_eq!(document(&erasure()), text, "the same makes the same");
    assert!(text.contains(&"05".repeat(32)));
}

#[test]
fn every_change_is_named() {
    let subject = || "pri_1".to_owned();
    let of = |seq, step: &str| EvidenceError::Changed { subject: subject(), seq, step: step.to_owned() };
    assert_eq!(changed(|v| entries(v)[1]["facts"]["n"] = json!(9)), of(2, "resolved"));
    assert_eq!(changed(|v| entries(v)[1]["step"] = json!("forged")), of(2, "forged"));
    assert_eq!(changed(|v| entries(v)[2]["at"] = json!("2026-11-24T00:00:00Z")), of(3, "status"));
    assert_eq!(changed(|v| entries(v)[0]["hash"] = json!("00")), of(1, "received"));
    let order = |expected, found| EvidenceError::Order { subject: subject(), expected, found };
    assert_eq!(changed(|v| drop(entries(v).remove(1))), order(2, 3));
    assert_eq!(changed(|v| entries(v).swap(1, 2)), order(2, 3));
    let again = |v: &mut Value| {
        let entry = entries(v)[3].clone();
        entries(v).push(entry);
    };
    assert_eq!(changed(again), order(5, 4));
    assert_eq!(changed(|v| drop(entries(v).pop())), EvidenceError::Tail { subject: subject(), expected: 4, found: 3 });
    let cut = |v: &mut Value| {
        entries(v).pop();
        v["logs"][0]["count"] = json!(3);
    };
    assert_eq!(changed(cut), EvidenceError::Head { subject: subject() });
    let well_cut = |v: &mut Value| {
        entries(v).pop();
        v["logs"][0]["count"] = json!(3);
        v["logs"][0]["head"] = v["logs"][0]["entries"][2]["hash"].clone();
    };
    assert_eq!(changed(well_cut), EvidenceError::Signature);
    assert_eq!(changed(|v| v["request"]["status"] = json!("canceled")), EvidenceError::Signature);
    assert_eq!(changed(|v| v["note"] = json!("added")), EvidenceError::Signature);
    assert_eq!(changed(|v| drop(v["logs"].as_array_mut().unwrap().pop())), EvidenceError::Signature);
    assert_eq!(changed(|v| v["version"] = json!(2)), EvidenceError::Version(2));
    assert!(matches!(changed(|v| v["format"] = json!("receipt")), EvidenceError::NotEvidence(_)));
    assert!(matches!(changed(|v| v["logs"] = json!(7)), EvidenceError::NotEvidence(_)));
}

#[test]
fn every_byte_counts() {
    let text = document(&erasure());
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(verify(&changed, Some(&key().public())).is_err(), "byte {at}");
        }
    }
    let spaced = text.replacen("{\n", "{ \n", 1);
    assert_eq!(verify(&spaced, None), Err(EvidenceError::Rewritten));
    let twice = text.replacen("\"version\": 1", "\"version\": 1,\n  \"version\": 1", 1);
    assert_eq!(verify(&twice, None), Err(EvidenceError::Rewritten));
    assert!(matches!(verify(&text[..text.len() - 9], None), Err(EvidenceError::NotJson(_))));
}

#[test]
fn a_foreign_key_is_named() {
    let other = EvidenceKey::from_base64(OTHER_SEED).unwrap().public();
    let found = verify(&document(&erasure()), Some(&other)).unwrap_err();
    assert_eq!(found, EvidenceError::ForeignKey { expected: Box::new(other.clone()), found: Box::new(key().public()) });
    assert!(found.to_string().contains(&key().public().to_string()));
    // A forger's own key fits a forger's own signature only.
    assert_eq!(changed(|v| v["public_key"] = json!("x")), EvidenceError::Key(KeyError::NotBase64));
    let mut value: Value = serde_json::from_str(&document(&erasure())).unwrap();
    value["public_key"] = json!(other.to_string());
    let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
    assert_eq!(verify(&text, None), Err(EvidenceError::Signature));
    assert_eq!("AAEC".parse::<PublicKey>().unwrap_err(), KeyError::Length(3));
}

#[test]
fn a_certificate_says_what_was_erased_and_where() {
    let html = certificate(&document(&erasure()), Some(&key().public())).unwrap();
    for expected in [
        "pri_1",
        "2026-11-01",
        "2026-11-20",
        "connection segment_prod",
        "<td>Deleted</td>",
        "Copies in S3 are not deleted &lt;by Segment&gt;.",
        &key().public().to_string(),
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    let refused = |request: &Request| certificate(&document(request), None).unwrap_err();
    assert!(matches!(refused(&Request { action: Action::Access, ..erasure() }), NoCertificate::NotAnErasure(_)));
    let open = Request { status: RequestStatus::AwaitingProcessor, ..erasure() };
    assert!(matches!(refused(&open), NoCertificate::NotComplete(_)));
    for outcome in [Outcome::Suppressed, Outcome::Settled, Outcome::NoData] {
        let mut nothing = erasure();
        nothing.tasks[0].state = TaskState::Complete(outcome);
        assert!(matches!(refused(&nothing), NoCertificate::NothingErased), "{outcome:?}");
    }
    assert!(matches!(certificate("{}", None), Err(NoCertificate::Evidence(_))));
}

#[test]
fn a_certificate_names_what_confirmed_it_and_nothing_else() {
    let seen = Some("2026-11-20T10:00:00Z".parse().unwrap());
    let regulation = |id: &str, kind, status| Ledger {
        intent: IntentId::new(format!("rin_{id}")),
        connection: ConnectionKey::new("segment_prod"),
        kind,
        source: None,
        state: LedgerState::Closed,
        regulation: Some(RegulationId::new(id)),
        status: Some(status),
        subjects: [].into(),
        subject_count: 1,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        send_by: jiff::Timestamp::UNIX_EPOCH,
        absent_at: None,
        accepted_at: None,
        finished_at: None,
        next_at: None,
        rests_until: None,
        attempts: 0,
        looks: 0,
        destinations: Vec::new(),
        members: Vec::new(),
    };
    let of_kind = |kind: RegulationType| {
        [
            regulation("reg_failed", RegulationType::SuppressWithDelete, RegulationStatus::Failed),
            regulation("reg_done", kind, RegulationStatus::Finished),
        ]
    };
    let (blocking, not_blocking) = (of_kind(RegulationType::SuppressWithDelete), of_kind(RegulationType::DeleteOnly));
    let page_of = |request: &Request, regulations: &[Ledger]| {
        let at = "2026-11-27T10:00:00Z".parse().unwrap();
        let record = EvidenceRecord { request, regulations, chains: &[], salt: None, at };
        certificate(&export(&record, &key()), None).unwrap()
    };
    let page = |request: &Request| page_of(request, &blocking);
    let mut request = Request { verified_at: seen, ..erasure() };
    request.tasks[0].verified_at = seen;
    let html = page(&request);
    assert!(html.contains("reg_done") && !html.contains("reg_failed"), "{html}");
    assert!(html.contains("Deleted, and blocked"));
    assert!(page_of(&request, &not_blocking).contains("<td>Deleted</td>"), "who is only deleted may come back");
    assert!(html.contains("not found, on") && html.contains("a look at Twilio Segment afterwards"));
    request.tasks[0].findings.insert(Finding::new(FindingCode::ProfileReturned, "the profile came back"));
    assert!(!page(&request).contains("not found, on"));

    let mut masked = Task::of(Holder::Dataset, ConnectionKey::new("shop"));
    masked.state = TaskState::Complete(Outcome::Masked);
    let mut blocked = Request { verified_at: seen, ..erasure() };
    blocked.tasks[0].state = TaskState::Complete(Outcome::Suppressed);
    blocked.tasks[0].verified_at = seen;
    blocked.tasks.push(masked.clone());
    let html = page(&blocked);
    assert!(
        !html.contains("not found, on") && html.contains("list of who is blocked") && html.contains("our own record")
    );
    masked.state = TaskState::Complete(Outcome::NoData);
    blocked.tasks[0].state = TaskState::Complete(Outcome::Deleted);
    blocked.tasks[1] = masked;
    assert!(!page(&blocked).contains("our own record"));
}
