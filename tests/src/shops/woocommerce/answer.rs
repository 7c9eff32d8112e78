//! What the shop answers: routes, keys, statuses, headers.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    KEY, SECRET, State,
    query::{Kind, Query},
    shelf::{Listed, Shelf},
};
use crate::wire::{Asked, Reply};

const ROOT: &str = "/wp-json/wc/v3/";

/// The first page of each list names this relation, and none else where there is one page: whoever looks for any `Link` runs for ever.
const API_LINK: &str = "rel=\"https://api.w.org/\"";

impl State {
    /// Answers one request.
    pub fn answer(&mut self, asked: &Asked, base: &str) -> Reply {
        if let Some(refused) = self.storm() {
            return refused;
        }
        let Some(path) = asked.path.strip_prefix(ROOT) else { return wrong(404, "rest_no_route", NO_ROUTE) };
        if !matches!(asked.method.as_str(), "GET" | "HEAD") {
            return wrong(404, "rest_no_route", NO_ROUTE);
        }
        // A wrong key, no key, and plain HTTP look alike.
        let known = asked.basic().is_some_and(|(key, secret)| key == KEY && secret == SECRET);
        if !known || !self.sees_https {
            return wrong(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.");
        }
        let place: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        self.route(&place, asked, base).gzip_for(asked)
    }

    fn route(&mut self, place: &[&str], asked: &Asked, base: &str) -> Reply {
        let (kind, id, code, shelf) = match *place {
            ["orders"] => (Kind::Orders, None, "", Some(&mut self.orders)),
            ["orders", id] => (Kind::Orders, Some(id), "woocommerce_rest_shop_order_invalid_id", Some(&mut self.orders)),
            ["orders", order, "refunds"] => (Kind::Refunds, None, "", below(&mut self.refunds, order)),
            ["orders", order, "refunds", id] => {
                (Kind::Refunds, Some(id), "woocommerce_rest_invalid_order_refund_id", below(&mut self.refunds, order))
            }
            ["products"] => (Kind::Products, None, "", Some(&mut self.products)),
            ["products", id] => (Kind::Products, Some(id), "woocommerce_rest_product_invalid_id", Some(&mut self.products)),
            ["products", product, "variations"] => (Kind::Variations, None, "", below(&mut self.variations, product)),
            ["products", product, "variations", id] => {
                (Kind::Variations, Some(id), "woocommerce_rest_product_variation_invalid_id", below(&mut self.variations, product))
            }
            ["customers"] => (Kind::Customers, None, "", Some(&mut self.customers)),
            ["customers", id] => (Kind::Customers, Some(id), "woocommerce_rest_invalid_id", Some(&mut self.customers)),
            ["coupons"] => (Kind::Coupons, None, "", Some(&mut self.coupons)),
            ["coupons", id] => (Kind::Coupons, Some(id), "woocommerce_rest_shop_coupon_invalid_id", Some(&mut self.coupons)),
            _ => return wrong(404, "rest_no_route", NO_ROUTE),
        };
        // A parent that is gone has no children; asking for them is no error.
        let mut none = Shelf::default();
        let shelf = shelf.unwrap_or(&mut none);
        match id {
            Some(id) => one(shelf, id, code),
            None => match Query::read(kind, &asked.query) {
                Ok(query) => list(shelf.list(&query), &query, asked, base),
                Err(refused) => Reply::json(400, &refused),
            },
        }
    }

    /// What a firewall before the shop says now and then: a page for people, in HTML.
    fn storm(&mut self) -> Option<Reply> {
        let storm = self.storms.iter().find(|storm| storm.requests.contains(&self.asked))?;
        let words = "<html><body><h1>Too many requests</h1></body></html>";
        let reply = Reply::new(storm.status).header("Content-Type", "text/html").body(words);
        Some(match &storm.retry_after {
            Some(wait) => reply.header("Retry-After", wait),
            None => reply,
        })
    }
}

const NO_ROUTE: &str = "No route was found matching the URL and request method.";

fn below<'s>(shelves: &'s mut std::collections::BTreeMap<u64, Shelf>, parent: &str) -> Option<&'s mut Shelf> {
    shelves.get_mut(&parent.parse().ok()?)
}

fn one(shelf: &mut Shelf, id: &str, code: &str) -> Reply {
    let found = id.parse().ok().and_then(|id: u64| shelf.records.get_mut(&id));
    match found {
        Some(record) => {
            record.served = true;
            Reply::json(200, &record.shown(&[]))
        }
        None => wrong(404, code, "Invalid ID."),
    }
}

fn list(listed: Listed, query: &Query, asked: &Asked, base: &str) -> Reply {
    let mut reply = Reply::json(200, &listed.records)
        .header("X-WP-Total", listed.total)
        .header("X-WP-TotalPages", listed.pages)
        .header("Link", format!("<{base}/wp-json/>; {API_LINK}"));
    let page = |page: usize| {
        let others = asked.query.iter().filter(|(name, _)| name != "page");
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair("page", &page.to_string()).finish();
        format!("<{base}{}?{query}>", asked.path)
    };
    if query.page > 1 {
        reply = reply.header("Link", format!("{}; rel=\"prev\"", page((query.page - 1).min(listed.pages))));
    }
    if listed.pages > query.page {
        reply = reply.header("Link", format!("{}; rel=\"next\"", page(query.page + 1)));
    }
    reply
}

fn wrong(status: u16, code: &str, message: &str) -> Reply {
    let body: Value = json!({ "code": code, "message": message, "data": { "status": status } });
    Reply::json(status, &body)
}
