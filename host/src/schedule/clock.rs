//! The time, as the daemon is told it: a test tells it another one.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>, Arc<AtomicI64>);

impl Default for Clock {
    fn default() -> Self {
        Self::new(Utc::now)
    }
}

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now), Arc::new(AtomicI64::new(i64::MIN)))
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The time, but never the same one twice: runs are named after it.
    pub fn moment(&self) -> DateTime<Utc> {
        let now = self.now().timestamp_micros();
        let later = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or(i64::MIN);
        DateTime::from_timestamp_micros(now.max(last.saturating_add(1))).unwrap_or_else(|| self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_differ_where_the_clock_stands() {
        let clock = Clock::new(|| DateTime::UNIX_EPOCH);
        let moments = [clock.moment(), clock.moment(), clock.moment()];
        assert!(moments.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((moments[0], clock.now()), (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH));
    }
}
