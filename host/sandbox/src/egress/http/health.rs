//! How a source's requests went: for the run's report and its history.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::breaker::Circuit;

/// How a source's requests went in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What the circuit is.
    pub circuit: Circuit,
    /// How often it has opened.
    pub opened: u32,
    /// Requests that were sent, repeats and redirects included.
    pub requests: u64,
    /// Requests that were answered from this run's archive, or from the recording that is replayed.
    pub repeated_asks: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Answers that asked for fewer requests.
    pub throttled: u64,
    /// Requests that were refused because they are not granted.
    pub refused: u64,
    /// Access tokens that were fetched.
    pub tokens: u64,
    /// Milliseconds that were waited between attempts and for the rate limit, over all slices.
    pub waited_millis: u64,
    /// Bytes of answers after unpacking.
    pub bytes: u64,
    /// What went wrong last.
    pub last_failure: Option<String>,
}

impl Health {
    /// Whether there is anything to say.
    pub fn is_silent(&self) -> bool {
        self.requests == 0 && self.repeated_asks == 0 && self.refused == 0
    }

    /// The worst that the circuit was.
    pub fn worst(&self) -> Circuit {
        if self.opened > 0 { Circuit::Open } else { self.circuit }
    }

    /// One line for a person.
    pub fn sentence(&self) -> String {
        let mut said = vec![format!("{} requests", self.requests)];
        let mut add = |count: u64, words: &str| {
            if count > 0 {
                said.push(format!("{count} {words}"));
            }
        };
        add(self.repeated_asks, "answered from the archive");
        add(self.failures, "failed attempts");
        add(self.throttled, "throttled");
        add(self.refused, "refused");
        let waited = Duration::from_millis(self.waited_millis);
        if waited >= Duration::from_millis(100) {
            said.push(format!("{:.1} s waited", waited.as_secs_f64()));
        }
        let opened = if self.opened > 0 { format!(", opened {} times", self.opened) } else { String::new() };
        said.push(format!("circuit {}{opened}", self.circuit.name()));
        let mut text = said.join(", ");
        if let Some(failure) = &self.last_failure {
            text.push_str(&format!("; last failure: {failure}"));
        }
        text
    }
}

/// What is counted while a run goes on.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub requests: AtomicU64,
    pub repeated_asks: AtomicU64,
    pub failures: AtomicU64,
    pub throttled: AtomicU64,
    pub refused: AtomicU64,
    pub tokens: AtomicU64,
    pub bytes: AtomicU64,
    /// Requests that got nothing a plugin could use.
    pub unanswered: AtomicU64,
    waited_millis: AtomicU64,
    last_failure: std::sync::Mutex<Option<String>>,
}

impl Counters {
    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Relaxed);
    }

    pub fn waits(&self, wait: Duration) {
        Self::add(&self.waited_millis, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }

    pub fn failed(&self, reason: &str) {
        Self::add(&self.failures, 1);
        *self.last_failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(reason.to_owned());
    }

    pub fn health(&self, (circuit, opened): (Circuit, u32)) -> Health {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Health {
            circuit,
            opened,
            requests: read(&self.requests),
            repeated_asks: read(&self.repeated_asks),
            failures: read(&self.failures),
            throttled: read(&self.throttled),
            refused: read(&self.refused),
            tokens: read(&self.tokens),
            waited_millis: read(&self.waited_millis),
            bytes: read(&self.bytes),
            last_failure: self.last_failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
        }
    }
}
