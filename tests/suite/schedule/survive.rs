//! The daemon is killed at many moments of its work and started again: no run is lost, none is done twice, none is running for ever.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidegate::schedule::{Task, TaskStatus};
use tidegate_tests::{
    daemon::{self, Daemon, command, growing, is_there, orders, query, slow, trigger},
    program::Workplace,
};

/// Moments at which the daemon is killed, spread over an undisturbed daemon's work.
const MOMENTS: u32 = 26;

/// Tasks that wait when the daemon starts.
const TASKS: usize = 2;

fn workplace() -> Result<Workplace> {
    let workplace = Workplace::empty()?;
    workplace.write("pipelines/shop.toml", &growing("shop", ""))?;
    workplace.write("pipelines/after.toml", &growing("after", "[schedule]\nafter = [\"shop\"]"))?;
    workplace.write("input/shop.csv", &orders(3000))?;
    workplace.write("input/after.csv", &orders(7))?;
    Ok(workplace)
}

/// Everything that a reader sees, but for names of runs and times.
fn contents(workplace: &Workplace) -> Result<[String; 4]> {
    let rows = |pipeline: &str| query(workplace, pipeline, "select * from orders order by order_id, amount");
    let mart = |pipeline: &str| query(workplace, pipeline, "select * from total");
    Ok([rows("shop")?, mart("shop")?, rows("after")?, mart("after")?])
}

/// When to kill.
#[derive(Debug)]
enum Kill {
    /// So long after the start.
    After(Duration),
    /// As soon as this file is there; `*` stands for one name.
    When(&'static str),
}

const EVENTS: [&str; 8] = [
    "stores/shop/lock/shop.lock",
    "stores/shop/state.sqlite",
    "stores/shop/runs/*",
    "stores/shop/clean/orders/*",
    "stores/shop/lake/_tidegate/intents/shop.json",
    "stores/shop/lake/orders/_delta_log/00000000000000000000.json",
    "stores/shop/lake/_tidegate/head.json",
    "stores/shop/lake/total/_delta_log/00000000000000000000.json",
];

/// Starts a daemon on two tasks of `shop`, each followed by one of `after`, and lets it end them.
fn work(workplace: &Workplace) -> Result<Vec<Task>> {
    let store = daemon::store(workplace)?;
    let shop = daemon::ended(&store, "shop", TASKS)?;
    // `after` follows both loads, together or one by one: what counts is that a run of it comes after the last. A task is started once, also
    // where its daemon died and it was run again; the name of a run says when that began, to the millisecond.
    let last = shop.iter().filter_map(|task| task.finished_at).max().context("`shop` has ended")?;
    let last = last.format("%Y%m%dT%H%M%S%3fZ").to_string();
    let mut after = Vec::new();
    daemon::wait("`after` has followed", || {
        after = daemon::tasks(&store, "after")?;
        let followed = after.iter().filter_map(|task| task.run.as_ref()).any(|run| run.as_str() >= last.as_str());
        Ok((after.iter().all(|task| task.status.is_end()) && followed).then_some(()))
    })
    .with_context(|| format!("after {last}: {after:#?}"))?;
    Ok(shop)
}

fn ask(workplace: &Workplace) -> Result<()> {
    for _ in 0..TASKS {
        trigger(workplace, "shop")?;
    }
    Ok(())
}

#[test]
fn a_killed_daemon_loses_no_run_and_does_none_twice() {
    let calm = workplace().unwrap();
    ask(&calm).unwrap();
    let started = Instant::now();
    let undisturbed = Daemon::start(&calm).unwrap();
    work(&calm).unwrap();
    let length = started.elapsed();
    assert_eq!(undisturbed.stop().unwrap(), Some(0));
    let wanted = contents(&calm).unwrap();

    let moments = (0..MOMENTS).map(|moment| Kill::After(length * (2 * moment + 1) / (2 * MOMENTS)));
    let kills: Vec<_> = moments.chain(EVENTS.map(Kill::When)).collect();
    let (mut failed, mut died) = (Vec::new(), 0);
    for kill in &kills {
        match disturbed(kill, &wanted) {
            Ok(deaths) => died += deaths,
            Err(error) => failed.push(format!("{kill:?}: {error:#}")),
        }
    }
    println!("killed the daemon at {} points over {length:?}; {died} runs died with it", kills.len());
    assert!(failed.is_empty(), "{} of {} points:\n{}", failed.len(), kills.len(), failed.join("\n"));
    assert!(died >= 5, "only {died} runs died: too few to show anything");
}

/// Kills a daemon at its work, starts another one, and compares what it leaves. Gives how many runs died.
fn disturbed(kill: &Kill, wanted: &[String; 4]) -> Result<u32> {
    let workplace = workplace()?;
    ask(&workplace)?;
    let first = Daemon::start(&workplace)?;
    let started = Instant::now();
    while !match kill {
        Kill::After(time) => started.elapsed() >= *time,
        Kill::When(pattern) => is_there(workplace.path(), pattern) || started.elapsed() > Duration::from_secs(20),
    } {
        std::thread::sleep(Duration::from_micros(200));
    }
    first.kill()?;
    let second = Daemon::start(&workplace)?;
    second.wait_for("serving")?;
    let shop = work(&workplace).map_err(|error| error.context(second.said()))?;
    ensure!(shop.len() == TASKS && shop.iter().all(|task| task.status == TaskStatus::Loaded), "{shop:?}\n{}", second.said());
    ensure!(second.stop()? == Some(0));

    // The mart and the rows of `after` depend on whether it came once or twice; those of `shop` do not.
    let found = contents(&workplace)?;
    let rows = |pipeline: &str| -> Result<usize> { Ok(daemon::tasks(&daemon::store(&workplace)?, pipeline)?.len()) };
    for (what, (wanted, found)) in ["orders", "total"].iter().zip(wanted.iter().zip(&found)) {
        ensure!(wanted == found, "`{what}` differs:\n{}", tidegate_tests::table::difference(wanted, found));
    }
    let after = 7 * rows("after")?;
    ensure!(found[2].lines().count() == after + 1, "`after` has {} rows, not {after}", found[2].lines().count() - 1);

    // No run of the history is running, and as many have loaded as tasks.
    let runs = command(&workplace, &["runs", "pipelines/shop.toml", "--json"])?;
    let runs: Vec<serde_json::Value> = serde_json::from_str(&runs)?;
    let with = |status: &str| runs.iter().filter(|run| run["status"] == status).count();
    ensure!(with("running") == 0, "a run is still running:\n{runs:#?}");
    // A run that was finished by another one is `resumed`, and that one `loaded`.
    ensure!(with("loaded") == TASKS, "{} runs loaded, not {TASKS}:\n{runs:#?}", with("loaded"));
    Ok(shop.iter().map(|task| task.deaths).sum())
}

#[test]
fn a_run_that_was_killed_has_left_its_stages_and_its_log() {
    let workplace = workplace().unwrap();
    workplace.write("input/shop.csv", &orders(200_000)).unwrap();
    trigger(&workplace, "shop").unwrap();
    let first = Daemon::start(&workplace).unwrap();
    daemon::wait("the run reads", || Ok(is_there(workplace.path(), "stores/shop/clean/orders/*").then_some(()))).unwrap();
    first.kill().unwrap();
    let state = tidegate::state::State::open(&workplace.path().join("stores/shop/state.sqlite")).unwrap();
    let run = state.runs(1, None).unwrap().remove(0).id;
    let stages = state.stages(&run).unwrap();
    assert!(stages.iter().any(|stage| stage.stream.as_deref() == Some("orders")), "{stages:?}");
}

#[test]
fn a_daemon_that_is_asked_to_stop_lets_its_run_end_or_parks_it() {
    for (grace, count) in [("60s", 40_000), ("1s", 3_000_000)] {
        let workplace = workplace().unwrap();
        workplace.write("pipelines/tidegate.toml", &format!("version = 1\n[limits]\ngrace = \"{grace}\"\n")).unwrap();
        workplace.write("input/shop.csv", &orders(count)).unwrap();
        if grace == "1s" {
            workplace.write("pipelines/shop.toml", &slow("shop", "")).unwrap();
        }
        trigger(&workplace, "shop").unwrap();
        let first = Daemon::start(&workplace).unwrap();
        daemon::wait("the run reads", || Ok(is_there(workplace.path(), "stores/shop/clean/orders/*").then_some(()))).unwrap();
        assert_eq!(first.stop().unwrap(), Some(0));
        let store = daemon::store(&workplace).unwrap();
        let task = daemon::tasks(&store, "shop").unwrap().remove(0);
        let wanted = if grace == "60s" { TaskStatus::Loaded } else { TaskStatus::Queued };
        assert_eq!((task.status, task.attempt, task.deaths), (wanted, 1, 0), "{task:?}");
        let second = Daemon::start(&workplace).unwrap();
        assert_eq!(daemon::statuses(&daemon::ended(&store, "shop", 1).unwrap()), [TaskStatus::Loaded]);
        second.stop().unwrap();
        let total = query(&workplace, "shop", "select n from total").unwrap();
        assert_eq!(total.lines().nth(1), Some(count.to_string().as_str()));
    }
}

#[test]
fn a_second_daemon_for_one_folder_is_refused() {
    let workplace = workplace().unwrap();
    let first = Daemon::start(&workplace).unwrap();
    first.wait_for("serving").unwrap();
    daemon::wait("the store is there", || Ok(is_there(workplace.path(), "pipelines/.tidegate/daemon.db").then_some(()))).unwrap();
    let second = workplace.tidegate(&["serve", "pipelines", "--no-web"]).unwrap();
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains("serves `pipelines` already") && second.stderr.contains("hint:"), "{}", second.stderr);
}
