//! Time: microseconds UTC in the database, RFC 3339 at the edge, one clock that tests may move.
//!
//! In: the system clock. Out: [`Micros`]. Nothing else in this crate reads a clock for what it stores or decides.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, SchemaFormat, Type, schema::Schema};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// The moment `seconds` after the epoch, as LiveKit's messages tell it; clamps instead of overflowing.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The moment `millis` milliseconds after the epoch; clamps instead of overflowing.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// This moment moved by `duration` into the future.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This moment moved by `duration` into the past.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Whole microseconds from `earlier` to this moment; negative when it lies after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stamp = jiff::Timestamp::from_microsecond(self.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&stamp)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let stamp: jiff::Timestamp =
            text.parse().map_err(|_| serde::de::Error::custom("must be a time such as 2030-01-31T12:00:00Z"))?;
        Ok(Self(stamp.as_microsecond()))
    }
}

impl utoipa::PartialSchema for Micros {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC"))
            .into()
    }
}

impl utoipa::ToSchema for Micros {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Timestamp")
    }
}

/// The clock the control plane decides by: the system's, plus an offset that only tests set.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shared: Arc<Shared>,
}

/// What the clones of a clock have in common.
#[derive(Debug, Default)]
struct Shared {
    offset_us: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Micros {
        let system = jiff::Timestamp::now().as_microsecond();
        Micros(system.saturating_add(self.shared.offset_us.load(Ordering::Relaxed)))
    }

    /// Moves this clock, and every clone of it, into the future.
    pub fn advance(&self, by: Duration) {
        self.shared.offset_us.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.shared.moved.notify_waiters();
    }

    /// Resolves when this clock shows `at`, also when it is moved there.
    pub async fn sleep_until(&self, at: Micros) {
        loop {
            // Before the look at the clock, so that a move between the two is not missed.
            let moved = self.shared.moved.notified();
            let left = at.since(self.now());
            let Ok(left) = u64::try_from(left) else { return };
            if left == 0 {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_micros(left)) => {}
                () = moved => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_rfc_3339_in_json() {
        let json = serde_json::to_string(&Micros(1_700_000_000_000_000)).unwrap();
        assert_eq!(json, "\"2023-11-14T22:13:20Z\"");
        let back: Micros = serde_json::from_str("\"2023-11-14T23:13:20+01:00\"").unwrap();
        assert_eq!(back, Micros(1_700_000_000_000_000));
        assert!(serde_json::from_str::<Micros>("\"yesterday\"").is_err());
    }

    #[tokio::test]
    async fn sleeps_until_a_moment_comes_or_the_clock_is_moved_there() {
        let clock = Clock::default();
        clock.sleep_until(clock.now().minus(Duration::from_secs(1))).await;
        let at = clock.now().plus(Duration::from_millis(20));
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
        let (twin, at) = (clock.clone(), clock.now().plus(Duration::from_secs(86_400)));
        let sleeper = tokio::spawn(async move { twin.sleep_until(at).await });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(3_600));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(86_400));
        sleeper.await.unwrap();
    }

    #[test]
    fn arithmetic_never_overflows() {
        assert_eq!(Micros(i64::MAX).plus(Duration::MAX), Micros(i64::MAX));
        assert_eq!(Micros::from_unix_seconds(i64::MAX), Micros(i64::MAX));
    }
}
