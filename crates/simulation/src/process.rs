//! A process: it can be killed, freeze, and have a clock that is wrong.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use segment_core::ports::{Clock, StoreError};
use tokio::{sync::Notify, time::Instant};

use crate::{
    crashes::{Point, When},
    scenario::LEASE,
    world::World,
};

const CRASH: u64 = 4;
const FREEZE: u64 = 3;
const STORE_FAILS: u64 = 3;

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) world: Arc<World>,
    dead: AtomicBool,
    died: Notify,
    frozen: Mutex<Option<Instant>>,
    /// How much the wall clock is ahead, in milliseconds.
    skew: AtomicI64,
}

impl Process {
    pub(crate) fn start(name: impl Into<String>, world: Arc<World>) -> Arc<Self> {
        let process = Self {
            name: name.into(),
            world,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            frozen: Mutex::default(),
            skew: AtomicI64::new(0),
        };
        process.tell("starts");
        Arc::new(process)
    }

    pub(crate) fn tell(&self, what: impl AsRef<str>) {
        self.world.trace.tell(format!("{} {}", self.name, what.as_ref()));
    }

    pub(crate) fn kill(&self, where_: impl AsRef<str>) {
        self.tell(format!("is killed {}", where_.as_ref()));
        self.dead.store(true, Ordering::Relaxed);
        self.died.notify_one();
    }

    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    pub(crate) fn set_skew(&self, millis: i64) {
        self.tell(format!("its clock jumps to {millis} ms ahead"));
        self.skew.store(millis, Ordering::Relaxed);
    }

    /// Nothing happens in a process that is dead or frozen.
    async fn lives(&self) {
        loop {
            if self.dead.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
            let until = *self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    fn freeze(&self, how_long: Duration) {
        self.tell(format!("freezes for {how_long:?}"));
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + how_long);
    }

    /// Passes a crash point.
    pub(crate) async fn pass(&self, when: When, step: &'static str) {
        self.lives().await;
        let point = Point { when, step };
        let (planned, chance) = (self.world.crashes.is_planned(), !self.world.is_calm());
        if self.world.crashes.is_now(point) || (!planned && chance && self.world.dice.per_mille(CRASH)) {
            self.kill(point.to_string());
            pending::<()>().await;
        }
        if !planned && self.world.strikes(FREEZE) {
            self.freeze(self.world.dice.duration(LEASE / 8, LEASE * 3));
            self.lives().await;
        }
    }

    /// Passes a crash point at the record database, which may also be away.
    pub(crate) async fn at_store(&self, when: When, step: &'static str) -> Result<(), StoreError> {
        self.pass(when, step).await;
        if !self.world.crashes.is_planned() && self.world.strikes(STORE_FAILS) {
            self.tell(format!("the record database's answer is lost {}", Point { when, step }));
            return Err(StoreError::Unavailable("the connection broke".into()));
        }
        Ok(())
    }
}

/// The process's own wall clock.
#[async_trait]
impl Clock for Process {
    fn now(&self) -> Timestamp {
        let skew = SignedDuration::from_millis(self.skew.load(Ordering::Relaxed));
        self.world.now().checked_add(skew).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.world.time.monotonic()
    }

    async fn sleep(&self, pause: Duration) {
        self.lives().await;
        tokio::time::sleep(pause).await;
        self.lives().await;
    }
}
