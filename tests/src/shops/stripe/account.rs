//! What an account holds: objects with all their versions, and the events that tell of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::chance::Chance;

/// The API version that the account speaks.
pub const API_VERSION: &str = "2025-09-30.clover";

/// How long events are kept, in seconds.
pub const EVENTS_KEPT: i64 = 30 * DAY;

/// How many items of a nested list an object shows.
pub const NESTED: usize = 10;

/// A day in seconds.
pub const DAY: i64 = 86_400;

/// The longest time after which an event shows up in the feed, in seconds.
pub const LATEST: i64 = 300;

/// An object and what became of it.
pub struct Held {
    /// Its id.
    pub id: String,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// All that it was, oldest first; never empty.
    pub versions: Vec<Version>,
}

/// What an object was for a while.
pub struct Version {
    /// The number of the change that made it so.
    pub since: u64,
    /// The object with its nested lists in full. A deleted one is as it was at last.
    pub value: Value,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// Something that happened to an object.
pub struct Event {
    /// When it says that it happened.
    pub created: i64,
    /// From when on the feed has it.
    pub visible: i64,
    /// Its type: `charge.refunded`.
    pub kind: String,
    /// What the API gives.
    pub body: Value,
}

/// An account.
pub struct Account {
    /// Its time, in Unix seconds.
    pub now: i64,
    /// How many changes there were.
    pub changes: u64,
    /// What happens by chance.
    pub chance: Chance,
    objects: BTreeMap<&'static str, Vec<Held>>,
    places: HashMap<String, (&'static str, usize)>,
    events: Vec<Event>,
    serial: u64,
    /// Since when which balance transactions wait for their funds.
    pending: Vec<String>,
}

impl Held {
    /// What it is now.
    pub fn latest(&self) -> &Version {
        self.versions.last().expect("an object has a version")
    }
}

impl Account {
    /// An account without anything.
    pub fn new(seed: u64, now: i64) -> Self {
        Self {
            now,
            changes: 0,
            chance: Chance::new(seed),
            objects: BTreeMap::new(),
            places: HashMap::new(),
            events: Vec::new(),
            serial: 0,
            pending: Vec::new(),
        }
    }

    /// All objects of a kind that ever were, oldest first.
    pub fn all(&self, kind: &str) -> &[Held] {
        self.objects.get(kind).map_or(&[], Vec::as_slice)
    }

    /// An object of this kind, deleted or not.
    pub fn find(&self, kind: &str, id: &str) -> Option<&Held> {
        let (found, place) = self.places.get(id)?;
        (*found == kind).then(|| &self.objects[found][*place])
    }

    /// What an object that is there is.
    pub fn value(&self, id: &str) -> &Value {
        let (kind, place) = self.places[id];
        &self.objects[kind][place].latest().value
    }

    /// Some object of this kind that is not deleted and for which `fits` says yes; among the newest ones more often.
    pub fn some(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Option<String> {
        let count = self.all(kind).len();
        for _ in 0..20 {
            let newest = self.chance.below(2) == 0;
            let back = self.chance.below(if newest { count.min(50) } else { count }.max(1) as u64) as usize;
            let held = count.checked_sub(back + 1).map(|place| &self.all(kind)[place]);
            if let Some(held) = held.filter(|held| !held.latest().deleted && fits(&held.latest().value)) {
                return Some(held.id.clone());
            }
        }
        None
    }

    /// A fresh id.
    pub fn id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}_1T{:07}{:06x}", self.serial, self.chance.below(1 << 24))
    }

    /// Makes an object; `value` has its id.
    pub fn put(&mut self, kind: &'static str, value: Value) -> String {
        self.changes += 1;
        let id = value["id"].as_str().expect("an object has an id").to_owned();
        let version = Version { since: self.changes, value, deleted: false };
        let held = self.objects.entry(kind).or_default();
        self.places.insert(id.clone(), (kind, held.len()));
        held.push(Held { id: id.clone(), created: self.now, versions: vec![version] });
        if kind == "balance_transaction" {
            self.pending.push(id.clone());
        }
        id
    }

    /// Changes an object; gives what the API said of it before.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> Value {
        let before = self.value(id).clone();
        let mut value = before.clone();
        change(&mut value);
        if value != before {
            self.push(id, value, false);
        }
        self.shown(&before)
    }

    /// Deletes an object.
    pub fn delete(&mut self, id: &str) {
        let value = self.value(id).clone();
        self.push(id, value, true);
    }

    fn push(&mut self, id: &str, value: Value, deleted: bool) {
        self.changes += 1;
        let (kind, place) = self.places[id];
        let held = &mut self.objects.get_mut(kind).expect("its kind has objects")[place];
        held.versions.push(Version { since: self.changes, value, deleted });
    }

    /// Lets time pass. Funds that become available say so in no event.
    pub fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        let now = self.now;
        let pending = std::mem::take(&mut self.pending);
        let (due, pending): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|id| self.value(id)["available_on"].as_i64().is_none_or(|due| due <= now));
        self.pending = pending;
        for id in due {
            self.edit(&id, |txn| txn["status"] = json!("available"));
        }
    }

    /// Tells of an object in an event of this type.
    pub fn tell(&mut self, kind: &str, id: &str) {
        let object = self.shown(self.value(id));
        self.tell_of(kind, object, None);
    }

    /// Tells of a change: `before` is what [`Account::edit`] gave.
    pub fn tell_change(&mut self, kind: &str, id: &str, before: &Value) {
        let object = self.shown(self.value(id));
        let (Value::Object(old), Value::Object(new)) = (before, &object) else { return };
        let previous: Map<_, _> =
            old.iter().filter(|(key, value)| new.get(*key) != Some(value)).map(|(key, value)| (key.clone(), value.clone())).collect();
        self.tell_of(kind, object, Some(Value::Object(previous)));
    }

    /// Puts an event into the feed: its time may lie before that of an earlier one, and it may show up late.
    pub fn tell_of(&mut self, kind: &str, object: Value, previous: Option<Value>) {
        let created = self.now - self.chance.below(3) as i64;
        let late = if self.chance.below(7) == 0 { 30 + self.chance.below(LATEST as u64 - 30) as i64 } else { 0 };
        let id = self.id("evt");
        let mut data = json!({ "object": object });
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let body = json!({
            "id": id, "object": "event", "api_version": API_VERSION, "created": created, "data": data, "livemode": false,
            "pending_webhooks": 0, "request": { "id": null, "idempotency_key": null }, "type": kind,
        });
        self.events.push(Event { created, visible: created + late, kind: kind.to_owned(), body });
    }

    /// The events that the feed has now, newest first.
    pub fn feed(&self) -> Vec<&Event> {
        let kept = self.now - EVENTS_KEPT;
        let mut feed: Vec<_> = self.events.iter().filter(|event| event.created >= kept && event.visible <= self.now).collect();
        feed.reverse();
        feed.sort_by_key(|event| std::cmp::Reverse(event.created));
        feed
    }

    /// An object as the API shows it: nested lists stop early.
    pub fn shown(&self, value: &Value) -> Value {
        let mut shown = value.clone();
        let id = value["id"].as_str().unwrap_or_default();
        match value["object"].as_str() {
            Some("invoice") => {
                let lines = value["lines"]["data"].as_array().cloned().unwrap_or_default();
                shown["lines"] = nested(lines, format!("/v1/invoices/{id}/lines"));
            }
            Some("charge") => shown["refunds"] = nested(self.refunds(id), format!("/v1/charges/{id}/refunds")),
            _ => {}
        }
        shown
    }

    /// A charge's refunds, newest first.
    pub fn refunds(&self, charge: &str) -> Vec<Value> {
        let mut refunds: Vec<_> =
            self.all("refund").iter().map(|held| &held.latest().value).filter(|refund| refund["charge"] == charge).cloned().collect();
        refunds.reverse();
        refunds
    }
}

fn nested(mut data: Vec<Value>, url: String) -> Value {
    let has_more = data.len() > NESTED;
    data.truncate(NESTED);
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}
