//! What the API answers: lists, objects, events, and the errors in Stripe's words.

use serde_json::{Value, json};

use super::account::{API_VERSION, Account, Held, NESTED};
use crate::wire::{Asked, Reply};

/// The key that the account takes.
pub const KEY: &str = "sk_test_51FakeKeyOfNobody";

/// The lists, by path: the kind of their objects, the parameters that they take beside those of every list.
const LISTS: [(&str, &str, &[&str]); 11] = [
    ("charges", "charge", &["created", "customer", "payment_intent", "transfer_group"]),
    ("payment_intents", "payment_intent", &["created", "customer"]),
    ("customers", "customer", &["created", "email", "test_clock"]),
    ("invoices", "invoice", &["created", "customer", "status", "subscription", "collection_method", "due_date"]),
    ("refunds", "refund", &["created", "charge", "payment_intent"]),
    ("disputes", "dispute", &["created", "charge", "payment_intent"]),
    ("balance_transactions", "balance_transaction", &["created", "currency", "payout", "source", "type"]),
    ("payouts", "payout", &["created", "arrival_date", "destination", "status"]),
    ("subscriptions", "subscription", &["created", "customer", "price", "status", "collection_method"]),
    ("prices", "price", &["created", "active", "currency", "product", "type", "lookup_keys"]),
    ("products", "product", &["created", "active", "ids", "shippable", "url"]),
];

/// What may be listed.
struct Row<'a> {
    id: &'a str,
    created: i64,
    /// Whether the list's own filters let it through. What they hold back can still be an anchor.
    listed: bool,
    value: &'a Value,
}

/// An error in Stripe's form.
struct Refused(u16, Value);

type Answer = Result<Value, Refused>;

/// Answers a request. `short`: whether a list gives fewer than it was asked for though it has more.
pub fn answer(account: &Account, asked: &Asked, short: bool) -> Reply {
    let answer = entry(asked).and_then(|()| route(account, asked, short));
    let reply = match answer {
        Ok(value) => Reply::json(200, &value),
        Err(Refused(status, error)) => Reply::json(status, &json!({ "error": error })),
    };
    reply.header("Request-Id", format!("req_{:08}", asked.number)).header("Stripe-Version", API_VERSION)
}

/// The answer of a limiter, rate or concurrency.
pub fn limited() -> Reply {
    let error = json!({ "error": {
        "code": "rate_limit", "doc_url": "https://stripe.com/docs/error-codes/rate-limit", "message": "Request rate limit exceeded.",
        "type": "invalid_request_error",
    }});
    Reply::json(429, &error).header("Stripe-Should-Retry", "true")
}

/// Key and version.
fn entry(asked: &Asked) -> Result<(), Refused> {
    let bearer = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    match bearer.or_else(|| asked.basic().map(|(key, _)| key)) {
        None => {
            let message = "You did not provide an API key.";
            return Err(Refused(401, json!({ "message": message, "type": "invalid_request_error" })));
        }
        Some(key) if key != KEY => {
            let message = "Invalid API Key provided: sk_test_****";
            return Err(Refused(401, json!({ "message": message, "type": "invalid_request_error" })));
        }
        Some(_) => {}
    }
    match asked.header("stripe-version") {
        Some(API_VERSION) => Ok(()),
        // Stripe would speak the account's own version then; here nobody may rely on that.
        None => Err(bad("This request does not pin a Stripe-Version.", None)),
        Some(other) => Err(bad(&format!("Invalid Stripe API version: {other}"), None)),
    }
}

fn route(account: &Account, asked: &Asked, short: bool) -> Answer {
    let unknown = || {
        let message = format!("Unrecognized request URL ({}: {}).", asked.method, asked.path);
        Refused(404, json!({ "message": message, "type": "invalid_request_error" }))
    };
    if asked.method != "GET" {
        return Err(unknown());
    }
    let parts: Vec<_> = asked.path.trim_start_matches("/v1/").split('/').collect();
    match parts[..] {
        ["events"] => events(account, asked, short),
        ["events", id] => account
            .feed()
            .into_iter()
            .find(|event| event.body["id"] == id)
            .map(|event| event.body.clone())
            .ok_or_else(|| missing("event", id, "id", 404)),
        ["invoices", id, "lines"] => lines(account, asked, id, short),
        ["charges", id, "refunds"] => refunds(account, asked, id, short),
        [path] => {
            let (_, kind, takes) = LISTS.into_iter().find(|(list, ..)| *list == path).ok_or_else(unknown)?;
            known(asked, takes)?;
            let rows = account.all(kind).iter().rev().filter(|held| !held.latest().deleted).map(|held| row(held, kind, asked));
            page(account, asked, rows.collect(), kind, short)
        }
        [path, id] => {
            let (_, kind, _) = LISTS.into_iter().find(|(list, ..)| *list == path).ok_or_else(unknown)?;
            let held = account.find(kind, id).ok_or_else(|| missing(kind, id, "id", 404))?;
            match (held.latest().deleted, kind) {
                (false, _) => Ok(account.shown(&held.latest().value)),
                (true, "customer") => Ok(json!({ "id": id, "object": "customer", "deleted": true })),
                (true, _) => Err(missing(kind, id, "id", 404)),
            }
        }
        _ => Err(unknown()),
    }
}

fn row<'a>(held: &'a Held, kind: &str, asked: &Asked) -> Row<'a> {
    Row { id: &held.id, created: held.created, listed: listed(held, kind, asked), value: &held.latest().value }
}

/// Whether the list's own filters let an object through.
fn listed(held: &Held, kind: &str, asked: &Asked) -> bool {
    let value = &held.latest().value;
    let fits = |(name, wanted): &(String, String)| match (kind, name.as_str()) {
        (_, name) if name.starts_with("created") => true,
        (_, "limit" | "starting_after" | "ending_before" | "expand[]") => true,
        ("subscription", "status") if wanted == "all" => true,
        (_, name) => match &value[name] {
            Value::String(found) => found == wanted,
            found => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *found),
        },
    };
    let default = match kind {
        // The list leaves out what is canceled, and prices that are not active, unless it is asked for them.
        "subscription" => asked.param("status").is_some() || value["status"] != "canceled",
        "price" => asked.param("active").is_some() || value["active"] == true,
        _ => true,
    };
    default && asked.query.iter().all(fits)
}

fn events(account: &Account, asked: &Asked, short: bool) -> Answer {
    known(asked, &["created", "delivery_success", "type", "types[]"])?;
    let types: Vec<_> = asked.query.iter().filter(|(name, _)| name == "types[]").map(|(_, kind)| kind.as_str()).collect();
    if types.len() > 20 {
        return Err(bad("Array types exceeded maximum 20 allowed elements.", Some("types")));
    }
    let fits = |kind: &str| match asked.param("type") {
        None => types.is_empty() || types.contains(&kind),
        Some(wanted) => wanted.strip_suffix('*').map_or(kind == wanted, |prefix| kind.starts_with(prefix)),
    };
    let rows = account.feed().into_iter().map(|event| Row {
        id: event.body["id"].as_str().unwrap_or_default(),
        created: event.created,
        listed: fits(&event.kind),
        value: &event.body,
    });
    page(account, asked, rows.collect(), "event", short)
}

fn lines(account: &Account, asked: &Asked, invoice: &str, short: bool) -> Answer {
    known(asked, &[])?;
    let held = account.find("invoice", invoice).filter(|held| !held.latest().deleted);
    let value = &held.ok_or_else(|| missing("invoice", invoice, "invoice", 404))?.latest().value;
    nested(account, asked, value["lines"]["data"].as_array().map_or(&[], Vec::as_slice), "line_item", short)
}

fn refunds(account: &Account, asked: &Asked, charge: &str, short: bool) -> Answer {
    known(asked, &[])?;
    account.find("charge", charge).ok_or_else(|| missing("charge", charge, "charge", 404))?;
    nested(account, asked, &account.refunds(charge), "refund", short)
}

fn nested(account: &Account, asked: &Asked, items: &[Value], kind: &str, short: bool) -> Answer {
    let rows = items.iter().map(|item| Row { id: item["id"].as_str().unwrap_or_default(), created: 0, listed: true, value: item });
    page(account, asked, rows.collect(), kind, short)
}

/// A page of a list: `rows` are all that it has, newest first.
fn page(account: &Account, asked: &Asked, rows: Vec<Row>, kind: &str, short: bool) -> Answer {
    let limit = match asked.param("limit").map_or(Ok(NESTED), str::parse::<usize>) {
        Ok(limit @ 1..=100) => limit,
        Ok(0) => return Err(bad("This value must be greater than or equal to 1.", Some("limit"))),
        Ok(_) => return Err(bad("This value must be less than or equal to 100.", Some("limit"))),
        Err(_) => return Err(bad("Invalid integer.", Some("limit"))),
    };
    let at = |id: &str, param: &str| rows.iter().position(|row| row.id == id).ok_or_else(|| missing(kind, id, param, 400));
    let fits = |row: &&Row| row.listed && within(asked, row.created);
    let (data, has_more): (Vec<_>, _) = match (asked.param("starting_after"), asked.param("ending_before")) {
        (Some(_), Some(_)) => return Err(bad("You can only specify one of these parameters: starting_after, ending_before.", None)),
        (None, Some(before)) => {
            let mut nearest = rows[..at(before, "ending_before")?].iter().rev().filter(fits);
            let mut data: Vec<_> = nearest.by_ref().take(limit).collect();
            data.reverse();
            (data, nearest.next().is_some())
        }
        (after, None) => {
            let from = after.map_or(Ok(0), |after| Ok(at(after, "starting_after")? + 1))?;
            // A page may come with less than was asked for and say that there is more; never with nothing.
            let most = if short && limit > 3 { limit - 3 } else { limit };
            let mut rest = rows[from..].iter().filter(fits);
            (rest.by_ref().take(most).collect(), rest.next().is_some())
        }
    };
    let data: Vec<_> = data.into_iter().map(|row| account.shown(row.value)).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": has_more, "url": asked.path }))
}

/// Whether `created` lies in the range that is asked for.
fn within(asked: &Asked, created: i64) -> bool {
    asked.query.iter().all(|(name, bound)| {
        let bound = bound.parse().unwrap_or(i64::MIN);
        match name.as_str() {
            "created[gte]" => created >= bound,
            "created[gt]" => created > bound,
            "created[lte]" => created <= bound,
            "created[lt]" => created < bound,
            "created" => created == bound,
            _ => true,
        }
    })
}

/// Parameters that a list does not take are refused, not ignored: there is no filter on when an object was changed.
fn known(asked: &Asked, takes: &[&str]) -> Result<(), Refused> {
    let everywhere = ["limit", "starting_after", "ending_before", "expand[]"];
    for (name, _) in &asked.query {
        let plain = name.split('[').next().unwrap_or_default();
        if !everywhere.contains(&name.as_str()) && !takes.contains(&name.as_str()) && !takes.contains(&plain) {
            let error = json!({
                "code": "parameter_unknown", "message": format!("Received unknown parameter: {plain}"), "param": plain,
                "type": "invalid_request_error",
            });
            return Err(Refused(400, error));
        }
    }
    Ok(())
}

fn bad(message: &str, param: Option<&str>) -> Refused {
    Refused(400, json!({ "message": message, "param": param, "type": "invalid_request_error" }))
}

fn missing(kind: &str, id: &str, param: &str, status: u16) -> Refused {
    let error = json!({
        "code": "resource_missing", "message": format!("No such {kind}: '{id}'"), "param": param, "type": "invalid_request_error",
    });
    Refused(status, error)
}
