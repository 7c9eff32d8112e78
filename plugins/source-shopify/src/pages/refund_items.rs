//! The lines of refunds in GraphQL: refunds are a list of their order, and a list's connections fit neither a bulk operation nor a cheap query.
//! So the orders are walked for the ids of their refunds, then the refunds are asked for by their ids, then what was cut is continued.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};
use tidegate_sdk::{Failure, Origin, Result, rest::Window};

use super::{InOrder, Pages, Step, graphql::List};
use crate::{
    config::Config,
    graphql::{Answer, Data, Question, ask},
    rows::Record,
    streams::{ShopStream, refund_line_items::FIELDS, refunds},
};

/// How many refunds are asked for at once, and how many lines come with each: most refunds have one or two.
const AT_ONCE: usize = 20;
const LINES: u32 = 5;
/// How many lines a page has that continues a refund.
const CONTINUED: u32 = 100;

/// The lines of refunds.
pub struct RefundItems {
    config: Config,
    stream: &'static ShopStream,
    refunds: Pages,
    refunds_ended: bool,
    at_once: usize,
    ids: VecDeque<Value>,
    cut: VecDeque<(Arc<Value>, Value)>,
    order: InOrder,
}

impl RefundItems {
    /// The lines of the refunds of orders in a window.
    pub fn new(config: Config, stream: &'static ShopStream, window: Window, bulk: bool) -> Self {
        let refunds = Pages::open(&config, &refunds::STREAM, window, bulk);
        Self {
            config,
            stream,
            refunds,
            refunds_ended: false,
            at_once: AT_ONCE,
            ids: VecDeque::new(),
            cut: VecDeque::new(),
            order: InOrder::default(),
        }
    }

    /// The next step.
    pub fn next(&mut self) -> Result<Step> {
        if !self.refunds_ended {
            return self.walk();
        }
        if !self.ids.is_empty() {
            return self.refunds();
        }
        if self.cut.is_empty() { Ok(Step::End) } else { self.rest() }
    }

    fn walk(&mut self) -> Result<Step> {
        match self.refunds.next()? {
            Step::Records(records, bytes) => {
                self.ids.extend(records.into_iter().filter_map(|mut record| record.value.get_mut("id").map(Value::take)));
                Ok(Step::Waiting(bytes))
            }
            Step::End => {
                self.refunds_ended = true;
                Ok(Step::Waiting(0))
            }
            waiting @ Step::Waiting(_) => Ok(waiting),
        }
    }

    fn refunds(&mut self) -> Result<Step> {
        let query = format!(
            "query($ids: [ID!]!, $first: Int!) {{ nodes(ids: $ids) {{ ... on Refund {{ id order {{ id }} \
             refundLineItems(first: $first) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
        );
        let (asked, Data { mut value, page, bytes }) = loop {
            let ids: Vec<_> = self.ids.iter().take(self.at_once).collect();
            let asked = ids.len();
            let variables = json!({ "ids": ids, "first": LINES });
            match self.ask(&query, variables)? {
                Answer::Data(data) => break (asked, data),
                Answer::TooCostly if self.at_once > 1 => self.at_once /= 2,
                Answer::TooCostly => return Err(Failure::config("one refund costs more than the shop accepts at once")),
            }
        };
        let Some(Value::Array(refunds)) = value.get_mut("nodes").map(Value::take) else { return Err(self.strange(page)) };
        let mut records = Vec::new();
        let mut cut = Vec::new();
        for mut refund in refunds.into_iter().filter(|refund| !refund.is_null()) {
            let list = List::take(&mut refund, "refundLineItems").ok_or_else(|| self.strange(page))?;
            let parent = Arc::new(refund);
            for value in list.nodes {
                let origin = Origin::new(page, records.len() as u64 + 1);
                records.push(Record { origin, value, parent: Some(parent.clone()) });
            }
            cut.extend(list.next.map(|after| (parent, after)));
        }
        self.ids.drain(..asked);
        self.cut.extend(cut);
        Ok(Step::Records(records, bytes))
    }

    fn rest(&mut self) -> Result<Step> {
        let query = format!(
            "query($id: ID!, $first: Int!, $after: String) {{ node(id: $id) {{ ... on Refund {{ id \
             refundLineItems(first: $first, after: $after) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
        );
        let Some((parent, after)) = self.cut.front() else { return Ok(Step::End) };
        let (parent, variables) = (parent.clone(), json!({ "id": parent["id"], "first": CONTINUED, "after": after }));
        let Answer::Data(Data { mut value, page, bytes }) = self.ask(&query, variables)? else {
            return Err(Failure::config(format!("{CONTINUED} lines of a refund cost more than the shop accepts at once")));
        };
        self.cut.pop_front();
        let Some(refund) = value.get_mut("node").filter(|refund| !refund.is_null()) else { return Ok(Step::Records(Vec::new(), bytes)) };
        let list = List::take(refund, "refundLineItems").ok_or_else(|| self.strange(page))?;
        if let Some(after) = list.next {
            self.cut.push_front((parent.clone(), after));
        }
        let numbered = list.nodes.into_iter().zip(1..);
        let records = numbered.map(|(value, number)| Record { origin: Origin::new(page, number), value, parent: Some(parent.clone()) });
        Ok(Step::Records(records.collect(), bytes))
    }

    fn ask(&mut self, query: &str, variables: Value) -> Result<Answer> {
        ask(&self.config, &mut self.order, &Question { stream: self.stream.name, query, variables })
    }

    fn strange(&self, page: u32) -> Failure {
        Failure::bad_data(format!("an answer for `{}` (page {page}) does not have the lists that were asked for", self.stream.name))
    }
}
