//! The real host and the real source against a Stripe account that changes while it is read, and against two other opinions: localstripe
//! and Stripe's own example objects.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tidegate_tests::{
    program::{Said, Workplace},
    root,
    shops::stripe::{DAY, KEY, Mood, Reading, Row, STREAMS, Stripe, Table, limited},
    wire::{Fault, Plan, Reply, Wire},
};

/// How many things happened before the first run: some 100 days.
const HISTORY: usize = 6000;

/// How many rows that differ are shown.
const SHOWN: usize = 5;

/// A pipeline that loads these streams of an account.
fn pipeline(url: &str, streams: &[(&str, &[&str])]) -> String {
    let mut text = format!(
        r#"version = 1
name = "stripe"

[sources.stripe]
plugin = "source-stripe"
config = {{ url = "{url}" }}

[sources.stripe.grants.http.api]
url = "{url}/v1/**"
credentials = ["key"]
private = true

[sources.stripe.credentials.key]
kind = "bearer"
secret = {{ env = "STRIPE_KEY" }}

[sources.stripe.patience]
requests_per_minute = 1000000
"#
    );
    for (stream, key) in streams {
        text += &format!("\n[streams.{stream}]\n\n[tables.{stream}]\nstream = \"{stream}\"\nmode = \"merge\"\nkey = {key:?}\n");
    }
    text
}

/// An account and a folder with a pipeline that loads all of it.
struct Journey {
    stripe: Stripe,
    workplace: Workplace,
    /// The number of changes when the first run began.
    first: u64,
}

impl Journey {
    fn begin(stripe: Stripe) -> Self {
        let streams = STREAMS.map(|table| (table.name, table.key));
        let mut workplace = Workplace::with_pipeline(&pipeline(&stripe.url(), &streams)).unwrap();
        workplace.set("STRIPE_KEY", KEY);
        let first = stripe.changes();
        Self { stripe, workplace, first }
    }

    /// Runs the pipeline, then holds each table against what the account was while it ran: exactly, where it did not change.
    fn run(&self, reading: Reading, when: &str) -> Said {
        let before = self.stripe.changes();
        self.stripe.while_read(reading);
        let asked = self.stripe.asked().len();
        let said = self.workplace.tidegate(&["run"]).unwrap();
        assert_eq!(said.code, 0, "{when}:\n{}", said.stderr);
        let changed = self.stripe.changes() - before;
        eprintln!("{when}: {} requests, {changed} changes while they were answered", self.stripe.asked().len() - asked);
        for table in &STREAMS {
            let wrong = self.differences(table, before);
            assert!(wrong.is_empty(), "{when}, `{}` is not what the account holds, {} rows:\n{}", table.name, wrong.len(), first(&wrong));
        }
        said
    }

    fn differences(&self, table: &Table, before: u64) -> Vec<String> {
        let truth = self.stripe.account(|account| table.truth(account, self.first, before));
        let mut found = rows(&self.workplace, table);
        let mut wrong = Vec::new();
        for (key, expected) in truth {
            match found.remove(&key) {
                Some(row) if expected.rows.contains(&row) => {}
                Some(row) => wrong.push(format!("{key} holds {row:?}\n  and not one of {:?}", expected.rows)),
                None if expected.may_be_absent => {}
                None => wrong.push(format!("{key} is missing")),
            }
        }
        wrong.extend(found.into_keys().map(|key| format!("{key} is not in the account")));
        wrong
    }

    /// How often each path was asked for, from the `from`th request on, with `*` for ids.
    fn asked(&self, from: usize) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for request in &self.stripe.asked()[from..] {
            let path = request.path.split('/').map(|part| if part.contains("_1T") { "*" } else { part }).collect::<Vec<_>>().join("/");
            *asked.entry(path).or_default() += 1;
        }
        asked
    }
}

fn first(wrong: &[String]) -> String {
    wrong.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// The rows of a table, by their keys.
fn rows(workplace: &Workplace, table: &Table) -> BTreeMap<String, Row> {
    let said = workplace.tidegate(&["query", "--json", &table.select()]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let rows: Vec<Row> = serde_json::from_str(&said.stdout).unwrap();
    let count = rows.len();
    let rows: BTreeMap<_, _> = rows.into_iter().map(|row| table.read(row)).map(|row| (table.key_of(&row), row)).collect();
    assert_eq!(rows.len(), count, "`{}` holds a key twice", table.name);
    rows
}

fn quiet() -> Reading {
    Reading::default()
}

fn busy(left: usize) -> Reading {
    Reading { every: 3, left, anchors: 0 }
}

#[test]
fn after_the_first_load_and_three_later_runs_the_lake_holds_what_the_account_holds() {
    let journey = Journey::begin(Stripe::with_history(41, HISTORY));
    journey.run(Reading { every: 4, left: 40, anchors: 3 }, "the first load, while it changes");
    for number in 1..=3 {
        journey.stripe.account(|account| {
            account.steps(150, 400, Mood::Any);
            // Events that show up late have shown up.
            account.pass(1200);
        });
        journey.run(busy(60), &format!("later run {number}, with changes before and while it reads"));
    }
    journey.stripe.account(|account| account.pass(1200));
    let from = journey.stripe.asked().len();
    journey.run(quiet(), "a run while nothing changes");
    let asked = journey.asked(from);
    eprintln!("{asked:?}");
    // One reading of the feed serves eleven streams; balance transactions have none and are read back to the oldest that is pending.
    assert!(asked["/v1/events"] < 20, "{asked:?}");
    assert!(!asked.keys().any(|path| ["/v1/charges", "/v1/customers", "/v1/invoices"].contains(&path.as_str())), "{asked:?}");
}

#[test]
fn a_first_load_and_a_later_run_of_a_quiet_account_are_exact_at_once() {
    let journey = Journey::begin(Stripe::with_history(42, 2500));
    journey.run(quiet(), "the first load");
    let again = journey.run(quiet(), "the same again");
    assert!(!again.stderr.contains("everything again"), "{}", again.stderr);
    journey.stripe.account(|account| {
        account.steps(200, 300, Mood::Any);
        account.pass(1200);
    });
    journey.run(quiet(), "after changes");
}

#[test]
fn a_cursor_that_is_older_than_the_events_leads_to_a_full_read_that_still_sees_deletions() {
    let journey = Journey::begin(Stripe::with_history(43, 2500));
    journey.run(quiet(), "the first load");
    journey.stripe.account(|account| {
        // Deletions of so long ago nobody can learn of; those of the last four weeks the events tell.
        account.steps(200, DAY / 16, Mood::NothingGoes);
        account.steps(200, DAY / 8, Mood::NoLineGoes);
        account.pass(1200);
    });
    let from = journey.stripe.asked().len();
    journey.run(quiet(), "after five weeks");
    let asked = journey.asked(from);
    assert!(asked["/v1/charges"] > 5 && !asked.contains_key("/v1/charges/*"), "{asked:?}");
    journey.stripe.account(|account| {
        account.steps(60, 400, Mood::Any);
        account.pass(1200);
    });
    journey.run(quiet(), "and then by events again");
}

#[test]
fn limits_and_broken_answers_cost_no_row() {
    let limit = || Fault::Instead(Box::new(limited()));
    let faults =
        [(5, limit()), (6, limit()), (14, Fault::ResetAfter(900)), (23, Fault::CutAt(2000)), (31, limit()), (40, Fault::TruncatedGzip)];
    let count = faults.len();
    let journey = Journey::begin(Stripe::disturbed(44, 1500, Plan::at(faults)));
    journey.run(quiet(), "the first load, with faults");
    journey.stripe.account(|account| {
        account.steps(60, 400, Mood::Any);
        account.pass(1200);
    });
    journey.run(quiet(), "after changes");
    eprintln!("{count} faults were planned");
}

#[test]
fn a_wrong_key_ends_the_run_as_a_matter_of_rights() {
    let stripe = Stripe::with_history(45, 50);
    let mut workplace = Workplace::with_pipeline(&pipeline(&stripe.url(), &[("charges", &["id"])])).unwrap();
    workplace.set("STRIPE_KEY", "sk_test_of_somebody_else");
    let said = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 6, "{}", said.stderr);
    assert!(said.stderr.contains("401") && !said.stderr.contains("somebody_else"), "{}", said.stderr);
}

/// The tests' own Python.
fn python() -> String {
    std::env::var("TIDEGATE_TEST_PYTHON").expect("TIDEGATE_TEST_PYTHON names the tests' Python: run tests/run, which makes it")
}

/// A server of localstripe's, until this value goes.
struct LocalStripe {
    child: Child,
    url: String,
}

impl LocalStripe {
    /// Starts it on loopback.
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python());
        command.args(["-c", LOCALSTRIPE, &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut local = Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") };
        local.wait(port);
        local
    }

    fn wait(&mut self, port: u16) {
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return;
            }
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let said = self.child.stderr.take().map(|said| BufReader::new(said).lines().map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        panic!("localstripe did not start (tests/run installs it):\n{}", said.unwrap_or_default());
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts localstripe on loopback, keeping nothing on disk.
const LOCALSTRIPE: &str = "
import sys
from aiohttp import web
from localstripe import resources
resources.Store.dump_to_disk = lambda self: None
from localstripe.server import app
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None)
";

/// Fills it, and prints which ids its objects got.
const FILL: &str = "
import json, sys, urllib.parse, urllib.request
def post(path, **fields):
    data = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(sys.argv[1] + path, data, {'Authorization': 'Bearer sk_test_localstripe'})
    return json.load(urllib.request.urlopen(request))
card = {'card[number]': '4242424242424242', 'card[exp_month]': 12, 'card[exp_year]': 2034, 'card[cvc]': 123}
method = post('/v1/payment_methods', type='card', **card)['id']
made = {'customers': [], 'products': [], 'charges': [], 'refunds': []}
for number in range(230):
    made['customers'].append(post('/v1/customers', email='c%d@example.com' % number)['id'])
for number in range(120):
    made['products'].append(post('/v1/products', name='Product %d' % number, type='good')['id'])
for number in range(115):
    charge = post('/v1/charges', amount=100 + number, currency='jpy' if number % 2 else 'eur', source=method)
    made['charges'].append([charge['id'], 100 + number])
    if number % 5 == 0:
        made['refunds'].append(post('/v1/refunds', charge=charge['id'], amount=7)['id'])
print(json.dumps(made))
";

#[test]
fn localstripe_has_the_same_idea_of_lists() {
    let local = LocalStripe::start();
    let made = Command::new(python()).args(["-c", FILL, &local.url]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let streams: [(&str, &[&str]); 4] = [("customers", &["id"]), ("products", &["id"]), ("charges", &["id"]), ("refunds", &["id"])];
    let mut workplace = Workplace::with_pipeline(&pipeline(&local.url, &streams)).unwrap();
    workplace.set("STRIPE_KEY", "sk_test_localstripe");
    let said = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    for stream in ["customers", "products", "refunds"] {
        let mut wanted: Vec<String> = serde_json::from_value(made[stream].clone()).unwrap();
        wanted.sort();
        assert_eq!(column(&workplace, &format!("select id as it from {stream} order by id")), wanted, "{stream}");
    }
    let mut wanted: Vec<(String, i64)> = serde_json::from_value(made["charges"].clone()).unwrap();
    wanted.sort();
    let amounts = |sql: &str| column(&workplace, sql).into_iter().map(|amount| amount.parse::<i64>().unwrap()).collect::<Vec<_>>();
    let minor = "select cast(amount_minor as varchar) as it from charges order by id";
    assert_eq!(amounts(minor), wanted.iter().map(|(_, amount)| *amount).collect::<Vec<_>>());
    let back =
        "select cast(cast(amount * case currency when 'jpy' then 1 else 100 end as bigint) as varchar) as it from charges order by id";
    assert_eq!(amounts(back), amounts(minor));
    eprintln!("localstripe: {} customers, 120 products, {} charges", 230, wanted.len());
}

/// A column `it` of a query's rows.
fn column(workplace: &Workplace, sql: &str) -> Vec<String> {
    let said = workplace.tidegate(&["query", "--json", sql]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let rows: Vec<BTreeMap<String, String>> = serde_json::from_str(&said.stdout).unwrap();
    rows.into_iter().map(|mut row| row.remove("it").unwrap()).collect()
}

/// Stripe's own example objects, which lie beside the checkout on some machines and are never part of it.
fn examples() -> Option<PathBuf> {
    let beside = root().join("../shared/data/api/stripe/resources.json");
    beside.is_file().then_some(beside)
}

#[test]
fn stripes_own_example_objects_become_rows() {
    let Some(path) = examples() else {
        eprintln!("NOT RUN: there is no ../shared/data/api/stripe beside this checkout");
        return;
    };
    let objects: BTreeMap<String, Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    eprintln!("Stripe's examples: {:?}", objects.keys().collect::<Vec<_>>());
    let served = objects.clone();
    let wire = Wire::start(move |asked| {
        let kind = asked.path.trim_start_matches("/v1/").trim_end_matches('s');
        let data: Vec<_> = served.get(kind).into_iter().collect();
        Reply::json(200, &json!({ "object": "list", "data": data, "has_more": false, "url": asked.path }))
    });
    let streams: Vec<(&str, &[&str])> = STREAMS.iter().map(|table| (table.name, table.key)).collect();
    let mut workplace = Workplace::with_pipeline(&pipeline(&wire.url(), &streams)).unwrap();
    workplace.set("STRIPE_KEY", KEY);
    let said = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    for (kind, object) in &objects {
        let amount = if kind == "invoice" {
            "total"
        } else if kind == "customer" {
            "balance"
        } else {
            "amount"
        };
        let sql = format!("select id || ' ' || cast({amount}_minor as varchar) || ' ' || cast({amount} as varchar) as it from {kind}s");
        let minor = object[amount].as_i64().unwrap();
        let wanted = format!("{} {minor} {}.{:02}0", object["id"].as_str().unwrap(), minor / 100, minor % 100);
        assert_eq!(column(&workplace, &sql), [wanted], "{kind}");
    }
    let lines = "select id || ' ' || invoice || ' ' || type as it from invoice_line_items";
    let line = &objects["invoice"]["lines"]["data"][0];
    let wanted = format!("{} {} invoice_item_details", line["id"].as_str().unwrap(), objects["invoice"]["id"].as_str().unwrap());
    assert_eq!(column(&workplace, lines), [wanted]);
}
