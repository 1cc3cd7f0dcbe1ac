//! How often somebody may ask: token buckets per session, guest, address and account.
//!
//! In: a key. Out: what is left, or how long to wait. With Redis the buckets are those of all replicas; without it, or
//! while it does not answer, each process goes by its own. Every table here is bounded; buckets that have filled up
//! again are forgotten, there as here.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, StatusCode};
use redis::Script;
use uuid::Uuid;

use crate::adapters::redis::Redis;
use crate::config::RateLimitSettings;
use crate::error::ApiError;

/// Buckets of one kind kept at once, about 100 bytes each; beyond it strangers share one.
const MAX_BUCKETS: usize = 100_000;
/// Long polls of the lobby: each waits up to 25 s, so this many are those of somebody who does not wait.
const POLLS_PER_MINUTE: u32 = 120;
/// The window every figure is per.
const WINDOW: Duration = Duration::from_secs(60);

/// One request against one bucket, by the generic cell rate algorithm: the key holds when the bucket will be full
/// again. KEYS: the bucket. ARGV: microseconds one request costs, microseconds of the whole bucket. Answers what is
/// left, or minus the microseconds to wait. Redis' own clock counts, so replicas need not agree on the time.
const GCRA: &str = "local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + ARGV[1]
local over = full_at - now - ARGV[2]
if over > 0 then return -over end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return math.floor((ARGV[2] - (full_at - now)) / ARGV[1])";

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// One table of buckets.
struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    per_minute: NonZeroU32,
    limiter: Keyed<K>,
    overflow: K,
}

/// What a bucket says after a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    name: &'static str,
    per_minute: u32,
    remaining: u32,
}

/// A request too many.
#[derive(Debug)]
pub(crate) struct TooMany {
    /// The empty bucket.
    pub allowance: Allowance,
    wait: Duration,
}

impl From<TooMany> for ApiError {
    fn from(refused: TooMany) -> Self {
        let wait = refused.wait;
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("Too many requests. Try again in {seconds} seconds."),
        )
        .retry_after(seconds)
    }
}

/// The buckets of all replicas.
struct Shared {
    redis: Redis,
    script: Script,
}

impl Shared {
    /// What is left in a bucket, or how long to wait; `None` when Redis does not answer.
    async fn check(&self, name: &str, key: &str, per_minute: NonZeroU32) -> Option<Result<u32, Duration>> {
        let window = u64::try_from(WINDOW.as_micros()).unwrap_or(u64::MAX);
        let mut call = self.script.key(self.redis.key(&format!("limit:{name}:{key}")));
        call.arg(window / u64::from(per_minute.get())).arg(window);
        let ask = |mut connection| async move { call.invoke_async::<i64>(&mut connection).await };
        let Some(left) = self.redis.ask(ask).await else {
            metrics::counter!("plenum_rate_limits_local_total").increment(1);
            return None;
        };
        Some(match u32::try_from(left) {
            Ok(left) => Ok(left),
            Err(_) if left >= 0 => Ok(u32::MAX),
            Err(_) => Err(Duration::from_micros(left.unsigned_abs())),
        })
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(name: &'static str, per_minute: u32, overflow: K) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::dashmap(Quota::per_minute(per_minute)).with_middleware();
        Self { name, per_minute, limiter, overflow }
    }

    /// Asks Redis if there is one, else this process.
    async fn check(&self, shared: Option<&Shared>, key: K, text: String) -> Result<Allowance, TooMany> {
        let answer = match shared {
            Some(shared) => shared.check(self.name, &text, self.per_minute).await,
            None => None,
        };
        let answer = answer.unwrap_or_else(|| self.check_here(key));
        let (remaining, wait) = match answer {
            Ok(remaining) => (remaining, None),
            Err(wait) => (0, Some(wait)),
        };
        let allowance = Allowance { name: self.name, per_minute: self.per_minute.get(), remaining };
        match wait {
            None => Ok(allowance),
            Some(wait) => {
                metrics::counter!("plenum_rate_limited_total", "limit" => self.name).increment(1);
                Err(TooMany { allowance, wait })
            }
        }
    }

    fn check_here(&self, key: K) -> Result<u32, Duration> {
        let key = if self.limiter.len() < MAX_BUCKETS { key } else { self.overflow.clone() };
        match self.limiter.check_key(&key) {
            Ok(snapshot) => Ok(snapshot.remaining_burst_capacity()),
            Err(wait) => Err(wait.wait_time_from(DefaultClock::default().now())),
        }
    }

    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// All tables.
pub(crate) struct RateLimits {
    shared: Option<Shared>,
    sessions: Buckets<Uuid>,
    guests: Buckets<Uuid>,
    addresses: Buckets<IpAddr>,
    auth_addresses: Buckets<IpAddr>,
    auth_accounts: Buckets<[u8; 32]>,
    knocks: Buckets<IpAddr>,
    polls: Buckets<Uuid>,
}

impl RateLimits {
    /// With `redis`, the limits of all replicas together.
    pub(crate) fn new(settings: &RateLimitSettings, redis: Option<Redis>) -> Self {
        let unspecified = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        Self {
            shared: redis.map(|redis| Shared { redis, script: Script::new(GCRA) }),
            sessions: Buckets::new("session", settings.session_per_minute, Uuid::nil()),
            guests: Buckets::new("guest", settings.guest_per_minute, Uuid::nil()),
            addresses: Buckets::new("address", settings.address_per_minute, unspecified),
            auth_addresses: Buckets::new("auth_address", settings.auth_per_minute, unspecified),
            auth_accounts: Buckets::new("auth_account", settings.auth_per_minute, [0; 32]),
            knocks: Buckets::new("knock", settings.lobby_per_minute, unspecified),
            polls: Buckets::new("lobby_poll", POLLS_PER_MINUTE, Uuid::nil()),
        }
    }

    pub(crate) async fn session(&self, id: Uuid) -> Result<Allowance, TooMany> {
        self.sessions.check(self.shared.as_ref(), id, id.to_string()).await
    }

    pub(crate) async fn guest(&self, id: Uuid) -> Result<Allowance, TooMany> {
        self.guests.check(self.shared.as_ref(), id, id.to_string()).await
    }

    pub(crate) async fn address(&self, ip: IpAddr) -> Result<Allowance, TooMany> {
        let ip = subscriber(ip);
        self.addresses.check(self.shared.as_ref(), ip, ip.to_string()).await
    }

    /// An attempt to sign in, register or set up: counted for the address and for the account it is about.
    pub(crate) async fn auth(&self, ip: IpAddr, account: &str) -> Result<(), ApiError> {
        use sha2::Digest;
        let ip = subscriber(ip);
        self.auth_addresses.check(self.shared.as_ref(), ip, ip.to_string()).await?;
        let account: [u8; 32] = sha2::Sha256::digest(account.to_lowercase()).into();
        // Redis is told a hash too: addresses are nobody's business there.
        let text = URL_SAFE_NO_PAD.encode(account);
        self.auth_accounts.check(self.shared.as_ref(), account, text).await?;
        Ok(())
    }

    /// Somebody asks to be let into a room; counted for the address alone, apart from its other requests.
    pub(crate) async fn knock(&self, ip: IpAddr) -> Result<(), ApiError> {
        let ip = subscriber(ip);
        self.knocks.check(self.shared.as_ref(), ip, ip.to_string()).await?;
        Ok(())
    }

    /// A long poll of the lobby by a session or a guest: apart from their other requests.
    pub(crate) async fn poll(&self, id: Uuid) -> Result<Allowance, TooMany> {
        self.polls.check(self.shared.as_ref(), id, id.to_string()).await
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

    #[tokio::test]
    async fn a_bucket_runs_dry_and_says_for_how_long() {
        let limits = RateLimits::new(&RateLimitSettings { auth_per_minute: 2, ..RateLimitSettings::default() }, None);
        let ip = "192.0.2.1".parse().unwrap();
        limits.auth(ip, "a@b.c").await.unwrap();
        limits.auth(ip, "A@b.c").await.unwrap();
        assert_eq!(limits.auth(ip, "x@b.c").await.unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        let elsewhere = "192.0.2.2".parse().unwrap();
        assert_eq!(limits.auth(elsewhere, "a@b.c").await.unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        limits.auth(elsewhere, "y@b.c").await.unwrap();
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let same = |a: &str, b: &str| subscriber(a.parse().unwrap()) == subscriber(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
