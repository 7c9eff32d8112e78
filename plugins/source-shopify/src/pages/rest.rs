//! Pages of the REST API: the next one is named by a `Link` header, and only `limit` may stand beside its `page_info`.
//!
//! - A `page_info` lives for a short time. One that is refused starts the list again: from the last time that was seen where the list
//!   ascends, else from the window's start. What comes twice is left out by its key.
//! - The rest of nested lists comes after all pages of the objects, since it has later page numbers.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, Origin, Result,
    http::{self, Request},
    instant, log,
    rest::{Page, Window},
};

use super::{InOrder, Step};
use crate::{
    column::{MONEY_SCALE, id, money},
    config::Config,
    rows::Record,
    streams::{Place, ShopStream},
};

/// The most objects of a page.
const LARGEST: u32 = 250;
/// How many locations are asked for at once.
const LOCATIONS: usize = 50;

/// Pages of the REST API.
pub struct RestPages {
    config: Config,
    stream: &'static ShopStream,
    window: Window,
    todo: VecDeque<Task>,
    /// The time of the last object.
    seen: Option<i64>,
    /// Whether a page came since the list was started.
    moved: bool,
    order: InOrder,
}

/// A list that is to be read.
#[derive(Clone)]
struct Task {
    list: List,
    /// The page; none for the first.
    page_info: Option<String>,
}

#[derive(Clone)]
enum List {
    /// Locations, whose levels are asked for.
    Locations,
    /// The objects, from this time on; of these locations where they are asked by locations.
    Objects { from: Option<i64>, locations: Option<String> },
    /// The nested list of one object.
    Nested(Arc<Value>),
}

impl RestPages {
    /// The pages of a stream's objects in a window.
    pub fn new(config: Config, stream: &'static ShopStream, window: Window) -> Self {
        let list = match stream.walk.rest.per_location {
            true => List::Locations,
            false => List::Objects { from: window.from, locations: None },
        };
        let todo = VecDeque::from([Task { list, page_info: None }]);
        Self { config, stream, window, todo, seen: None, moved: false, order: InOrder::default() }
    }

    /// The next page.
    pub fn next(&mut self) -> Result<Step> {
        let Some(task) = self.todo.front().cloned() else { return Ok(Step::End) };
        let Some(page) = self.read(&task)? else {
            self.start_again(task)?;
            return Ok(Step::Waiting(0));
        };
        self.todo.pop_front();
        self.moved = true;
        if let Some(page_info) = page.next {
            self.todo.push_front(Task { list: task.list.clone(), page_info: Some(page_info) });
        }
        match task.list {
            List::Locations => {
                self.ask_for_levels(&page.objects);
                Ok(Step::Waiting(page.bytes))
            }
            List::Objects { .. } => Ok(Step::Records(self.records(page.objects, page.number), page.bytes)),
            List::Nested(parent) => {
                let numbered = page.objects.into_iter().zip(1..);
                let records = numbered.map(|(value, number)| Record {
                    origin: Origin::new(page.number, number),
                    value,
                    parent: Some(parent.clone()),
                });
                Ok(Step::Records(records.collect(), page.bytes))
            }
        }
    }

    /// Reads a page; `None` where its `page_info` is not known any more.
    fn read(&mut self, task: &Task) -> Result<Option<Answer>> {
        let response = self.order.send(self.request(task))?;
        if response.status() == 400 && task.page_info.is_some() && self.moved {
            return Ok(None);
        }
        let answer = Answer::of(&Page::read(response)?, self.key(&task.list))?;
        self.order.understood(answer.number);
        Ok(Some(answer))
    }

    fn request(&self, task: &Task) -> Request {
        let endpoint = &self.stream.walk.rest;
        let path = match &task.list {
            List::Locations => "locations.json".to_owned(),
            List::Objects { .. } => endpoint.path.to_owned(),
            List::Nested(parent) => {
                format!("{}/{}/{}.json", endpoint.key, parent.get("id").and_then(id).unwrap_or_default(), endpoint.nested)
            }
        };
        let limit = self.config.page_size.unwrap_or(LARGEST);
        let mut request =
            http::get(self.config.admin(&path)).credential(&self.config.credential).stream(endpoint.key).query("limit", limit);
        if let Some(page_info) = &task.page_info {
            // It is encoded already.
            request = request.clone().with_url(format!("{}&page_info={page_info}", request.url()));
        } else if let List::Objects { from, locations } = &task.list {
            let fixed = endpoint.query.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let window = [("updated_at_min", *from), ("updated_at_max", (!endpoint.per_location).then_some(self.window.until))];
            let window = window.into_iter().filter_map(|(name, time)| time.map(|time| (name, instant::rfc3339(time))));
            let locations = locations.iter().map(|ids| ("location_ids", ids.clone()));
            request = fixed.chain(window).chain(locations).fold(request, |request, (name, value)| request.query(name, value));
        }
        request
    }

    fn key(&self, list: &List) -> &'static str {
        match list {
            List::Locations => "locations",
            List::Objects { .. } => self.stream.walk.rest.key,
            List::Nested(_) => self.stream.walk.rest.nested,
        }
    }

    /// Starts the list of a task again whose page is not known any more.
    fn start_again(&mut self, task: Task) -> Result<()> {
        log::warn(format!("a page of `{}` has expired; its list is started again", self.key(&task.list)));
        let list = match task.list {
            List::Objects { from, locations } if self.stream.walk.rest.ascends => List::Objects { from: self.seen.or(from), locations },
            list => list,
        };
        self.todo.pop_front();
        self.todo.push_front(Task { list, page_info: None });
        self.moved = false;
        self.order.ask_anew();
        Ok(())
    }

    fn ask_for_levels(&mut self, locations: &[Value]) {
        let ids: Vec<_> = locations.iter().filter_map(|location| location.get("id").and_then(id)).map(|id| id.to_string()).collect();
        let lists = ids.chunks(LOCATIONS).map(|ids| List::Objects { from: self.window.from, locations: Some(ids.join(",")) });
        self.todo.extend(lists.map(|list| Task { list, page_info: None }));
    }

    /// The stream's records in these objects.
    fn records(&mut self, objects: Vec<Value>, page: u32) -> Vec<Record> {
        let times = objects.iter().filter_map(|object| object.get("updated_at").and_then(Value::as_str).and_then(instant::parse));
        self.seen = times.map(|micros| micros.div_euclid(1_000_000)).max().or(self.seen);
        let mut records = Vec::with_capacity(objects.len());
        let mut push = |value, parent: Option<&Arc<Value>>| {
            let origin = Origin::new(page, records.len() as u64 + 1);
            records.push(Record { origin, value, parent: parent.cloned() });
        };
        let endpoint = &self.stream.walk.rest;
        for mut object in objects {
            match self.stream.place {
                Place::Nested if !endpoint.nested.is_empty() => {
                    let list = take_list(&mut object, endpoint.nested);
                    let parent = Arc::new(object);
                    if endpoint.rest_of_nested.is_some_and(|most| list.len() >= most) {
                        self.todo.push_back(Task { list: List::Nested(parent.clone()), page_info: None });
                    }
                    list.into_iter().for_each(|value| push(value, Some(&parent)));
                }
                Place::List(key) => {
                    let list = take_list(&mut object, key);
                    let parent = Arc::new(object);
                    list.into_iter().for_each(|value| push(with_refunded(value), Some(&parent)));
                }
                Place::ListOfList { outer, inner } => {
                    for mut element in take_list(&mut object, outer) {
                        let list = take_list(&mut element, inner);
                        let parent = Arc::new(element);
                        list.into_iter().for_each(|value| push(value, Some(&parent)));
                    }
                }
                Place::Root | Place::Nested => push(object, None),
            }
        }
        records
    }
}

/// Takes a list out of an object; a list that is not there is empty.
fn take_list(object: &mut Value, key: &str) -> Vec<Value> {
    match object.get_mut(key).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Adds to a refund what was paid back: the sum of its transactions that did so.
fn with_refunded(mut refund: Value) -> Value {
    let Some(transactions) = refund.get("transactions").and_then(Value::as_array) else { return refund };
    let paid_back = |transaction: &&Value| transaction["kind"] == "refund" && transaction["status"] == "success";
    let amounts = transactions.iter().filter(paid_back).map(|transaction| transaction["amount"].as_str().and_then(money));
    let Some(sum) = amounts.sum::<Option<i128>>() else { return refund };
    let unit = 10_i128.pow(u32::from(MONEY_SCALE.unsigned_abs()));
    refund["refunded"] = json!(format!("{}.{:04}", sum / unit, sum % unit));
    refund
}

/// What is needed of a page.
struct Answer {
    objects: Vec<Value>,
    /// The `page_info` of the next one.
    next: Option<String>,
    number: u32,
    bytes: u64,
}

impl Answer {
    fn of(page: &Page, key: &str) -> Result<Self> {
        let missing = || Failure::bad_data(format!("page {} has no list `{key}`", page.number()));
        let objects = page.parse(&format!("/{key}"))?.ok_or_else(missing)?;
        let next = page.link("next").and_then(|url| page_info(&url));
        Ok(Self { objects, next, number: page.number(), bytes: page.text().len() as u64 })
    }
}

/// The `page_info` of a URL, encoded as it stands there.
fn page_info(url: &str) -> Option<String> {
    let query = url.split_once('?')?.1.split('#').next()?;
    query.split('&').find_map(|pair| pair.strip_prefix("page_info=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_paid_back_is_the_sum_of_the_transactions_that_did_so() {
        let transaction = |kind: &str, status: &str| json!({ "kind": kind, "status": status, "amount": "20.55" });
        let refund = json!({ "transactions": [transaction("refund", "success"), transaction("refund", "failure"), transaction("refund", "success"), transaction("sale", "success")] });
        assert_eq!(with_refunded(refund)["refunded"], "41.1000");
        assert_eq!(with_refunded(json!({ "id": 1 })).get("refunded"), None);
    }
}
