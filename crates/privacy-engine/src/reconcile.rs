//! Looking for a regulation whose answer was lost (docs/operating.md, "Lost answers").
//!
//! Segment has no idempotency key. What may have been sent is searched in every page of the list; only two complete
//! listings without it, both later than `send_by` and `settle` and half of `settle` apart, allow to send it again.

use std::{collections::BTreeSet, time::Duration};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use segment_core::{
    AuditEntry, Claimed, ErrorKind, Finding, FindingCode, Halt, HaltKind, Ledger, LedgerState, LedgerUpdate,
    MemberChange, MemberNote, RegulationEntry, RegulationQuery, RegulationScope, Resume, SegmentError, Service,
    TaskEvent, pages,
    ports::{Regulations, StoreError},
};
use serde_json::json;

use crate::{
    Engine,
    engine::{after, between},
    protocol::{Finding as Shows, Lost, Shown},
    track::FORGOTTEN,
};

/// An entry can hold 5,000 ids.
const ENTRIES_A_PAGE: u16 = 10;
/// Segment's clock and ours may differ.
const CLOCKS_APART: Duration = Duration::from_mins(10);

/// What a complete listing says.
#[derive(Debug, Default)]
struct Listing {
    /// Regulations that can be ours, the oldest first.
    matches: Vec<RegulationEntry>,
    /// Entries that could be ours but do not say their ids, or their time.
    undecided: usize,
}

impl Engine {
    /// Looks for the regulation of an intent whose answer was lost.
    pub(crate) async fn reconcile(&self, claimed: Claimed<Ledger>) -> Result<(), StoreError> {
        if let Some(wait) = Lost::of(&claimed.item).wait(claimed.store_now, self.policy.tracking.settle) {
            return self.look_again(claimed, wait, false, None).await;
        }
        if let Some(why) = self.withheld.get(&claimed.item.connection) {
            return self.postpone(claimed, why).await;
        }
        let Some(connection) = self.connections.get(&claimed.item.connection) else {
            return self.undecided(claimed, "the connection is not in the configuration any more").await;
        };
        let listing =
            self.keeping(&claimed.lease, list(connection.sources.regulations.as_ref(), &claimed.item)).await?;
        match listing {
            Err(error) if error.kind() == ErrorKind::Misuse => {
                let message = "it is not known whether the regulation was created: the Config API lists none of a single source. \
                               Look at Segment's app. Whether it is there or not, settle it with `requests resolve`; if it is \
                               not, ask anew";
                let halt =
                    Halt { kind: HaltKind::ReconcileUndecided, message: message.to_owned(), resume: Resume::Sending };
                self.halt(claimed, halt, "undecided").await
            }
            Err(error) if claimed.item.attempts + 1 >= self.policy.attempts => {
                self.undecided(claimed, &format!("the list could not be read: {error}")).await
            }
            Err(error) => {
                let pause = self.policy.pause(claimed.item.attempts + 1);
                self.look_again(claimed, pause, false, Some(error.to_string())).await
            }
            Ok(listing) => self.decide(claimed, listing).await,
        }
    }

    async fn decide(&self, claimed: Claimed<Ledger>, listing: Listing) -> Result<(), StoreError> {
        let mut free = Vec::new();
        for entry in listing.matches {
            if !self.store.is_known(&claimed.item.connection, &entry.id).await? {
                free.push(entry);
            }
        }
        let age = between(claimed.item.created_at, self.clock.now());
        let shown = Shown {
            matches: free.len(),
            undecided: listing.undecided,
            is_forgotten: age > FORGOTTEN.saturating_sub(CLOCKS_APART),
        };
        let oldest = free.into_iter().next();
        match (shown.means(Lost::of(&claimed.item)), oldest) {
            (Shows::Adopt, Some(oldest)) => {
                let notes = doubles(&claimed.item, shown.matches - 1);
                self.accepted(claimed, oldest.id, notes).await
            }
            (Shows::Forgotten, _) => {
                let message = "it will never be known whether the regulation was created: Segment forgets regulations after \
                               90 days. Settle it with `requests resolve`, and ask anew";
                let halt =
                    Halt { kind: HaltKind::ReconcileUndecided, message: message.to_owned(), resume: Resume::Sending };
                self.halt(claimed, halt, "undecided").await
            }
            (Shows::RuledOut, _) => self.ruled_out(claimed).await,
            (Shows::Absent, _) => self.look_again(claimed, self.policy.tracking.settle / 2, true, None).await,
            (Shows::Undecided | Shows::Adopt, _) => {
                let reason = format!("{} regulations of that time do not say their ids", shown.undecided);
                self.undecided(claimed, &reason).await
            }
        }
    }

    /// Two complete listings do not show it: it is sent again, unless that has gone on for too long.
    async fn ruled_out(&self, claimed: Claimed<Ledger>) -> Result<(), StoreError> {
        // A person whom it kills to send is counted by the record: whoever sent them is gone.
        let mut poisoned = Vec::new();
        let change = if self.has_failed_for_too_long(&claimed.item) {
            let message = "Segment lost or broke off the calls, again and again; nothing was created".to_owned();
            MemberChange::All(TaskEvent::GiveUp(Halt {
                kind: HaltKind::SegmentFailed,
                message,
                resume: Resume::Resolved,
            }))
        } else {
            poisoned = Self::sent_in_vain(&claimed.item);
            MemberChange::Requeue { max_people: None }
        };
        self.close(claimed, change, poisoned, "ruled_out", "two complete listings do not show it").await
    }

    async fn look_again(
        &self,
        claimed: Claimed<Ledger>,
        wait: Duration,
        absent: bool,
        failure: Option<String>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        ledger.state = LedgerState::Unknown;
        // A millisecond more, since the database's time is cut to milliseconds.
        ledger.next_at = Some(after(now, wait + Duration::from_millis(1)));
        ledger.attempts = if failure.is_some() { ledger.attempts + 1 } else { 0 };
        let step = |step, facts| AuditEntry::new(now, step, facts);
        let audit = match failure {
            Some(message) => vec![step("listing_failed", json!({"message": message}))],
            None if absent => vec![step("listed_without_it", json!({"intent": ledger.intent.as_str()}))],
            None => Vec::new(),
        };
        let update = LedgerUpdate { ledger, absent, members: MemberChange::None, notes: Vec::new(), audit, at: now };
        self.store.save_regulation(&claimed.lease, &update).await
    }

    async fn undecided(&self, claimed: Claimed<Ledger>, reason: &str) -> Result<(), StoreError> {
        let message =
            format!("it is not known whether the regulation was created: {reason}. Look at Segment, then retry");
        let halt = Halt { kind: HaltKind::ReconcileUndecided, message, resume: Resume::Sending };
        self.halt(claimed, halt, "undecided").await
    }

    /// A human must decide on the regulation, and so on everybody in it.
    pub(crate) async fn halt(&self, claimed: Claimed<Ledger>, halt: Halt, step: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ledger = claimed.item;
        ledger.state = LedgerState::Halted;
        ledger.next_at = None;
        let facts = json!({"intent": ledger.intent.as_str(), "code": halt.kind.as_str(), "message": halt.message});
        let update = LedgerUpdate {
            ledger,
            absent: false,
            members: MemberChange::All(TaskEvent::NeedHuman(halt)),
            notes: Vec::new(),
            audit: vec![AuditEntry::new(now, step, facts)],
            at: now,
        };
        self.store.save_regulation(&claimed.lease, &update).await
    }
}

/// Reads every page, without a filter of status. An error means that the listing is not complete.
async fn list(api: &dyn Regulations, ledger: &Ledger) -> Result<Listing, SegmentError> {
    let fetch = |next| async move {
        let scope = RegulationScope::of_source(ledger.source.as_deref());
        let query = RegulationQuery { scope, count: ENTRIES_A_PAGE, next, ..RegulationQuery::default() };
        api.list(&query).await.map(Some)
    };
    let mut listing = Listing::default();
    let mut stream = Box::pin(pages(Service::PublicApi, fetch));
    while let Some(page) = stream.try_next().await? {
        for entry in page.items {
            listing.read(entry, ledger);
        }
    }
    listing.matches.sort_by_key(|entry| entry.created_at);
    // A list that grows while it is read shows an entry on two pages.
    let mut seen = BTreeSet::new();
    listing.matches.retain(|entry| seen.insert(entry.id.clone()));
    Ok(listing)
}

impl Listing {
    fn read(&mut self, entry: RegulationEntry, ledger: &Ledger) {
        let type_fits = entry.kind.as_ref().is_none_or(|kind| kind == &ledger.kind);
        let earliest = earlier(ledger.created_at, CLOCKS_APART);
        let time_fits = entry.created_at.map(|at| at >= earliest);
        if !type_fits || time_fits == Some(false) {
            return;
        }
        match &entry.subjects {
            Some(subjects) if subjects == &ledger.subjects && time_fits.is_some() => self.matches.push(entry),
            Some(subjects) if subjects != &ledger.subjects && !subjects.is_empty() => {}
            _ => self.undecided += 1,
        }
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(by).ok().and_then(|by| at.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

fn doubles(ledger: &Ledger, more: usize) -> Vec<MemberNote> {
    if more == 0 {
        return Vec::new();
    }
    let finding = Finding::new(
        FindingCode::DuplicateRegulation,
        format!(
            "Segment holds {more} more regulations for the same ids from the same time; they cost quota, nothing else"
        ),
    );
    let note = |member: &segment_core::Member| MemberNote {
        request: member.request.clone(),
        findings: vec![finding.clone()],
        verified_at: None,
        event: None,
    };
    ledger.members.iter().map(note).collect()
}
