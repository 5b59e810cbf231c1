//! From resolved tasks to a regulation: close a batch, record the intent, send it once, record what became of it.

use std::time::Duration;

use jiff::Timestamp;
use segment_core::{
    AuditEntry, Backlog, ClaimScope, Claimed, ConnectionKey, ErrorKind, Halt, HaltKind, Intended, IntentPlan,
    LedgerUpdate, MAX_SUBJECTS, MemberChange, MemberNote, NewRegulation, RegulationId, RegulationScope, Resume, Retry,
    SegmentError, Submission, TaskEvent, ports::StoreError,
};
use serde_json::json;

use crate::{
    Engine, Progress,
    engine::{after, between},
    process::{Failure, no_connection, wrong_workspace},
    protocol::{Answer, Lost},
    quota, wording,
};

/// 4 MB a payload (documented), with room for the rest of the body.
const MAX_BYTES: u64 = 3_900_000;

/// A regulation whose intent is recorded, and when it has to be sent by, on our own monotonic clock.
pub(crate) struct Intent {
    claimed: Claimed<segment_core::Ledger>,
    until: Duration,
}

/// What became of closing a batch.
enum Closed {
    Intent(Box<Intent>),
    OverQuota,
    Nothing,
}

impl Engine {
    /// Closes the next batch that is ready, if there is one.
    pub(crate) async fn close_batch(&self, scope: &ClaimScope) -> Result<Option<Intent>, StoreError> {
        let now = self.clock.now();
        let mut over_quota = Vec::new();
        for backlog in self.store.backlog(scope, now).await? {
            let rests = self.rests.until(&backlog.connection, backlog.kind.quota(), now).max(backlog.rests_until);
            if let Some(until) = backlog.rests_until.filter(|_| !self.is_known_to_rest(&backlog, now)) {
                self.rests.no_room(&backlog.connection, backlog.kind.quota(), now, until);
                self.progress.tell(Progress::Delayed { reason: held(&backlog.connection, until) });
            }
            if rests.is_some() || self.is_disabled(&backlog.connection) || !self.is_ready(&backlog, now) {
                continue;
            }
            match self.intend(scope, &backlog, now).await? {
                Closed::Intent(intent) => return Ok(Some(*intent)),
                // Somebody of another type or source may still fit.
                Closed::OverQuota => over_quota.push(backlog),
                Closed::Nothing => {}
            }
        }
        for backlog in over_quota {
            self.no_room(&backlog, now);
        }
        Ok(None)
    }

    fn is_known_to_rest(&self, backlog: &Backlog, now: Timestamp) -> bool {
        self.rests.until(&backlog.connection, backlog.kind.quota(), now).is_some()
    }

    /// Whether a connection sends nothing for now. One that is gone is not among them: its work goes to a human.
    pub(crate) fn is_disabled(&self, connection: &ConnectionKey) -> bool {
        self.withheld.contains_key(connection)
            || self.connections.get(connection).is_some_and(|connection| !connection.is_enabled())
    }

    /// Full, or gathered for long enough while nothing more can join right now.
    fn is_ready(&self, backlog: &Backlog, now: Timestamp) -> bool {
        let gathered = between(backlog.since, now) >= self.policy.tracking.batch_window;
        backlog.subjects >= MAX_SUBJECTS as u64 || (gathered && !backlog.resolvable)
    }

    async fn intend(&self, scope: &ClaimScope, backlog: &Backlog, now: Timestamp) -> Result<Closed, StoreError> {
        let begun = self.clock.monotonic();
        let send_within = self.policy.lease * 3 / 4;
        // What waits at a connection that is gone is not sent: its intent only hands it to a human.
        let users = self.connections.get(&backlog.connection).map_or(u64::MAX, |connection| connection.monthly_users);
        let plan = IntentPlan {
            intent: self.new_intent(),
            connection: backlog.connection.clone(),
            kind: backlog.kind.clone(),
            source: backlog.source.clone(),
            scope: scope.clone(),
            max_subjects: MAX_SUBJECTS as u64,
            max_bytes: MAX_BYTES,
            quota: quota::of_month(users, now),
            lease: self.policy.lease,
            send_within,
            owner: self.owner.clone(),
            at: now,
        };
        #[cfg(sabotage = "intent_after_call")]
        return self.call_first(&plan).await.map(|()| Closed::Nothing);
        #[cfg(not(sabotage = "intent_after_call"))]
        match self.store.intend(&plan).await? {
            Intended::Recorded(claimed) => {
                Ok(Closed::Intent(Box::new(Intent { claimed: *claimed, until: begun + send_within })))
            }
            Intended::OverQuota => Ok(Closed::OverQuota),
            _ => Ok(Closed::Nothing),
        }
    }

    /// The month has no room for the next of these people.
    fn no_room(&self, backlog: &Backlog, now: Timestamp) {
        let month = quota::next_month(now);
        self.rests.no_room(&backlog.connection, backlog.kind.quota(), now, month);
        self.progress.tell(Progress::Delayed { reason: held(&backlog.connection, month) });
    }

    /// Broken on purpose, for the simulation to catch: what is not recorded cannot be looked for.
    #[cfg(sabotage = "intent_after_call")]
    async fn call_first(&self, plan: &IntentPlan) -> Result<(), StoreError> {
        let Some(connection) = self.connections.get(&plan.connection) else { return Ok(()) };
        let mut subjects = std::collections::BTreeSet::new();
        for summary in self.store.requests(&segment_core::RequestFilter::default()).await? {
            let tasks = self.store.request(&summary.id).await?.map(|request| request.tasks).unwrap_or_default();
            let waits = |task: &segment_core::Task| task.state == segment_core::TaskState::Resolved;
            let found = tasks.into_iter().filter(waits).filter_map(|task| task.resolution);
            subjects.extend(found.flat_map(|resolution| resolution.user_ids));
        }
        let order = NewRegulation::of_users(plan.kind.clone(), subjects);
        let sent = connection.submit.create(&order, plan.send_within).await;
        if let (Intended::Recorded(claimed), Submission::Accepted(id)) = (self.store.intend(plan).await?, sent) {
            self.accepted(*claimed, id, Vec::new()).await?;
        }
        Ok(())
    }

    /// Sends an intent, once, and records what became of it.
    pub(crate) async fn send(&self, intent: Intent) -> Result<(), StoreError> {
        let Intent { claimed, until } = intent;
        let Some(connection) = self.connections.get(&claimed.item.connection) else {
            let failure = no_connection(&claimed.item.connection, Resume::Resolved);
            return self.not_sent(claimed, failure).await;
        };
        match connection.workspace_matches().await {
            Ok(true) => {}
            Ok(false) => {
                return self.not_sent(claimed, wrong_workspace(&connection.sources.key, Resume::Resolved)).await;
            }
            Err(error) => return self.not_asked(claimed, &error).await,
        }
        let Some(claimed) = self.without_held(claimed).await? else { return Ok(()) };
        let scope = RegulationScope::of_source(claimed.item.source.as_deref());
        let regulation = NewRegulation::of_users(claimed.item.kind.clone(), claimed.item.subjects.clone()).at(scope);
        let subjects = claimed.item.subject_count;
        self.progress.tell(Progress::Sending { connection: connection.sources.key.clone(), subjects });
        let within = until.saturating_sub(self.clock.monotonic());
        match connection.submit.create(&regulation, within).await {
            Submission::Accepted(id) => self.accepted(claimed, id, Vec::new()).await,
            Submission::Refused(error) => self.refused(claimed, &error).await,
            Submission::NotSent(error) => match (error.kind(), error.retry()) {
                // The quota of one category says nothing of the other.
                (ErrorKind::QuotaExhausted, Retry::After(Some(wait))) => {
                    let (now, mut claimed) = (self.clock.now(), claimed);
                    // A wrong word of Segment's costs one call more a month, and not the deadline of everybody.
                    claimed.item.rests_until = Some(after(now, wait).min(quota::next_month(now)));
                    self.waits(claimed, &error).await
                }
                _ => self.not_asked(claimed, &error).await,
            },
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
        self.rests.works(&claimed.item.connection);
        self.refusals.forget(&claimed.item);
        let mut ledger = claimed.item;
        let facts = json!({"intent": ledger.intent.as_str(), "regulation": id.as_str(), "type": ledger.kind.as_str(),
            "subjects": ledger.subject_count});
        ledger.state = Answer::Accepted.leads_to();
        ledger.regulation = Some(id);
        ledger.accepted_at = Some(now);
        ledger.attempts = 0;
        ledger.next_at = Some(after(now, self.policy.tracking.first_poll));
        #[cfg(not(sabotage = "complete_on_post"))]
        let event = TaskEvent::Accept;
        #[cfg(sabotage = "complete_on_post")]
        let event = TaskEvent::Complete(crate::track::outcome(&ledger.kind));
        let update = LedgerUpdate {
            ledger,
            absent: false,
            members: MemberChange::All(event),
            notes,
            audit: vec![AuditEntry::new(now, "accepted", facts)],
            at: now,
        };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// Nothing was created. A refused batch is narrowed down: to the person whose id was named, else by halves.
    async fn refused(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let people = claimed.item.members.len();
        let unknown_source = claimed.item.source.as_deref().filter(|_| error.kind() == ErrorKind::NotFound);
        let advice = unknown_source.map(|source| format!(". {}", wording::unknown_source(source)));
        let message = format!("{error}{}", advice.unwrap_or_default());
        // Once the configuration names the right source, the task is made anew with it.
        let resume = if unknown_source.is_some() { Resume::Queued } else { Resume::Resolved };
        let halt = |kind| Halt { kind, message: message.clone(), resume };
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
            _ if self.refusals.is_systemic(&claimed.item, error) => {
                let message = format!("{error}; both halves of the batch were refused alike, so it is nobody's id");
                let halt = Halt { message, ..halt(HaltKind::Refused) };
                (MemberChange::All(TaskEvent::NeedHuman(halt)), Vec::new())
            }
            _ if narrowable && people > 1 => {
                (MemberChange::Requeue { max_people: Some(people.div_ceil(2) as u64) }, Vec::new())
            }
            _ if error.kind() == ErrorKind::Unauthorized => {
                (MemberChange::All(TaskEvent::GiveUp(halt(HaltKind::Unauthorized))), Vec::new())
            }
            _ => (MemberChange::All(TaskEvent::NeedHuman(halt(HaltKind::Refused))), Vec::new()),
        };
        self.close(claimed, change, notes, "refused", &message).await
    }

    /// The call did not leave, or Segment turned it away unread. Being asked to slow down never gives up: the tasks wait, for
    /// as long as it takes.
    async fn not_asked(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let (ErrorKind::RateLimited | ErrorKind::QuotaExhausted, Retry::After(asked)) = (error.kind(), error.retry())
        else {
            return self.not_sent(claimed, Failure::segment(error, Resume::Resolved)).await;
        };
        self.rests.turned_away(&claimed.item.connection, self.clock.now(), asked, &self.policy);
        self.waits(claimed, error).await
    }

    /// The tasks wait again, for what Segment asked to wait for.
    async fn waits(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let message = error.to_string();
        self.progress.tell(Progress::Delayed { reason: message.clone() });
        self.close(claimed, MemberChange::Requeue { max_people: None }, Vec::new(), "not_sent", &message).await
    }

    /// It never left: the tasks wait again, and the connection rests. After too many times it is given up.
    async fn not_sent(&self, claimed: Claimed<segment_core::Ledger>, failure: Failure) -> Result<(), StoreError> {
        let message = failure.halt.message.clone();
        let change = if failure.decides {
            MemberChange::All(TaskEvent::NeedHuman(failure.halt))
        } else if !failure.passing || self.has_failed_for_too_long(&claimed.item) {
            MemberChange::All(TaskEvent::GiveUp(failure.halt))
        } else {
            self.progress.tell(Progress::Delayed { reason: message.clone() });
            MemberChange::Requeue { max_people: None }
        };
        self.close(claimed, change, Vec::new(), "not_sent", &message).await
    }

    pub(crate) fn has_failed_for_too_long(&self, ledger: &segment_core::Ledger) -> bool {
        self.rests.failed(&ledger.connection, ledger.created_at, self.clock.now(), &self.policy)
    }

    /// It may exist: it is looked for before anything is sent again.
    async fn lost(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        #[cfg(sabotage = "blind_repost")]
        return self.waits(claimed, error).await;
        #[cfg(not(sabotage = "blind_repost"))]
        self.look_for(claimed, error).await
    }

    #[cfg(not(sabotage = "blind_repost"))]
    async fn look_for(&self, claimed: Claimed<segment_core::Ledger>, error: &SegmentError) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.progress.tell(Progress::Delayed { reason: format!("{error}; it is looked for before it is sent again") });
        let mut ledger = claimed.item;
        let facts = json!({"intent": ledger.intent.as_str(), "message": error.to_string()});
        ledger.state = Answer::Unknown.leads_to();
        let wait = Lost::of(&ledger).wait(claimed.store_now, self.policy.tracking.settle).unwrap_or_default();
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
        let (connection, category) = (ledger.connection.clone(), ledger.kind.quota());
        let facts = json!({"intent": ledger.intent.as_str(), "message": message});
        ledger.state = Answer::NothingCreated.leads_to();
        ledger.next_at = None;
        let audit = vec![AuditEntry::new(now, step, facts)];
        let update = LedgerUpdate { ledger, absent: false, members, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await?;
        self.rests.room(&connection, category);
        Ok(())
    }
}

fn held(connection: &ConnectionKey, until: Timestamp) -> String {
    format!("the month's quota of {connection} is used up; the work waits until {until}")
}

#[cfg(test)]
#[path = "submit/tests.rs"]
pub(crate) mod tests;
