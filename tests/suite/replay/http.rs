//! Runs over HTTP, repeated while the server is gone: each request gets its own answer, the second of one kind the second.

use serde_json::json;
use tidegate_tests::{
    program::Workplace,
    shops::plain::PlainShop,
    wire::{Reply, Wire},
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
