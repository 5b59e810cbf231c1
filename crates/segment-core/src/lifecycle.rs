//! The life of a request and of its tasks, as a pure state machine.
//!
//! A request fans out into one task per connection. Tasks move by [`TaskEvent`]s; the status of the request follows
//! from its tasks. Nothing here knows how a step is done, only which steps exist.

mod status;

use thiserror::Error;

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// Not begun: nobody has looked yet who the person is.
    Queued,
    /// Erasure: the user ids are known and wait for a regulation.
    Resolved,
    /// Erasure: part of a regulation whose intent is recorded; it may have been sent.
    Sending,
    /// Erasure: Segment accepted the regulation and is working.
    Awaiting,
    /// Done, with this outcome.
    Complete(Outcome),
    /// A human must decide.
    Attention(Halt),
    /// Given up; can be retried.
    Error(Halt),
    /// Called off before anything left.
    Canceled,
}

/// How a task was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Access: what there was is in the package.
    Collected,
    /// Neither Segment nor the owned database knows the person.
    NoData,
    /// New data are blocked; nothing was deleted.
    Suppressed,
    /// Deleted and, by most types, suppressed.
    Deleted,
    /// A suppression was ended.
    Unsuppressed,
    /// The person's rows in the owned database are masked.
    Masked,
    /// A human settled it.
    Settled,
}

/// What stopped a task, and where it goes on when it is retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// The stable code.
    pub kind: HaltKind,
    /// A sentence for a person, without personal data.
    pub message: String,
    /// Where a retry takes it up.
    pub resume: Resume,
}

/// Where a halted task goes on. Nothing that Segment confirmed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// From the beginning: nothing was sent.
    Queued,
    /// With a new regulation: Segment refused, or ended the old one without success.
    Resolved,
    /// With the search for a regulation that may exist.
    Sending,
    /// With the regulation that exists.
    Awaiting,
}

macro_rules! names {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        $vis enum $name { $($(#[$vdoc])* $variant,)+ }
        names!(impl $name { $($variant = $text,)+ });
    };
    (impl $name:ident { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, in JSON and in the record.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads [`as_str`](Self::as_str).
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(impl Outcome {
    Collected = "collected",
    NoData = "no_data",
    Suppressed = "suppressed",
    Deleted = "deleted",
    Unsuppressed = "unsuppressed",
    Masked = "masked",
    Settled = "settled",
});

names!(impl Resume {
    Queued = "queued",
    Resolved = "resolved",
    Sending = "sending",
    Awaiting = "awaiting",
});

names! {
    /// Why a task was halted.
    pub enum HaltKind {
        /// The identities lead to more than one person.
        IdentityConflict = "identity_conflict",
        /// One identity leads to more user ids than one person has.
        TooManyIds = "too_many_ids",
        /// There is a profile but no user id, and regulations work on user ids only.
        NoUserId = "no_user_id",
        /// The person must not be erased.
        LegalHold = "legal_hold",
        /// Segment refused the regulation.
        Refused = "refused",
        /// A sent regulation can neither be found nor ruled out.
        ReconcileUndecided = "reconcile_undecided",
        /// Segment ended the regulation without success.
        RegulationFailed = "regulation_failed",
        /// Segment no longer, or not yet, knows the regulation.
        RegulationLost = "regulation_lost",
        /// The regulation is open for longer than Segment's SLA.
        RegulationOverdue = "regulation_overdue",
        /// The token belongs to another workspace than the configured one.
        WrongWorkspace = "wrong_workspace",
        /// The connection is not in the configuration any more.
        NoConnection = "no_connection",
        /// Segment refused the credential.
        Unauthorized = "unauthorized",
        /// Segment failed for longer than is retried.
        SegmentFailed = "segment_failed",
        /// The owned database failed for longer than is retried.
        DirectoryFailed = "directory_failed",
        /// The person's rows in the owned database could not be masked; nothing of it was written.
        MaskingFailed = "masking_failed",
        /// Part of the data could not be read to its end.
        Incomplete = "incomplete",
        /// The package could not be written.
        PackageFailed = "package_failed",
        /// Whoever takes it up never finishes a step of it.
        NeverFinished = "never_finished",
    }
}

names! {
    /// Where a request stands, as people and scripts see it.
    pub enum RequestStatus {
        /// Waits for approval.
        Pending = "pending",
        /// Approved, not begun.
        Approved = "approved",
        /// In work.
        InProcessing = "in_processing",
        /// Segment is working.
        AwaitingProcessor = "awaiting_processor",
        /// A human must decide.
        RequiresAttention = "requires_attention",
        /// Given up; can be retried.
        Error = "error",
        /// Done.
        Complete = "complete",
        /// Called off.
        Canceled = "canceled",
        /// Denied, with a reason.
        Denied = "denied",
    }
}

/// The decision that comes before any work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// Not decided yet.
    Pending,
    /// May be worked.
    Open,
    /// Denied.
    Denied,
}

impl Gate {
    /// The name in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Denied => "denied",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Open, Self::Denied].into_iter().find(|gate| gate.as_str() == name)
    }
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskEvent {
    /// The user ids are known.
    Resolve,
    /// A regulation's intent with this task is recorded.
    Intend,
    /// The regulation did not leave, or was refused as a batch: it waits again.
    Requeue,
    /// Segment accepted the regulation.
    Accept,
    /// It is done.
    Complete(Outcome),
    /// A human must decide.
    NeedHuman(Halt),
    /// It is given up.
    GiveUp(Halt),
    /// It is called off.
    Cancel,
    /// A human lets it go on.
    Retry,
}

/// An event that cannot happen where the task stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a task that is {state} cannot {event}")]
pub struct InvalidTransition {
    state: &'static str,
    event: &'static str,
}

impl TaskState {
    /// The state after an event.
    ///
    /// # Errors
    ///
    /// [`InvalidTransition`] when the event cannot happen here; above all, nothing but [`Awaiting`](Self::Awaiting),
    /// which only Segment's acceptance reaches, can be completed as suppressed or deleted.
    pub fn apply(&self, event: TaskEvent) -> Result<Self, InvalidTransition> {
        use TaskEvent as E;
        use TaskState as S;
        let invalid = InvalidTransition { state: self.as_str(), event: event.as_str() };
        Ok(match (self, event) {
            (S::Queued, E::Resolve) | (S::Sending, E::Requeue) => S::Resolved,
            (S::Resolved, E::Intend) => S::Sending,
            (S::Sending, E::Accept) => S::Awaiting,
            #[cfg(sabotage = "complete_on_post")]
            (S::Sending, E::Complete(done)) => S::Complete(done),
            (S::Queued, E::Complete(done @ (Outcome::Collected | Outcome::NoData | Outcome::Masked)))
            | (S::Awaiting, E::Complete(done @ (Outcome::Suppressed | Outcome::Deleted | Outcome::Unsuppressed)))
            | (S::Attention(_), E::Complete(done @ Outcome::Settled)) => S::Complete(done),
            (S::Queued | S::Resolved | S::Sending | S::Awaiting, E::NeedHuman(halt)) => S::Attention(halt),
            (S::Queued | S::Resolved | S::Sending | S::Awaiting, E::GiveUp(halt)) => S::Error(halt),
            (S::Queued | S::Resolved, E::Cancel) => S::Canceled,
            (S::Attention(halt) | S::Error(halt), E::Cancel)
                if matches!(halt.resume, Resume::Queued | Resume::Resolved) =>
            {
                S::Canceled
            }
            // A package holds everybody's data: when one part is collected again, so is everything that was asked before.
            (S::Complete(Outcome::Collected | Outcome::NoData), E::Retry) => S::Queued,
            (S::Attention(halt) | S::Error(halt), E::Retry) => match halt.resume {
                Resume::Queued => S::Queued,
                Resume::Resolved => S::Resolved,
                Resume::Sending => S::Sending,
                Resume::Awaiting => S::Awaiting,
            },
            _ => return Err(invalid),
        })
    }

    /// The name in the record.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Resolved => "resolved",
            Self::Sending => "sending",
            Self::Awaiting => "awaiting",
            Self::Complete(_) => "complete",
            Self::Attention(_) => "attention",
            Self::Error(_) => "error",
            Self::Canceled => "canceled",
        }
    }

    /// The task's status in JSON, in the vocabulary of [`RequestStatus`].
    #[must_use]
    pub fn status(&self) -> RequestStatus {
        match self {
            Self::Queued | Self::Resolved | Self::Sending => RequestStatus::InProcessing,
            Self::Awaiting => RequestStatus::AwaitingProcessor,
            Self::Complete(_) => RequestStatus::Complete,
            Self::Attention(_) => RequestStatus::RequiresAttention,
            Self::Error(_) => RequestStatus::Error,
            Self::Canceled => RequestStatus::Canceled,
        }
    }

    /// The outcome of a completed task.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        if let Self::Complete(outcome) = self { Some(*outcome) } else { None }
    }

    /// What halted a task.
    #[must_use]
    pub fn halt(&self) -> Option<&Halt> {
        if let Self::Attention(halt) | Self::Error(halt) = self { Some(halt) } else { None }
    }

    /// Whether it was accepted by whom it is for, or is done.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Awaiting | Self::Complete(_))
    }

    /// Whether Segment may know of it, now or after a retry: such a task cannot be canceled.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Sending | Self::Awaiting => true,
            Self::Attention(halt) | Self::Error(halt) => {
                matches!(halt.resume, Resume::Sending | Resume::Awaiting)
            }
            _ => false,
        }
    }
}

impl TaskEvent {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Resolve => "be resolved",
            Self::Intend => "be sent",
            Self::Requeue => "wait again",
            Self::Accept => "be accepted",
            Self::Complete(_) => "be completed so",
            Self::NeedHuman(_) => "be halted",
            Self::GiveUp(_) => "be given up",
            Self::Cancel => "be canceled",
            Self::Retry => "be retried",
        }
    }
}

#[cfg(test)]
#[path = "lifecycle/tests.rs"]
mod tests;
