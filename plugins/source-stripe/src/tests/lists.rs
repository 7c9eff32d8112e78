//! Lists: walked to their end whatever happens to them on the way.

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, FailureKind, Reader,
    http::testing::{self, Reply},
};

use super::{open, pages, read, shop};

fn charges(count: usize) -> shop::Shared {
    shop::open([("/v1/events", vec![]), ("/v1/charges", shop::many("charge", count))])
}

#[test]
fn a_list_is_walked_until_it_says_that_there_is_no_more() {
    let shop = charges(250);
    // Pages that are short are not the last for that.
    shop.borrow_mut().short = 7;
    let read = read("charges", None);
    assert_eq!(read.ids().len(), 250);
    assert_eq!(read.cursor().until, testing::NOW);
    assert_eq!(testing::asked().len(), 1 + 250usize.div_ceil(7));
}

#[test]
fn a_list_goes_on_when_its_anchor_is_deleted() {
    let shop = shop::open([("/v1/events", vec![]), ("/v1/customers", shop::many("customer", 30))]);
    shop.borrow_mut().short = 10;
    let mut reader = open("customers", None);
    // The reader asks for several pages in one call: the anchors of the first page go between the first and the second request.
    let dying: Vec<Value> = ["x_0020", "x_0021"].map(|id| json!(id)).to_vec();
    let gone = shop.clone();
    testing::answer({
        let shop = shop.clone();
        move |asked| {
            if asked.query("starting_after").is_some() {
                gone.borrow_mut().lists.get_mut("/v1/customers").unwrap().retain(|customer| !dying.contains(&customer["id"]));
            }
            shop::answer(&shop, asked)
        }
    });
    let pulled = reader.next().unwrap().unwrap();
    assert_eq!(pulled.batch.unwrap().num_rows(), 30);
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn a_list_that_lost_its_place_says_so() {
    let shop = shop::open([("/v1/events", vec![]), ("/v1/customers", shop::many("customer", 3))]);
    shop.borrow_mut().short = 1;
    shop.borrow_mut().instead = vec![("starting_after".to_owned(), Ok(shop::missing("starting_after", 400)))];
    let failure = open("customers", None).next().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.message.contains("lost its place"), "{failure}");
}

#[test]
fn a_failed_request_is_sent_again_and_nothing_is_lost() {
    let shop = charges(30);
    shop.borrow_mut().short = 10;
    shop.borrow_mut().instead = vec![
        ("starting_after=x_0020".to_owned(), Err(Failure::rate_limited(None, "slow down"))),
        ("starting_after=x_0010".to_owned(), Err(Failure::unavailable("down"))),
        // An answer that breaks off is in the archive already: only a request that says so asks the server again.
        ("starting_after=x_0010".to_owned(), Ok(Reply::text(200, "{\"data\": [{\"id\": \"x_"))),
    ];
    assert_eq!(read("charges", None).ids().len(), 30);
    let asked = testing::asked();
    assert!(asked.last().unwrap().headers.iter().any(|(name, _)| name == "cache-control"));
}

#[test]
fn a_page_that_comes_twice_adds_nothing() {
    let shop = charges(30);
    shop.borrow_mut().short = 10;
    let twice = json!({ "data": shop.borrow().lists["/v1/charges"][..10], "has_more": true });
    shop.borrow_mut().instead = vec![("starting_after=x_0020".to_owned(), Ok(Reply::json(200, &twice)))];
    assert_eq!(read("charges", None).ids().len(), 30);
}

#[test]
fn a_refusal_is_told_without_values() {
    let shop = charges(1);
    let error = json!({ "error": { "type": "invalid_request_error", "code": "parameter_invalid", "message": "No such thing: 'ann'", "param": "limit" } });
    shop.borrow_mut().instead = vec![("/v1/charges".to_owned(), Ok(Reply::json(400, &error)))];
    let failure = open("charges", None).next().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    assert_eq!(failure.message, "the server answered 400 to `/v1/charges`: invalid_request_error, parameter_invalid, parameter `limit`");
}

#[test]
fn prices_come_active_or_not_and_once() {
    let mut prices = shop::many("price", 4);
    prices[1]["active"] = json!(false);
    shop::open([("/v1/events", vec![]), ("/v1/prices", prices)]);
    assert_eq!(read("prices", None).ids().len(), 4);
    assert!(testing::asked().iter().any(|asked| asked.query("active").as_deref() == Some("false")));
}

#[test]
fn subscriptions_are_asked_for_whatever_their_status() {
    shop::open([("/v1/events", vec![]), ("/v1/subscriptions", shop::many("subscription", 2))]);
    read("subscriptions", None);
    assert_eq!(testing::asked()[1].query("status").unwrap(), "all");
}

fn invoice(id: &str, lines: usize) -> (Value, Vec<Value>) {
    let line = shop::fixture("invoice")["lines"]["data"][0].clone();
    let all: Vec<_> = (0..lines).map(|number| with_id(&line, &format!("{id}_{number:03}"))).collect();
    let mut invoice = shop::like("invoice", id, 1_772_323_200);
    invoice["lines"] = json!({ "data": all[..lines.min(10)], "has_more": lines > 10, "url": format!("/v1/invoices/{id}/lines") });
    (invoice, all)
}

fn with_id(object: &Value, id: &str) -> Value {
    let mut object = object.clone();
    object["id"] = json!(id);
    object
}

#[test]
fn nested_lists_are_walked_to_their_end_behind_all_other_rows() {
    let (long, lines) = invoice("in_long", 250);
    let (short, _) = invoice("in_short", 3);
    shop::open([("/v1/events", vec![]), ("/v1/invoices", vec![long, short]), ("/v1/invoices/in_long/lines", lines)]);
    let read = read("invoice_line_items", None);
    assert_eq!(read.rows(), 253);
    let (ids, pages) = (read.texts("id"), pages(&read));
    assert_eq!((ids[9].as_str(), ids[10].as_str(), ids[13].as_str()), ("in_long_009", "in_short_000", "in_long_010"));
    assert_eq!((pages[12], pages[13], pages[252]), (1, 2, 4));
}
