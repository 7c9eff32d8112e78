//! A Shopify shop: both Admin APIs, bulk operations and tokens, as Shopify's documentation, clients and the issues of connectors describe them.
//!
//! - `GET /admin/api/{version}/...` is REST, `POST .../graphql.json` is GraphQL, `POST /admin/oauth/access_token` gives tokens for a day.
//! - The shop is open while it is read: with each answer that carries data some things change ([`Behaviour::changes`]), at the shop's own
//!   time. Time passes with each request, so the same reader always sees the same shop.
//! - `updated_at` has whole seconds, and many objects share one.
//! - [`Shop::truth`] is what a table of a stream must hold.

mod bulk;
mod chance;
mod change;
mod graph;
mod limits;
mod model;
mod query;
mod rest;
mod search;
mod truth;
mod view;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};

use self::{
    bulk::Operation,
    chance::Chance,
    graph::{Graph, MOST_COST, Refusal, cost},
    limits::Limits,
    model::Stock,
    query::Selection,
    view::number_of,
};
use crate::wire::{Asked, Reply, Wire};

pub use limits::Rules;
pub use model::Size;
pub use truth::{Api, select};

/// The app's id and secret.
pub const CLIENT: (&str, &str) = ("client-of-the-fake", "secret-of-the-fake");
/// A token that never expires, as apps made in the admin had.
pub const TOKEN: &str = "shpat_fake_0123456789";

/// When the shop opens for readers: 2026-03-01T12:00:00Z, in milliseconds.
const NOW_MS: i64 = 1_772_366_400_000;

/// How the shop behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// What it starts with.
    pub size: Size,
    /// How many things change with each answer that carries data.
    pub changes: u64,
    /// What it allows at a time.
    pub rules: Rules,
    /// How many milliseconds pass with each request.
    pub tick_ms: i64,
    /// How long a token lives, in seconds of the shop.
    pub token_lives: i64,
    /// How many answers later a `page_info` is not known any more.
    pub page_info_lives: u64,
    /// How many objects a GraphQL list can be walked.
    pub deepest: usize,
    /// How many bulk operations run at once: one before version 2026-01.
    pub operations: usize,
    /// How many polls a bulk operation takes.
    pub polls: usize,
    /// How many bulk operations fail before one does not.
    pub failing_operations: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            size: Size { orders: 2000, customers: 600, products: 150 },
            changes: 0,
            rules: Rules::NONE,
            tick_ms: 170,
            token_lives: 86_400,
            page_info_lives: 1000,
            deepest: 25_000,
            operations: 1,
            polls: 2,
            failing_operations: 0,
        }
    }
}

/// What happened at the shop's door.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Refusals of REST for too many requests.
    pub refused: u64,
    /// Refusals of GraphQL for too few points.
    pub throttled: u64,
    /// Requests that came before the wait was over.
    pub impatient: u64,
    /// Queries that cost more than any may.
    pub too_costly: u64,
    /// Tokens that were given out.
    pub tokens: u64,
    /// Requests without a token that counts.
    pub unauthorized: u64,
    /// Bulk operations that were started.
    pub operations: usize,
    /// Requests for a bulk file that brought the token along.
    pub leaked: u64,
    /// Things that changed.
    pub changes: u64,
}

/// A shop that answers over real sockets.
pub struct Shop {
    state: Mutex<State>,
    version: &'static str,
}

/// What the shop is at the moment.
struct State {
    behaviour: Behaviour,
    stock: Stock,
    chance: Chance,
    now_ms: i64,
    /// Answers that carried data.
    answered: u64,
    limits: Limits,
    /// The token that was given out last, and until when it counts.
    token: Option<(String, i64)>,
    operations: Vec<Operation>,
    seen: Seen,
}

impl Shop {
    /// A shop, and the server that answers for it until it goes.
    pub fn open(behaviour: Behaviour) -> (Arc<Self>, Wire) {
        let shop = Self::new(behaviour);
        let (answers, tells) = (shop.clone(), shop.clone());
        let wire = Wire::start(move |asked| answers.answer(asked));
        wire.set_clock(move || tells.now());
        (shop, wire)
    }

    /// A shop without a server.
    pub fn new(behaviour: Behaviour) -> Arc<Self> {
        let mut chance = Chance::new(20_260_301);
        let stock = Stock::seeded(behaviour.size, &mut chance);
        let state = State {
            behaviour,
            stock,
            chance,
            now_ms: NOW_MS,
            answered: 0,
            limits: Limits::new(behaviour.rules),
            token: None,
            operations: Vec::new(),
            seen: Seen::default(),
        };
        Arc::new(Self { state: Mutex::new(state), version: "2026-01" })
    }

    /// The shop's time.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.state().now_ms.unsigned_abs())
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.state().pass_ms(seconds * 1000);
    }

    /// Lets so many things happen, a minute apart.
    pub fn change(&self, count: u64) {
        for _ in 0..count {
            let mut state = self.state();
            state.pass_ms(60_000);
            state.change();
        }
    }

    /// From now on so many things change with each answer that carries data.
    pub fn set_changes(&self, changes: u64) {
        self.state().behaviour.changes = changes;
    }

    /// Starts a bulk operation that is somebody else's.
    pub fn occupy(&self) {
        self.state().occupy("{ customers { edges { node { id } } } }");
    }

    /// Takes an order away, as a person in the admin can.
    pub fn delete_order(&self) -> u64 {
        let mut state = self.state();
        let (id, _) = state.stock.orders.pop_first().expect("the shop has orders");
        id
    }

    /// What happened at the door so far.
    pub fn seen(&self) -> Seen {
        let state = self.state();
        let limits = &state.limits;
        Seen { refused: limits.refused, throttled: limits.throttled, impatient: limits.impatient, ..state.seen }
    }

    /// What a table of this stream must hold that was read through `api`: CSV as `tidegate query --format csv` writes the rows of [`select`].
    pub fn truth(&self, stream: &str, api: Api) -> String {
        truth::rows(&self.state().stock, stream, api)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address that a client used.
    fn base(&self, asked: &Asked) -> String {
        format!("http://{}", asked.header("host").unwrap_or_default())
    }

    /// What the shop answers.
    pub fn answer(&self, asked: &Asked) -> Reply {
        let mut state = self.state();
        let tick = state.behaviour.tick_ms;
        state.pass_ms(tick);
        if asked.path == "/admin/oauth/access_token" {
            return state.give_token(asked);
        }
        if let Some(file) = asked.path.strip_prefix("/bulk-files/") {
            return state.file(asked, file);
        }
        if !state.authorized(asked) {
            state.seen.unauthorized += 1;
            let said = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Reply::json(401, &json!({ "errors": said }));
        }
        let Some(path) = asked.path.strip_prefix("/admin/api/").and_then(|path| path.strip_prefix(self.version)?.strip_prefix('/')) else {
            return Reply::json(404, &json!({ "errors": "Not Found" }));
        };
        match (asked.method.as_str(), path) {
            ("POST", "graphql.json") => state.graphql(asked, &self.base(asked)),
            ("GET", _) => state.rest(self, asked, path),
            _ => Reply::json(406, &json!({ "errors": "Not Acceptable" })),
        }
    }
}

impl State {
    fn pass_ms(&mut self, milliseconds: i64) {
        self.now_ms += milliseconds;
    }

    fn change(&mut self) {
        self.seen.changes += 1;
        self.stock.change(self.now_ms / 1000, &mut self.chance);
    }

    /// Data is about to be answered; the shop goes on meanwhile.
    fn data_answered(&mut self) {
        self.answered += 1;
        for _ in 0..self.behaviour.changes {
            self.change();
        }
    }

    fn give_token(&mut self, asked: &Asked) -> Reply {
        let form = asked.form();
        let get = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let basic = asked.basic();
        let basic = basic.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
        let client = get("client_id").zip(get("client_secret")).or(basic);
        if get("grant_type") != Some("client_credentials") || client != Some(CLIENT) {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": "the app is not known" }));
        }
        self.seen.tokens += 1;
        let token = format!("shpat_day_{}", self.seen.tokens);
        self.token = Some((token.clone(), self.now_ms + self.behaviour.token_lives * 1000));
        Reply::json(200, &json!({ "access_token": token, "scope": "read_orders,read_products", "expires_in": 86_399 }))
    }

    fn authorized(&self, asked: &Asked) -> bool {
        let given = asked.header("x-shopify-access-token");
        given == Some(TOKEN) || self.token.as_ref().is_some_and(|(token, until)| given == Some(token) && self.now_ms < *until)
    }

    /// The file of a bulk operation: whoever has the signed address gets it.
    fn file(&mut self, asked: &Asked, file: &str) -> Reply {
        if asked.header("x-shopify-access-token").is_some() {
            self.seen.leaked += 1;
        }
        let id = file.strip_suffix(".jsonl").and_then(|id| id.parse::<u64>().ok());
        let view = id.and_then(|id| self.operation_lines(id));
        match view.filter(|_| asked.param("signature") == Some("s1gn+ed")) {
            Some(lines) => Reply::new(200).header("Content-Type", "application/jsonl").body(lines).gzip_for(asked),
            None => Reply::text(403, "AccessDenied"),
        }
    }

    fn graphql(&mut self, asked: &Asked, base: &str) -> Reply {
        let Ok(body) = asked.json() else {
            return Reply::json(400, &json!({ "errors": { "query": "Required parameter missing or invalid" } }));
        };
        let operation = match query::parse(body["query"].as_str().unwrap_or_default(), &body["variables"]) {
            Ok(operation) => operation,
            Err(message) => return Reply::json(200, &json!({ "errors": [{ "message": message }] })),
        };
        let requested = if operation.mutation { 10 } else { cost(&operation.fields).max(1) };
        if requested > MOST_COST {
            self.seen.too_costly += 1;
            let message = format!("Query cost is {requested}, which exceeds the single query max cost limit ({MOST_COST}).");
            let extensions = json!({ "code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MOST_COST });
            return Reply::json(200, &json!({ "errors": [{ "message": message, "extensions": extensions }] }));
        }
        if self.limits.query(requested).is_err() {
            let documentation = "https://shopify.dev/api/usage/rate-limits";
            let error = json!({ "message": "Throttled", "extensions": { "code": "THROTTLED", "documentation": documentation } });
            let body = json!({ "errors": [error], "extensions": { "cost": self.limits.told(requested, None) } });
            return Reply::json(200, &body);
        }
        let mut spent = 0;
        let mut data = Map::new();
        for selection in &operation.fields {
            let Selection::Field(field) = selection else { continue };
            match self.root(field, operation.mutation, base, &mut spent) {
                Ok(value) => data.insert(field.key.clone(), value),
                Err(refusal) => {
                    let extensions = refusal.code.map(|code| json!({ "code": code }));
                    return Reply::json(200, &json!({ "errors": [{ "message": refusal.message, "extensions": extensions }] }));
                }
            };
        }
        self.limits.give_back(requested.saturating_sub(spent));
        let told = self.limits.told(requested, Some(spent));
        Reply::json(200, &json!({ "data": data, "extensions": { "cost": told } })).gzip_for(asked)
    }

    fn root(&mut self, field: &query::Field, mutation: bool, base: &str, spent: &mut u64) -> Result<Value, Refusal> {
        let view = match field.name.as_str() {
            "bulkOperationRunQuery" if mutation => {
                let payload = self.start_operation(field);
                self.seen.operations += usize::from(!payload["bulkOperation"].is_null());
                Some(payload)
            }
            "node" => {
                let id = field.arguments.get("id").and_then(Value::as_str).and_then(|id| number_of(id, "BulkOperation"));
                id.and_then(|id| self.operation(id, base))
            }
            _ => None,
        };
        if view.is_some() || field.name != "shop" {
            self.data_answered();
        }
        let mut graph = Graph { stock: &self.stock, deepest: self.behaviour.deepest, spent: 0 };
        let found = match view {
            Some(view) => graph.select(&view, &field.fields),
            None => graph.root(field),
        };
        *spent += graph.spent;
        found
    }

    fn operation_lines(&self, id: u64) -> Option<String> {
        let operation = self.operations.iter().find(|operation| operation.number() == id)?;
        Some(operation.lines.iter().map(|line| format!("{line}\n")).collect())
    }
}
