//! Tries of a stage within its run, and of the whole run: what lies before the stage that failed is done once.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tidegate::schedule::{Task, TaskStatus};
use tidegate_tests::{
    daemon::{self, Daemon, command, growing, orders, query, statuses, trigger},
    program::Workplace,
    shops::plain::PlainShop,
    wire::{Reply, Wire},
};

const ORDERS: u64 = 120;

/// A shop that answers 500 to the first `times` requests for its orders.
fn shop(times: usize) -> Wire {
    let (shop, asked_before) = (PlainShop::new(ORDERS), AtomicUsize::new(0));
    Wire::start(move |asked| {
        let fails = asked.path == "/orders" && asked_before.fetch_add(1, Ordering::Relaxed) < times;
        if fails { Reply::new(500) } else { shop.answer(asked) }
    })
}

/// When each shop was asked for orders, since they opened together.
fn asked(shops: &[Wire; 2]) -> [Vec<Duration>; 2] {
    shops.each_ref().map(|shop| shop.asked().iter().filter(|asked| asked.path == "/orders").map(|asked| asked.at).collect())
}

/// A pipeline that reads one shop and then another, and appends, so that what is read twice shows.
fn pipeline(schedule: &str, shops: [&Wire; 2]) -> String {
    let mut text = format!("version = 1\nname = \"shops\"\n[storage]\npath = \"../stores/shops\"\n[schedule]\n{schedule}\n");
    for (name, shop) in ["first", "second"].into_iter().zip(shops) {
        let url = shop.url();
        text.push_str(&format!(
            "[sources.{name}]\nplugin = \"guest-rest\"\nconfig = {{ url = \"{url}\", limit = 50 }}\n\
             grants.http.api = {{ url = \"{url}/**\", private = true }}\n\
             patience = {{ attempts = 1, breaker_failures = 1000, requests_per_minute = 100000 }}\n"
        ));
    }
    for name in ["first", "second"] {
        text.push_str(&format!("[streams.{name}]\nsource = \"{name}\"\nstream = \"orders\"\n"));
        text.push_str(&format!("[tables.{name}]\nstream = \"{name}\"\nmode = \"append\"\n"));
    }
    text
}

/// Runs the pipeline of two shops once, by the daemon; gives its task.
fn once(schedule: &str, shops: [&Wire; 2]) -> (Workplace, Task) {
    let workplace = Workplace::empty().unwrap();
    workplace.write("pipelines/shops.toml", &pipeline(schedule, shops)).unwrap();
    let _daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    trigger(&workplace, "shops").unwrap();
    let task = daemon::ended(&store, "shops", 1).unwrap().remove(0);
    (workplace, task)
}

#[test]
fn a_stage_is_tried_again_within_its_run_and_those_before_it_are_not() {
    let shops = [shop(0), shop(2)];
    let (workplace, task) = once("retries = 0\nstage_retries = 2\nretry_delay = \"1s\"", [&shops[0], &shops[1]]);
    assert_eq!((task.status, task.attempt, task.runs.len()), (TaskStatus::Loaded, 1, 1), "{task:?}");
    let asked = asked(&shops);
    let pauses: Vec<_> = asked[1].windows(2).take(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_secs(1)), "it waits before each try: {pauses:?}");
    assert_eq!(asked[0].len() + 2, asked[1].len(), "the first shop is read once");
    assert!(asked[0].iter().all(|first| *first < asked[1][0]), "the first shop is left alone while the second one is tried again");
    for table in ["first", "second"] {
        let rows = query(&workplace, "shops", &format!("select count(*) as n, count(distinct id) as ids from {table}")).unwrap();
        assert_eq!(rows.lines().nth(1), Some(format!("{ORDERS},{ORDERS}").as_str()), "{table}");
    }
    let said = command(&workplace, &["runs", "pipelines/shops.toml", "--run", task.run.unwrap().as_str()]).unwrap();
    for number in [1, 2] {
        assert!(said.contains(&format!("extract second failed, retry {number} of 2 in 1 s: ")), "{said}");
    }
}

#[test]
fn tries_of_the_stage_are_counted_anew_in_each_try_of_the_run() {
    let shops = [shop(0), shop(usize::MAX)];
    let (_, task) = once("retries = 1\nstage_retries = 2\nretry_delay = \"1s\"", [&shops[0], &shops[1]]);
    assert_eq!((task.status, task.attempt, task.runs.len()), (TaskStatus::Failed, 2, 2), "{task:?}");
    let asked = asked(&shops).map(|times| times.len());
    assert_eq!(asked[1], 2 * 3, "three tries in each of two runs");
    assert!(asked[0] > 0 && asked[0].is_multiple_of(2), "each run reads the first shop: {asked:?}");
}

#[test]
fn without_tries_of_the_stage_the_whole_run_is_tried_again() {
    let shops = [shop(0), shop(1)];
    let (workplace, task) = once("retries = 1\nretry_delay = \"1s\"", [&shops[0], &shops[1]]);
    assert_eq!((task.status, task.attempt, task.runs.len()), (TaskStatus::Loaded, 2, 2), "{task:?}");
    let asked = asked(&shops).map(|times| times.len());
    assert_eq!(asked[0], 2 * (asked[1] - 1), "the second run reads the first shop again: {asked:?}");
    let rows = query(&workplace, "shops", "select count(*) from first").unwrap();
    assert_eq!(rows.lines().nth(1), Some(ORDERS.to_string().as_str()), "a run that failed has loaded nothing");
}

#[test]
fn a_load_and_marts_that_fail_are_tried_again_with_what_is_read_already() {
    let workplace = Workplace::empty().unwrap();
    let schedule = "[schedule]\nretries = 0\nstage_retries = 10\nretry_delay = \"1s\"";
    workplace.write("pipelines/shop.toml", &growing("shop", schedule)).unwrap();
    workplace.write("input/shop.csv", &orders(10)).unwrap();
    // Files lie where the lake wants the folders of a table and of a mart.
    let blocks = ["orders", "total"].map(|table| workplace.path().join("stores/shop/lake").join(table));
    for block in ["orders", "total"] {
        workplace.write(&format!("stores/shop/lake/{block}"), "in the way").unwrap();
    }
    let daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    trigger(&workplace, "shop").unwrap();
    daemon.wait_for("load failed, retry 1 of 10 in 1 s: ").unwrap();
    // What a further read would bring is not what the run brings.
    workplace.write("input/shop.csv", &orders(20)).unwrap();
    fs::remove_file(&blocks[0]).unwrap();
    daemon.wait_for("refresh marts failed, retry 1 of 10 in 1 s: ").unwrap();
    fs::remove_file(&blocks[1]).unwrap();
    let tasks = daemon::ended(&store, "shop", 1).unwrap();
    assert_eq!((statuses(&tasks), tasks[0].attempt, tasks[0].runs.len()), (vec![TaskStatus::Loaded], 1, 1), "{tasks:?}");
    assert_eq!(query(&workplace, "shop", "select n from total").unwrap().lines().nth(1), Some("10"));
    assert_eq!(query(&workplace, "shop", "select count(*) from orders").unwrap().lines().nth(1), Some("10"), "it was loaded once");
}
