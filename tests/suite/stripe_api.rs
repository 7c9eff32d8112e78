//! The fake Stripe is as strict, and as odd, as the one that it stands for.

use std::{
    collections::HashSet,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;
use tidegate_tests::shops::stripe::{API_VERSION, DAY, KEY, Mood, Stripe};

/// What the API answers to a GET: status and body.
fn get(stripe: &Stripe, target: &str) -> (u16, Value) {
    ask(stripe, target, &format!("Authorization: Bearer {KEY}\r\nStripe-Version: {API_VERSION}\r\n"))
}

fn ask(stripe: &Stripe, target: &str, headers: &str) -> (u16, Value) {
    let url = stripe.url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a list, by its last ids.
fn all(stripe: &Stripe, path: &str, query: &str) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = get(stripe, &format!("{path}?limit=100{query}{after}"));
        assert_eq!(status, 200, "{page}");
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] == false {
            return found;
        }
        after = format!("&starting_after={}", found.last().unwrap()["id"].as_str().unwrap());
    }
}

#[test]
fn requests_need_a_key_and_a_pinned_version() {
    let stripe = Stripe::with_history(1, 20);
    assert_eq!(ask(&stripe, "/v1/charges", "").0, 401);
    assert_eq!(ask(&stripe, "/v1/charges", "Authorization: Bearer sk_test_other\r\n").0, 401);
    assert_eq!(ask(&stripe, "/v1/charges", &format!("Authorization: Bearer {KEY}\r\n")).0, 400);
    assert_eq!(get(&stripe, "/v1/charges").0, 200);
}

#[test]
fn lists_take_what_stripe_takes() {
    let stripe = Stripe::with_history(2, 400);
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("updated[gte]=1", "updated"),
        ("starting_after=ch_none", "starting_after"),
    ] {
        let (status, answer) = get(&stripe, &format!("/v1/charges?{query}"));
        assert_eq!((status, answer["error"]["param"].as_str()), (400, Some(param)), "{query}");
    }
    let first = ids(&get(&stripe, "/v1/charges").1);
    assert_eq!(first.len(), 10);
    let both = format!("/v1/charges?starting_after={}&ending_before={}", first[0], first[5]);
    assert_eq!(get(&stripe, &both).0, 400);
    let before = get(&stripe, &format!("/v1/charges?limit=3&ending_before={}", first[5])).1;
    assert_eq!((ids(&before), &before["has_more"]), (first[2..5].to_vec(), &Value::Bool(true)));
    assert_eq!(get(&stripe, "/v1/charges/ch_none").0, 404);
}

#[test]
fn lists_are_newest_first_and_may_be_short_before_their_end() {
    let stripe = Stripe::with_history(3, 600);
    let charges = all(&stripe, "/v1/charges", "");
    assert!(charges.is_sorted_by_key(|charge| -charge["created"].as_i64().unwrap()));
    assert_eq!(charges.iter().map(|charge| charge["id"].to_string()).collect::<HashSet<_>>().len(), charges.len());
    let (mut short, mut after) = (0, String::new());
    for _ in 0..12 {
        let page = get(&stripe, &format!("/v1/charges?limit=10{after}")).1;
        short += usize::from(ids(&page).len() < 10 && page["has_more"] == true);
        after = format!("&starting_after={}", ids(&page).last().unwrap());
    }
    assert!(short > 0);
    let middle = charges[charges.len() / 2]["created"].as_i64().unwrap();
    let newer = all(&stripe, "/v1/charges", &format!("&created[gte]={middle}")).len();
    let older = all(&stripe, "/v1/charges", &format!("&created[lt]={middle}")).len();
    assert_eq!(newer + older, charges.len());
}

#[test]
fn nested_lists_stop_at_ten() {
    let stripe = Stripe::with_history(4, 1500);
    let invoices = all(&stripe, "/v1/invoices", "");
    let long = invoices.iter().find(|invoice| invoice["lines"]["has_more"] == true).unwrap();
    assert_eq!(long["lines"]["data"].as_array().unwrap().len(), 10);
    let url = long["lines"]["url"].as_str().unwrap();
    assert!(all(&stripe, url, "").len() > 10);
    let charges = all(&stripe, "/v1/charges", "");
    let often = charges.iter().find(|charge| charge["refunds"]["has_more"] == true).unwrap();
    assert!(all(&stripe, often["refunds"]["url"].as_str().unwrap(), "").len() > 10);
}

#[test]
fn events_are_kept_thirty_days_and_come_as_they_like() {
    let stripe = Stripe::with_history(5, 4000);
    let now = stripe.account(|account| account.now);
    let events = all(&stripe, "/v1/events", "");
    assert!(events.iter().all(|event| event["created"].as_i64().unwrap() >= now - 30 * DAY));
    let upcoming = events.iter().find(|event| event["type"] == "invoice.upcoming").unwrap();
    assert_eq!(upcoming["data"]["object"]["id"], Value::Null);
    // Newest first by their time, which is not the order in which things happened.
    assert!(events.is_sorted_by_key(|event| -event["created"].as_i64().unwrap()));
    assert!(!events.is_sorted_by(|a, b| a["id"].as_str() >= b["id"].as_str()));
    // An event holds what was then.
    let old = events.iter().rev().filter(|event| event["type"] == "customer.created" || event["type"] == "customer.updated");
    let stale = old.filter(|event| {
        let id = event["data"]["object"]["id"].as_str().unwrap();
        let now = stripe.account(|account| account.value(id).clone());
        event["data"]["object"]["email"] != now["email"]
    });
    assert!(stale.count() > 0);
    let one = events.iter().filter(|event| event["type"] == "customer.deleted").count();
    assert_eq!(all(&stripe, "/v1/events", "&type=customer.deleted").len(), one);
}

#[test]
fn deleted_customers_answer_and_other_deleted_objects_do_not() {
    let stripe = Stripe::with_history(6, 1500);
    stripe.account(|account| account.steps(200, 60, Mood::Any));
    let gone = |kind: &str| {
        stripe.account(|account| account.all(kind).iter().find(|held| held.latest().deleted).map(|held| held.id.clone())).unwrap()
    };
    let (status, customer) = get(&stripe, &format!("/v1/customers/{}", gone("customer")));
    assert_eq!((status, &customer["deleted"]), (200, &Value::Bool(true)));
    assert_eq!(get(&stripe, &format!("/v1/products/{}", gone("product"))).0, 404);
    let listed = all(&stripe, "/v1/customers", "");
    assert!(!listed.iter().any(|customer| customer["id"] == gone("customer").as_str()));
}

#[test]
fn lists_leave_out_what_stripes_leave_out() {
    let stripe = Stripe::with_history(7, 2500);
    let (some, every) = (all(&stripe, "/v1/subscriptions", "").len(), all(&stripe, "/v1/subscriptions", "&status=all").len());
    assert!(some < every, "{some} of {every}");
    assert!(!all(&stripe, "/v1/prices", "&active=false").is_empty());
    assert!(all(&stripe, "/v1/prices", "").iter().all(|price| price["active"] == true));
}
