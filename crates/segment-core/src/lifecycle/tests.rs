use proptest::prelude::*;

use super::*;

fn halt(resume: Resume) -> Halt {
    Halt { kind: HaltKind::Refused, message: String::new(), resume }
}

fn walk(events: &[TaskEvent]) -> Result<TaskState, InvalidTransition> {
    events.iter().try_fold(TaskState::Queued, |state, event| state.apply(event.clone()))
}

#[test]
fn an_erasure_runs_from_queued_to_complete() {
    use TaskEvent::{Accept, Complete, Intend, Resolve};
    let done = walk(&[Resolve, Intend, Accept, Complete(Outcome::Deleted)]).unwrap();
    assert_eq!(done.outcome(), Some(Outcome::Deleted));
}

#[test]
fn what_was_refused_is_sent_anew_and_what_may_exist_is_looked_for() {
    for (resume, name) in [(Resume::Resolved, "resolved"), (Resume::Sending, "sending"), (Resume::Awaiting, "awaiting")]
    {
        let halted = TaskState::Attention(halt(resume));
        assert_eq!(halted.apply(TaskEvent::Retry).unwrap().as_str(), name);
    }
}

#[test]
fn only_what_was_asked_is_begun_again() {
    for outcome in Outcome::ALL.iter().copied() {
        let again = TaskState::Complete(outcome).apply(TaskEvent::Retry).is_ok();
        assert_eq!(again, matches!(outcome, Outcome::Collected | Outcome::NoData), "{outcome:?}");
    }
}

#[test]
fn an_intent_that_may_have_been_sent_cannot_be_canceled() {
    for state in [TaskState::Sending, TaskState::Awaiting, TaskState::Error(halt(Resume::Sending))] {
        assert!(state.may_have_been_sent());
        assert!(state.apply(TaskEvent::Cancel).is_err(), "{state:?}");
    }
    assert_eq!(TaskState::Resolved.apply(TaskEvent::Cancel), Ok(TaskState::Canceled));
}

#[test]
fn the_status_is_the_first_that_applies() {
    let complete = TaskState::Complete(Outcome::Deleted);
    let attention = TaskState::Attention(halt(Resume::Queued));
    let error = TaskState::Error(halt(Resume::Queued));
    let of = |tasks: &[&TaskState]| RequestStatus::of(Gate::Open, true, tasks.iter().copied());
    assert_eq!(of(&[&complete, &attention, &TaskState::Queued]), RequestStatus::RequiresAttention);
    assert_eq!(of(&[&error, &TaskState::Sending, &TaskState::Awaiting]), RequestStatus::InProcessing);
    assert_eq!(of(&[&error, &TaskState::Awaiting]), RequestStatus::AwaitingProcessor);
    assert_eq!(of(&[&error, &complete]), RequestStatus::Error);
    assert_eq!(of(&[&complete, &TaskState::Canceled]), RequestStatus::Complete);
    assert_eq!(of(&[&TaskState::Canceled]), RequestStatus::Canceled);
    assert_eq!(RequestStatus::of(Gate::Open, false, [&TaskState::Queued]), RequestStatus::Approved);
    assert_eq!(RequestStatus::of(Gate::Pending, false, [&TaskState::Queued]), RequestStatus::Pending);
    assert_eq!(RequestStatus::of(Gate::Pending, false, [&TaskState::Canceled]), RequestStatus::Canceled);
    assert_eq!(RequestStatus::of(Gate::Denied, false, [&TaskState::Queued]), RequestStatus::Denied);
}

#[test]
fn names_read_back() {
    for status in RequestStatus::ALL {
        assert_eq!(RequestStatus::parse(status.as_str()), Some(*status));
    }
    for kind in HaltKind::ALL {
        assert_eq!(HaltKind::parse(kind.as_str()), Some(*kind));
    }
}

fn any_event() -> impl Strategy<Value = TaskEvent> {
    let resume = prop::sample::select(Resume::ALL);
    let outcome = prop::sample::select(Outcome::ALL);
    prop_oneof![
        Just(TaskEvent::Resolve),
        Just(TaskEvent::Intend),
        Just(TaskEvent::Requeue),
        Just(TaskEvent::Accept),
        outcome.prop_map(TaskEvent::Complete),
        resume.clone().prop_map(|resume| TaskEvent::NeedHuman(halt(resume))),
        resume.prop_map(|resume| TaskEvent::GiveUp(halt(resume))),
        Just(TaskEvent::Cancel),
        Just(TaskEvent::Retry),
    ]
}

fn any_state() -> impl Strategy<Value = TaskState> {
    let resume = prop::sample::select(Resume::ALL);
    let outcome = prop::sample::select(Outcome::ALL);
    prop_oneof![
        Just(TaskState::Queued),
        Just(TaskState::Resolved),
        Just(TaskState::Sending),
        Just(TaskState::Awaiting),
        outcome.prop_map(TaskState::Complete),
        resume.clone().prop_map(|resume| TaskState::Attention(halt(resume))),
        resume.prop_map(|resume| TaskState::Error(halt(resume))),
        Just(TaskState::Canceled),
    ]
}

/// How far a request is; nothing where it is halted.
fn progress(status: RequestStatus) -> Option<u8> {
    match status {
        RequestStatus::Pending | RequestStatus::Approved => Some(0),
        RequestStatus::InProcessing => Some(1),
        RequestStatus::AwaitingProcessor => Some(2),
        RequestStatus::Complete | RequestStatus::Canceled | RequestStatus::Denied => Some(3),
        RequestStatus::RequiresAttention | RequestStatus::Error => None,
    }
}

proptest! {
    /// Invariant: no path from "Segment did not confirm" to deleted or suppressed. `Resume::Awaiting` is only given to
    /// tasks that were accepted, so the property leaves it out as a first step.
    #[test]
    fn nothing_is_deleted_that_was_not_accepted(events in prop::collection::vec(any_event(), 0..24)) {
        let mut state = TaskState::Queued;
        let mut accepted = false;
        for event in events {
            let forged = matches!(&event, TaskEvent::NeedHuman(h) | TaskEvent::GiveUp(h) if h.resume == Resume::Awaiting);
            if forged && !accepted {
                continue;
            }
            accepted |= event == TaskEvent::Accept && state == TaskState::Sending;
            if let Ok(next) = state.apply(event) {
                state = next;
            }
            if let Some(Outcome::Deleted | Outcome::Suppressed | Outcome::Unsuppressed) = state.outcome() {
                prop_assert!(accepted);
            }
        }
    }

    #[test]
    fn what_is_complete_or_canceled_stays_so(event in any_event()) {
        prop_assert!(TaskState::Complete(Outcome::Deleted).apply(event.clone()).is_err());
        prop_assert!(TaskState::Canceled.apply(event).is_err());
    }

    /// A step that is refused says which, and changes nothing; one that is made leads somewhere.
    #[test]
    fn every_event_in_every_state_is_handled_or_refused(state in any_state(), event in any_event()) {
        match state.apply(event.clone()) {
            Ok(next) => prop_assert_ne!(next, state),
            Err(refused) => {
                prop_assert!(refused.to_string().contains(state.as_str()));
                prop_assert!(refused.to_string().contains(event.as_str()));
            }
        }
    }

    /// What happens to one task never takes its request back, except that somebody retries.
    #[test]
    fn a_step_of_a_task_never_lowers_its_request(
        tasks in prop::collection::vec(any_state(), 1..5),
        at in any::<prop::sample::Index>(),
        event in any_event(),
    ) {
        let at = at.index(tasks.len());
        let of = |tasks: &[TaskState]| RequestStatus::of(Gate::Open, true, tasks.iter());
        let before = of(&tasks);
        let mut after = tasks;
        let Ok(next) = after[at].apply(event.clone()) else { return Ok(()) };
        after[at] = next;
        if event != TaskEvent::Retry
            && let (Some(before), Some(after)) = (progress(before), progress(of(&after)))
        {
            prop_assert!(after >= before);
        }
    }
}
