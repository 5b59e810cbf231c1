//! The status of a request follows from its tasks.

use super::{Gate, RequestStatus, TaskState};
use crate::{Action, Holder};

impl RequestStatus {
    /// The status of a request: the gate first, then the first that applies of its tasks.
    ///
    /// `begun` is whether any worker has taken it up.
    #[must_use]
    pub fn of<'a>(gate: Gate, begun: bool, tasks: impl IntoIterator<Item = &'a TaskState>) -> Self {
        let (mut all, mut canceled) = (0, 0);
        let mut found = [false; 4];
        let order = [Self::RequiresAttention, Self::InProcessing, Self::AwaitingProcessor, Self::Error];
        for task in tasks {
            let status = task.status();
            all += 1;
            canceled += usize::from(status == Self::Canceled);
            if let Some(at) = order.iter().position(|candidate| *candidate == status) {
                found[at] = true;
            }
        }
        match gate {
            Gate::Denied => return Self::Denied,
            Gate::Pending if canceled < all || all == 0 => return Self::Pending,
            _ => {}
        }
        match order.into_iter().zip(found).find(|(_, found)| *found) {
            Some((Self::InProcessing, _)) if !begun => Self::Approved,
            Some((status, _)) => status,
            None if all > 0 && canceled == all => Self::Canceled,
            None => Self::Complete,
        }
    }

    /// The tasks that say where a request stands. Rows that are to be masked wait for the connections: once one of those has given
    /// up, nothing is in work.
    #[must_use]
    pub fn standing<'a>(
        action: Action,
        tasks: impl IntoIterator<Item = (Holder, &'a TaskState)>,
    ) -> Vec<&'a TaskState> {
        let tasks: Vec<_> = tasks.into_iter().collect();
        let given_up = tasks.iter().any(|task| matches!(task, (Holder::Connection, TaskState::Error(_))));
        let rows_wait = given_up && action == Action::Erasure;
        let waits = |task: &(Holder, &TaskState)| rows_wait && matches!(task, (Holder::Dataset, TaskState::Queued));
        tasks.into_iter().filter(|task| !waits(task)).map(|(_, state)| state).collect()
    }

    /// Whether the request is over, unless somebody retries it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.is_over() || self == Self::Error
    }

    /// Whether nothing is owed to the person any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Complete | Self::Denied | Self::Canceled)
    }
}
