//! From resolved tasks to a regulation: close a batch, record the intent, send it once, record what became of it.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use segment_core::{
    AuditEntry, Backlog, ClaimScope, Claimed, ErrorKind, Halt, HaltKind, IntentPlan, LedgerState, LedgerUpdate,
    MAX_SUBJECTS, MemberChange, MemberNote, NewRegulation, QuotaCategory, RegulationId, Resume, Retry, SegmentError,
    Submission, TaskEvent, ports::StoreError,
};
use serde_json::json;

use crate::{Connection, Engine, Progress, engine::after, engine::between, process::Failure};

/// 4 MB a payload (documented), with room for the rest of the body.
const MAX_BYTES: u64 = 3_900_000;

/// A regulation whose intent is recorded, and when it has to be sent by, on our own monotonic clock.
pub(crate) struct Intent {
    claimed: Claimed<segment_core::Ledger>,
    until: Duration,
}

impl Engine {
    /// Closes the next batch that is ready, if there is one.
    pub(crate) async fn close_batch(&self, scope: &ClaimScope) -> Result<Option<Intent>, StoreError> {
        let now = self.clock.now();
        for backlog in self.store.backlog(scope, now).await? {
            let Some(connection) = self.connections.get(&backlog.connection) else { continue };
            if self.resting_until(&backlog.connection).is_some() || !self.is_ready(&backlog, now) {
                continue;
            }
            if let Some(intent) = self.intend(scope, &backlog, connection, now).await? {
                return Ok(Some(intent));
            }
        }
        Ok(None)
    }

    /// Full, or gathered for long enough while nothing more can join right now.
    fn is_ready(&self, backlog: &Backlog, now: Timestamp) -> bool {
        let gathered = between(backlog.since, now) >= self.policy.tracking.batch_window;
        backlog.subjects >= MAX_SUBJECTS as u64 || (gathered && !backlog.resolvable)
    }

    async fn intend(
        &self,
        scope: &ClaimScope,
        backlog: &Backlog,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Option<Intent>, StoreError> {
        let left = self.quota_left(connection, backlog.kind.quota(), now).await?;
        if left == 0 {
            self.hold(&backlog.connection, now);
            return Ok(None);
        }
        let begun = self.clock.monotonic();
        let send_within = self.policy.lease * 3 / 4;
        let plan = IntentPlan {
            intent: self.new_intent(),
            connection: backlog.connection.clone(),
            kind: backlog.kind.clone(),
            scope: scope.clone(),
            max_subjects: left.min(MAX_SUBJECTS as u64),
            max_bytes: MAX_BYTES,
            lease: self.policy.lease,
            send_within,
            owner: self.owner.clone(),
            at: now,
        };
        let claimed = self.store.intend(&plan).await?;
        if claimed.is_none() && left < MAX_SUBJECTS as u64 {
            // The next person has more user ids than the month has left, and is not split.
            self.hold(&backlog.connection, now);
        }
        Ok(claimed.map(|claimed| Intent { claimed, until: begun + send_within }))
    }

    /// Lets a connection rest until its quota is renewed.
    fn hold(&self, connection: &segment_core::ConnectionKey, now: Timestamp) {
        let month = next_month(now);
        self.rest(connection, Some(between(now, month)));
        self.progress.tell(Progress::Delayed { reason: held(connection, month) });
    }

    /// What is left of the month's quota, by our own ledger.
    async fn quota_left(
        &self,
        connection: &Connection,
        category: QuotaCategory,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let used = self.store.submitted(&connection.sources.key, category, month_start(now)).await?;
        Ok(connection.monthly_users.saturating_sub(used))
    }

    /// Sends an intent, once, and records what became of it.
    pub(crate) async fn send(&self, intent: Intent) -> Result<(), StoreError> {
        let Intent { claimed, until } = intent;
        let Some(connection) = self.connections.get(&claimed.item.connection) else {
            return self.store.release(&claimed.lease).await;
        };
        if let Err(failure) = self.check_workspace(connection, Resume::Resolved).await {
            return self.not_sent(claimed, failure, None).await;
        }
        let regulation = NewRegulation { kind: claimed.item.kind.clone(), subjects: claimed.item.subjects.clone() };
        let subjects = claimed.item.subject_count;
        self.progress.tell(Progress::Sending { connection: connection.sources.key.clone(), subjects });
        let within = until.saturating_sub(self.clock.monotonic());
        match connection.submit.create(&regulation, within).await {
            Submission::Accepted(id) => self.accepted(claimed, id, Vec::new()).await,
            Submission::Refused(error) => self.refused(claimed, &error).await,
            Submission::NotSent(error) => {
                let asked = match error.retry() {
                    Retry::After(asked) | Retry::IfIdempotent(asked) => asked,
                    _ => None,
                };
                let mut failure = Failure::segment(&error, Resume::Resolved);
                // A quota or a rate limit never gives up: the work waits.
                failure.passing |= error.kind() == ErrorKind::QuotaExhausted;
                let asked =
                    asked.filter(|_| matches!(error.kind(), ErrorKind::QuotaExhausted | ErrorKind::RateLimited));
                self.not_sent(claimed, failure, asked).await
            }
            Submission::Unknown(error) => self.lost(claimed, &error).await,
            _ => self.store.release(&claimed.lease).await,
        }
    }

    /// Segment has it: from here on only Segment's own word completes the tasks.
    pub(crate) async fn accepted(
        &self,
        claimed: Claimed<segment_core::Ledger>,
        id: RegulationId,
        notes: Vec<MemberNote>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.rested(&claimed.item.connection);
        let mut ledger = claimed.item;
        let facts = json!({"intent": ledger.intent.as_str(), "regulation": id.as_str(), "type": ledger.kind.as_str(),
            "subjects": ledger.subject_count});
        ledger.state = LedgerState::Tracking;
        ledger.regulation = Some(id);
        ledger.accepted_at = Some(now);
        ledger.attempts = 0;
        ledger.next_at = Some(after(now, self.policy.tracking.first_poll));
        let update = LedgerUpdate {
            ledger,
            absent: false,
            members: MemberChange::All(TaskEvent::Accept),
            notes,
            audit: vec![AuditEntry::new(now, "accepted", facts)],
            at: now,
        };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// Nothing was created. A refused batch is narrowed down: to the person whose id was named, else by halves.
    async fn refused(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let people = claimed.item.members.len();
        let halt = |kind| Halt { kind, message: error.to_string(), resume: Resume::Resolved };
        let narrowable = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge);
        let named = error.refused_subject().and_then(|at| claimed.item.subjects.iter().nth(at));
        let (change, notes) = match named {
            Some(subject) if narrowable && people > 1 => {
                let members = claimed.item.members.iter().filter(|member| member.subjects.contains(subject));
                let note = |member: &segment_core::Member| MemberNote {
                    request: member.request.clone(),
                    findings: Vec::new(),
                    verified_at: None,
                    event: Some(TaskEvent::NeedHuman(halt(HaltKind::Refused))),
                };
                (MemberChange::Requeue { max_people: None }, members.map(note).collect())
            }
            _ if narrowable && people > 1 => {
                (MemberChange::Requeue { max_people: Some(people.div_ceil(2) as u64) }, Vec::new())
            }
            _ if error.kind() == ErrorKind::Unauthorized => {
                (MemberChange::All(TaskEvent::GiveUp(halt(HaltKind::Unauthorized))), Vec::new())
            }
            _ => (MemberChange::All(TaskEvent::NeedHuman(halt(HaltKind::Refused))), Vec::new()),
        };
        self.close(claimed, change, notes, "refused", &error.to_string()).await
    }

    /// It never left: the tasks wait again, and the connection rests. After too many times it is given up.
    async fn not_sent(
        &self,
        claimed: Claimed<segment_core::Ledger>,
        failure: Failure,
        asked: Option<Duration>,
    ) -> Result<(), StoreError> {
        let failures = self.rest(&claimed.item.connection, asked);
        let message = failure.halt.message.clone();
        let change = if failure.decides {
            MemberChange::All(TaskEvent::NeedHuman(failure.halt))
        } else if failure.passing && (asked.is_some() || failures < self.policy.attempts) {
            self.progress.tell(Progress::Delayed { reason: message.clone() });
            MemberChange::Requeue { max_people: None }
        } else {
            self.rested(&claimed.item.connection);
            MemberChange::All(TaskEvent::GiveUp(failure.halt))
        };
        self.close(claimed, change, Vec::new(), "not_sent", &message).await
    }

    /// It may exist: it is looked for before anything is sent again.
    async fn lost(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.progress.tell(Progress::Delayed { reason: format!("{error}; it is looked for before it is sent again") });
        let mut ledger = claimed.item;
        let facts = json!({"intent": ledger.intent.as_str(), "message": error.to_string()});
        ledger.state = LedgerState::Unknown;
        let wait = between(claimed.store_now, ledger.send_by) + self.policy.tracking.settle;
        ledger.next_at = Some(after(now, wait));
        let update = LedgerUpdate {
            ledger,
            absent: false,
            members: MemberChange::None,
            notes: Vec::new(),
            audit: vec![AuditEntry::new(now, "answer_lost", facts)],
            at: now,
        };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// The attempt is over without a regulation.
    pub(crate) async fn close(
        &self,
        claimed: Claimed<segment_core::Ledger>,
        members: MemberChange,
        notes: Vec<MemberNote>,
        step: &str,
        message: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let facts = json!({"intent": ledger.intent.as_str(), "message": message});
        ledger.state = LedgerState::Closed;
        ledger.next_at = None;
        let audit = vec![AuditEntry::new(now, step, facts)];
        let update = LedgerUpdate { ledger, absent: false, members, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }
}

fn held(connection: &segment_core::ConnectionKey, until: Timestamp) -> String {
    format!("the month's quota of {connection} is used up; the work waits until {until}")
}

/// The quota counts by calendar month in UTC.
pub(crate) fn month_start(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    zoned.first_of_month().and_then(|day| day.start_of_day()).map_or(now, |start| start.timestamp())
}

/// When the next month begins.
pub(crate) fn next_month(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    let last = zoned.last_of_month().and_then(|day| day.tomorrow()).and_then(|day| day.start_of_day());
    last.map_or(now, |start| start.timestamp())
}

#[cfg(test)]
#[path = "submit/tests.rs"]
mod tests;
