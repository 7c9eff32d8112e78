//! Backfills: window by window, in order, over a killed daemon, beside the schedule's own cursor.

use std::time::Duration;

use tidegate::schedule::{BackfillStatus, Cause, TaskStatus};
use tidegate_tests::{
    daemon::{self, Daemon, command, growing, orders, query, wait},
    program::Workplace,
};

/// More windows than a fast machine does before the third death.
const DAYS: u32 = 28;

/// A pipeline that reads new files as they come, and one file a day in a backfill.
fn workplace() -> Workplace {
    let workplace = Workplace::empty().unwrap();
    let told = "[sources.files.backfill.streams.orders]\nfiles = \"{from:%Y-%m-%d}.csv\"\n[streams.orders]";
    let pipeline = growing("shop", "[clock]\nnow = \"2020-01-01T00:00:00Z\"")
        .replace("orders = { files = \"shop.csv\" }", "orders = { files = \"new-*.csv\", incremental = \"files\" }")
        .replace("[streams.orders]", told);
    workplace.write("pipelines/shop.toml", &pipeline).unwrap();
    for day in 1..=DAYS {
        workplace.write(&format!("input/2026-01-{day:02}.csv"), &orders(day)).unwrap();
    }
    workplace.write("input/new-1.csv", &orders(100)).unwrap();
    workplace
}

fn rows(workplace: &Workplace) -> u32 {
    query(workplace, "shop", "select n from total").unwrap().lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_backfill_reads_its_windows_in_order_over_deaths_and_leaves_the_cursor() {
    let workplace = workplace();
    let ask = ["backfill", "shop", "--from", "2026-01-01", "--to", "2026-01-29", "--folder", "pipelines"];
    let said = command(&workplace, &ask).unwrap();
    assert!(said.contains("going, 0 of 28 windows"), "{said}");
    let store = daemon::store(&workplace).unwrap();
    // Three deaths on the way.
    for after in [2, 4, 6] {
        let daemon = Daemon::start(&workplace).unwrap();
        wait("windows are done", || Ok((daemon::tasks(&store, "shop")?.len() > after).then_some(()))).unwrap();
        std::thread::sleep(Duration::from_millis(60 * after as u64));
        daemon.kill().unwrap();
    }
    let daemon = Daemon::start(&workplace).unwrap();
    let waited = command(&workplace, &[&ask[..], &["--wait"]].concat()).unwrap();
    assert!(waited.contains("done, 28 of 28 windows"), "{waited}");
    let tasks = daemon::tasks(&store, "shop").unwrap();
    assert_eq!(tasks.len() as u32, DAYS, "{tasks:#?}");
    let windows: Vec<_> = tasks.iter().map(|task| (task.window.unwrap().from, task.logical.unwrap())).collect();
    assert!(windows.is_sorted() && windows.windows(2).all(|pair| pair[0].1 == pair[1].0));
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Loaded && task.cause == Cause::Backfill));
    assert_eq!(rows(&workplace), DAYS * (DAYS + 1) / 2, "each day once");

    // The logical time is the window's end, whatever the file says.
    let run = tasks[0].run.clone().unwrap();
    let record = std::fs::read_to_string(workplace.path().join(format!("stores/shop/runs/{run}.json"))).unwrap();
    assert!(record.contains("2026-01-02T00:00:00Z"), "{record}");

    // The schedule's own reading neither knows of the backfill nor is disturbed by it.
    daemon::trigger(&workplace, "shop").unwrap();
    daemon::ended(&store, "shop", DAYS as usize + 1).unwrap();
    assert_eq!(rows(&workplace), DAYS * (DAYS + 1) / 2 + 100);
    daemon::trigger(&workplace, "shop").unwrap();
    daemon::ended(&store, "shop", DAYS as usize + 2).unwrap();
    assert_eq!(rows(&workplace), DAYS * (DAYS + 1) / 2 + 100, "the cursor knows the file");
    daemon.stop().unwrap();

    // A run of a window is replayed from its archive as it was.
    let replayed = command(&workplace, &["replay", run.as_str(), "-p", "pipelines/shop.toml"]);
    assert!(replayed.is_ok(), "{replayed:?}");
}

#[test]
fn a_backfill_halts_where_a_window_fails_and_goes_on_from_there() {
    let workplace = workplace();
    let third = workplace.path().join("input/2026-01-03.csv");
    std::fs::remove_file(&third).unwrap();
    let daemon = Daemon::start(&workplace).unwrap();
    let ask = ["backfill", "shop", "--from", "2026-01-01", "--to", "2026-01-05", "--window", "1d", "--folder", "pipelines", "--wait"];
    let said = workplace.tidegate(&ask).unwrap();
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stdout.contains("halted, 2 of 4 windows"), "{}", said.stdout);
    workplace.write("input/2026-01-03.csv", &orders(3)).unwrap();
    let again = command(&workplace, &ask).unwrap();
    assert!(again.contains("done, 4 of 4 windows"), "{again}");
    assert_eq!(rows(&workplace), 1 + 2 + 3 + 4);
    let store = daemon::store(&workplace).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entry = runtime.block_on(store.backfills(Some("shop"))).unwrap().remove(0);
    assert_eq!((entry.status, entry.round), (BackfillStatus::Done, 1));
    drop(daemon);
}

#[test]
fn a_window_never_takes_the_place_of_all_rows() {
    let workplace = workplace();
    let file = workplace.path().join("pipelines/shop.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("mode = \"append\"", "mode = \"replace\"");
    std::fs::write(&file, text.replace(", incremental = \"files\"", "")).unwrap();
    let _daemon = Daemon::start(&workplace).unwrap();
    let ask = ["backfill", "shop", "--from", "2026-01-01", "--to", "2026-01-03", "--folder", "pipelines", "--wait"];
    assert_eq!(workplace.tidegate(&ask).unwrap().code, 1);
    let said = command(&workplace, &["tasks", "shop", "--folder", "pipelines"]).unwrap();
    assert!(said.contains("would take the place of all rows of `orders`"), "{said}");
}

#[test]
fn a_span_that_makes_no_sense_is_refused() {
    let workplace = workplace();
    let ask =
        |from: &str, to: &str| workplace.tidegate(&["backfill", "shop", "--from", from, "--to", to, "--folder", "pipelines"]).unwrap();
    assert!(ask("2026-01-02", "2026-01-01").stderr.contains("its span ends before it starts"));
    assert!(ask("2026-01-02", "2999-01-01").stderr.contains("its span ends in the future"));
    assert_eq!(ask("yesterday", "2026-01-01").code, 2);
    let unknown = workplace.tidegate(&["trigger", "shp", "--folder", "pipelines"]).unwrap();
    assert!(unknown.stderr.contains("did you mean `shop`?"), "{}", unknown.stderr);
}
