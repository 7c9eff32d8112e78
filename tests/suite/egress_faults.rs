//! A source over real sockets whose server fails in every way: nothing is lost, nothing is doubled, it takes bounded time, and the run's
//! report tells it.
//!
//! Each case has its own shop, server and store. A first run meets its faults at requests that a seed chooses, then orders change, and a
//! second run meets them again. After each the tables must hold exactly what the shop holds.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{
    program::Workplace,
    shops::plain::PlainShop,
    wire::{Asked, Fault, Plan, Reply, Wire},
};

/// Orders of a shop, over pages of this many.
const ORDERS: u64 = 300;
const PAGE: u64 = 40;

/// No run takes longer, whatever its server does.
const BOUND: Duration = Duration::from_secs(90);

/// Cases that run side by side: they mostly wait.
const SIDE_BY_SIDE: usize = 6;

/// What goes wrong.
struct Case {
    name: String,
    faults: Vec<Fault>,
    /// About one request in so many meets a fault.
    one_in: u64,
    /// Whether answers are packed where the client accepts that.
    packed: bool,
    /// Keys of `patience`.
    patience: &'static str,
    /// What the report must count; empty where a fault does no harm.
    counts: &'static str,
}

fn case(name: &str, faults: impl IntoIterator<Item = Fault>) -> Case {
    Case { name: name.to_owned(), faults: faults.into_iter().collect(), one_in: 2, packed: false, patience: "", counts: "failures" }
}

fn status(status: u16) -> Reply {
    Reply::json(status, &json!({ "errors": "not now" }))
}

fn instead(reply: Reply) -> Fault {
    Fault::Instead(Box::new(reply))
}

/// Bytes of a page at which something may happen: both ends, and a spread in between.
fn offsets() -> impl Iterator<Item = usize> {
    [0, 1, 2, 11].into_iter().chain((1..60).map(|step| step * 311))
}

fn cases(now: SystemTime) -> Vec<Case> {
    let date = httpdate::fmt_http_date(now + Duration::from_secs(1));
    let busy = |wait: &str| instead(status(429).header("Retry-After", wait));
    let throttled = |name: &str, faults: Vec<Fault>, one_in| Case { one_in, counts: "throttled", ..case(name, faults) };
    let packed = |case: Case| Case { packed: true, ..case };
    // Only the plugin can see it; the host waits and lets it ask again.
    let seen_by_plugin = |case: Case| Case { counts: "waited_millis", ..case };
    let slow = |name: &str, fault: Fault| Case { one_in: 5, patience: "read_seconds = 1, total_seconds = 2", ..case(name, [fault]) };
    vec![
        throttled("429 without a word", vec![instead(status(429))], 3),
        throttled("429 with seconds", vec![busy("1")], 3),
        throttled("429 with a fraction", vec![busy("0.05")], 2),
        throttled("429 with a date", vec![instead(status(429).header("Retry-After", date))], 3),
        throttled("a storm of 429", vec![busy("0.02")], 1),
        case("500", [instead(status(500))]),
        case("502 as a page for people", [instead(Reply::text(502, "<html>bad gateway</html>"))]),
        case("503 with a wait", [instead(status(503).header("Retry-After", "0.1"))]),
        case("504 and 408", [instead(status(504)), instead(status(408))]),
        case("reset before the head", [Fault::ResetBeforeHead]),
        case("closed before the head", [Fault::CloseBeforeHead]),
        case("reset in the middle", offsets().map(Fault::ResetAfter)),
        packed(case("reset in the middle of gzip", (0..40).map(|step| Fault::ResetAfter(step * 37)))),
        case("closed in the middle", offsets().map(Fault::CloseAfter)),
        packed(case("truncated gzip", [Fault::TruncatedGzip])),
        packed(case("gzip cut at byte n", (1..40).map(|step| Fault::CutAt(step * 37)))),
        case("a length that is too long", [Fault::WrongLength(1), Fault::WrongLength(100_000)]),
        seen_by_plugin(case("a length that is too short", [Fault::WrongLength(-1), Fault::WrongLength(-1000)])),
        case("two lengths", [Fault::TwoLengths]),
        case("a head that is none", [Fault::GarbageHead]),
        case("a broken chunk", [Fault::BrokenChunk, Fault::MissingLastChunk]),
        seen_by_plugin(case("JSON broken at byte n", offsets().map(Fault::CutAt))),
        Case { counts: "", ..case("slow drip", [Fault::Drip { bytes: 97, every: Duration::from_millis(1) }]) },
        slow("drip that never ends", Fault::Drip { bytes: 1, every: Duration::from_millis(5) }),
        slow("silence", Fault::Silence),
        slow("silence in the middle", Fault::SilenceAfter(100)),
        Case { patience: "breaker_failures = 2, breaker_seconds = 1", one_in: 3, ..case("a circuit that opens", [instead(status(503))]) },
    ]
}

/// Everything at once, with other seeds.
fn mixture(number: u64) -> Case {
    let mut faults: Vec<Fault> =
        offsets().step_by(6).flat_map(|at| [Fault::ResetAfter(at), Fault::CloseAfter(at), Fault::CutAt(at)]).collect();
    faults.extend([429, 500, 502, 503].map(|code| instead(status(code))));
    faults.extend([Fault::TruncatedGzip, Fault::WrongLength(7), Fault::WrongLength(-7), Fault::TwoLengths, Fault::GarbageHead]);
    Case { packed: number.is_multiple_of(2), ..case(&format!("everything, seed {number}"), faults) }
}

/// The pipeline, over a server with this URL.
fn pipeline(url: &str, patience: &str, config: &str) -> String {
    let separator = if patience.is_empty() { "" } else { ", " };
    let breaker = if patience.contains("breaker_failures") { "" } else { ", breaker_failures = 1000" };
    format!(
        r#"version = 1
name = "faults"

[sources.shop]
plugin = "guest-rest"
config = {{ url = "{url}", limit = {PAGE}{config} }}
grants.http.api = {{ url = "{url}/**", credentials = ["token"], private = true }}
patience = {{ requests_per_minute = 1000000{breaker}{separator}{patience} }}
credentials.token = {{ kind = "bearer", secret = {{ env = "SHOP_TOKEN" }} }}

[streams.orders]
[streams.order_items]

[tables.orders]
stream = "orders"
mode = "merge"
key = ["id"]

[tables.order_items]
stream = "order_items"
mode = "merge"
key = ["id"]
"#
    )
}

/// A store that a shop is read into.
struct Reading {
    shop: Arc<PlainShop>,
    workplace: Workplace,
}

impl Reading {
    fn new(shop: &Arc<PlainShop>, wire: &Wire, patience: &str, config: &str) -> Result<Self> {
        let mut workplace = Workplace::with_pipeline(&pipeline(&wire.url(), patience, config))?;
        workplace.set("SHOP_TOKEN", "a-token-that-is-long");
        Ok(Self { shop: shop.clone(), workplace })
    }

    /// Runs the pipeline; the tables must hold what the shop holds. Gives the report.
    fn run(&self) -> Result<Value> {
        let started = Instant::now();
        let said = self.workplace.tidegate(&["run", "--json"])?;
        ensure!(said.code == 0, "the run ended with {}: {}{}", said.code, said.stdout, said.stderr);
        ensure!(started.elapsed() < BOUND, "it took {:?}", started.elapsed());
        self.compare("select id, status, total, cast(to_unixtime(updated_at) as bigint) from orders order by id", &self.shop.order_rows())?;
        self.compare("select order_id, id, quantity, price from order_items order by order_id, id", &self.shop.item_rows())?;
        serde_json::from_str(&said.stdout).context("read the report")
    }

    fn compare(&self, sql: &str, wanted: &[String]) -> Result<()> {
        let said = self.workplace.tidegate(&["query", "--format", "csv", sql])?;
        let found: Vec<&str> = said.stdout.lines().skip(1).collect();
        let lost = wanted.iter().filter(|row| !found.contains(&row.as_str())).count();
        let extra = found.iter().filter(|row| !wanted.iter().any(|wanted| wanted == *row)).count();
        ensure!(found == wanted, "{lost} rows are missing, {extra} are wrong, {} of {} are there: {sql}", found.len(), wanted.len());
        Ok(())
    }
}

/// Some orders change, some are new.
fn changes(shop: &PlainShop) {
    shop.pass(60);
    (1..ORDERS).step_by(7).for_each(|id| shop.change(id));
    (ORDERS + 1..ORDERS + 50).for_each(|id| shop.change(id));
    shop.pass(3600);
}

/// Two runs of a case; gives how many faults were met.
fn two_runs(case: Case, seed: u64) -> Result<usize> {
    let shop = PlainShop::new(ORDERS);
    let (answering, clock, packed) = (shop.clone(), shop.clone(), case.packed);
    let plan = Plan::seeded(seed, case.one_in, 3, case.faults);
    let wire = Wire::disturbed(plan, move |asked| {
        let reply = answering.answer(asked);
        if packed { reply.gzip_for(asked) } else { reply }
    });
    wire.set_clock(move || clock.now());
    let reading = Reading::new(&shop, &wire, case.patience, "")?;
    let mut met = 0;
    for round in 1..=2 {
        let report = reading.run().with_context(|| format!("run {round}, after {} faults", wire.faults() - met))?;
        let faults = wire.faults() - met;
        met += faults;
        let health = &report["egress"][0]["health"];
        let told = health[case.counts].as_u64().unwrap_or_default();
        ensure!(case.counts.is_empty() || told > 0 || faults == 0, "{faults} faults, and the report tells none of them: {health}");
        changes(&shop);
    }
    Ok(met)
}

#[test]
fn whatever_fails_nothing_is_lost_or_doubled() {
    let now = PlainShop::new(ORDERS).now();
    let cases: Vec<Case> = cases(now).into_iter().chain((1..=4).map(mixture)).collect();
    let queue = Mutex::new(cases.into_iter().zip(1..).collect::<Vec<_>>());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((case, seed)) = { queue.lock().unwrap().pop() } {
                    let (name, started) = (case.name.clone(), Instant::now());
                    let result = two_runs(case, seed);
                    results.lock().unwrap().push((name, started.elapsed(), result));
                }
            });
        }
    });
    let (mut tried, mut wrong) = (0, String::new());
    for (name, took, result) in results.into_inner().unwrap() {
        match result {
            Ok(faults) => {
                println!("{name:<30} {faults:>4} faults, {:.1} s", took.as_secs_f64());
                tried += faults;
                if faults == 0 {
                    wrong += &format!("{name}: no fault was met\n");
                }
            }
            Err(error) => wrong += &format!("{name}: {error:#}\n"),
        }
    }
    println!("{tried} faults were tried");
    assert_eq!(wrong, "");
    assert!(tried > 300, "only {tried} faults were tried");
}

/// Reads a shop whose answers are bent, twice.
fn bent(config: &str, bend: impl Fn(&PlainShop, &Asked, Reply) -> Reply + Send + Sync + 'static) -> (Reading, Wire) {
    let shop = PlainShop::new(ORDERS);
    let (answering, clock) = (shop.clone(), shop.clone());
    let wire = Wire::start(move |asked| {
        let reply = answering.answer(asked);
        bend(&answering, asked, reply)
    });
    wire.set_clock(move || clock.now());
    let reading = Reading::new(&shop, &wire, "", config).unwrap();
    (reading, wire)
}

#[test]
fn rows_that_come_twice_are_rows_once() {
    // Every page begins with the rows of the one before it.
    let before = Mutex::new(Vec::new());
    let (reading, _wire) = bent("", move |_, asked, reply| {
        let mut page: Value = serde_json::from_slice(&reply.body).unwrap();
        let rows = page["orders"].as_array().cloned().unwrap_or_default();
        let mut before = before.lock().unwrap();
        let again = if asked.param("cursor").is_some() { std::mem::replace(&mut *before, rows.clone()) } else { Vec::new() };
        *before = rows.clone();
        page["orders"] = again.into_iter().chain(rows).collect();
        Reply::json(200, &page)
    });
    reading.run().unwrap();
    changes(&reading.shop);
    reading.run().unwrap();
}

#[test]
fn a_page_that_shrinks_hides_no_row() {
    // While the third page is asked for, orders of the first one go: those behind them move to the front.
    let (reading, wire) = bent(", shape = \"numbered\"", |shop, asked, _| {
        if asked.param("page") == Some("3") {
            (5..15).for_each(|id| shop.remove(id));
        }
        shop.answer(asked)
    });
    let said = reading.workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let rows = reading
        .workplace
        .tidegate(&["query", "--format", "csv", "select id, status, total, cast(to_unixtime(updated_at) as bigint) from orders"])
        .unwrap();
    let lost: Vec<_> = reading.shop.order_rows().into_iter().filter(|row| !rows.stdout.lines().any(|found| found == row)).collect();
    assert_eq!(lost, Vec::<String>::new(), "after {} requests", wire.asked().len());
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed() {
    let shop = PlainShop::new(ORDERS);
    let (answering, clock, uses) = (shop.clone(), shop.clone(), Mutex::new((0, 0)));
    let wire = Wire::start(move |asked| {
        let (token, used) = &mut *uses.lock().unwrap();
        if asked.path == "/token" {
            (*token, *used) = (*token + 1, 0);
            return Reply::json(200, &json!({ "access_token": format!("token-number-{token}"), "expires_in": 3600 }));
        }
        *used += 1;
        let is_good = asked.header("authorization") == Some(format!("Bearer token-number-{token}").as_str()) && *used <= 3;
        if is_good { answering.answer(asked) } else { status(401) }
    });
    wire.set_clock(move || clock.now());
    let mut reading = Reading::new(&shop, &wire, "", ", credential = \"token\"").unwrap();
    let text = pipeline(&wire.url(), "", ", credential = \"token\"").replace(
        "kind = \"bearer\", secret",
        &format!("kind = \"oauth2\", token_url = \"{}/token\", client_id = {{ env = \"SHOP_TOKEN\" }}, secret", wire.url()),
    );
    reading.workplace.write("pipeline.toml", &text).unwrap();
    reading.workplace.set("SHOP_TOKEN", "a-client-that-is-long");
    reading.run().unwrap();
    changes(&shop);
    reading.run().unwrap();
    assert!(wire.asked().iter().filter(|asked| asked.path == "/token").count() > 3);
}

#[test]
fn a_clock_that_is_wrong_loses_no_row() {
    // The server's clock is months behind ours, or years ahead; the header's is a few seconds off the one that stamps rows.
    for (years, seconds) in [(0, -5), (0, 5), (30, 0), (30, 3)] {
        let shop = PlainShop::new(ORDERS);
        shop.pass(years * 365 * 86_400);
        (1..ORDERS).step_by(50).for_each(|id| shop.change(id));
        let (answering, clock) = (shop.clone(), shop.clone());
        let wire = Wire::start(move |asked| answering.answer(asked));
        let skew = Duration::from_secs(i64::unsigned_abs(seconds));
        wire.set_clock(move || if seconds < 0 { clock.now() - skew } else { clock.now() + skew });
        let reading = Reading::new(&shop, &wire, "", "").unwrap();
        let settle = |reading: &Reading| {
            // Rows behind the window's end come with the next run, once the clock has passed them.
            let said = reading.workplace.tidegate(&["run"]).unwrap();
            assert_eq!(said.code, 0, "{}", said.stderr);
            shop.pass(10);
            reading.run().unwrap();
        };
        settle(&reading);
        shop.pass(1);
        (1..ORDERS).step_by(9).for_each(|id| shop.change(id));
        settle(&reading);
        shop.pass(2);
        (2..ORDERS).step_by(9).for_each(|id| shop.change(id));
        settle(&reading);
    }
}
