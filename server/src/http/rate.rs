//! [`Rates`]: how often tokens call, and how often addresses are refused.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::settings::Limits;

/// Rates of callers; `None` where there is no limit.
#[derive(Debug)]
pub(crate) struct Rates {
    tokens: Option<DefaultKeyedRateLimiter<u64>>,
    refusals: Option<DefaultKeyedRateLimiter<IpAddr>>,
    /// Seconds until an address that is out of refusals has one again.
    pause: u64,
    /// Addresses that are out of refusals, until they have one again. The limiter itself cannot be asked without taking
    /// one.
    blocked: std::sync::Mutex<std::collections::HashMap<IpAddr, std::time::Instant>>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let per_second = NonZeroU32::new(limits.rate);
        let burst = NonZeroU32::new(limits.rate.saturating_mul(2));
        let tokens = per_second.zip(burst).map(|(rate, burst)| Quota::per_second(rate).allow_burst(burst));
        Self {
            tokens: tokens.map(RateLimiter::keyed),
            pause: 60u64.div_ceil(limits.refusals.max(1).into()),
            refusals: NonZeroU32::new(limits.refusals).map(|rate| RateLimiter::keyed(Quota::per_minute(rate))),
            blocked: std::sync::Mutex::default(),
        }
    }

    /// Takes one request of a token; `false` when it calls too often.
    pub(crate) fn admit(&self, token: u64) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.check_key(&token).is_ok())
    }

    /// Counts a refusal.
    pub(crate) fn note_refusal(&self, address: IpAddr) {
        let Some(refusals) = &self.refusals else { return };
        if let Err(not_until) = refusals.check_key(&address) {
            use governor::clock::{Clock, DefaultClock};
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let mut blocked = self.blocked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = std::time::Instant::now();
            blocked.retain(|_, until| *until > now);
            blocked.insert(address, now + wait);
            drop(blocked);
            refusals.retain_recent();
        }
    }

    /// Seconds that an address that was refused too often has to wait.
    pub(crate) fn pause(&self) -> u64 {
        self.pause
    }

    /// Whether an address was refused so often that nothing of it is looked at.
    pub(crate) fn is_refused_too_often(&self, address: IpAddr) -> bool {
        let blocked = self.blocked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        blocked.get(&address).is_some_and(|until| *until > std::time::Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rates(rate: u32, refusals: u32) -> Rates {
        Rates::new(&Limits {
            body: 1,
            fields: 1,
            list: 1,
            requests: 1,
            work: 1,
            time: Duration::ZERO,
            header_time: Duration::ZERO,
            rate,
            refusals,
            memory: 1,
        })
    }

    #[test]
    fn a_token_has_its_reserve_and_no_more() {
        let limited = rates(5, 0);
        assert_eq!((0..30).filter(|_| limited.admit(1)).count(), 10);
        assert!(limited.admit(2), "another token has its own");
        let free = rates(0, 0);
        assert!((0..1000).all(|_| free.admit(1)));
    }

    #[test]
    fn an_address_that_guesses_is_shut_out_alone() {
        let rates = rates(0, 5);
        let (guesser, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..5 {
            rates.note_refusal(guesser);
            assert!(!rates.is_refused_too_often(guesser));
        }
        rates.note_refusal(guesser);
        assert!(rates.is_refused_too_often(guesser) && !rates.is_refused_too_often(other));
    }
}
