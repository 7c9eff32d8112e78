//! A shop of no maker: orders with nested items behind the shapes that most APIs have. What tests of the egress read, and the benchmark.
//!
//! - `GET /orders?limit=&updated_from=&updated_until=&cursor=` sorts by the time of the last change, then by id. Its body is
//!   `{"orders": [...], "next": "..."}`; `next` is the cursor of the next page, null on the last.
//! - `GET /numbered?page=&per_page=` sorts by id, with the header `X-Total`; a page past the end is an empty list. A row that goes away
//!   moves those behind it one place to the front.
//! - `GET /clock` is the smallest answer with a date.
//! - Times are whole seconds, and many orders share one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use crate::wire::{Asked, Reply};

/// When the shop opens, in seconds since 1970: 2026-01-01T00:00:00Z.
const OPENS: i64 = 1_767_225_600;

/// Orders that share a second of their last change.
const PER_SECOND: u64 = 7;

const CITIES: [&str; 5] = ["São Paulo", "Recife", "Manaus", "Curitiba", "Belém"];
const TITLES: [&str; 5] = ["Cup of clay", "Plate of glass", "Bowl of oak", "Jug, blue", "Tray \"Anna\""];

/// An order, of which all else is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Its key, from 1.
    pub id: u64,
    /// How often it changed.
    pub version: u64,
    /// Its last change, in seconds since 1970.
    pub updated: i64,
}

/// A shop. Its clock stands still unless it is moved.
pub struct PlainShop {
    orders: Mutex<BTreeMap<u64, Order>>,
    now: AtomicI64,
}

impl PlainShop {
    /// A shop with orders 1 to `orders`, and a clock an hour after the last of them.
    pub fn new(orders: u64) -> Arc<Self> {
        let order = |id| Order { id, version: 0, updated: OPENS + (id / PER_SECOND) as i64 };
        let now = OPENS + (orders / PER_SECOND) as i64 + 3600;
        Arc::new(Self { orders: Mutex::new((1..=orders).map(|id| (id, order(id))).collect()), now: AtomicI64::new(now) })
    }

    /// Its clock.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.now.load(Ordering::Relaxed).unsigned_abs())
    }

    /// Moves its clock forward.
    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Changes an order, or makes it, at the shop's present time.
    pub fn change(&self, id: u64) {
        let updated = self.now.load(Ordering::Relaxed);
        let mut orders = self.orders();
        let version = orders.get(&id).map_or(0, |order| order.version + 1);
        orders.insert(id, Order { id, version, updated });
    }

    /// Removes an order.
    pub fn remove(&self, id: u64) {
        self.orders().remove(&id);
    }

    /// `id,status,total,updated_at` of every order, by id: what a table of it is to hold.
    pub fn order_rows(&self) -> Vec<String> {
        self.orders().values().map(|order| format!("{},{},{},{}", order.id, order.status(), order.total(), order.updated)).collect()
    }

    /// `order_id,id,quantity,price` of every item, by order and id.
    pub fn item_rows(&self) -> Vec<String> {
        let rows = |order: &Order| {
            let order = *order;
            (1..=order.items())
                .map(move |item| format!("{},{},{},{}", order.id, order.id * 10 + item, order.quantity(item), order.price(item)))
        };
        self.orders().values().flat_map(rows).collect()
    }

    /// Answers as its API does.
    pub fn answer(&self, asked: &Asked) -> Reply {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/orders") => self.by_change(asked).unwrap_or_else(bad),
            ("GET", "/clock") => Reply::json(200, &json!({})),
            ("GET", "/numbered") => self.numbered(asked).unwrap_or_else(bad),
            _ => Reply::json(404, &json!({ "error": "there is nothing here" })),
        }
    }

    fn by_change(&self, asked: &Asked) -> Result<Reply, String> {
        let limit = number(asked, "limit", 50)?.min(250) as usize;
        let time = |name: &str, none: i64| asked.param(name).map_or(Ok(none), |text| seconds(text).ok_or_else(|| format!("bad {name}")));
        let (from, until) = (time("updated_from", i64::MIN)?, time("updated_until", i64::MAX)?);
        let after = match asked.param("cursor") {
            Some(text) => text.split_once('-').and_then(|(time, id)| Some((time.parse().ok()?, id.parse().ok()?))).ok_or("bad cursor")?,
            None => (i64::MIN, 0),
        };
        let mut found: Vec<Order> = self.orders().values().copied().collect();
        found.retain(|order| (from..=until).contains(&order.updated) && (order.updated, order.id) > after);
        found.sort_by_key(|order| (order.updated, order.id));
        let next = (found.len() > limit).then(|| format!("{}-{}", found[limit - 1].updated, found[limit - 1].id));
        found.truncate(limit);
        Ok(Reply::json(200, &json!({ "orders": list(&found), "next": next })))
    }

    fn numbered(&self, asked: &Asked) -> Result<Reply, String> {
        let (page, size) = (number(asked, "page", 1)?.max(1) as usize, number(asked, "per_page", 10)?.clamp(1, 100) as usize);
        let orders: Vec<Order> = self.orders().values().copied().collect();
        let shown: Vec<Order> = orders.iter().skip((page - 1).saturating_mul(size)).take(size).copied().collect();
        let pages = orders.len().div_ceil(size);
        Ok(Reply::json(200, &list(&shown)).header("X-Total", orders.len()).header("X-Total-Pages", pages))
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<u64, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Order {
    /// The order as the API shows it.
    pub fn to_json(self) -> Value {
        let item = |item: u64| {
            json!({
                "id": self.id * 10 + item,
                "sku": format!("SKU-{:05}", self.mixed(item) % 3000),
                "title": pick(&TITLES, self.mixed(item)),
                "quantity": self.quantity(item),
                "price": self.price(item),
            })
        };
        json!({
            "id": self.id,
            "number": format!("R{:08}", self.id),
            "status": self.status(),
            "currency": "BRL",
            "total": self.total(),
            "customer_id": self.mixed(0) % 50_000,
            "email": format!("buyer{}@shop.example", self.mixed(0) % 50_000),
            "city": pick(&CITIES, self.mixed(0)),
            "note": self.mixed(0).is_multiple_of(9).then_some("please ring \"twice\"\nsecond floor"),
            "paid": self.version > 0,
            "created_at": rfc3339(OPENS + (self.id / PER_SECOND) as i64),
            "updated_at": rfc3339(self.updated),
            "items": (1..=self.items()).map(item).collect::<Vec<_>>(),
        })
    }

    fn status(self) -> &'static str {
        pick(&["open", "paid", "sent", "closed"], self.version)
    }

    fn items(self) -> u64 {
        1 + self.mixed(0) % 4
    }

    fn quantity(self, item: u64) -> u64 {
        1 + (self.mixed(item) + self.version) % 3
    }

    fn price(self, item: u64) -> String {
        money(100 + self.mixed(item) % 20_000)
    }

    fn total(self) -> String {
        money((1..=self.items()).map(|item| (100 + self.mixed(item) % 20_000) * self.quantity(item)).sum())
    }

    fn mixed(self, with: u64) -> u64 {
        let mut z = (self.id << 8 | with).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)) >> 16
    }
}

fn list(orders: &[Order]) -> Value {
    orders.iter().map(|order| order.to_json()).collect()
}

fn pick(words: &[&'static str], number: u64) -> &'static str {
    words[(number % words.len() as u64) as usize]
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn number(asked: &Asked, name: &str, none: u64) -> Result<u64, String> {
    asked.param(name).map_or(Ok(none), |text| text.parse().map_err(|_| format!("bad {name}")))
}

fn bad(error: impl ToString) -> Reply {
    Reply::json(400, &json!({ "error": error.to_string() }))
}

/// A time as APIs write it.
fn rfc3339(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Seconds since 1970 of a number or of a time in RFC 3339.
fn seconds(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp()))
}
