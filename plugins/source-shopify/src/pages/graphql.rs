//! Pages of the GraphQL API: the objects by the time of their last change, then the rest of their nested lists.
//!
//! - The cursor of a page is a place in the order by time, not a count: an object that changes while it is read moves behind the window's
//!   end and shifts nothing.
//! - The rest of a nested list comes after all pages of the objects, since it has later page numbers.
//! - No list goes on beyond 25,000 objects: before that the walk starts again from the last time that it saw.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};
use tidegate_sdk::{Failure, Origin, Result, instant, rest::Window};

use super::{InOrder, Step};
use crate::{
    config::Config,
    graphql::{Answer, Data, Question, ask},
    rows::Record,
    streams::{Place, ShopStream},
    walk::Nested,
    window::filter,
};

/// How many objects Shopify lets a list be walked.
const DEEPEST: u64 = 25_000;

/// Pages of the GraphQL API.
pub struct GraphqlPages {
    config: Config,
    stream: &'static ShopStream,
    window: Window,
    query: String,
    /// How many objects a page has.
    first: u32,
    /// Where the present list starts, and how far it was walked.
    from: Option<i64>,
    after: Option<String>,
    walked: u64,
    /// The time of the last object.
    seen: Option<i64>,
    ended: bool,
    cut: VecDeque<Cut>,
    order: InOrder,
}

/// A nested list that goes on.
struct Cut {
    parent: Arc<Value>,
    after: Value,
}

impl GraphqlPages {
    /// The pages of a stream's objects in a window.
    pub fn new(config: Config, stream: &'static ShopStream, window: Window) -> Self {
        let first = config.page_size.unwrap_or(stream.walk.page);
        Self {
            config,
            stream,
            window,
            query: stream.walk.page_query(),
            first,
            from: window.from,
            after: None,
            walked: 0,
            seen: None,
            ended: false,
            cut: VecDeque::new(),
            order: InOrder::default(),
        }
    }

    /// The next page.
    pub fn next(&mut self) -> Result<Step> {
        if !self.ended {
            return self.objects();
        }
        match (&self.stream.walk.nested, self.cut.front()) {
            (Some(list), Some(_)) => self.rest_of(list),
            _ => Ok(Step::End),
        }
    }

    fn objects(&mut self) -> Result<Step> {
        let data = loop {
            let variables = json!({ "first": self.first, "after": self.after, "query": filter(&self.window, self.from) });
            match ask(&self.config, &mut self.order, &Question { stream: self.stream.walk.root, query: &self.query, variables })? {
                Answer::Data(data) => break data,
                Answer::TooCostly if self.first > 1 => self.first /= 2,
                Answer::TooCostly => {
                    let message = format!("one object of `{}` costs more than the shop accepts at once", self.stream.name);
                    return Err(Failure::config(message));
                }
            }
        };
        let Data { mut value, page, bytes } = data;
        let list = List::take(&mut value, self.stream.walk.root).ok_or_else(|| self.strange(page))?;
        self.walked += list.nodes.len() as u64;
        let times = list.nodes.iter().filter_map(|node| node.get("updatedAt").and_then(Value::as_str).and_then(instant::parse));
        self.seen = times.map(|micros| micros.div_euclid(1_000_000)).max().or(self.seen);
        let after = list.next.clone();
        let records = self.records(list.nodes, page)?;
        self.turn(after)?;
        Ok(Step::Records(records, bytes))
    }

    /// Goes to the next page of objects.
    fn turn(&mut self, after: Option<Value>) -> Result<()> {
        self.after = after.and_then(|after| after.as_str().map(str::to_owned));
        self.ended = self.after.is_none();
        if self.ended || self.walked + u64::from(self.first) <= DEEPEST {
            return Ok(());
        }
        if self.seen.is_none() || self.seen <= self.from {
            let message = format!(
                "more than {DEEPEST} objects of `{}` changed in one second: read them with `first_load = \"bulk\"`",
                self.stream.name
            );
            return Err(Failure::config(message));
        }
        (self.from, self.after, self.walked) = (self.seen, None, 0);
        Ok(())
    }

    /// The stream's records in these objects.
    fn records(&mut self, nodes: Vec<Value>, page: u32) -> Result<Vec<Record>> {
        let mut records = Vec::with_capacity(nodes.len());
        let mut push = |value, parent: Option<&Arc<Value>>| {
            let origin = Origin::new(page, records.len() as u64 + 1);
            records.push(Record { origin, value, parent: parent.cloned() });
        };
        for mut node in nodes {
            match (self.stream.place, &self.stream.walk.nested) {
                (Place::Nested, Some(list)) => {
                    let parent = Arc::new(json!({ "id": node.get("id") }));
                    let inside = List::take(&mut node, list.name).ok_or_else(|| self.strange(page))?;
                    inside.nodes.into_iter().for_each(|value| push(value, Some(&parent)));
                    self.cut.extend(inside.next.map(|after| Cut { parent, after }));
                }
                (Place::List(key), _) => {
                    let Some(Value::Array(list)) = node.get_mut(key).map(Value::take) else { return Err(self.strange(page)) };
                    let parent = Arc::new(node);
                    list.into_iter().for_each(|value| push(value, Some(&parent)));
                }
                _ => push(node, None),
            }
        }
        Ok(records)
    }

    /// The next page of the first nested list that was cut.
    fn rest_of(&mut self, list: &Nested) -> Result<Step> {
        let Some(Cut { parent, after }) = self.cut.front() else { return Ok(Step::End) };
        let parent = parent.clone();
        let mut variables = json!({ "id": parent["id"], "first": list.continued, "after": after });
        if self.stream.walk.filters_nested {
            variables["query"] = json!(filter(&self.window, self.window.from));
        }
        let Answer::Data(Data { mut value, page, bytes }) = self.ask(&self.stream.walk.continued_query(list), variables)? else {
            return Err(Failure::config(format!(
                "{} objects of `{}` cost more than the shop accepts at once",
                list.continued, self.stream.name
            )));
        };
        self.cut.pop_front();
        // An object that went away since its page was read took its list along.
        let Some(node) = value.get_mut("node").filter(|node| !node.is_null()) else { return Ok(Step::Records(Vec::new(), bytes)) };
        let inside = List::take(node, list.name).ok_or_else(|| self.strange(page))?;
        if let Some(after) = inside.next {
            self.cut.push_front(Cut { parent: parent.clone(), after });
        }
        let numbered = inside.nodes.into_iter().zip(1..);
        let records = numbered.map(|(value, number)| Record { origin: Origin::new(page, number), value, parent: Some(parent.clone()) });
        Ok(Step::Records(records.collect(), bytes))
    }

    fn ask(&mut self, query: &str, variables: Value) -> Result<Answer> {
        ask(&self.config, &mut self.order, &Question { stream: self.stream.walk.root, query, variables })
    }

    fn strange(&self, page: u32) -> Failure {
        Failure::bad_data(format!("an answer for `{}` (page {page}) does not have the lists that were asked for", self.stream.name))
    }
}

/// A page of a connection.
pub(super) struct List {
    /// The objects.
    pub nodes: Vec<Value>,
    /// The cursor of the next page, where there is one.
    pub next: Option<Value>,
}

impl List {
    /// Takes the connection `name` out of an object; `None` where it is not there or has another shape.
    pub fn take(object: &mut Value, name: &str) -> Option<Self> {
        let mut connection = object.get_mut(name)?.take();
        let Value::Array(nodes) = connection.get_mut("nodes")?.take() else { return None };
        let page = connection.get_mut("pageInfo")?;
        let next = page.get("hasNextPage")?.as_bool()?.then(|| page["endCursor"].take());
        if next.as_ref().is_some_and(|cursor| !cursor.is_string()) { None } else { Some(Self { nodes, next }) }
    }
}
