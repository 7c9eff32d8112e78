//! How long to wait before a request is sent again: exponential backoff with full jitter, and what the server asks for.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::{Http, Trouble};

/// The bound of the first wait; it doubles from there.
const FIRST: Duration = Duration::from_millis(500);

/// The bound of the longest wait that nobody asked for.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits between 0 and a bound that doubles: full jitter, so that slices that failed together do not come back together.
/// See AWS, "Exponential Backoff And Jitter".
#[derive(Debug)]
pub(super) struct FullJitter(<ExponentialBuilder as BackoffBuilder>::Backoff);

impl FullJitter {
    pub fn new() -> Self {
        Self(ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LONGEST).without_max_times().build())
    }
}

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|bound| bound.mul_f64(random()))
    }
}

/// A number from 0 to 1 that nobody can foresee. The standard library seeds its hash maps with such.
fn random() -> f64 {
    (RandomState::new().hash_one(()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The wait that an answer asks for: seconds (also with a fraction), or a date, which is meant by the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let until: DateTime<Utc> = httpdate::parse_http_date(text).ok()?.into();
    Some((until - server_time(headers).unwrap_or(now)).to_std().unwrap_or_default())
}

/// What time the server has.
pub(super) fn server_time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    Some(httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?.into())
}

/// Patience with a plugin that reports that it has to wait: only it can see some of that, but it can't sleep.
pub struct Waiting {
    http: Arc<Http>,
    left: u32,
    backoff: FullJitter,
}

impl Waiting {
    pub(super) fn new(http: Arc<Http>) -> Self {
        Self { left: http.patience.attempts.saturating_sub(1), http, backoff: FullJitter::new() }
    }

    /// Waits as the trouble asks for; false where it is not worth waiting, or was often enough.
    pub async fn wait(&mut self, trouble: Trouble) -> bool {
        let named = match trouble {
            Trouble::RateLimited(wait) => wait,
            Trouble::Unavailable => Some(self.http.breaker.open_for()),
            _ => return false,
        };
        // A replay asks again where the run did, and does not wait for it.
        let is_replay = self.http.recorded.is_some();
        let backoff = if is_replay { Duration::ZERO } else { self.backoff.next().unwrap_or_default() };
        let wait = backoff.max(named.unwrap_or_default());
        if self.left == 0 || wait > self.http.longest_wait() {
            return false;
        }
        self.left -= 1;
        if !is_replay {
            self.http.wait(wait).await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn waits_lie_below_a_bound_that_doubles_up_to_a_minute() {
        for _ in 0..50 {
            let bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0];
            for (wait, bound) in FullJitter::new().zip(bounds) {
                assert!(wait.as_secs_f64() <= bound, "{wait:?} over {bound} s");
            }
        }
        let total: f64 = (0..200).filter_map(|_| FullJitter::new().next()).map(|wait| wait.as_secs_f64()).sum();
        assert!((30.0..70.0).contains(&total), "the mean of a wait up to 0.5 s is 0.25 s, not {}", total / 200.0);
    }

    #[test]
    fn retry_after_is_seconds_a_fraction_or_a_date_by_the_servers_clock() {
        let now: DateTime<Utc> = "2026-11-27T12:00:00Z".parse().unwrap();
        let wait = |value: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            retry_after(&headers, now).map(|wait| wait.as_secs_f64())
        };
        assert_eq!(wait("3", None), Some(3.0));
        assert_eq!(wait("2.0", None), Some(2.0));
        assert_eq!(wait("0.25", None), Some(0.25));
        assert_eq!(wait("-1", None), Some(0.0));
        assert_eq!(wait("Fri, 27 Nov 2026 12:00:05 GMT", None), Some(5.0));
        let skewed = Some("Fri, 27 Nov 2026 11:00:00 GMT");
        assert_eq!(wait("Fri, 27 Nov 2026 11:00:07 GMT", skewed), Some(7.0), "the server's clock is an hour behind");
        assert_eq!(wait("Fri, 27 Nov 2020 11:00:07 GMT", None), Some(0.0));
        assert_eq!(wait("soon", None), None);
        assert_eq!(wait("inf", None), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
