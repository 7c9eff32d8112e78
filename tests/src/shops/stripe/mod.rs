//! A fake Stripe over real sockets, as its documentation and its users' reports say that it behaves.
//!
//! What always holds here:
//! - Lists are newest first; a page may be short and still say that there is more; an anchor that was deleted is refused with 400.
//! - Changes show in `/v1/events` only: kept 30 days, with the object as it was, out of order, some of them late, some without an id.
//! - The same seed and the same requests give the same account: things that happen while it is read are keyed to the number of
//!   requests, and the clock is the account's own: a second per request.
//! - [`Truth`] says from the account itself, not from what was asked, which rows a warehouse must hold.

mod account;
mod answer;
mod business;
mod chance;
mod money;
mod truth;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

pub use account::{API_VERSION, Account, DAY};
pub use answer::{KEY, limited};
pub use business::Mood;
pub use truth::{Row, STREAMS, Table, Truth};

use crate::wire::{Asked, Plan, Reply, Wire};

/// When the account is opened: 2026-03-01T00:00:00Z.
const OPENED: i64 = 1_772_323_200;

/// Each so many-th page of a list is short.
const SHORT: usize = 5;

/// A server with one account.
pub struct Stripe {
    wire: Wire,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    account: Account,
    reading: Reading,
    asked: usize,
}

/// What happens while the account is read.
#[derive(Default)]
pub struct Reading {
    /// Something happens with each so many-th request; 0: never.
    pub every: usize,
    /// How often.
    pub left: usize,
    /// How many customers are deleted right after a page of their list ended with them.
    pub anchors: usize,
}

impl Stripe {
    /// An account in which so many things happened, about 57 in a day.
    pub fn with_history(seed: u64, steps: usize) -> Self {
        Self::disturbed(seed, steps, Plan::none())
    }

    /// The same with faults on the way.
    pub fn disturbed(seed: u64, steps: usize, plan: Plan) -> Self {
        let mut account = Account::new(seed, OPENED);
        account.steps(steps, 1500, Mood::Any);
        // What is told late has been told.
        account.pass(3600);
        let shared = Arc::new(Mutex::new(Shared { account, reading: Reading::default(), asked: 0 }));
        let (answering, clock) = (shared.clone(), shared.clone());
        let wire = Wire::disturbed(plan, move |asked| locked(&answering).answer(asked));
        wire.set_clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(locked(&clock).account.now.unsigned_abs()));
        Self { wire, shared }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.wire.url()
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.wire.asked()
    }

    /// Looks into the account, or makes something happen.
    pub fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut locked(&self.shared).account)
    }

    /// Says what happens from now on while it is read.
    pub fn while_read(&self, reading: Reading) {
        locked(&self.shared).reading = reading;
    }

    /// How many changes there were so far.
    pub fn changes(&self) -> u64 {
        self.account(|account| account.changes)
    }
}

impl Shared {
    fn answer(&mut self, asked: &Asked) -> Reply {
        self.asked += 1;
        self.account.pass(1);
        if self.reading.left > 0 && self.asked.is_multiple_of(self.reading.every.max(1)) {
            self.reading.left -= 1;
            self.account.step(Mood::Any);
        }
        let reply = answer::answer(&self.account, asked, self.asked.is_multiple_of(SHORT));
        if self.reading.anchors > 0 && asked.path == "/v1/customers" {
            self.drop_anchor(&reply);
        }
        reply.gzip_for(asked)
    }

    /// Deletes the customer with whom a page ended that has more.
    fn drop_anchor(&mut self, reply: &Reply) {
        let Ok(page) = serde_json::from_slice::<serde_json::Value>(&reply.body) else { return };
        let last = page["data"].as_array().and_then(|data| data.last()).and_then(|last| last["id"].as_str());
        if let (Some(last), Some(true)) = (last, page["has_more"].as_bool()) {
            self.reading.anchors -= 1;
            self.account.drop_customer(last);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
