//! The REST Admin API: lists with `Link` headers, and the refusals that readers run into.

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Shop, State, model::Stock};
use crate::wire::{Asked, Reply};

const LARGEST: usize = 250;

/// A list that is asked for: its key, its objects as sort value, id and view, and whether it is sorted by the former.
type Listed = Vec<(i64, u64, Value)>;

impl State {
    /// Answers a request below the version.
    pub fn rest(&mut self, shop: &Shop, asked: &Asked, path: &str) -> Reply {
        let (told, wait) = self.limits.rest();
        if let Some(wait) = wait {
            self.pass_ms(2000);
            let body =
                json!({ "errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service." });
            return Reply::json(429, &body).header("X-Shopify-Shop-Api-Call-Limit", told).header("Retry-After", format!("{wait:.2}"));
        }
        let reply = match path {
            "shop.json" => {
                Reply::json(200, &json!({ "shop": { "name": "Fake", "currency": "BRL", "iana_timezone": "America/Sao_Paulo" } }))
            }
            _ => self.list(shop, asked, path),
        };
        reply.header("X-Shopify-Shop-Api-Call-Limit", told)
    }

    fn list(&mut self, shop: &Shop, asked: &Asked, path: &str) -> Reply {
        let key = path.trim_end_matches(".json").rsplit('/').next().unwrap_or_default().to_owned();
        let parameters: Parameters = match asked.param("page_info") {
            Some(info) => {
                let others =
                    asked.query.iter().map(|(name, _)| name.as_str()).find(|name| !matches!(*name, "limit" | "fields" | "page_info"));
                if let Some(other) = others {
                    let said = "cannot be passed when page_info is present. See https://shopify.dev/api/usage/pagination-rest for more information.";
                    return Reply::json(400, &json!({ "errors": { other: format!("{other} {said}") } }));
                }
                match Place::read(info).filter(|place| self.answered <= place.born + self.behaviour.page_info_lives) {
                    Some(place) => Parameters { place: Some(place.clone()), ..Parameters::new(&place.query) },
                    None => return Reply::json(400, &json!({ "errors": { "page_info": "Invalid value." } })),
                }
            }
            None => Parameters::new(&asked.query),
        };
        let limit = asked.param("limit").map_or(Ok(50), str::parse::<usize>);
        let Some(limit) = limit.ok().filter(|limit| (1..=LARGEST).contains(limit)) else {
            return Reply::json(400, &json!({ "errors": { "limit": "must be at most 250" } }));
        };
        let Some(listed) = parameters.list(&self.stock, path) else { return Reply::json(404, &json!({ "errors": "Not Found" })) };
        self.data_answered();
        let (objects, link) =
            parameters.page(listed, limit, &format!("{}/admin/api/{}/{path}", shop.base(asked), shop.version), self.answered);
        let reply = Reply::json(200, &json!({ key: objects })).gzip_for(asked);
        if link.is_empty() { reply } else { reply.header("Link", link) }
    }
}

/// What a list is narrowed to, and where a page of it stands.
struct Parameters {
    query: Vec<(String, String)>,
    place: Option<Place>,
}

/// What a `page_info` holds.
#[derive(Clone)]
struct Place {
    forward: bool,
    value: i64,
    id: u64,
    /// The number of the answer that named it.
    born: u64,
    query: Vec<(String, String)>,
}

impl Parameters {
    fn new(query: &[(String, String)]) -> Self {
        let query = query.iter().filter(|(name, _)| name != "limit" && name != "page_info").cloned().collect();
        Self { query, place: None }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a time of change is asked for.
    fn takes(&self, updated: i64) -> bool {
        let bound = |name| self.get(name).and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.timestamp());
        bound("updated_at_min").is_none_or(|min| updated >= min) && bound("updated_at_max").is_none_or(|max| updated <= max)
    }

    fn list(&self, stock: &Stock, path: &str) -> Option<Listed> {
        let by_time = self.get("order").is_some_and(|order| order.starts_with("updated_at asc"));
        let mut found: Listed = match path {
            "orders.json" => {
                // Without a status only open orders come.
                let any = self.get("status") == Some("any");
                let orders = stock.orders.values().filter(|order| (any || order.open()) && self.takes(order.updated));
                orders.map(|order| (order.updated, order.id, order.rest())).collect()
            }
            "customers.json" => {
                let customers = stock.customers.values().filter(|customer| self.takes(customer.updated));
                customers.map(|customer| (customer.updated, customer.id, customer.rest())).collect()
            }
            "products.json" => {
                let products = stock.products.values().filter(|product| self.takes(product.updated));
                products.map(|product| (product.updated, product.id, product.rest())).collect()
            }
            "locations.json" => stock.locations.iter().map(|(id, active)| (0, *id, json!({ "id": id, "active": active }))).collect(),
            "inventory_levels.json" => {
                let wanted: Vec<u64> = self.get("location_ids")?.split(',').filter_map(|id| id.parse().ok()).collect();
                let levels = stock.levels.iter().filter(|((_, location), level)| wanted.contains(location) && self.takes(level.updated));
                levels.map(|((item, location), level)| (*location as i64, *item, level.rest(*item, *location))).collect()
            }
            _ => {
                let id = path.strip_prefix("products/")?.strip_suffix("/variants.json")?.parse().ok()?;
                let variants = stock.products.get(&id)?.rest_variants();
                variants.into_iter().map(|view| (0, view["id"].as_u64().unwrap_or_default(), view)).collect()
            }
        };
        if !by_time && path != "inventory_levels.json" {
            found.iter_mut().for_each(|(value, ..)| *value = 0);
        }
        found.sort_unstable_by_key(|(value, id, _)| (*value, *id));
        Some(found)
    }

    /// The objects of the page, and the header that names its neighbours.
    fn page(&self, mut listed: Listed, limit: usize, url: &str, born: u64) -> (Vec<Value>, String) {
        let (start, end) = match &self.place {
            None => (0, listed.len().min(limit)),
            Some(place) => {
                let key = (place.value, place.id);
                if place.forward {
                    let start = listed.partition_point(|(value, id, _)| (*value, *id) <= key);
                    (start, listed.len().min(start + limit))
                } else {
                    let end = listed.partition_point(|(value, id, _)| (*value, *id) < key);
                    (end.saturating_sub(limit), end)
                }
            }
        };
        let mut links = Vec::new();
        let mut link = |at: usize, forward: bool| {
            let (value, id, _) = &listed[at];
            let place = Place { forward, value: *value, id: *id, born, query: self.query.clone() };
            links.push(format!("<{url}?limit={limit}&page_info={}>; rel=\"{}\"", place.write(), if forward { "next" } else { "previous" }));
        };
        if start > 0 && start < end {
            link(start, false);
        }
        if end < listed.len() && start < end {
            link(end - 1, true);
        }
        let objects = listed.drain(start..end).map(|(.., view)| view).collect();
        (objects, links.join(", "))
    }
}

impl Place {
    fn write(&self) -> String {
        let text = json!([self.forward, self.value, self.id, self.born, self.query]).to_string();
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect();
        let (forward, value, id, born, query) = serde_json::from_slice(&bytes?).ok()?;
        Some(Self { forward, value, id, born, query })
    }
}
