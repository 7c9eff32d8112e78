//! How fast a source asks: a token bucket over all its slices, and what the server itself says about its own.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// How many requests may go at once after a pause.
const BURST: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// From this share of the server's bucket on, requests go no faster than it drains.
const NEARLY_USED: f64 = 0.8;

/// From this share on, they go half as fast.
const ALMOST_USED: f64 = 0.95;

/// How long Shopify's bucket takes to drain, whatever the plan: 40 requests at 2 per second, 400 at 20.
const SHOPIFY_DRAIN_SECONDS: f64 = 20.0;

/// A reset above this is a time since 1970, below it a number of seconds.
const LEAST_EPOCH: f64 = 1e9;

/// How fast a source asks.
pub(super) struct Rate {
    limiter: DefaultDirectRateLimiter,
    hold: Mutex<Option<Instant>>,
    longest: Duration,
}

impl Rate {
    /// `per_minute` requests, with a burst; no single wait that a server asks for is longer than `longest`.
    pub fn new(per_minute: u32, longest: Duration) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Self { limiter: RateLimiter::direct(Quota::per_minute(per_minute).allow_burst(BURST)), hold: Mutex::new(None), longest }
    }

    /// Waits until a request may go. Gives how long that took.
    pub async fn ready(&self) -> Duration {
        let began = Instant::now();
        loop {
            if let Some(until) = self.held().filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return began.elapsed(),
                Err(until) => tokio::time::sleep(until.wait_time_from(governor::clock::DefaultClock::default().now())).await,
            }
        }
    }

    fn held(&self) -> Option<Instant> {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no request go for a while.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(self.longest);
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        *hold = Some(hold.map_or(until, |known| known.max(until)));
    }

    /// Slows down where an answer says that the server's own limit is nearly used.
    pub fn note(&self, headers: &HeaderMap, now: DateTime<Utc>) {
        let pauses = [shopify(headers), remaining(headers, "ratelimit", now), remaining(headers, "x-ratelimit", now)];
        if let Some(pause) = pauses.into_iter().flatten().max() {
            self.hold(pause);
        }
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    // `100, 100;w=60` is how drafts of RateLimit write the limit and its windows.
    let text = headers.get(name)?.to_str().ok()?.split([',', ';']).next()?.trim();
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// `32/40` is how much of the bucket is used.
fn shopify(headers: &HeaderMap) -> Option<Duration> {
    let (used, size) = headers.get("x-shopify-shop-api-call-limit")?.to_str().ok()?.split_once('/')?;
    let (used, size): (f64, f64) = (used.trim().parse().ok()?, size.trim().parse().ok()?);
    let share = used / size;
    if !share.is_finite() || share < NEARLY_USED {
        return None;
    }
    let one = SHOPIFY_DRAIN_SECONDS / size;
    seconds(if share < ALMOST_USED { one } else { 2.0 * one })
}

/// What is left is spread over the time until there is more.
fn remaining(headers: &HeaderMap, prefix: &str, now: DateTime<Utc>) -> Option<Duration> {
    let left = number(headers, &format!("{prefix}-remaining"))?;
    let reset = number(headers, &format!("{prefix}-reset"))?;
    let limit = number(headers, &format!("{prefix}-limit")).unwrap_or(0.0);
    if left > (1.0 - NEARLY_USED) * limit && left >= 1.0 {
        return None;
    }
    let until = if reset >= LEAST_EPOCH { reset - now.timestamp_millis() as f64 / 1000.0 } else { reset };
    seconds(until.max(0.0) / (left.floor() + 1.0))
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn pause(pairs: &[(&'static str, &'static str)]) -> Option<f64> {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let headers = headers(pairs);
        let pauses = [shopify(&headers), remaining(&headers, "ratelimit", now), remaining(&headers, "x-ratelimit", now)];
        pauses.into_iter().flatten().max().map(|pause| pause.as_secs_f64())
    }

    #[test]
    fn a_server_whose_bucket_is_nearly_used_is_asked_more_slowly() {
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "10/40")]), None);
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "32/40")]), Some(0.5));
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "40/40")]), Some(1.0));
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "390/400")]), Some(0.1));
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "0/0")]), None);
        assert_eq!(pause(&[("x-shopify-shop-api-call-limit", "soon")]), None);
    }

    #[test]
    fn what_is_left_is_spread_over_the_time_until_there_is_more() {
        assert_eq!(pause(&[("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")]), None);
        assert_eq!(pause(&[("ratelimit-limit", "100"), ("ratelimit-remaining", "4"), ("ratelimit-reset", "30")]), Some(6.0));
        assert_eq!(pause(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")]), Some(30.0));
        assert_eq!(pause(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000007")]), Some(7.0));
        assert_eq!(pause(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600000000")]), None);
        assert_eq!(pause(&[("ratelimit-remaining", "0")]), None, "without a reset nobody knows until when");
    }

    #[tokio::test]
    async fn slices_share_one_bucket() {
        let rate = Rate::new(6000, Duration::from_secs(1));
        let began = std::time::Instant::now();
        let slice = async || {
            for _ in 0..10 {
                rate.ready().await;
            }
        };
        tokio::join!(slice(), slice());
        // Ten go at once, the other ten at one per 10 ms.
        assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_hold_holds_all_and_no_longer_than_the_longest_wait() {
        let rate = Rate::new(60_000, Duration::from_millis(60));
        rate.hold(Duration::from_millis(40));
        rate.hold(Duration::from_millis(10));
        assert!(rate.ready().await >= Duration::from_millis(39));
        rate.hold(Duration::from_secs(3600));
        let waited = rate.ready().await;
        assert!(waited >= Duration::from_millis(59) && waited < Duration::from_secs(10), "{waited:?}");
    }
}
