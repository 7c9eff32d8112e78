//! The circuit breaker: a source that fails again and again is left alone for a while.
//!
//! Closed: requests go. Open: none goes. Half-open: after a while one may find out whether the source is back.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use failsafe::{
    Instrument, StateMachine,
    backoff::Constant,
    failure_policy::{ConsecutiveFailures, consecutive_failures},
};
use serde::{Deserialize, Serialize};

/// What a circuit is, from the best to the worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Circuit {
    /// Requests go.
    #[default]
    Closed,
    /// The next one finds out.
    HalfOpen,
    /// None goes.
    Open,
}

impl Circuit {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// The breaker of a source.
pub(super) struct Breaker {
    machine: StateMachine<ConsecutiveFailures<Constant>, Watch>,
    watch: Watch,
    pause: Duration,
}

/// Remembers what the machine does: it tells its state to nobody else.
#[derive(Clone, Default)]
struct Watch(Arc<Seen>);

#[derive(Default)]
struct Seen {
    state: Mutex<(Circuit, Option<Instant>)>,
    opened: AtomicU32,
}

impl Watch {
    fn set(&self, circuit: Circuit, since: Option<Instant>) {
        *self.0.state.lock().unwrap_or_else(PoisonError::into_inner) = (circuit, since);
    }
}

impl Instrument for Watch {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.0.opened.fetch_add(1, Relaxed);
        self.set(Circuit::Open, Some(Instant::now()));
    }

    fn on_half_open(&self) {
        self.set(Circuit::HalfOpen, None);
    }

    fn on_closed(&self) {
        self.set(Circuit::Closed, None);
    }
}

impl Breaker {
    /// Opens after `failures` in a row, for `pause`.
    pub fn new(failures: u32, pause: Duration) -> Self {
        let watch = Watch::default();
        let policy = consecutive_failures(failures, failsafe::backoff::constant(pause));
        Self { machine: StateMachine::new(policy, watch.clone()), watch, pause }
    }

    /// Whether a request may go; otherwise how long the circuit stays open.
    pub fn permit(&self) -> Result<(), Duration> {
        if self.machine.is_call_permitted() { Ok(()) } else { Err(self.open_for()) }
    }

    /// How long the circuit stays open; zero where it is not.
    pub fn open_for(&self) -> Duration {
        match *self.watch.0.state.lock().unwrap_or_else(PoisonError::into_inner) {
            // A little more, since the machine wants its time to have passed.
            (Circuit::Open, Some(since)) => (self.pause + Duration::from_millis(1)).saturating_sub(since.elapsed()),
            _ => Duration::ZERO,
        }
    }

    /// A request was answered.
    pub fn success(&self) {
        self.machine.on_success();
    }

    /// A request failed.
    pub fn failure(&self) {
        self.machine.on_error();
    }

    /// What the circuit is, and how often it has opened.
    pub fn state(&self) -> (Circuit, u32) {
        let (circuit, _) = *self.watch.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        (circuit, self.watch.0.opened.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(30);

    fn opened() -> Breaker {
        let breaker = Breaker::new(2, PAUSE);
        breaker.failure();
        assert_eq!(breaker.state(), (Circuit::Closed, 0));
        breaker.failure();
        breaker
    }

    #[test]
    fn failures_in_a_row_open_the_circuit() {
        let breaker = opened();
        assert_eq!(breaker.state(), (Circuit::Open, 1));
        assert!(breaker.permit().is_err_and(|wait| wait > Duration::ZERO && wait <= PAUSE + Duration::from_millis(1)));
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let breaker = Breaker::new(2, PAUSE);
        for _ in 0..5 {
            breaker.failure();
            breaker.success();
        }
        assert_eq!(breaker.state(), (Circuit::Closed, 0));
    }

    #[test]
    fn after_a_pause_one_request_finds_out() {
        let breaker = opened();
        std::thread::sleep(PAUSE + Duration::from_millis(5));
        assert_eq!(breaker.permit(), Ok(()));
        assert_eq!(breaker.state(), (Circuit::HalfOpen, 1));
        breaker.failure();
        assert_eq!(breaker.state(), (Circuit::Open, 2));
        std::thread::sleep(PAUSE + Duration::from_millis(5));
        assert_eq!(breaker.permit(), Ok(()));
        breaker.success();
        assert_eq!(breaker.state(), (Circuit::Closed, 2));
        assert_eq!(breaker.open_for(), Duration::ZERO);
    }
}
