//! A WooCommerce 11 that a test can buy from: its REST API v3 over real sockets, as a real one was seen to behave.
//!
//! What always holds here:
//! - 10 records per page where nothing is said, 100 at most; a page past the end is an empty list; `X-WP-Total`, `X-WP-TotalPages` and
//!   `Link` speak of the whole list at that moment. `offset` wins over `page`.
//! - Times have one second. `modified_after` is strict, and read on the site's clock (America/Sao_Paulo) unless `dates_are_gmt` is set.
//! - Customers ignore `modified_after`, and list the role `customer` only, unless another one is asked for.
//! - `status=any` leaves the bin out; what lies there can be read by its id. What is deleted for good is 404, without a trace.
//! - A refund moves its order's date, and leaves its total alone.
//! - Nothing here depends on the machine: the seed makes the records, the clock is set by the test, and what happens while somebody
//!   reads is counted in requests.

mod answer;
mod calendar;
mod chance;
mod changes;
mod query;
mod seed;
mod shelf;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;

use self::{
    chance::Chance,
    shelf::{Record, Shelf},
};
pub use self::{
    changes::{Change, Pick},
    truth::Truth,
};
use crate::wire::{Asked, Plan, Wire};

/// The key that opens the shop.
pub const KEY: &str = "ck_test_key";
/// Its secret.
pub const SECRET: &str = "cs_test_secret_that_must_stay_outside";

/// 2026-11-20T15:00:00Z, noon in São Paulo: when every shop opens.
const OPENING: i64 = 1_795_186_800;

/// How much a shop holds on its first day.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Orders, with one to four lines each; some have refunds, some lie in the bin.
    pub orders: usize,
    /// Products; one in six has variations.
    pub products: usize,
    /// Customers and others who have an account.
    pub customers: usize,
    /// Coupons.
    pub coupons: usize,
}

/// A firewall that refuses requests.
#[derive(Debug, Clone)]
pub struct Storm {
    /// Which requests, counted from 1.
    pub requests: Range<usize>,
    /// 429 or 503.
    pub status: u16,
    /// What `Retry-After` says, where it says something.
    pub retry_after: Option<&'static str>,
}

/// A shop that is open until this value goes.
pub struct Shop {
    state: Arc<Mutex<State>>,
    wire: Wire,
}

/// All that the shop knows.
struct State {
    now: i64,
    chance: Chance,
    last_id: u64,
    orders: Shelf,
    /// By order.
    refunds: BTreeMap<u64, Shelf>,
    products: Shelf,
    /// By product.
    variations: BTreeMap<u64, Shelf>,
    customers: Shelf,
    coupons: Shelf,
    /// What was deleted for good after a reader was given it, by stream.
    gone: BTreeMap<&'static str, BTreeSet<u64>>,
    /// How many requests came.
    asked: usize,
    /// What is still to happen while somebody reads, with the number of the request before which it happens.
    script: VecDeque<(usize, Change)>,
    storms: Vec<Storm>,
    sees_https: bool,
}

impl Shop {
    /// Opens a shop. The same seed and size make the same shop.
    pub fn open(seed: u64, size: &Size) -> Self {
        Self::disturbed(Plan::none(), seed, size)
    }

    /// The same on a bad line.
    pub fn disturbed(plan: Plan, seed: u64, size: &Size) -> Self {
        let mut state = State {
            now: OPENING,
            chance: Chance::new(seed),
            last_id: 0,
            orders: Shelf::default(),
            refunds: BTreeMap::new(),
            products: Shelf::default(),
            variations: BTreeMap::new(),
            customers: Shelf::default(),
            coupons: Shelf::default(),
            gone: BTreeMap::new(),
            asked: 0,
            script: VecDeque::new(),
            storms: Vec::new(),
            sees_https: true,
        };
        seed::fill(&mut state, size);
        let state = Arc::new(Mutex::new(state));
        let answering = state.clone();
        // The shop believes that it stands behind a proxy which speaks HTTPS; the test speaks plain HTTP to loopback.
        let wire = Wire::disturbed(plan, move |asked| locked(&answering).serve(asked));
        let clock = state.clone();
        wire.set_clock(move || UNIX_EPOCH + Duration::from_secs(locked(&clock).now.unsigned_abs()));
        Self { state, wire }
    }

    /// The address of the site.
    pub fn url(&self) -> String {
        self.wire.url()
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.wire.asked()
    }

    /// How many faults it has put in the way.
    pub fn faults(&self) -> usize {
        self.wire.faults()
    }

    /// What its clock says, in seconds since 1970.
    pub fn now(&self) -> i64 {
        locked(&self.state).now
    }

    /// Time passes.
    pub fn pass(&self, seconds: i64) {
        locked(&self.state).now += seconds;
    }

    /// These things happen now, all in the same second.
    pub fn change(&self, changes: &[Change]) {
        let mut state = locked(&self.state);
        changes.iter().for_each(|change| state.change(*change));
    }

    /// From now on one of these things happens before every `every`th request, and the clock moves a second with every other one.
    pub fn while_read(&self, every: usize, changes: impl IntoIterator<Item = Change>) {
        let mut state = locked(&self.state);
        let asked = state.asked;
        state.script = changes.into_iter().enumerate().map(|(place, change)| (asked + (place + 1) * every, change)).collect();
    }

    /// Puts records of another shop on a shelf (`orders`, `products`, `customers`), as its API showed them.
    pub fn stock(&self, collection: &str, records: impl IntoIterator<Item = Value>) {
        let mut state = locked(&self.state);
        for fields in records {
            let seconds = |name: &str| fields[name].as_str().and_then(calendar::parse).map_or(OPENING, |(seconds, _)| seconds);
            let (created, modified) = (seconds("date_created_gmt"), seconds("date_modified_gmt"));
            let id = fields["id"].as_u64().expect("a record has an id");
            let Value::Object(json) = fields else { panic!("a record is an object") };
            let shelf = match collection {
                "orders" => &mut state.orders,
                "products" => &mut state.products,
                "customers" => &mut state.customers,
                other => panic!("there is no shelf for `{other}`"),
            };
            shelf.put(id, Record { json, created, modified, served: false });
        }
    }

    /// How many things are still to happen.
    pub fn to_come(&self) -> usize {
        locked(&self.state).script.len()
    }

    /// A firewall refuses requests.
    pub fn storm(&self, storm: Storm) {
        locked(&self.state).storms.push(storm);
    }

    /// How many requests came so far.
    pub fn requests(&self) -> usize {
        locked(&self.state).asked
    }

    /// Whether the site sees that it is asked over HTTPS. Where it does not, no key opens it.
    pub fn sees_https(&self, sees: bool) {
        locked(&self.state).sees_https = sees;
    }

    /// The rows that the table of a stream must hold now.
    pub fn truth(&self, stream: &str) -> Truth {
        locked(&self.state).truth(stream)
    }

    /// The ids of what was deleted for good after a reader was given it.
    pub fn gone(&self, stream: &str) -> BTreeSet<u64> {
        locked(&self.state).gone.get(stream).cloned().unwrap_or_default()
    }
}

impl State {
    fn serve(&mut self, asked: &Asked) -> crate::wire::Reply {
        self.asked += 1;
        while self.script.front().is_some_and(|(at, _)| *at <= self.asked) {
            let (_, change) = self.script.pop_front().expect("there is one");
            self.change(change);
            self.now += i64::from(self.script.len().is_multiple_of(2));
        }
        let host = asked.header("host").unwrap_or("shop.example").to_owned();
        self.answer(asked, &format!("https://{host}"))
    }

    /// The next id. Orders, products and coupons share one row of numbers with what else a site holds: there are gaps.
    fn id(&mut self) -> u64 {
        self.last_id += 1 + self.chance.below(3);
        self.last_id
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
