//! What the shop allows at a time: REST's bucket of requests, GraphQL's bucket of points.
//!
//! - Both fill by the count of requests, not by time, so that the same reader meets the same refusals on every machine.
//! - A refusal names a wait in real time. Who comes back earlier is written down as impatient.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How full the buckets are.
#[derive(Debug)]
pub struct Limits {
    rules: Rules,
    requests: f64,
    points: f64,
    not_before: Option<Instant>,
    /// Refusals of REST.
    pub refused: u64,
    /// Refusals of GraphQL.
    pub throttled: u64,
    /// Requests that came before the wait was over.
    pub impatient: u64,
}

/// What the buckets hold and how they fill.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// REST's bucket.
    pub bucket: u32,
    /// How many requests leak out of it while one comes in.
    pub leak: f64,
    /// GraphQL's bucket.
    pub points: f64,
    /// How many points come back with each request.
    pub restored: f64,
    /// How long a refusal asks to wait.
    pub wait: Duration,
}

impl Rules {
    /// Buckets that never run out.
    pub const NONE: Self = Self { bucket: 40, leak: 1.0, points: 2000.0, restored: 2000.0, wait: Duration::from_millis(20) };
    /// Buckets that a reader of thousands of objects empties.
    pub const TIGHT: Self = Self { bucket: 8, leak: 0.5, points: 2000.0, restored: 120.0, wait: Duration::from_millis(20) };
}

impl Limits {
    pub fn new(rules: Rules) -> Self {
        Self { rules, requests: 0.0, points: rules.points, not_before: None, refused: 0, throttled: 0, impatient: 0 }
    }

    /// Counts a request of REST: what the call limit header says, and the wait where it is refused.
    pub fn rest(&mut self) -> (String, Option<f64>) {
        self.arrives();
        self.requests = (self.requests - self.rules.leak).max(0.0);
        let bucket = f64::from(self.rules.bucket);
        let refused = self.requests + 1.0 > bucket;
        if refused {
            self.refused += 1;
            self.not_before = Some(Instant::now() + self.rules.wait);
            // Two seconds of waiting let four requests out.
            self.requests = (self.requests - 4.0).max(0.0);
            return (format!("{bucket}/{bucket}"), Some(self.rules.wait.as_secs_f64()));
        }
        self.requests += 1.0;
        (format!("{}/{bucket}", self.requests.ceil()), None)
    }

    /// Takes the points that a query may cost; none where there are too few.
    pub fn query(&mut self, cost: u64) -> Result<(), ()> {
        self.arrives();
        self.points = (self.points + self.rules.restored).min(self.rules.points);
        if cost as f64 > self.points {
            self.throttled += 1;
            self.not_before = Some(Instant::now() + self.rules.wait);
            return Err(());
        }
        self.points -= cost as f64;
        Ok(())
    }

    /// Gives back what a query did not cost.
    pub fn give_back(&mut self, points: u64) {
        self.points = (self.points + points as f64).min(self.rules.points);
    }

    /// What `extensions.cost` says. The rate fits the wait that a refusal asks for.
    pub fn told(&self, requested: u64, actual: Option<u64>) -> Value {
        let missing = (requested as f64 - self.points).max(1.0);
        let rate = (missing / self.rules.wait.as_secs_f64()).ceil();
        json!({
            "requestedQueryCost": requested, "actualQueryCost": actual,
            "throttleStatus": { "maximumAvailable": self.rules.points, "currentlyAvailable": self.points.floor(), "restoreRate": rate },
        })
    }

    /// After a refusal, what came back meanwhile lets the request through.
    fn arrives(&mut self) {
        let Some(until) = self.not_before.take() else { return };
        // The reader rounds to milliseconds, and so may come one early.
        if Instant::now() + Duration::from_millis(2) < until {
            self.impatient += 1;
        } else {
            self.points = self.rules.points;
        }
    }
}
