//! Invented people, the same for the same seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use serde_json::json;

use crate::state::{Event, Ids, Link, Profile};

const PLANS: [&str; 4] = ["free", "pro", "team", "enterprise"];
const TRACKS: [&str; 5] = ["Order Completed", "Product Viewed", "Cart Viewed", "Signed Up", "Invoice Paid"];
const PAGES: [&str; 3] = ["Home", "Pricing", "Account"];
const INDUSTRIES: [&str; 3] = ["retail", "banking", "logistics"];

/// A generated person, for tests that need to name one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Person {
    /// The profile's Segment id.
    pub segment_id: String,
    /// The e-mail address as the trait spells it; the external id is lower case.
    pub email: String,
    /// The user ids as the events spell them; the external ids are lower case.
    pub user_ids: Vec<String>,
    /// The anonymous ids.
    pub anonymous_ids: Vec<String>,
}

/// Makes the people numbered from `first`, with the accounts they link to.
pub(crate) fn generate(count: usize, first: usize, seed: u64) -> (Vec<Person>, Vec<Profile>) {
    let mut maker = Maker { rng: StdRng::seed_from_u64(seed), ids: Ids::new(seed) };
    let mut people = Vec::with_capacity(count);
    let mut profiles = Vec::with_capacity(count);
    for number in first..first + count {
        let person = maker.person(number);
        profiles.push(maker.profile(&person, number));
        if links_account(number) {
            profiles.push(maker.account(number));
        }
        people.push(person);
    }
    (people, profiles)
}

/// Every sixth person belongs to an account.
fn links_account(number: usize) -> bool {
    number.is_multiple_of(6)
}

struct Maker {
    rng: StdRng,
    ids: Ids,
}

impl Maker {
    fn person(&mut self, number: usize) -> Person {
        // Capitals and plus signs, because both go wrong in look-ups.
        let email = match number % 7 {
            0 => format!("Person-{number:04}+News@Example.test"),
            3 => format!("person-{number:04}+shop@example.test"),
            _ => format!("person-{number:04}@example.test"),
        };
        let user_id = if number.is_multiple_of(5) { format!("U-{number:04}") } else { format!("u-{number:04}") };
        let mut user_ids = vec![user_id];
        if number % 10 == 4 {
            user_ids.push(format!("u-{number:04}-b"));
        }
        let anonymous_ids = (0..self.rng.random_range(1..=3)).map(|_| format!("anon-{}", self.ids.token(10)));
        let anonymous_ids = anonymous_ids.map(|id| id.to_lowercase()).collect();
        Person { segment_id: format!("use_{}", self.ids.token(27)), email, user_ids, anonymous_ids }
    }

    fn profile(&mut self, person: &Person, number: usize) -> Profile {
        let mut profile = Profile::new(&person.segment_id);
        for id in &person.anonymous_ids {
            profile = profile.external_id("anonymous_id", id);
        }
        for id in &person.user_ids {
            profile = profile.external_id("user_id", id);
        }
        profile = profile
            .external_id("email", &person.email)
            .trait_("email", person.email.as_str())
            .trait_("first_name", format!("Person {number:04}"))
            .trait_("plan", PLANS[self.rng.random_range(0..PLANS.len())])
            .trait_("address", json!({"city": "Springfield", "street": format!("{number} Example Street")}))
            .computed_trait("total_spent", self.rng.random_range(0..100_000))
            .audience("frequent_buyers", self.rng.random_bool(0.3));
        if number.is_multiple_of(3) {
            profile = profile.trait_("phone", format!("+1555{number:07}"));
        }
        if links_account(number) {
            profile = profile.link(Link::account(group_id(number)));
        }
        // Every eighth person has been quiet for two weeks: its events answer is `data: null`.
        let count = if number % 8 == 3 { 0 } else { self.rng.random_range(1..=6) };
        (0..count).fold(profile, |profile, index| profile.event(self.event(person, index)))
    }

    fn event(&mut self, person: &Person, index: usize) -> Event {
        let event = match index {
            0 => Event::identify(json!({"email": person.email})),
            1 => Event::page(PAGES[self.rng.random_range(0..PAGES.len())])
                .properties(json!({"path": "/", "title": "Example"})),
            _ => Event::track(TRACKS[self.rng.random_range(0..TRACKS.len())])
                .properties(json!({"total": self.rng.random_range(1..500)})),
        };
        let user_id = &person.user_ids[index % person.user_ids.len()];
        let anonymous_id = &person.anonymous_ids[index % person.anonymous_ids.len()];
        event
            .external_id("user_id", user_id)
            .external_id("anonymous_id", anonymous_id)
            .message_id(format!("ajs-{}", self.ids.token(20)))
            .ago(Duration::from_millis(self.rng.random_range(60_000..13 * 86_400_000)))
    }

    fn account(&mut self, number: usize) -> Profile {
        Profile::account(format!("use_{}", self.ids.token(27)))
            .external_id("group_id", group_id(number))
            .trait_("industry", INDUSTRIES[self.rng.random_range(0..INDUSTRIES.len())])
    }
}

fn group_id(number: usize) -> String {
    format!("g-{number:04}")
}
