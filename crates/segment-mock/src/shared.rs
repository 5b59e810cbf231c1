//! What the server thread and the test share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;

use crate::answer::Answer;
use crate::call::Call;
use crate::config::MockConfig;
use crate::endpoint::Family;
use crate::state::{Person, Profile, World};
use crate::sync::lock;
use crate::{config_api, profile_api, public_api, tracking};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: MockConfig,
    /// The mock's own address, for absolute cursors.
    pub(crate) url: String,
    world: Mutex<World>,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(config: MockConfig, url: String) -> Self {
        let world = Mutex::new(World::new(&config));
        Self { config, url, world, in_flight: AtomicUsize::new(0), max_in_flight: AtomicUsize::new(0) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The world as time has made it.
    pub(crate) fn settled(&self) -> MutexGuard<'_, World> {
        let mut world = self.world();
        world.settle(self.config.clock.now());
        world
    }

    pub(crate) fn add_profile(&self, profile: Profile) {
        let now = self.config.clock.now();
        let mut world = self.settled();
        let stored = profile.resolve(now, &mut world.ids);
        world.profiles.put(stored);
    }

    pub(crate) fn generate(&self, count: usize, seed: u64) -> Vec<Person> {
        let now = self.config.clock.now();
        let mut world = self.settled();
        let (people, profiles) = crate::state::generate(count, world.people.len() + 1, seed);
        for profile in profiles {
            let stored = profile.resolve(now, &mut world.ids);
            world.profiles.put(stored);
        }
        world.people.extend_from_slice(&people);
        people
    }

    /// Sends a call to its API.
    pub(crate) fn dispatch(&self, call: &Call, world: &mut World, now: Timestamp) -> Answer {
        match call.family {
            Family::Public => public_api::handle(call, world, &self.config, now),
            Family::Profile => profile_api::handle(call, world, self, now),
            Family::Tracking => tracking::handle(call, world, &self.config, now),
            Family::Config => config_api::handle(call, world, &self.config, now),
        }
    }

    /// Counts a request as being worked on until the guard is dropped.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::AcqRel) + 1;
        self.max_in_flight.fetch_max(now, Ordering::AcqRel);
        InFlight(&self.in_flight)
    }

    pub(crate) fn max_in_flight(&self) -> usize {
        self.max_in_flight.load(Ordering::Acquire)
    }
}

#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
