//! Runs over HTTP, repeated while the server is gone: each request gets its own answer, the second of one kind the second.

use serde_json::json;
use tidegate_tests::{
    http,
    program::Workplace,
    shops::plain::PlainShop,
    site::Site,
    wire::{Fault, Reply, Wire},
};

use super::{Place, again::identical};

/// The pipeline of the shop with nested items, over a server with this URL.
fn shop(url: &str) -> String {
    format!(
        "version = 1\nname = \"shop\"\n[sources.shop]\nplugin = \"guest-rest\"\nconfig = {{ url = \"{url}\", limit = 20 }}\n\
         grants.http.api = {{ url = \"{url}/**\", credentials = [\"token\"], private = true }}\n\
         patience = {{ requests_per_minute = 1000000 }}\n\
         credentials.token = {{ kind = \"bearer\", secret = {{ env = \"SHOP_TOKEN\" }} }}\n\
         [streams.orders]\n[streams.order_items]\n\
         [tables.orders]\nstream = \"orders\"\nmode = \"merge\"\nkey = [\"id\"]\n\
         [tables.order_items]\nstream = \"order_items\"\nmode = \"merge\"\nkey = [\"id\"]\n"
    )
}

#[test]
fn a_shop_is_read_again_without_its_server_and_its_secret() {
    let shop_of = PlainShop::new(130);
    let wire = Wire::start({
        let shop = shop_of.clone();
        move |asked| shop.answer(asked)
    });
    let clock = shop_of.clone();
    wire.set_clock(move || clock.now());
    let mut workplace = Workplace::with_pipeline(&shop(&wire.url())).unwrap();
    workplace.set("SHOP_TOKEN", "a token that stays outside");
    let place = Place { workplace };
    place.ends(&["run"], 0).unwrap();
    let first = place.last_run().unwrap();
    shop_of.pass(60);
    [3, 4, 200].into_iter().for_each(|id| shop_of.change(id));
    shop_of.pass(60);
    place.ends(&["run"], 0).unwrap();
    let second = place.last_run().unwrap();
    let asked = wire.asked().len();
    drop(wire);

    // Neither the server nor the secret is there.
    let mut place = place;
    place.workplace.set("SHOP_TOKEN", "");
    let report = identical(&place.workplace, ".", &first).unwrap();
    assert_eq!((&report["streams"][0]["read"], &report["error"]), (&130.into(), &json!(null)), "{report:#}");
    let report = identical(&place.workplace, ".", &second).unwrap();
    assert!(report["streams"][0]["read"].as_u64().unwrap() >= 3, "{report:#}");
    place.ends(&["archive", "verify"], 0).unwrap();
    let pages = place.json(&["archive", "list"], 0).unwrap();
    let pages: u64 = pages.as_array().unwrap().iter().map(|run| run["pages"].as_u64().unwrap()).sum();
    assert!(pages >= 8 && pages <= asked as u64, "{pages} pages of {asked} requests");
    let said = place.ends(&["archive", "show", &first, "0"], 0).unwrap();
    assert!(said.stdout.contains("GET http://127.0.0.1") && said.stdout.contains("status"), "{}", said.stdout);
    assert!(!said.stdout.contains("stays outside"), "{}", said.stdout);
}

#[test]
fn the_second_answer_to_a_request_is_the_second_again() {
    let wire = Wire::start(|asked| Reply::text(200, &format!("answer {}", asked.number)));
    let url = wire.url();
    let fresh = |name: &str| json!({ "name": name, "url": format!("{url}/x"), "headers": [["cache-control", "no-cache"]] });
    let attempts: Vec<_> = ["1", "2", "3"].map(|name| crate::egress::toml_of(&fresh(name))).into();
    let pipeline = format!(
        "version = 1\nname = \"asking\"\n[sources.shop]\nplugin = \"guest-source\"\n\
         grants.http.api = {{ url = \"{url}/**\", private = true }}\n\
         config = {{ misbehave = \"steals\", attempts = [{}] }}\n\
         [streams.numbers]\n[tables.told]\nstream = \"numbers\"\nmode = \"replace\"\n[gate]\noverall = 0\nfloors = {{ validity = 0 }}\n",
        attempts.join(", ")
    );
    let place = Place { workplace: Workplace::with_pipeline(&pipeline).unwrap() };
    place.ends(&["run"], 0).unwrap();
    let run = place.last_run().unwrap();
    let told = place.rows("select told from told order by attempt").unwrap();
    assert!(told.contains("answer 1") && told.contains("answer 2") && told.contains("answer 3"), "{told}");
    drop(wire);
    identical(&place.workplace, ".", &run).unwrap();

    // A request that the run did not send.
    let other = std::fs::read_to_string(place.path("pipeline.toml")).unwrap().replace("/x\"", "/y\"");
    place.workplace.write("pipeline.toml", &other).unwrap();
    let report = place.json(&["replay", &run, "--current"], 0).unwrap();
    assert_eq!(report["missed"], json!([format!("source `shop` for get {url}/y")]), "{report:#}");
    let said = place.ends(&["replay", "--since", "2020-01-01", "--load", "--current"], 2).unwrap();
    assert!(said.stderr.contains(&format!("would now ask source `shop` for get {url}/y, which it did not record")), "{}", said.stderr);
}

/// A source that asks for these paths one after the other and keeps failures to itself, and the reply to each; its secret is echoed.
fn troubled() -> Wire {
    Wire::start(|asked| match asked.path.as_str() {
        "/busy" => Reply::text(503, "the shop is closed"),
        "/denied" => Reply::json(403, &json!({ "who": asked.header("authorization") })),
        "/patience" => Reply::text(429, "later").header("Retry-After", "0.01"),
        "/silent" => Reply::text(200, "never seen").fault(Fault::CloseBeforeHead),
        "/cut" => Reply::text(200, &"row,".repeat(500)).fault(Fault::CloseAfter(1000)),
        path => Reply::text(200, &format!("answer to {path}")),
    })
}

#[test]
fn what_failed_is_shown_and_fails_again_in_the_same_words() {
    let wire = troubled();
    let url = wire.url();
    let asks = ["/busy", "/denied", "/patience", "/silent", "/cut", "/fine"]
        .map(|path| crate::egress::toml_of(&json!({ "name": &path[1..], "url": format!("{url}{path}"), "credential": "token" })));
    let pipeline = format!(
        "version = 1\nname = \"asking\"\n[sources.shop]\nplugin = \"guest-source\"\n\
         grants.http.api = {{ url = \"{url}/**\", credentials = [\"token\"], private = true }}\n\
         credentials.token = {{ kind = \"bearer\", secret = {{ env = \"SHOP_TOKEN\" }} }}\n\
         patience = {{ requests_per_minute = 1000000, attempts = 2, breaker_failures = 1000 }}\n\
         config = {{ misbehave = \"steals\", attempts = [{}] }}\n\
         [streams.numbers]\n[tables.told]\nstream = \"numbers\"\nmode = \"replace\"\n[gate]\noverall = 0\nfloors = {{ validity = 0 }}\n",
        asks.join(", ")
    );
    let mut workplace = Workplace::with_pipeline(&pipeline).unwrap();
    workplace.set("SHOP_TOKEN", "a token that stays outside");
    let place = Place { workplace };
    place.ends(&["run"], 0).unwrap();
    let run = place.last_run().unwrap();
    drop(wire);

    let shown = place.ends(&["archive", "show", &run], 0).unwrap().stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        format!("0 18 B 503 GET {url}/busy (no plugin got it: it answered 503)"),
        format!("2 27 B 403 GET {url}/denied (no plugin got it: `{url}/denied` answered 403: it refuses the credential `token`)"),
        format!("3 5 B 429 GET {url}/patience (no plugin got it: it answered 429)"),
        format!("B 200 GET {url}/cut (no plugin got it: its answer broke off: "),
        format!("no answer to GET {url}/busy: `{url}/busy` can't be had, tried 2 times: it answered 503 sent 20"),
        format!("no answer to GET {url}/silent: `{url}/silent` can't be had, tried 2 times: "),
    ] {
        assert!(shown.contains(&wanted), "{wanted} is not in:\n{shown}");
    }
    let told = place.json(&["archive", "show", &run], 0).unwrap();
    let lines = told[0]["asked"].as_array().unwrap();
    let unanswered: Vec<_> = lines.iter().filter(|line| line["kind"] == "unanswered").collect();
    let attempts = |line: &serde_json::Value| line["exchange"]["attempts"].as_array().unwrap().len();
    assert_eq!(unanswered.iter().map(|line| attempts(line)).collect::<Vec<_>>(), [2, 1, 2, 2, 2], "{told:#}");
    let page = |path: &str| {
        let of = |line: &&serde_json::Value| line["asked"]["url"] == format!("{url}{path}");
        lines.iter().find(of).unwrap_or_else(|| panic!("{path}: {told:#}"))["page"].to_string()
    };
    let body = |path: &str| place.ends(&["archive", "show", &run, &page(path), "--body"], 0).unwrap().stdout;
    assert_eq!(body("/busy"), "the shop is closed");
    assert_eq!(body("/denied"), "{\"who\":\"Bearer [redacted]\"}");
    let cut = body("/cut");
    assert!(cut.len() > 500 && cut.len() < 1000 && cut.starts_with("row,row,"), "{cut}");
    let busy = page("/busy");
    let one = place.ends(&["archive", "show", &run, &busy], 0).unwrap().stdout;
    assert!(one.contains("no plugin got it") && one.contains("it answered 503 in "), "{one}");
    place.ends(&["archive", "verify"], 0).unwrap();

    let before = place.rows("select * from told order by attempt").unwrap();
    identical(&place.workplace, ".", &run).unwrap();
    place.ends(&["replay", "--since", "2020-01-01", "--load"], 0).unwrap();
    assert_eq!(place.rows("select * from told order by attempt").unwrap(), before);

    // The dashboard shows the same.
    place.workplace.write("examples/asking/pipeline.toml", &format!("{pipeline}[storage]\npath = \"../../store\"\n")).unwrap();
    let site = Site::start(place.workplace, "").unwrap();
    let listed = http::get(site.address, &format!("/runs/asking/{run}/pages")).unwrap().text();
    for wanted in ["No plugin got it: it answered 503", "No answer: `", "tried 2 times: it answered 503"] {
        assert!(listed.contains(wanted), "{wanted} is not in {listed}");
    }
    let one = http::get(site.address, &format!("/runs/asking/{run}/pages/shop/{busy}")).unwrap().text();
    assert!(one.contains("the shop is closed") && one.contains("No plugin got it"), "{one}");
    let sources = http::get(site.address, "/sources").unwrap().text();
    assert!(sources.contains(">closed<"), "{sources}");
}

#[test]
fn a_run_that_a_server_failed_fails_again_without_it() {
    let shop_of = PlainShop::new(3);
    let answering = shop_of.clone();
    let wire = Wire::start(move |asked| if asked.path == "/clock" { answering.answer(asked) } else { Reply::text(500, "out of order") });
    let text =
        shop(&wire.url()).replace("requests_per_minute = 1000000", "requests_per_minute = 1000000, attempts = 2, breaker_failures = 1000");
    let mut workplace = Workplace::with_pipeline(&text).unwrap();
    workplace.set("SHOP_TOKEN", "a token that stays outside");
    let place = Place { workplace };
    let said = place.ends(&["run"], 6).unwrap();
    assert!(said.stderr.contains("tried 2 times: it answered 500"), "{}", said.stderr);
    let run = place.last_run().unwrap();
    drop(wire);
    assert_eq!(place.ends(&["archive", "show", &run, "1", "--body"], 0).unwrap().stdout, "out of order");
    let again = place.ends(&["replay", &run], 6).unwrap();
    assert!(again.stderr.contains("it fails as the run did") && again.stderr.contains("it answered 500"), "{}", again.stderr);
}
