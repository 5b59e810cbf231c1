//! What can happen to an erasure at one connection, and what cannot:
//!
//! ```text
//! cargo run -p segment-core --example lifecycle
//! ```

use std::{error::Error, io::Write};

use segment_core::{Halt, HaltKind, Outcome, Resume, TaskEvent, TaskState};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let halt = Halt {
        kind: HaltKind::RegulationOverdue,
        message: "Segment works on it for longer than it promises".to_owned(),
        resume: Resume::Awaiting,
    };
    let events = [
        TaskEvent::Resolve,
        TaskEvent::Intend,
        TaskEvent::Accept,
        TaskEvent::NeedHuman(halt),
        TaskEvent::Retry,
        TaskEvent::Complete(Outcome::Deleted),
    ];
    let mut task = TaskState::Queued;
    for event in events {
        task = task.apply(event)?;
        writeln!(out, "{}, which people see as {}", task.as_str(), task.status().as_str())?;
    }
    // What was sent is not done: only what Segment has accepted can be completed as deleted.
    let refused = TaskState::Sending.apply(TaskEvent::Complete(Outcome::Deleted));
    if let Err(error) = refused {
        writeln!(out, "{error}")?;
    }
    Ok(())
}
