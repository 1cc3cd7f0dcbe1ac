//! How often somebody may ask: token buckets per session, guest, address and account.
//!
//! In: a key. Out: what is left, or how long to wait. Every bucket table is bounded; buckets that have filled up again
//! are forgotten.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, StatusCode};
use uuid::Uuid;

use crate::config::RateLimitSettings;
use crate::error::ApiError;

/// Buckets of one kind kept at once, about 100 bytes each; beyond it strangers share one.
const MAX_BUCKETS: usize = 100_000;
/// Long polls of the lobby: each waits up to 25 s, so this many are those of somebody who does not wait.
const POLLS_PER_MINUTE: u32 = 120;
/// The window every figure is per.
const WINDOW: Duration = Duration::from_secs(60);

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// One table of buckets.
struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    per_minute: NonZeroU32,
    limiter: Keyed<K>,
    overflow: K,
}

/// What a bucket says after a request that it let pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    name: &'static str,
    per_minute: u32,
    remaining: u32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(name: &'static str, per_minute: u32, overflow: K) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::dashmap(Quota::per_minute(per_minute)).with_middleware();
        Self { name, per_minute, limiter, overflow }
    }

    fn check(&self, key: K) -> Result<Allowance, ApiError> {
        let key = if self.limiter.len() < MAX_BUCKETS { key } else { self.overflow.clone() };
        match self.limiter.check_key(&key) {
            Ok(snapshot) => Ok(Allowance {
                name: self.name,
                per_minute: self.per_minute.get(),
                remaining: snapshot.remaining_burst_capacity(),
            }),
            Err(wait) => {
                let wait = wait.wait_time_from(DefaultClock::default().now());
                metrics::counter!("plenum_rate_limited_total", "limit" => self.name).increment(1);
                Err(too_many(wait))
            }
        }
    }

    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

fn too_many(wait: Duration) -> ApiError {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        format!("Too many requests. Try again in {seconds} seconds."),
    )
    .retry_after(seconds)
}

/// All tables.
pub(crate) struct RateLimits {
    sessions: Buckets<Uuid>,
    guests: Buckets<Uuid>,
    addresses: Buckets<IpAddr>,
    auth_addresses: Buckets<IpAddr>,
    auth_accounts: Buckets<[u8; 32]>,
    knocks: Buckets<IpAddr>,
    polls: Buckets<Uuid>,
}

impl RateLimits {
    pub(crate) fn new(settings: &RateLimitSettings) -> Self {
        let unspecified = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        Self {
            sessions: Buckets::new("session", settings.session_per_minute, Uuid::nil()),
            guests: Buckets::new("guest", settings.guest_per_minute, Uuid::nil()),
            addresses: Buckets::new("address", settings.address_per_minute, unspecified),
            auth_addresses: Buckets::new("auth_address", settings.auth_per_minute, unspecified),
            auth_accounts: Buckets::new("auth_account", settings.auth_per_minute, [0; 32]),
            knocks: Buckets::new("knock", settings.lobby_per_minute, unspecified),
            polls: Buckets::new("lobby_poll", POLLS_PER_MINUTE, Uuid::nil()),
        }
    }

    pub(crate) fn session(&self, id: Uuid) -> Result<Allowance, ApiError> {
        self.sessions.check(id)
    }

    pub(crate) fn guest(&self, id: Uuid) -> Result<Allowance, ApiError> {
        self.guests.check(id)
    }

    pub(crate) fn address(&self, ip: IpAddr) -> Result<Allowance, ApiError> {
        self.addresses.check(subscriber(ip))
    }

    /// An attempt to sign in, register or set up: counted for the address and for the account it is about.
    pub(crate) fn auth(&self, ip: IpAddr, account: &str) -> Result<(), ApiError> {
        use sha2::Digest;
        self.auth_addresses.check(subscriber(ip))?;
        self.auth_accounts.check(sha2::Sha256::digest(account.to_lowercase()).into())?;
        Ok(())
    }

    /// Somebody asks to be let into a room; counted for the address alone, apart from its other requests.
    pub(crate) fn knock(&self, ip: IpAddr) -> Result<(), ApiError> {
        self.knocks.check(subscriber(ip)).map(drop)
    }

    /// A long poll of the lobby by a session or a guest: apart from their other requests.
    pub(crate) fn poll(&self, id: Uuid) -> Result<Allowance, ApiError> {
        self.polls.check(id)
    }

    /// Forgets buckets that are full again; called once a minute.
    pub(crate) fn forget_idle(&self) {
        self.sessions.forget_idle();
        self.guests.forget_idle();
        self.addresses.forget_idle();
        self.auth_addresses.forget_idle();
        self.auth_accounts.forget_idle();
        self.knocks.forget_idle();
        self.polls.forget_idle();
    }
}

/// One IPv6 customer has a /64 of addresses; they share a bucket.
pub(crate) fn subscriber(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

impl Allowance {
    /// Writes `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let refill = (self.per_minute - self.remaining.min(self.per_minute)) as u64 * WINDOW.as_secs();
        let full_in = refill.div_ceil(u64::from(self.per_minute));
        let limit = format!("\"{}\";r={};t={full_in}", self.name, self.remaining);
        let policy = format!("\"{}\";q={};w={}", self.name, self.per_minute, WINDOW.as_secs());
        for (name, value) in [("ratelimit", limit), ("ratelimit-policy", policy)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_runs_dry_and_says_for_how_long() {
        let limits = RateLimits::new(&RateLimitSettings { auth_per_minute: 2, ..RateLimitSettings::default() });
        let ip = "192.0.2.1".parse().unwrap();
        limits.auth(ip, "a@b.c").unwrap();
        limits.auth(ip, "A@b.c").unwrap();
        assert_eq!(limits.auth(ip, "x@b.c").unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        let elsewhere = "192.0.2.2".parse().unwrap();
        assert_eq!(limits.auth(elsewhere, "a@b.c").unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        limits.auth(elsewhere, "y@b.c").unwrap();
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let same = |a: &str, b: &str| subscriber(a.parse().unwrap()) == subscriber(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
