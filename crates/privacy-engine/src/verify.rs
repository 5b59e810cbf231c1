//! Reading back: nothing is verified that was not seen.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use segment_core::{
    AuditEntry, Claimed, Finding, FindingCode, Ledger, LedgerState, LedgerUpdate, Member, MemberChange, MemberNote,
    Pii, RegulationType, RequestId, SegmentError, Service, pages,
    ports::{Profiles, Regulations, StoreError},
};
use serde_json::json;

use crate::{Connection, Engine, Progress, engine::after, resolve::spellings, track::is_verifiable};

/// People that are read back side by side; the pacer bounds the calls.
const SIDE_BY_SIDE: usize = 8;

impl Engine {
    /// One look at everybody in a regulation that has ended.
    pub(crate) async fn look(&self, claimed: Claimed<Ledger>) -> Result<(), StoreError> {
        if let Some(why) = self.withheld.get(&claimed.item.connection) {
            return self.postpone(claimed, why).await;
        }
        let Some(connection) = self.connections.get(&claimed.item.connection) else {
            return self.look_later(claimed, "the connection is not in the configuration any more").await;
        };
        let people = claimed.item.members.len() as u64;
        self.progress.tell(Progress::Looking { connection: connection.sources.key.clone(), people });
        match self.keeping(&claimed.lease, self.confirmed(connection, &claimed.item)).await? {
            Ok(confirmed) => self.looked(claimed, &confirmed).await,
            Err(error) => self.look_later(claimed, &error.to_string()).await,
        }
    }

    /// The requests whose effect can be seen right now.
    pub(crate) async fn confirmed(
        &self,
        connection: &Connection,
        ledger: &Ledger,
    ) -> Result<BTreeSet<RequestId>, SegmentError> {
        if !is_verifiable(ledger, connection) {
            return Ok(BTreeSet::new());
        }
        match &connection.sources.profiles {
            Some(profiles) if ledger.kind.deletes() => gone(profiles.as_ref(), &ledger.members).await,
            _ => {
                let suppressed = suppressed(connection.sources.regulations.as_ref(), &ledger.subjects).await?;
                let wanted = ledger.kind != RegulationType::Unsuppress;
                let seen = |member: &&Member| {
                    !member.subjects.is_empty() && member.subjects.iter().all(|id| suppressed.contains(id) == wanted)
                };
                Ok(ledger.members.iter().filter(seen).map(|member| member.request.clone()).collect())
            }
        }
    }

    async fn looked(&self, claimed: Claimed<Ledger>, confirmed: &BTreeSet<RequestId>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        let last = self.plan_next_look(&mut ledger, now);
        let note = |member: &Member| {
            let seen = confirmed.contains(&member.request);
            MemberNote {
                request: member.request.clone(),
                findings: finding(&ledger.kind, seen, member.verified, last).into_iter().collect(),
                verified_at: seen.then_some(now),
                event: None,
            }
        };
        // Of whom nothing is known any more, nothing can be seen.
        let notes = ledger.members.iter().filter(|member| member.given.is_some()).map(note).collect();
        let facts = json!({"intent": ledger.intent.as_str(), "look": ledger.looks, "confirmed": confirmed.len(),
            "people": ledger.members.len()});
        let audit = vec![AuditEntry::new(now, "read_back", facts)];
        let update = LedgerUpdate { ledger, absent: false, members: MemberChange::None, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// It could not be read back. That is tried again for a while, and then left to the next look that is planned.
    pub(crate) async fn look_later(&self, claimed: Claimed<Ledger>, reason: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        ledger.attempts += 1;
        self.progress.tell(Progress::Delayed { reason: reason.to_owned() });
        let entry = AuditEntry::new(now, "read_back_failed", json!({"message": reason}));
        let audit = if ledger.attempts == 1 { vec![entry] } else { Vec::new() };
        let mut notes = Vec::new();
        if ledger.attempts < self.policy.attempts {
            ledger.next_at = Some(after(now, self.policy.pause(ledger.attempts)));
        } else if self.plan_next_look(&mut ledger, now) {
            let message = format!("the last read-back could not be made: {reason}");
            let unseen = |member: &Member| MemberNote {
                request: member.request.clone(),
                findings: vec![Finding::new(FindingCode::NotVerifiable, message.clone())],
                verified_at: None,
                event: None,
            };
            notes =
                ledger.members.iter().filter(|member| !member.verified && member.given.is_some()).map(unseen).collect();
        }
        let update = LedgerUpdate { ledger, absent: false, members: MemberChange::None, notes, audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    /// One look is over, made or given up. Answers whether it was the last one.
    fn plan_next_look(&self, ledger: &mut Ledger, now: Timestamp) -> bool {
        ledger.looks += 1;
        ledger.attempts = 0;
        let finished = ledger.finished_at.unwrap_or(now);
        let next = self.policy.tracking.verify_after.get(ledger.looks as usize);
        ledger.next_at = next.map(|wait| after(finished, *wait));
        if ledger.next_at.is_none() {
            ledger.state = LedgerState::Closed;
        }
        ledger.next_at.is_none()
    }
}

/// Those of whom none of the known identifiers leads to a profile any more.
async fn gone(profiles: &dyn Profiles, members: &[Member]) -> Result<BTreeSet<RequestId>, SegmentError> {
    let ask = |member: &Member| {
        let (request, identifiers) = (member.request.clone(), member.identifiers.clone());
        async move {
            for identifier in identifiers.iter().flat_map(spellings) {
                if profiles.metadata(&identifier).await?.is_some() {
                    return Ok(None);
                }
            }
            Ok((!identifiers.is_empty()).then_some(request))
        }
    };
    let asked = stream::iter(members.iter().map(ask)).buffer_unordered(SIDE_BY_SIDE);
    let found: Vec<Option<RequestId>> = asked.try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Which of these user ids stand among the suppressions: one sweep for all of them.
async fn suppressed(
    api: &dyn Regulations,
    subjects: &BTreeSet<Pii<String>>,
) -> Result<BTreeSet<Pii<String>>, SegmentError> {
    let fetch = |next| async move { api.suppressions(next).await.map(Some) };
    let mut found = BTreeSet::new();
    let mut stream = Box::pin(pages(Service::PublicApi, fetch));
    while let Some(page) = stream.try_next().await? {
        let users = page.items.into_iter().filter(|entry| entry.is_user).flat_map(|entry| entry.subjects);
        found.extend(users.filter(|id| subjects.contains(id)));
    }
    Ok(found)
}

/// What a person has to know after a look: nothing while it is confirmed, or may still become so.
fn finding(kind: &RegulationType, seen: bool, seen_before: bool, last: bool) -> Option<Finding> {
    let (code, message) = match (kind.deletes(), seen_before) {
        _ if seen || (!seen_before && !last) => return None,
        (true, true) => (FindingCode::ProfileReturned, "the profile had been gone and came back: new data came in"),
        (true, false) => (
            FindingCode::ProfileRemains,
            "Segment says that it is deleted, but at the last look the profile was still there",
        ),
        (false, _) => (FindingCode::SuppressionMissing, "the list of suppressions does not show what was ordered"),
    };
    Some(Finding::new(code, message))
}
