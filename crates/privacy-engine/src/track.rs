//! Following a regulation to its real end. Only Segment's own word completes a task.

use std::time::Duration;

use segment_core::{
    AuditEntry, Claimed, ErrorKind, Finding, FindingCode, Halt, HaltKind, Ledger, LedgerState, LedgerUpdate, Member,
    MemberChange, MemberNote, Outcome, RegulationReport, RegulationType, Resume, Retry, SegmentError, TaskEvent,
    Verdict, ports::StoreError,
};
use serde_json::json;

use crate::{
    Connection, Engine, Progress,
    engine::{WITHHELD, after, between},
    process::Failure,
    wording,
};

/// Segment's SLA is 30 days (documented); five more, then somebody has to ask.
const OVERDUE: Duration = Duration::from_hours(35 * 24);
/// A fresh regulation may not be readable at once (docs/segment-api.md, U23).
const FRESH: Duration = Duration::from_hours(1);
/// Segment forgets regulations after 90 days (documented).
pub(crate) const FORGOTTEN: Duration = Duration::from_hours(90 * 24);

impl Engine {
    /// Asks Segment where a regulation stands.
    pub(crate) async fn track(&self, claimed: Claimed<Ledger>) -> Result<(), StoreError> {
        let Some(id) = claimed.item.regulation.clone() else {
            return self.store.release(&claimed.lease).await;
        };
        let age = between(claimed.item.accepted_at.unwrap_or(claimed.item.created_at), self.clock.now());
        if let Some(why) = self.withheld.get(&claimed.item.connection) {
            return self.postpone(claimed, why).await;
        }
        let Some(connection) = self.connections.get(&claimed.item.connection) else {
            // It comes back with the configuration; until then nothing can be asked.
            let reason = "the connection is not in the configuration any more";
            return self.not_polled(claimed, None, age, reason).await;
        };
        let asked = async {
            match self.glance(connection, &claimed.item, &id).await {
                Some(report) => Ok(Some(report)),
                None => connection.sources.regulations.get(&id).await,
            }
        };
        match self.keeping(&claimed.lease, asked).await? {
            Ok(Some(report)) => self.judge(claimed, connection, report, age).await,
            Ok(None) if age < FRESH => self.poll_again(claimed, None).await,
            Ok(None) => self.halt(claimed, lost(age), "lost").await,
            Err(error) if error.kind() == ErrorKind::Unauthorized => {
                self.halt(claimed, locked_out(&error), "refused").await
            }
            Err(error) => self.not_polled(claimed, None, age, &error.to_string()).await,
        }
    }

    /// A regulation of a connection that cannot be used now waits, and nothing of it is counted as a failure.
    pub(crate) async fn postpone(&self, claimed: Claimed<Ledger>, why: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.progress.tell(Progress::Delayed { reason: why.to_owned() });
        let ledger = Ledger { next_at: Some(after(now, WITHHELD)), ..claimed.item };
        let (members, notes, audit) = (MemberChange::None, Vec::new(), Vec::new());
        let update = LedgerUpdate { ledger, absent: false, members, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    async fn judge(
        &self,
        claimed: Claimed<Ledger>,
        connection: &Connection,
        report: RegulationReport,
        age: Duration,
    ) -> Result<(), StoreError> {
        let status = report.status.as_str().to_owned();
        self.progress.tell(Progress::Polled { connection: connection.sources.key.clone(), status });
        match Verdict::of(&report) {
            Verdict::Working if age > OVERDUE => {
                let message = "Segment has not finished it within 35 days, five more than its SLA; ask Segment";
                self.halt(claimed, overdue(message.to_owned()), "overdue").await
            }
            Verdict::Working => self.poll_again(claimed, Some(report)).await,
            Verdict::Finished => self.finished(claimed, connection, report).await,
            Verdict::OnlyUnsupported(destinations) => {
                self.finished_but(claimed, connection, report, age, &destinations).await
            }
            Verdict::Failed(destinations) => {
                let findings = destinations.iter().map(|name| failed_at(name)).collect();
                self.ended(claimed, report, findings).await
            }
            _ => self.ended(claimed, report, Vec::new()).await,
        }
    }

    async fn poll_again(&self, claimed: Claimed<Ledger>, report: Option<RegulationReport>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let audit = report.and_then(|report| take_report(&mut ledger, report, now)).into_iter().collect();
        ledger.next_at = Some(after(now, self.poll_pause(&ledger)));
        let update =
            LedgerUpdate { ledger, absent: false, members: MemberChange::None, notes: Vec::new(), audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// Segment could not be asked. That goes on until it is overdue; only the first of such failures in a row is told in
    /// the log, which everybody in the regulation has.
    async fn not_polled(
        &self,
        claimed: Claimed<Ledger>,
        report: Option<RegulationReport>,
        age: Duration,
        reason: &str,
    ) -> Result<(), StoreError> {
        if age > OVERDUE {
            let message =
                format!("35 days have passed, five more than Segment's SLA, and it cannot be asked: {reason}");
            return self.halt(claimed, overdue(message), "overdue").await;
        }
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let attempts = ledger.attempts + 1;
        let mut audit: Vec<_> = report.and_then(|report| take_report(&mut ledger, report, now)).into_iter().collect();
        ledger.attempts = attempts;
        let pause = self.policy.pause(attempts).min(self.policy.tracking.max_poll);
        ledger.next_at = Some(after(now, pause.max(self.poll_pause(&ledger))));
        self.progress.tell(Progress::Delayed { reason: reason.to_owned() });
        if attempts == 1 {
            audit.push(AuditEntry::new(now, "poll_failed", json!({"message": reason})));
        }
        let update =
            LedgerUpdate { ledger, absent: false, members: MemberChange::None, notes: Vec::new(), audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    fn poll_pause(&self, ledger: &Ledger) -> Duration {
        let age = between(ledger.accepted_at.unwrap_or(ledger.created_at), self.clock.now());
        self.policy.tracking.poll_pause(age)
    }

    async fn finished(
        &self,
        claimed: Claimed<Ledger>,
        connection: &Connection,
        report: RegulationReport,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let audit = take_report(&mut ledger, report, now).into_iter().collect();
        self.to_looking(&mut ledger, connection);
        let notes = note_all(&ledger, |member| end_findings(&ledger, connection, member));
        let members = MemberChange::All(TaskEvent::Complete(outcome(&ledger.kind)));
        let update = LedgerUpdate { ledger, absent: false, members, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// Some destinations do not support deletion: complete for those whose read-back confirms it, a human for the rest.
    async fn finished_but(
        &self,
        claimed: Claimed<Ledger>,
        connection: &Connection,
        report: RegulationReport,
        age: Duration,
        destinations: &[String],
    ) -> Result<(), StoreError> {
        let gone = match self.keeping(&claimed.lease, self.confirmed(connection, &claimed.item)).await? {
            Ok(gone) => gone,
            Err(error) if error.retry() == Retry::Never => {
                let mut claimed = claimed;
                take_report(&mut claimed.item, report, self.clock.now());
                let message = format!("Segment ended it, but it cannot be read back for whom: {error}");
                let halt = Halt { message, ..Failure::segment(&error, Resume::Awaiting).halt };
                return self.halt(claimed, halt, "refused").await;
            }
            Err(error) => return self.not_polled(claimed, Some(report), age, &error.to_string()).await,
        };
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let audit = take_report(&mut ledger, report, now).into_iter().collect();
        self.to_looking(&mut ledger, connection);
        let unsupported: Vec<_> = destinations.iter().map(|name| unsupported_at(name)).collect();
        let findings = |member: &Member| {
            let mut findings = end_findings(&ledger, connection, member);
            findings.extend(unsupported.iter().cloned());
            findings
        };
        let mut notes = note_all(&ledger, findings);
        for note in &mut notes {
            let confirmed = gone.contains(&note.request);
            note.verified_at = confirmed.then_some(now);
            note.event = Some(if confirmed {
                TaskEvent::Complete(outcome(&ledger.kind))
            } else {
                TaskEvent::NeedHuman(Halt {
                    kind: HaltKind::RegulationFailed,
                    message:
                        "Segment ended it without success, some destinations do not support deletion, and a read-back \
                              does not confirm the rest"
                            .to_owned(),
                    resume: Resume::Resolved,
                })
            });
        }
        let update = LedgerUpdate { ledger, absent: false, members: MemberChange::None, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// Ended without success. It is sent again only when somebody says so, as a new regulation.
    async fn ended(
        &self,
        claimed: Claimed<Ledger>,
        report: RegulationReport,
        findings: Vec<Finding>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let message = format!(
            "Segment ended the regulation as {}; see its destinations, then settle it with `requests resolve` or send it \
             again with `requests retry`",
            report.status
        );
        let audit = take_report(&mut ledger, report, now).into_iter().collect();
        ledger.state = LedgerState::Closed;
        ledger.next_at = None;
        let notes = note_all(&ledger, |_| findings.clone());
        let halt = Halt { kind: HaltKind::RegulationFailed, message, resume: Resume::Resolved };
        let members = MemberChange::All(TaskEvent::NeedHuman(halt));
        let update = LedgerUpdate { ledger, absent: false, members, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// What comes after the end: read-backs, where something can be read.
    fn to_looking(&self, ledger: &mut Ledger, connection: &Connection) {
        let now = self.clock.now();
        ledger.finished_at = Some(now);
        ledger.looks = 0;
        let first = self.policy.tracking.verify_after.first().filter(|_| is_verifiable(ledger, connection));
        ledger.next_at = first.map(|wait| after(now, *wait));
        ledger.state = if first.is_some() { LedgerState::Looking } else { LedgerState::Closed };
    }
}

/// Writes what Segment says into the ledger; a status that changed is told in the log, backwards or not.
fn take_report(ledger: &mut Ledger, report: RegulationReport, now: jiff::Timestamp) -> Option<AuditEntry> {
    let changed = ledger.status.as_ref() != Some(&report.status);
    let facts = json!({"regulation": report.id.as_str(), "status": report.status.as_str(),
        "before": ledger.status.as_ref().map(segment_core::RegulationStatus::as_str),
        "destinations": report.destinations.iter().map(|d| json!({"name": d.name, "status": d.status.as_str()})).collect::<Vec<_>>()});
    ledger.status = Some(report.status);
    ledger.destinations = report.destinations;
    ledger.attempts = 0;
    changed.then(|| AuditEntry::new(now, "status_at_segment", facts))
}

/// Whether a read-back can say anything: the list of suppressions says it for suppressions, the Profile API for deletes; both
/// speak of the whole workspace.
pub(crate) fn is_verifiable(ledger: &Ledger, connection: &Connection) -> bool {
    ledger.source.is_none() && (!ledger.kind.deletes() || connection.sources.profiles.is_some())
}

fn end_findings(ledger: &Ledger, connection: &Connection, member: &Member) -> Vec<Finding> {
    let source = ledger.source.as_deref();
    let mut findings = wording::out_of_reach(&ledger.kind, member.masks);
    findings.extend(source.map(wording::one_source));
    if !is_verifiable(ledger, connection) {
        findings.push(wording::not_verifiable(source));
    }
    findings
}

pub(crate) fn outcome(kind: &RegulationType) -> Outcome {
    match kind {
        RegulationType::Unsuppress => Outcome::Unsuppressed,
        kind if kind.deletes() => Outcome::Deleted,
        _ => Outcome::Suppressed,
    }
}

fn note_all(ledger: &Ledger, findings: impl Fn(&Member) -> Vec<Finding>) -> Vec<MemberNote> {
    let note = |member: &Member| MemberNote {
        request: member.request.clone(),
        findings: findings(member),
        verified_at: None,
        event: None,
    };
    ledger.members.iter().map(note).collect()
}

fn failed_at(name: &str) -> Finding {
    Finding::new(
        FindingCode::DestinationFailed,
        format!("the destination {name} failed: delete the person there by hand"),
    )
}

fn unsupported_at(name: &str) -> Finding {
    let message = format!("the destination {name} does not support deletion: delete the person there by hand");
    Finding::new(FindingCode::DestinationUnsupported, message)
}

fn lost(age: Duration) -> Halt {
    let message = if age < FORGOTTEN {
        "Segment accepted the regulation but does not know it any more; look at Segment's app, then retry or resolve"
    } else {
        "Segment has forgotten the regulation, as it does after 90 days, before its end was seen"
    };
    Halt { kind: HaltKind::RegulationLost, message: message.to_owned(), resume: Resume::Awaiting }
}

fn overdue(message: String) -> Halt {
    Halt { kind: HaltKind::RegulationOverdue, message, resume: Resume::Awaiting }
}

fn locked_out(error: &SegmentError) -> Halt {
    Halt { kind: HaltKind::Unauthorized, message: error.to_string(), resume: Resume::Awaiting }
}
