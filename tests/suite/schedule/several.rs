//! Several daemons on one PostgreSQL database: they share the work, no pipeline runs twice at once, what one leaves another takes.

use std::{collections::BTreeSet, time::Duration};

use tidegate::{
    config::Secret,
    schedule::{Asks, Backfill, BackfillStatus, Task, TaskStatus, Tasks},
    state::{
        RunId, State,
        tasks::{Claim, Later, Renewed},
    },
};
use tidegate_tests::{
    daemon::{self, Daemon, growing, orders, query, wait},
    postgres::{self, Database},
    program::Workplace,
};

const PIPELINES: usize = 4;
const RUNS: usize = 4;

fn name(number: usize) -> String {
    format!("p{number}")
}

/// A folder with pipelines, whose daemons keep their state in `database`.
fn workplace(database: &Database, rows: u32) -> Workplace {
    let mut workplace = Workplace::empty().unwrap();
    workplace.set("STATE", &database.url);
    workplace.write("pipelines/tidegate.toml", "version = 1\n[state]\nurl = { env = \"STATE\" }\n[limits]\nruns = 2\n").unwrap();
    for number in 0..PIPELINES {
        workplace.write(&format!("pipelines/{}.toml", name(number)), &growing(&name(number), "")).unwrap();
        workplace.write(&format!("input/{}.csv", name(number)), &orders(rows)).unwrap();
    }
    workplace
}

struct Shared {
    runtime: tokio::runtime::Runtime,
    store: Tasks,
}

impl Shared {
    fn at(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store = runtime.block_on(Tasks::connect(&Secret::new(database.url.clone()))).unwrap();
        Self { runtime, store }
    }

    fn trigger(&self, pipeline: &str) {
        let names = [pipeline.to_owned()];
        let asks = Asks { store: &self.store, names: &names, now: chrono::Utc::now(), by: "test" };
        self.runtime.block_on(asks.run_now(pipeline)).unwrap();
    }

    fn tasks(&self) -> Vec<Task> {
        let tasks = (0..PIPELINES).flat_map(|number| self.runtime.block_on(self.store.tasks(&name(number), 1000)).unwrap());
        tasks.collect()
    }

    fn wait_until_all_ended(&self) -> Vec<Task> {
        wait("all tasks have ended", || {
            let tasks = self.tasks();
            Ok(tasks.iter().all(|task| task.status.is_end()).then_some(tasks))
        })
        .unwrap()
    }
}

#[test]
fn daemons_share_the_work_and_take_over_what_one_leaves() {
    let database = postgres::shared().unwrap().database(None).unwrap();
    let workplace = workplace(&database, 40_000);
    let shared = Shared::at(&database);
    let first = Daemon::start(&workplace).unwrap();
    let second = Daemon::start(&workplace).unwrap();
    for _ in 0..RUNS {
        (0..PIPELINES).for_each(|number| shared.trigger(&name(number)));
    }
    // What one leaves another one claims, so that only the look at the moment shows who was at work.
    let mut by = BTreeSet::new();
    wait("both are at work", || {
        let tasks = shared.tasks();
        by.extend(tasks.iter().filter_map(|task| task.claimed_by.clone()));
        Ok((by.len() == 2 && tasks.iter().any(|task| task.status == TaskStatus::Running)).then_some(()))
    })
    .unwrap();
    first.kill().unwrap();
    let tasks = shared.wait_until_all_ended();
    assert_eq!(second.stop().unwrap(), Some(0));

    assert_eq!(tasks.len(), PIPELINES * RUNS);
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Loaded), "{tasks:#?}");
    println!("{} runs by two daemons, one killed; {} were taken over", tasks.len(), tasks.iter().map(|task| task.deaths).sum::<u32>());
    for number in 0..PIPELINES {
        let rows = query(&workplace, &name(number), "select n from total").unwrap();
        assert_eq!(rows.lines().nth(1), Some((RUNS * 40_000).to_string().as_str()), "{}", name(number));
        let state = State::open(&workplace.path().join(format!("stores/{}/state.sqlite", name(number)))).unwrap();
        let mut spans: Vec<_> = state.runs(1000, None).unwrap().iter().filter_map(|run| Some((run.started_at, run.finished_at?))).collect();
        spans.sort();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{} ran twice at once: {spans:?}", name(number));
    }
}

#[test]
fn a_daemon_that_was_cut_off_and_comes_back_does_nothing_twice() {
    let database = postgres::shared().unwrap().database(None).unwrap();
    let workplace = workplace(&database, 400_000);
    let shared = Shared::at(&database);
    let first = Daemon::start(&workplace).unwrap();
    shared.trigger("p0");
    wait("the run reads", || Ok(daemon::is_there(workplace.path(), "stores/p0/clean/orders/*").then_some(()))).unwrap();
    first.signal("STOP").unwrap();
    let second = Daemon::start(&workplace).unwrap();
    // The claim ends after 30 s; then the second one has it.
    second.wait_for("its daemon ended while it ran").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    first.signal("CONT").unwrap();
    let tasks = shared.wait_until_all_ended();
    assert_eq!((tasks.len(), tasks[0].status), (1, TaskStatus::Loaded), "{tasks:#?}");
    let rows = query(&workplace, "p0", "select n from total").unwrap();
    assert_eq!(rows.lines().nth(1), Some("400000"), "{tasks:#?}\n{}\n{}", first.said(), second.said());
    first.stop().unwrap();
    second.stop().unwrap();
}

#[test]
fn a_database_that_restarts_stops_nothing() {
    // Of its own: the others share theirs.
    let server = postgres::Server::start().unwrap();
    let database = server.database(None).unwrap();
    let workplace = workplace(&database, 1000);
    let mut first = Daemon::start(&workplace).unwrap();
    Shared::at(&database).trigger("p0");
    Shared::at(&database).wait_until_all_ended();
    server.crash_and_restart().unwrap();
    Shared::at(&database).trigger("p1");
    let tasks = Shared::at(&database).wait_until_all_ended();
    assert!(tasks.len() == 2 && tasks.iter().all(|task| task.status == TaskStatus::Loaded), "{tasks:#?}");
    assert!(first.runs().unwrap());
    assert_eq!(first.stop().unwrap(), Some(0));
}

/// What `host/src/state/tasks/store/tests.rs` says of SQLite, said of PostgreSQL: it is stricter about types.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_takes_every_statement() {
    let database = postgres::shared().unwrap().database(None).unwrap();
    let secret = Secret::new(database.url);
    // Two that start together make the tables once.
    let (store, second) = tokio::join!(Tasks::connect(&secret), Tasks::connect(&secret));
    let (store, second) = (store.unwrap(), second.unwrap());
    let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let after = |seconds: i64| now + chrono::Duration::seconds(seconds);
    let names = ["shop".to_owned()];
    let asks = Asks { store: &store, names: &names, now, by: "it's $1" };
    let id = asks.run_now("shop").await.unwrap();
    let asks = Asks { now: after(1), ..asks };
    let next = asks.run_now("shop").await.unwrap();
    let claim = |task: &tidegate::schedule::TaskId, daemon: &str| Claim { task: task.clone(), daemon: daemon.to_owned() };
    let (mine, other) = (claim(&id, "a"), claim(&id, "b"));
    let run = RunId::new(now, 7);

    assert!(store.claim(&mine, &run, after(30), now).await.unwrap());
    assert!(!second.claim(&claim(&next, "b"), &run, after(30), now).await.unwrap(), "the pipeline is at work");
    assert_eq!(store.renew(&mine, after(40)).await.unwrap(), Renewed::Held);
    assert_eq!(store.wish(&mine).await.unwrap(), Renewed::Held);
    let left = second.task(&id).await.unwrap().unwrap();
    assert_eq!((left.runs.as_slice(), left.by.as_str()), ([run.clone()].as_slice(), "it's $1"));
    assert!(second.take_over(&left, &other, after(90)).await.unwrap());
    assert_eq!(store.renew(&mine, after(99)).await.unwrap(), Renewed::Lost);
    let later = Later { attempt: 2, not_before: now, error: "away", died: true, began: false };
    assert!(second.put_back(&other, &later).await.unwrap());
    assert_eq!(store.task(&id).await.unwrap().map(|task| (task.attempt, task.deaths, task.runs.len())), Some((2, 1, 0)));
    assert!(store.claim(&mine, &run, after(30), now).await.unwrap());
    assert!(store.late(&id).await.unwrap() && !store.late(&id).await.unwrap());
    assert!(store.finish(&mine, TaskStatus::Loaded, None, after(9)).await.unwrap());
    assert_eq!(store.loads().await.unwrap()["shop"], after(9));
    asks.cancel_task(&next).await.unwrap();
    assert!(store.open_tasks().await.unwrap().is_empty());
    assert_eq!(store.tasks("shop", 10).await.unwrap().len(), 2);

    store.mark("shop", "every 1h", after(20)).await.unwrap();
    store.mark("shop", "every 1h", after(10)).await.unwrap();
    assert_eq!(store.marks().await.unwrap()["shop"].mark, after(20));
    asks.pause("shop").await.unwrap();
    assert!(store.marks().await.unwrap()["shop"].paused.is_some());
    asks.resume("shop").await.unwrap();
    assert!(store.take_slot("source", 1, &id, now).await.unwrap() && !second.take_slot("source", 1, &next, now).await.unwrap());
    store.tidy(after(90)).await.unwrap();
    assert!(second.take_slot("source", 1, &next, now).await.unwrap());

    let span = Backfill { from: after(-20), to: now, window: Duration::from_secs(10) };
    let backfill = asks.backfill("shop", &span).await.unwrap();
    store.advance(&backfill, after(-20), after(-10)).await.unwrap();
    assert!(store.stop_backfill(&backfill, BackfillStatus::Halted).await.unwrap());
    assert_eq!(asks.backfill("shop", &span).await.unwrap(), backfill);
    store.advance(&backfill, after(-10), now).await.unwrap();
    assert_eq!(asks.backfills("shop").await.unwrap()[0].status, BackfillStatus::Done);
    store.owe("task/failure", "shop", "{}", now).await.unwrap();
    store.owe("task/failure", "shop", "{}", now).await.unwrap();
    let owed = store.owed().await.unwrap();
    assert!(owed.len() == 1 && store.try_telling(&owed[0]).await.unwrap() && !second.try_telling(&owed[0]).await.unwrap());
    store.told("task/failure", after(1)).await.unwrap();
    assert!(store.owed().await.unwrap().is_empty());
}
