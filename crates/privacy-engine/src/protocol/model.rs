//! Every interleaving of two workers, one person, calls whose answers are lost, leases that expire at any step, and crashes
//! at any step. Decisions are the engine's own; time is counted in ticks of a second.

use std::time::Duration;

use jiff::Timestamp;
use segment_core::LedgerState;
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::{Answer, Finding, Lost, Shown};

const LEASE: u8 = 4;
const SEND_WITHIN: u8 = 2;
const SETTLE: u8 = 2;
/// Long enough for a first call, two listings and a second call.
const END: u8 = 12;
const CRASHES: u8 = 2;

/// The protocol, with or without what it assumes of time: a call that left is at Segment, and in its lists, `SETTLE` after
/// `send_by`, or never.
struct Protocol {
    is_timely: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    now: u8,
    record: Record,
    workers: [Worker; 2],
    /// Calls that left and have not arrived, by when they may have been sent.
    under_way: Vec<u8>,
    created: u8,
    crashes: u8,
}

/// What the database knows: one person, who waits or is in a regulation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Record {
    /// `None`: the person waits for a regulation.
    state: Option<LedgerState>,
    send_by: u8,
    absent_at: Option<u8>,
    next_at: u8,
    lease_until: Option<u8>,
    fence: u8,
    /// An earlier intent was.
    is_ruled_out: bool,
    /// Who recorded the intent, and whether somebody else adopted it.
    sender: Option<usize>,
    is_adopted_by_another: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Worker {
    Idle,
    /// It holds an intent that it recorded.
    Sender {
        fence: u8,
        until: u8,
    },
    /// It has looked at its clock and is about to write.
    Writing {
        fence: u8,
        send_by: u8,
    },
    /// The answer came, or did not.
    Answered {
        fence: u8,
        answer: Answer,
    },
    /// It holds a regulation whose answer is lost, and is listing.
    Looking {
        fence: u8,
        lost: (u8, Option<u8>),
    },
    /// The listing is complete.
    Listed {
        fence: u8,
        lost: (u8, Option<u8>),
        shown: Shown,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Tick,
    Intend(usize),
    LookAtClock(usize),
    Write(usize),
    /// The answer, true or lost, reaches the worker.
    Hear(usize, Answer),
    /// A call reaches Segment.
    Arrive(usize),
    /// A call never does.
    Vanish(usize),
    Claim(usize),
    List(usize),
    Save(usize),
    Crash(usize),
}

fn at(tick: u8) -> Timestamp {
    Timestamp::from_second(i64::from(tick)).unwrap()
}

fn lost((send_by, absent_at): (u8, Option<u8>)) -> Lost {
    Lost { send_by: at(send_by), absent_at: absent_at.map(at) }
}

impl Record {
    fn is_free(&self, now: u8) -> bool {
        self.lease_until.is_none_or(|until| until <= now)
    }

    fn take(&mut self, now: u8) -> u8 {
        self.lease_until = Some(now + LEASE);
        self.fence += 1;
        self.fence
    }

    /// A step under a lease: refused if the lease is another's by now.
    fn save(&mut self, fence: u8, step: impl FnOnce(&mut Self)) {
        if self.fence == fence {
            self.lease_until = None;
            self.fence += 1;
            step(self);
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let record = Record {
            state: None,
            send_by: 0,
            absent_at: None,
            next_at: 0,
            lease_until: None,
            fence: 0,
            is_ruled_out: false,
            sender: None,
            is_adopted_by_another: false,
        };
        let workers = [Worker::Idle, Worker::Idle];
        vec![State { now: 0, record, workers, under_way: Vec::new(), created: 0, crashes: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let (now, record) = (state.now, &state.record);
        // What is timely has arrived, or never will, by then.
        let is_awaited = self.is_timely && state.under_way.iter().any(|send_by| now >= send_by + SETTLE);
        if now < END && !is_awaited {
            actions.push(Action::Tick);
        }
        for call in 0..state.under_way.len() {
            actions.extend([Action::Arrive(call), Action::Vanish(call)]);
        }
        for (index, worker) in state.workers.iter().enumerate() {
            match worker {
                Worker::Idle if record.state.is_none() && record.is_free(now) => actions.push(Action::Intend(index)),
                Worker::Idle => {
                    let is_due = match record.state {
                        Some(LedgerState::Sending) => true,
                        Some(LedgerState::Unknown) => record.next_at <= now,
                        _ => false,
                    };
                    if is_due && record.is_free(now) {
                        actions.push(Action::Claim(index));
                    }
                }
                Worker::Sender { .. } => actions.push(Action::LookAtClock(index)),
                // A machine that sleeps here for longer is what the protocol cannot close.
                Worker::Writing { send_by, .. } if !self.is_timely || now <= send_by + SETTLE / 2 => {
                    actions.push(Action::Write(index));
                }
                Worker::Writing { .. } => {}
                Worker::Answered { .. } | Worker::Listed { .. } => actions.push(Action::Save(index)),
                Worker::Looking { .. } => actions.push(Action::List(index)),
            }
            if let Worker::Answered { answer: Answer::Unknown, .. } = worker {
                // The true answer, if there is one, in time.
                actions.push(Action::Hear(index, Answer::Accepted));
            }
            if *worker != Worker::Idle && state.crashes < CRASHES {
                actions.push(Action::Crash(index));
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Tick => state.now += 1,
            Action::Intend(index) => state.intend(index),
            Action::LookAtClock(index) => state.look_at_clock(index)?,
            Action::Write(index) => state.write(index)?,
            Action::Hear(index, answer) => state.hear(index, answer)?,
            Action::Arrive(call) => {
                state.under_way.remove(call);
                state.created += 1;
            }
            Action::Vanish(call) => {
                state.under_way.remove(call);
            }
            Action::Claim(index) => state.claim(index),
            Action::List(index) => state.list(index)?,
            Action::Save(index) => state.save(index)?,
            Action::Crash(index) => {
                state.workers[index] = Worker::Idle;
                state.crashes += 1;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never twice", |_, state: &State| state.created < 2),
            Property::always("tracked means created", |_, state: &State| {
                state.record.state != Some(LedgerState::Tracking) || state.created > 0
            }),
            Property::sometimes("it is accepted", |_, state: &State| state.record.state == Some(LedgerState::Tracking)),
            Property::sometimes("it is adopted by another worker", |_, state: &State| {
                state.record.is_adopted_by_another
            }),
            Property::sometimes("it is sent again after it was ruled out", |_, state: &State| {
                state.record.state == Some(LedgerState::Sending) && state.record.is_ruled_out
            }),
        ]
    }
}

impl State {
    fn intend(&mut self, index: usize) {
        let now = self.now;
        let fence = self.record.take(now);
        self.record.state = Some(LedgerState::Sending);
        self.record.send_by = now + SEND_WITHIN;
        self.record.absent_at = None;
        self.record.sender = Some(index);
        self.workers[index] = Worker::Sender { fence, until: now + SEND_WITHIN };
    }

    fn look_at_clock(&mut self, index: usize) -> Option<()> {
        let Worker::Sender { fence, until } = self.workers[index] else { return None };
        self.workers[index] = if self.now < until {
            Worker::Writing { fence, send_by: until }
        } else {
            Worker::Answered { fence, answer: Answer::NothingCreated }
        };
        Some(())
    }

    fn write(&mut self, index: usize) -> Option<()> {
        let Worker::Writing { fence, send_by } = self.workers[index] else { return None };
        self.under_way.push(send_by);
        // Until it hears more, it knows nothing.
        self.workers[index] = Worker::Answered { fence, answer: Answer::Unknown };
        Some(())
    }

    fn hear(&mut self, index: usize, answer: Answer) -> Option<()> {
        let Worker::Answered { fence, answer: Answer::Unknown } = self.workers[index] else { return None };
        // Segment says so only of what is there.
        (self.created > 0).then_some(())?;
        self.workers[index] = Worker::Answered { fence, answer };
        Some(())
    }

    fn claim(&mut self, index: usize) {
        let now = self.now;
        let fence = self.record.take(now);
        self.record.state = self.record.state.map(LedgerState::taken_over);
        self.record.next_at = now;
        let known = (self.record.send_by, self.record.absent_at);
        match lost(known).wait(at(now), seconds(SETTLE)) {
            Some(wait) => {
                let ticks = u8::try_from(wait.as_secs()).unwrap();
                // What is cut to the tick is due one later.
                self.record.save(fence, |record| record.next_at = now + ticks + u8::from(ticks == 0));
            }
            None => self.workers[index] = Worker::Looking { fence, lost: known },
        }
    }

    fn list(&mut self, index: usize) -> Option<()> {
        let Worker::Looking { fence, lost } = self.workers[index] else { return None };
        // Who adopts one leaves the rest to be reported.
        let shown = Shown { matches: usize::from(self.created), undecided: 0, is_forgotten: false };
        self.workers[index] = Worker::Listed { fence, lost, shown };
        Some(())
    }

    fn save(&mut self, index: usize) -> Option<()> {
        let now = self.now;
        match self.workers[index].clone() {
            Worker::Answered { fence, answer } => self.record.save(fence, |record| match answer.leads_to() {
                LedgerState::Closed => record.waits_again(),
                LedgerState::Unknown => {
                    let known = (record.send_by, record.absent_at);
                    let wait = lost(known).wait(at(now), seconds(SETTLE)).unwrap_or_default();
                    record.state = Some(LedgerState::Unknown);
                    record.next_at = now + u8::try_from(wait.as_secs()).unwrap();
                }
                state => record.state = Some(state),
            }),
            Worker::Listed { fence, lost: known, shown } => {
                self.record.save(fence, |record| match shown.means(lost(known)) {
                    Finding::Adopt => {
                        record.is_adopted_by_another = record.sender != Some(index);
                        record.state = Some(LedgerState::Tracking);
                    }
                    Finding::RuledOut => {
                        record.is_ruled_out = true;
                        record.waits_again();
                    }
                    Finding::Absent => {
                        record.absent_at.get_or_insert(now);
                        record.next_at = now + SETTLE / 2;
                    }
                    Finding::Undecided | Finding::Forgotten => record.state = Some(LedgerState::Halted),
                });
            }
            _ => return None,
        }
        self.workers[index] = Worker::Idle;
        Some(())
    }
}

impl Record {
    /// The next one is a new intent, of which nothing is known.
    fn waits_again(&mut self) {
        self.state = None;
    }
}

fn seconds(ticks: u8) -> Duration {
    Duration::from_secs(u64::from(ticks))
}

#[test]
fn with_the_timing_assumption_nothing_is_sent_twice_whatever_happens() {
    let checker = Protocol { is_timely: true }.checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 10_000, "{} states", checker.unique_state_count());
}

#[test]
fn without_it_the_double_is_found() {
    let first = HasDiscoveries::AnyFailures;
    let checker = Protocol { is_timely: false }.checker().finish_when(first).spawn_bfs().join();
    checker.assert_any_discovery("never twice");
}
