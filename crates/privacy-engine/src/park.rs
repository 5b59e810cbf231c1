//! Work that kills whoever takes it up must not be taken up for ever: it is parked, and a human lets it go on.

use segment_core::{
    AuditEntry, Claimed, Halt, HaltKind, Ledger, LedgerState, Member, MemberNote, Request, RequestUpdate, Resume,
    TaskEvent, TaskState, ports::StoreError,
};
use serde_json::json;

use crate::{Engine, process::move_task};

/// Regulations of a person that may come to nothing without a trace. It does not depend on how soon a command gives up.
const SENT_IN_VAIN: u32 = 8;

impl Engine {
    /// Hands every task that is not begun to a human.
    pub(crate) fn parked(&self, request: &Request, tries: u32) -> RequestUpdate {
        let at = self.clock.now();
        let mut tasks: Vec<_> = request.tasks.iter().filter(|task| task.state == TaskState::Queued).cloned().collect();
        for task in &mut tasks {
            move_task(task, TaskEvent::NeedHuman(never_finished(tries, Resume::Queued)));
        }
        let audit = vec![AuditEntry::new(at, "parked", json!({"tries": tries}))];
        RequestUpdate { tasks, package: None, next_at: None, audit, at }
    }

    /// Hands a regulation to a human; what only has to be read back is left to the next look.
    pub(crate) async fn park_regulation(&self, claimed: Claimed<Ledger>) -> Result<(), StoreError> {
        let tries = claimed.tries - 1;
        let resume = match claimed.item.state {
            LedgerState::Looking => {
                let halt = never_finished(tries, Resume::Awaiting);
                return self.look_later(claimed, &halt.message).await;
            }
            LedgerState::Tracking => Resume::Awaiting,
            _ => Resume::Sending,
        };
        self.halt(claimed, never_finished(tries, resume), "parked").await
    }

    /// Hands over to a human everybody whose regulations were lost again and again without a trace at Segment.
    pub(crate) fn sent_in_vain(ledger: &Ledger) -> Vec<MemberNote> {
        let poisoned = ledger.members.iter().filter(|member| member.lost.saturating_add(1) >= SENT_IN_VAIN);
        let note = |member: &Member| MemberNote {
            request: member.request.clone(),
            findings: Vec::new(),
            verified_at: None,
            event: Some(TaskEvent::NeedHuman(sent_in_vain(member.lost + 1))),
        };
        poisoned.map(note).collect()
    }
}

fn never_finished(tries: u32, resume: Resume) -> Halt {
    let message = format!(
        "it was taken up {tries} times, and no step of it was ever finished: whoever worked on it crashed, or was too slow to \
         keep it. See the logs of the workers, then retry"
    );
    Halt { kind: HaltKind::NeverFinished, message, resume }
}

fn sent_in_vain(times: u32) -> Halt {
    let message = format!(
        "a regulation for it was begun {times} times, and none is at Segment: whoever sent it crashed, or the call never \
         arrived. See the logs of the workers, then retry"
    );
    Halt { kind: HaltKind::NeverFinished, message, resume: Resume::Resolved }
}
