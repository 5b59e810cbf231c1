//! What all processes of a run share: time, chance, the record database, Segment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use segment_core::{
    ports::Clock,
    testing::{MemorySink, MemoryStore},
};
use tokio::time::Instant;

use crate::{crashes::Crashes, dice::Dice, fences::Fences, history::History, segment::Segment, trace::Trace};

/// Everything outside the processes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dice: Arc<Dice>,
    pub(crate) time: Arc<VirtualTime>,
    pub(crate) trace: Trace,
    pub(crate) store: MemoryStore,
    pub(crate) sink: MemorySink,
    pub(crate) segment: Segment,
    pub(crate) fences: Fences,
    pub(crate) history: History,
    pub(crate) crashes: Crashes,
    /// No more faults: what was begun has to come to its end.
    calm: AtomicBool,
}

impl World {
    pub(crate) fn new(dice: Dice, epoch: Timestamp, crashes: Crashes, segment: Segment) -> Self {
        let time = Arc::new(VirtualTime { begun: Instant::now(), epoch });
        Self {
            dice: Arc::new(dice),
            store: MemoryStore::new(time.clone()),
            time,
            trace: Trace::new(),
            sink: MemorySink::new(),
            segment,
            fences: Fences::default(),
            history: History::default(),
            crashes,
            calm: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
        self.trace.tell("no more faults from here on");
    }

    /// A fault happens, so often in a thousand, while there are faults.
    pub(crate) fn strikes(&self, per_mille: u64) -> bool {
        !self.is_calm() && self.dice.per_mille(per_mille)
    }
}

/// The time that is true: Segment's and the record database's. It is tokio's paused time, which moves on when everybody
/// waits.
#[derive(Debug)]
pub(crate) struct VirtualTime {
    begun: Instant,
    epoch: Timestamp,
}

#[async_trait]
impl Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        later(self.epoch, self.begun.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }

    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}
