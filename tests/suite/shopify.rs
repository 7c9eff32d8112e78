//! The real host and the real source against a Shopify shop that changes while it is read: in the end the lake holds what the shop holds.

use std::{path::PathBuf, sync::Arc};

use tidegate_tests::{
    program::{Said, Workplace},
    root,
    shops::shopify::{Api, Behaviour, CLIENT, Rules, Shop, Size, TOKEN, select},
    table::difference,
    wire::{Asked, Reply, Wire},
};

/// All streams; each is loaded as it is.
const STREAMS: [(&str, &str); 8] = [
    ("orders", "id"),
    ("line_items", "id"),
    ("customers", "id"),
    ("products", "id"),
    ("variants", "id"),
    ("refunds", "id"),
    ("refund_line_items", "id"),
    ("inventory", "inventory_item_id, location_id"),
];

const FIXED_TOKEN: &str = "kind = \"header\"\nname = \"X-Shopify-Access-Token\"\nsecret = { env = \"SHOP_SECRET\" }";

/// A pipeline that loads all streams of a shop.
fn pipeline(url: &str, config: &str, credential: &str) -> String {
    let mut text = format!(
        r#"version = 1
name = "shopify"

[sources.shop]
plugin = "source-shopify"
config = {{ url = "{url}", {config} }}

[sources.shop.grants.http.api]
url = "{url}/admin/**"
methods = ["get", "post"]
credentials = ["token"]
private = true

[sources.shop.grants.http.bulk_files]
url = "{url}/bulk-files/**"
private = true

[sources.shop.credentials.token]
{credential}

[sources.shop.patience]
requests_per_minute = 1000000
"#
    );
    for (stream, key) in STREAMS {
        let key: Vec<_> = key.split(", ").map(|key| format!("\"{key}\"")).collect();
        text +=
            &format!("\n[streams.{stream}]\n\n[tables.{stream}]\nstream = \"{stream}\"\nmode = \"merge\"\nkey = [{}]\n", key.join(", "));
    }
    text
}

/// A shop, the server that answers for it, and a folder with a pipeline that reads it.
struct Journey {
    shop: Arc<Shop>,
    wire: Wire,
    workplace: Workplace,
    api: Api,
}

impl Journey {
    fn begin(behaviour: Behaviour, config: &str) -> Self {
        Self::with_credential(behaviour, config, FIXED_TOKEN, TOKEN)
    }

    fn with_credential(behaviour: Behaviour, config: &str, credential: &str, secret: &str) -> Self {
        let (shop, wire) = Shop::open(behaviour);
        let credential = credential.replace("<url>", &wire.url());
        let mut workplace = Workplace::with_pipeline(&pipeline(&wire.url(), config, &credential)).unwrap();
        workplace.set("SHOP_SECRET", secret);
        workplace.set("SHOP_CLIENT", CLIENT.0);
        let api = if config.contains("\"rest\"") { Api::Rest } else { Api::Graphql };
        Self { shop, wire, workplace, api }
    }

    /// Runs the pipeline while the shop changes so many times with each answer.
    fn run(&self, changes: u64) -> Said {
        // What changed in the second that is passing is left to the next window.
        self.shop.pass(3);
        self.shop.set_changes(changes);
        let said = self.workplace.tidegate(&["run"]).unwrap();
        assert_eq!(said.code, 0, "{}", said.stderr);
        said
    }

    /// The tables hold exactly what the shop holds.
    fn compare(&self, when: &str) {
        for (stream, _) in STREAMS {
            let wanted = self.shop.truth(stream, self.api);
            let said = self.workplace.tidegate(&["query", "--format", "csv", &select(stream)]).unwrap();
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout == wanted, "{when}, `{stream}` is not what the shop holds:\n{}", difference(&wanted, &said.stdout));
        }
    }

    /// A first load and three later runs, with changes between the runs and while they read. A run while nothing changes follows where
    /// tables are compared: what changed during the one before may be in its window or in the next.
    fn first_load_and_three_later_runs(&self) {
        self.run(2);
        self.run(0);
        self.compare("after the first load");
        self.shop.change(40);
        self.run(3);
        self.shop.change(15);
        self.run(0);
        self.compare("after changes between runs and during them");
        self.run(0);
        self.compare("after a run with nothing new");
        let seen = self.shop.seen();
        assert!(seen.changes > 100, "{seen:?}");
        assert_eq!((seen.impatient, seen.unauthorized, seen.leaked), (0, 0, 0), "{seen:?}");
        println!("{} requests, {seen:?}", self.wire.asked().len());
    }
}

fn tight() -> Behaviour {
    Behaviour { rules: Rules::TIGHT, ..Behaviour::default() }
}

#[test]
fn a_bulk_first_load_and_later_pages_leave_what_the_shop_holds() {
    let journey = Journey::begin(Behaviour { failing_operations: 1, ..Behaviour::default() }, "first_load = \"bulk\"");
    // Another pipeline's operation is running when the first load begins.
    journey.shop.occupy();
    journey.first_load_and_three_later_runs();
    // Four walks, the first of which failed once.
    assert_eq!(journey.shop.seen().operations, 5);
}

#[test]
fn graphql_pages_leave_what_the_shop_holds_also_where_they_are_throttled() {
    let journey = Journey::begin(tight(), "first_load = \"pages\"");
    journey.first_load_and_three_later_runs();
    let seen = journey.shop.seen();
    assert!(seen.throttled > 10, "{seen:?}");
}

#[test]
fn rest_pages_leave_what_the_shop_holds_also_where_they_are_refused_for_a_while() {
    let journey = Journey::begin(tight(), "api = \"rest\"");
    journey.first_load_and_three_later_runs();
    let seen = journey.shop.seen();
    assert!(seen.refused > 0, "{seen:?}");
    let limits = journey.wire.asked().iter().filter(|asked| asked.param("page_info").is_some()).map(|asked| asked.query.len()).max();
    assert_eq!(limits, Some(2), "beside a page_info stands the limit and nothing else");
}

#[test]
fn a_run_while_nothing_changes_holds_the_shop_at_once() {
    let size = Size { orders: 400, customers: 120, products: 60 };
    for config in ["first_load = \"bulk\"", "first_load = \"pages\"", "api = \"rest\""] {
        let journey = Journey::begin(Behaviour { size, ..Behaviour::default() }, config);
        journey.run(0);
        journey.compare(config);
    }
}

#[test]
fn streams_of_one_walk_ask_the_shop_once() {
    let size = Size { orders: 300, customers: 60, products: 40 };
    let journey = Journey::begin(Behaviour { size, ..Behaviour::default() }, "api = \"rest\"");
    journey.run(0);
    let asked = journey.wire.asked();
    let orders = asked.iter().filter(|asked| asked.path.ends_with("/orders.json")).count();
    assert_eq!(orders, 2, "300 orders are two pages, for four streams");
}

#[test]
fn a_token_for_a_day_is_renewed_where_it_expires_in_the_middle_of_a_run() {
    let credential = "kind = \"oauth2\"\nname = \"X-Shopify-Access-Token\"\ntoken_url = \"<url>/admin/oauth/access_token\"\n\
                      client_id = { env = \"SHOP_CLIENT\" }\nsecret = { env = \"SHOP_SECRET\" }";
    let size = Size { orders: 300, customers: 60, products: 40 };
    let behaviour = Behaviour { size, token_lives: 2, ..Behaviour::default() };
    let journey = Journey::with_credential(behaviour, "first_load = \"pages\"", credential, CLIENT.1);
    journey.run(0);
    journey.compare("with tokens that expire");
    let seen = journey.shop.seen();
    assert!(seen.tokens > 1 && seen.unauthorized > 0, "{seen:?}");
}

#[test]
fn a_wrong_token_fails_as_such() {
    let size = Size { orders: 5, customers: 5, products: 5 };
    let journey =
        Journey::with_credential(Behaviour { size, ..Behaviour::default() }, "api = \"rest\"", FIXED_TOKEN, "shpat_of_another_shop");
    let said = journey.workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 6, "{}", said.stderr);
    assert!(!said.stderr.contains("shpat_of_another_shop"), "{}", said.stderr);
}

#[test]
fn a_deleted_order_stays_as_the_readme_says() {
    let size = Size { orders: 40, customers: 10, products: 10 };
    let journey = Journey::begin(Behaviour { size, ..Behaviour::default() }, "api = \"rest\"");
    journey.run(0);
    let deleted = journey.shop.delete_order();
    journey.run(0);
    let said =
        journey.workplace.tidegate(&["query", "--format", "csv", &format!("select count(*) from orders where id = {deleted}")]).unwrap();
    assert_eq!(said.stdout.lines().nth(1), Some("1"), "{}", said.stderr);
}

/// Where recorded payloads lie, if they do: the folder of `TIDEGATE_TEST_PAYLOADS`, else beside the checkout.
fn payloads() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_TEST_PAYLOADS").map_or_else(|| root().join("../shared/data/api"), PathBuf::from);
    let folder = folder.join("shopify");
    folder.join("rest_orders.json").is_file().then_some(folder)
}

#[test]
fn recorded_payloads_become_rows() {
    let Some(folder) = payloads() else {
        eprintln!("NOT RUN: there is no ../shared/data/api/shopify beside this checkout, and TIDEGATE_TEST_PAYLOADS names no other");
        return;
    };
    eprintln!("recorded payloads of Shopify: {}", folder.display());
    let read = |name: &str| -> serde_json::Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let (mut orders, customer, products) = (read("rest_orders.json"), read("rest_customer.json"), read("rest_products.json"));
    let refund = read("rest_refund.json")["refund"].clone();
    // The lines of the order were not recorded; its refund names two of them.
    let lines: Vec<_> = refund["refund_line_items"].as_array().unwrap().iter().map(|item| item["line_item"].clone()).collect();
    orders["orders"][0]["line_items"] = serde_json::Value::Array(lines);
    orders["orders"][0]["refunds"] = serde_json::json!([refund]);
    let customers = serde_json::json!({ "customers": [customer["customer"]] });
    let products = serde_json::json!({ "products": products });
    let wire = Wire::start(move |asked: &Asked| match asked.path.rsplit('/').next() {
        Some("orders.json") => Reply::json(200, &orders),
        Some("customers.json") => Reply::json(200, &customers),
        Some("products.json") => Reply::json(200, &products),
        Some("locations.json") => Reply::json(200, &serde_json::json!({ "locations": [] })),
        _ => Reply::json(200, &serde_json::json!({ "shop": {} })),
    });
    let mut workplace = Workplace::with_pipeline(&pipeline(&wire.url(), "api = \"rest\"", FIXED_TOKEN)).unwrap();
    workplace.set("SHOP_SECRET", TOKEN);
    let said = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let one = |sql: &str| {
        let said = workplace.tidegate(&["query", "--format", "csv", sql]).unwrap();
        said.stdout.lines().nth(1).unwrap_or(&said.stderr).to_owned()
    };
    // Read off the payloads by eye.
    let order = "select cast(total as varchar), cast(total_tax as varchar), currency, customer_id, shipping_city, to_unixtime(created_at) from orders";
    assert_eq!(one(order), "598.9400,11.9400,USD,207119551,Louisville,1199980800");
    assert_eq!(one("select count(*), sum(quantity), cast(sum(price) as varchar), min(order_id) from line_items"), "2,2,398.0000,450789469");
    assert_eq!(
        one("select orders_count, cast(total_spent as varchar), state, tags, country, zip from customers"),
        "1,41.9400,disabled,,US,40202"
    );
    assert_eq!(
        one("select count(*), min(vendor), min(tags), count(status) from products"),
        "4,Apple,\"Emotive, Flash Memory, MP3, Music\",0"
    );
    // All four products name the same variant; a key comes once.
    assert_eq!(one("select count(*), cast(sum(price) as varchar), min(sku) from variants"), "1,199.0000,IPOD2008PINK");
    assert_eq!(one("select cast(total as varchar), note, currency from refunds"), "209.0000,it broke during shipping,USD");
    assert_eq!(one("select count(*), min(line_item_id), min(refund_id) from refund_line_items"), "2,466157049,509562969");
}

#[test]
fn a_recorded_throttled_answer_is_survived() {
    let Some(folder) = payloads() else {
        eprintln!("NOT RUN: there is no ../shared/data/api/shopify beside this checkout, and TIDEGATE_TEST_PAYLOADS names no other");
        return;
    };
    let throttled: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("graphql_throttled_response.json")).unwrap()).unwrap();
    let shop = Shop::new(Behaviour { size: Size { orders: 30, customers: 10, products: 5 }, ..Behaviour::default() });
    let answers = shop.clone();
    let wire = Wire::start(move |asked| if asked.number == 4 { Reply::json(200, &throttled) } else { answers.answer(asked) });
    let clock = shop.clone();
    wire.set_clock(move || clock.now());
    let mut workplace = Workplace::with_pipeline(&pipeline(&wire.url(), "first_load = \"pages\"", FIXED_TOKEN)).unwrap();
    workplace.set("SHOP_SECRET", TOKEN);
    let journey = Journey { shop, wire, workplace, api: Api::Graphql };
    journey.run(0);
    journey.compare("after a throttled answer");
}
