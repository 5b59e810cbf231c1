//! How often an address has shown what is no token.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// So many failures within the window, and an address has to wait for its end.
const MOST: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses that are remembered at once. Beyond, the oldest window goes first.
const ADDRESSES: usize = 10_000;

/// Failures by address, each within a window that begins with the first.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<IpAddr, (Duration, u32)>>);

impl Failures {
    /// How long an address has to wait, if it has to. `now` is of a clock that never goes back.
    pub(super) fn must_wait(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, failures) = all.get(&key(address))?;
        let end = *began + WINDOW;
        (*failures >= MOST && now < end).then(|| end.saturating_sub(now))
    }

    pub(super) fn note(&self, address: IpAddr, now: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = key(address);
        if all.len() >= ADDRESSES && !all.contains_key(&address) {
            all.retain(|_, (began, _)| now < *began + WINDOW);
            if all.len() >= ADDRESSES {
                let oldest = all.iter().min_by_key(|(_, (began, _))| *began).map(|(address, _)| *address);
                oldest.map(|oldest| all.remove(&oldest));
            }
        }
        let (began, failures) = all.entry(address).or_insert((now, 0));
        if now >= *began + WINDOW {
            (*began, *failures) = (now, 0);
        }
        *failures += 1;
    }
}

/// Who has one address of IPv6 has its whole network of 64 bits.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_too_often_waits_for_the_end_of_the_window() {
        let (failures, now) = (Failures::default(), Duration::from_mins(5));
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        for _ in 1..MOST {
            failures.note(here, now);
        }
        assert_eq!(failures.must_wait(here, now), None);
        failures.note(here, now + Duration::from_secs(20));
        assert_eq!(failures.must_wait(here, now + Duration::from_secs(20)), Some(Duration::from_secs(40)));
        assert_eq!(failures.must_wait(there, now), None);
        assert_eq!(failures.must_wait(here, now + WINDOW), None);
        failures.note(here, now + WINDOW);
        assert_eq!(failures.must_wait(here, now + WINDOW), None, "a new window");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let [one, two, other]: [IpAddr; 3] =
            ["2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"].map(|address| address.parse().unwrap());
        assert_eq!(key(one), key(two));
        assert_ne!(key(one), key(other));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        for number in 0..20_000_u32 {
            failures.note(IpAddr::V4(number.into()), Duration::from_millis(u64::from(number)));
        }
        assert_eq!(failures.0.lock().unwrap().len(), ADDRESSES);
    }
}
