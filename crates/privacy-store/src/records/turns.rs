//! Turns: when calls to Segment may leave, for all workers on one record database together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use segment_core::{
    ConnectionKey,
    ports::{Lane, Pacer, StoreError},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use super::{RecordStore, db::args};

/// How often one worker goes to the database for turns, at most.
const STRIDE: Duration = Duration::from_millis(100);
/// A turn that is further away was taken before the database's clock was set back.
const FARTHEST: Duration = Duration::from_mins(10);

/// How fast calls of one lane may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between one call and the next.
    pub interval: Duration,
    /// How many calls may leave at once after a pause.
    pub burst: u32,
}

/// Where turns are taken: nowhere, until it is told the record database.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<OnceLock<RecordStore>>);

impl Turns {
    /// From now on turns are taken there.
    pub fn share(&self, store: &RecordStore) {
        let _ = self.0.set(store.clone());
    }
}

impl RecordStore {
    /// Takes the next `calls` turns, one `interval` after the other; how long it is until the first of them. Negative: it could have
    /// left before now, since there was a pause.
    ///
    /// # Errors
    ///
    /// What the database refuses; then no turn was taken.
    pub async fn take_turns(
        &self,
        connection: &ConnectionKey,
        lane: Lane,
        pace: Pace,
        calls: u32,
    ) -> Result<SignedDuration, StoreError> {
        let mut tx = self.begin_locking().await?;
        let now = format!("({} * 1000)", tx.dialect().now());
        // A pause is worth so many calls at once, and no more.
        let sql = format!(
            "INSERT INTO turns (connection, lane, next_at) VALUES ($1, $2, {now} - $4 + $3) \
             ON CONFLICT (connection, lane) DO UPDATE SET next_at = $3 + CASE \
                 WHEN turns.next_at > {now} + $5 OR turns.next_at < {now} - $4 THEN {now} - $4 ELSE turns.next_at END \
             RETURNING next_at - $3 - {now}"
        );
        let ahead = pace.interval * pace.burst.saturating_sub(1);
        let taken = micros(pace.interval * calls);
        let (wait,): (i64,) =
            tx.one(&sql, args![connection.as_str(), lane.as_str(), taken, micros(ahead), micros(FARTHEST)]).await?;
        tx.commit().await?;
        Ok(SignedDuration::from_micros(wait))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

/// A pacer of one connection, whose limits hold for all processes on the record database.
pub struct SharedPacer {
    turns: Turns,
    connection: ConnectionKey,
    lanes: BTreeMap<Lane, (Pace, Mutex<Taken>)>,
}

/// Turns that this process has taken and not used yet.
#[derive(Debug, Default)]
struct Taken {
    /// When the next call may leave; `None` before the first.
    next: Option<Instant>,
    left: u32,
    /// How many were taken last.
    last: u32,
}

impl SharedPacer {
    /// A pacer with these limits. Lanes without one are not paced.
    #[must_use]
    pub fn new(turns: Turns, connection: ConnectionKey, paces: impl IntoIterator<Item = (Lane, Pace)>) -> Self {
        let lanes = paces.into_iter().map(|(lane, pace)| (lane, (pace, Mutex::default()))).collect();
        Self { turns, connection, lanes }
    }

    /// Goes for more turns: for one after a pause, for more and more under load.
    async fn more(&self, lane: Lane, pace: Pace, taken: &mut Taken) {
        let now = Instant::now();
        let idle = taken.next.is_none_or(|next| now > next + STRIDE);
        let most = u32::try_from(STRIDE.as_micros() / pace.interval.as_micros().max(1)).unwrap_or(u32::MAX).max(1);
        let calls = if idle { 1 } else { taken.last.saturating_mul(2).clamp(1, most) };
        let wait = match self.turns.0.get() {
            Some(store) => store.take_turns(&self.connection, lane, pace, calls).await,
            None => Ok(alone(pace, taken, now)),
        };
        let next = match wait {
            Ok(wait) => match now.checked_sub(wait.unsigned_abs()) {
                Some(before) if wait.is_negative() => before,
                _ => now + wait.unsigned_abs(),
            },
            Err(error) => {
                tracing::warn!(connection = %self.connection, "no turn could be taken, the pace is kept alone: {error}");
                taken.next.map_or(now, |next| next.max(now))
            }
        };
        *taken = Taken { next: Some(next), left: calls, last: calls };
    }
}

/// The next turn of whoever shares them with nobody.
fn alone(pace: Pace, taken: &Taken, now: Instant) -> SignedDuration {
    let ahead = pace.interval * pace.burst.saturating_sub(1);
    let earliest = now.checked_sub(ahead).unwrap_or(now);
    let next = taken.next.map_or(earliest, |next| next.max(earliest));
    let signed = |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    signed(next.saturating_duration_since(now)) - signed(now.saturating_duration_since(next))
}

impl fmt::Debug for SharedPacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPacer").field("connection", &self.connection).finish_non_exhaustive()
    }
}

#[async_trait]
impl Pacer for SharedPacer {
    async fn acquire(&self, lane: Lane) {
        let Some((pace, taken)) = self.lanes.get(&lane) else { return };
        let at = {
            let mut taken = taken.lock().await;
            // What was not used in time is over: with everybody's, it would leave at once.
            if taken.next.is_some_and(|next| next + STRIDE < Instant::now()) {
                taken.left = 0;
            }
            if taken.left == 0 {
                self.more(lane, *pace, &mut taken).await;
            }
            let at = taken.next.unwrap_or_else(Instant::now);
            taken.next = Some(at + pace.interval);
            taken.left -= 1;
            at
        };
        sleep_until(at).await;
    }
}
