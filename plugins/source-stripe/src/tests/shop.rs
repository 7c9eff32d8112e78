//! A small account, answered from memory.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use serde_json::{Value, json};
use tidegate_sdk::{
    Result,
    http::testing::{self, Asked, Reply},
};

/// An account: objects by the paths of their lists, newest first, and events, newest first.
#[derive(Default)]
pub struct Shop {
    /// The lists.
    pub lists: BTreeMap<String, Vec<Value>>,
    /// What is answered instead, once each, to the request whose URL holds this text.
    pub instead: Vec<(String, Result<Reply>)>,
    /// The most objects of a page, whatever is asked for.
    pub short: usize,
}

/// An account that answers.
pub type Shared = Rc<RefCell<Shop>>;

/// Lets an account answer from now on.
pub fn open(lists: impl IntoIterator<Item = (&'static str, Vec<Value>)>) -> Shared {
    let lists = lists.into_iter().map(|(path, objects)| (path.to_owned(), objects)).collect();
    let shop = Rc::new(RefCell::new(Shop { lists, short: 100, ..Shop::default() }));
    let answering = shop.clone();
    testing::answer(move |asked| answer(&answering, asked));
    shop
}

/// Answers a request.
pub fn answer(shop: &Shared, asked: &Asked) -> Result<Reply> {
    shop.borrow_mut().answer(asked)
}

impl Shop {
    fn answer(&mut self, asked: &Asked) -> Result<Reply> {
        assert_eq!(asked.credential.as_deref(), Some("key"));
        assert!(asked.headers.iter().any(|(name, value)| name == "stripe-version" && value == "2025-09-30.clover"), "{:?}", asked.headers);
        if let Some(place) = self.instead.iter().position(|(part, _)| asked.url.contains(part)) {
            return self.instead.remove(place).1;
        }
        let path = asked.path();
        if let Some(objects) = self.lists.get(path) {
            return Ok(page(objects, asked, self.short));
        }
        let (list, id) = path.rsplit_once('/').unwrap();
        let found = self.lists.get(list).and_then(|objects| objects.iter().find(|object| object["id"] == id));
        Ok(found.map_or_else(|| missing("id", 404), |object| Reply::json(200, object)))
    }

    /// Puts an event on top.
    pub fn tell(&mut self, kind: &str, created: i64, object: Value) {
        self.tell_before(kind, created, object, Value::Null);
    }

    /// The same with what the object was before.
    pub fn tell_before(&mut self, kind: &str, created: i64, object: Value, before: Value) {
        let events = self.lists.entry("/v1/events".to_owned()).or_default();
        let data = if before.is_null() { json!({ "object": object }) } else { json!({ "object": object, "previous_attributes": before }) };
        let id = format!("evt_{}", events.len());
        events.insert(0, json!({ "id": id, "object": "event", "type": kind, "created": created, "data": data }));
    }
}

fn page(objects: &[Value], asked: &Asked, short: usize) -> Reply {
    let from = match asked.query("starting_after") {
        Some(anchor) => match objects.iter().position(|object| object["id"] == anchor) {
            Some(place) => place + 1,
            None => return missing("starting_after", 400),
        },
        None => 0,
    };
    let bound = |name: &str| asked.query(name).map(|bound| bound.parse::<i64>().unwrap());
    let (least, most) = (bound("created[gte]"), bound("created[lte]"));
    let fits = |object: &&Value| {
        let created = object["created"].as_i64().unwrap_or(0);
        least.is_none_or(|least| created >= least)
            && most.is_none_or(|most| created <= most)
            && asked.query("type").is_none_or(|kind| object["type"] == kind)
            && asked.query("active").is_none_or(|active| object["active"] == (active == "true"))
            && asked.query("charge").is_none_or(|charge| object["charge"] == charge)
    };
    let rest: Vec<_> = objects[from..].iter().filter(fits).collect();
    let limit = asked.query("limit").map_or(10, |limit| limit.parse().unwrap()).min(short);
    let data = &rest[..limit.min(rest.len())];
    Reply::json(200, &json!({ "object": "list", "data": data, "has_more": rest.len() > data.len(), "url": asked.path() }))
}

/// Stripe's answer where something is not there.
pub fn missing(param: &str, status: u16) -> Reply {
    let error = json!({ "code": "resource_missing", "message": "No such thing: 'x_1'", "param": param, "type": "invalid_request_error" });
    Reply::json(status, &json!({ "error": error }))
}

/// A fixture.
pub fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A fixture under another id, made at this time.
pub fn like(name: &str, id: &str, created: i64) -> Value {
    let mut object = fixture(name);
    object["id"] = json!(id);
    object["created"] = json!(created);
    object
}

/// Fixtures under numbered ids, newest first.
pub fn many(name: &str, count: usize) -> Vec<Value> {
    (0..count).rev().map(|number| like(name, &format!("x_{number:04}"), 1_772_323_200 + number as i64)).collect()
}
