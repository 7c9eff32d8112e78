//! The daemon at work: schedules, people, changed files, failures.

use tidegate::schedule::{Cause, TaskStatus};
use tidegate_tests::{
    daemon::{self, Daemon, command, growing, orders, query, slow, statuses, trigger, wait},
    program::Workplace,
};

fn workplace(name: &str, more: &str) -> Workplace {
    let workplace = Workplace::empty().unwrap();
    workplace.write(&format!("pipelines/{name}.toml"), &growing(name, more)).unwrap();
    workplace.write(&format!("input/{name}.csv"), &orders(10)).unwrap();
    workplace
}

#[test]
fn a_pipeline_runs_by_its_schedule_until_it_is_paused() {
    let workplace = workplace("shop", "[schedule]\nevery = \"2s\"");
    let daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    wait("three runs", || Ok((daemon::tasks(&store, "shop")?.len() >= 3).then_some(()))).unwrap();
    command(&workplace, &["pause", "shop", "--folder", "pipelines"]).unwrap();
    let paused = wait("they have ended", || {
        let tasks = daemon::tasks(&store, "shop")?;
        Ok(tasks.iter().all(|task| task.status.is_end()).then_some(tasks))
    })
    .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(daemon::tasks(&store, "shop").unwrap().len(), paused.len(), "it is paused");
    let mut due: Vec<_> = paused.iter().map(|task| task.due.timestamp_micros()).collect();
    due.dedup();
    assert!(due.len() == paused.len() && due.iter().all(|due| due % 2_000_000 == 0), "{due:?}");
    assert!(paused.iter().all(|task| task.cause == Cause::Schedule));
    command(&workplace, &["resume", "shop", "--folder", "pipelines"]).unwrap();
    wait("it runs again", || Ok((daemon::tasks(&store, "shop")?.len() > paused.len()).then_some(()))).unwrap();
    assert_eq!(daemon.stop().unwrap(), Some(0));
    let loaded = daemon::tasks(&store, "shop").unwrap().iter().filter(|task| task.status == TaskStatus::Loaded).count();
    let rows = query(&workplace, "shop", "select n from total").unwrap();
    assert_eq!(rows.lines().nth(1), Some((loaded * 10).to_string().as_str()));
}

#[test]
fn a_pipeline_follows_the_loads_of_another_and_not_its_failures() {
    let workplace = workplace("shop", "");
    workplace.write("pipelines/marts.toml", &growing("marts", "[schedule]\nafter = [\"shop\"]")).unwrap();
    workplace.write("input/marts.csv", &orders(5)).unwrap();
    let _daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    wait("the daemon knows both", || Ok((tokio_marks(&store) == 2).then_some(()))).unwrap();
    // A column that is no number any more breaks the mart of the first run already: the run fails.
    std::fs::remove_file(workplace.path().join("input/shop.csv")).unwrap();
    trigger(&workplace, "shop").unwrap();
    assert_eq!(statuses(&daemon::ended(&store, "shop", 1).unwrap()), [TaskStatus::Failed]);
    workplace.write("input/shop.csv", &orders(10)).unwrap();
    trigger(&workplace, "shop").unwrap();
    daemon::ended(&store, "shop", 2).unwrap();
    let marts = daemon::ended(&store, "marts", 1).unwrap();
    assert_eq!((marts.len(), marts[0].cause, marts[0].status), (1, Cause::After, TaskStatus::Loaded));
}

fn tokio_marks(store: &tidegate::schedule::Tasks) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.marks()).unwrap().len()
}

#[test]
fn files_are_read_when_they_change_and_a_broken_one_leaves_the_last_good_one() {
    let workplace = workplace("shop", "");
    let daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    trigger(&workplace, "shop").unwrap();
    daemon::ended(&store, "shop", 1).unwrap();

    workplace.write("pipelines/shop.toml", "version = 1\nname = \"shop\"\n[schedule]\nevry = \"1h\"\n").unwrap();
    daemon.wait_for("is broken; the last good reading stays in force").unwrap();
    daemon.wait_for("did you mean `every`?").unwrap();
    // The command reads the file itself and does not know the pipeline any more; the daemon does.
    workplace.write("pipelines/other.toml", &growing("other", "")).unwrap();
    workplace.write("input/other.csv", &orders(3)).unwrap();
    daemon.wait_for("pipeline other").unwrap();
    trigger(&workplace, "other").unwrap();
    assert_eq!(statuses(&daemon::ended(&store, "other", 1).unwrap()), [TaskStatus::Loaded]);

    workplace.write("pipelines/shop.toml", &growing("shop", "[schedule]\nevery = \"1s\"")).unwrap();
    wait("the mended schedule is in force", || {
        Ok(daemon::tasks(&store, "shop")?
            .iter()
            .any(|task| task.cause == Cause::Schedule && task.status == TaskStatus::Loaded)
            .then_some(()))
    })
    .unwrap();
    std::fs::remove_file(workplace.path().join("pipelines/shop.toml")).unwrap();
    daemon.wait_for("shop.toml` is gone").unwrap();
}

#[test]
fn the_last_good_one_stays_in_force_when_the_daemon_starts_again() {
    let workplace = workplace("shop", "[schedule]\nevery = \"1s\"");
    let good = growing("shop", "[schedule]\nevery = \"1s\"").replace("sql = \"select", "sql = \"total.sql\"\n# \"select");
    workplace.write("pipelines/shop.toml", &good).unwrap();
    workplace.write("pipelines/total.sql", "select count(*) as n from orders").unwrap();
    let first = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    let loaded = || statuses(&daemon::tasks(&store, "shop").unwrap()).iter().filter(|status| **status == TaskStatus::Loaded).count();
    wait("it runs by its schedule", || Ok((loaded() > 0).then_some(()))).unwrap();
    first.kill().unwrap();

    // Nothing of the good one is left on the disk.
    workplace.write("pipelines/shop.toml", "version = 1\nname = \"shop\"\n[schedule]\nevry = \"1h\"\n").unwrap();
    std::fs::remove_file(workplace.path().join("pipelines/total.sql")).unwrap();
    let second = Daemon::start(&workplace).unwrap();
    second.wait_for("is broken; the last good reading stays in force").unwrap();
    second.wait_for("did you mean `every`?").unwrap();
    let before = loaded();
    wait("it runs by the schedule that it had", || Ok((loaded() > before + 1).then_some(()))).unwrap();
    assert_eq!(second.stop().unwrap(), Some(0));

    // A file that was gone in between is another one.
    std::fs::remove_file(workplace.path().join("pipelines/shop.toml")).unwrap();
    let third = Daemon::start(&workplace).unwrap();
    wait("the reading is forgotten", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(store.readings())?.is_empty().then_some(()))
    })
    .unwrap();
    assert_eq!(third.stop().unwrap(), Some(0));
    workplace.write("pipelines/shop.toml", "version = 1\nname = ").unwrap();
    let fourth = Daemon::start(&workplace).unwrap();
    fourth.wait_for("is broken:").unwrap();
    assert_eq!(fourth.stop().unwrap(), Some(0));
}

#[test]
fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    let schedule = "[schedule]\nretries = 2\nretry_delay = \"1s\"";
    let workplace = workplace("away", &format!("{schedule}\n[warehouse]\nkind = \"postgres\"\nurl = {{ env = \"NOBODY\" }}"));
    workplace.write("pipelines/wrong.toml", &growing("wrong", schedule).replace("source-files", "no-such-plugin")).unwrap();
    let mut workplace = workplace;
    // Nobody listens there.
    workplace.set("NOBODY", "postgres://nobody@127.0.0.1:9/none?sslmode=disable");
    let _daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    trigger(&workplace, "away").unwrap();
    trigger(&workplace, "wrong").unwrap();
    let away = daemon::ended(&store, "away", 1).unwrap().remove(0);
    assert_eq!((away.status, away.attempt, away.runs.len()), (TaskStatus::Failed, 3, 3), "{away:?}");
    let wrong = daemon::ended(&store, "wrong", 1).unwrap().remove(0);
    assert_eq!((wrong.status, wrong.attempt), (TaskStatus::Failed, 1), "{wrong:?}");
    let said = command(&workplace, &["tasks", "wrong", "--folder", "pipelines"]).unwrap();
    assert!(said.contains("no-such-plugin"), "{said}");
}

#[test]
fn a_run_is_stopped_by_its_timeout_and_by_people() {
    let workplace = workplace("slow", "");
    let schedule = "[schedule]\ntimeout = \"1s\"\nretries = 1\nretry_delay = \"1s\"";
    workplace.write("pipelines/slow.toml", &slow("slow", schedule)).unwrap();
    workplace.write("input/slow.csv", &orders(3_000_000)).unwrap();
    workplace.write("pipelines/long.toml", &slow("long", "").replace("long.csv", "slow.csv")).unwrap();
    let _daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    trigger(&workplace, "slow").unwrap();
    let slow = daemon::ended(&store, "slow", 1).unwrap().remove(0);
    assert_eq!((slow.status, slow.attempt), (TaskStatus::Failed, 2));
    assert!(slow.error.unwrap().contains("longer than its timeout of 1s"));

    trigger(&workplace, "long").unwrap();
    let run = wait("the run goes on", || {
        let tasks = daemon::tasks(&store, "long")?;
        Ok(tasks.into_iter().find(|task| task.status == TaskStatus::Running).and_then(|task| task.run))
    })
    .unwrap();
    command(&workplace, &["cancel", run.as_str(), "--folder", "pipelines"]).unwrap();
    assert_eq!(statuses(&daemon::ended(&store, "long", 1).unwrap()), [TaskStatus::Cancelled]);
    let nothing = workplace.tidegate(&["query", "--pipeline", "pipelines/long.toml", "select * from orders"]).unwrap();
    assert_ne!(nothing.code, 0, "nothing half-done is visible");
}

#[test]
fn sources_have_a_limit_and_pipelines_wait_for_a_run_by_hand() {
    let workplace = workplace("a", "");
    for name in ["b", "c"] {
        workplace.write(&format!("pipelines/{name}.toml"), &growing(name, "").replace(&format!("{name}.csv"), "a.csv")).unwrap();
    }
    workplace.write("input/a.csv", &orders(400_000)).unwrap();
    workplace.write("pipelines/tidegate.toml", "version = 1\n[limits]\nruns = 3\nsources = { source-files = 1 }\n").unwrap();
    let by_hand = workplace.start(&["run", "pipelines/a.toml"]).unwrap();
    for name in ["a", "b", "c"] {
        trigger(&workplace, name).unwrap();
    }
    let daemon = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    let mut spans: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            let task = daemon::ended(&store, name, 1).unwrap().remove(0);
            assert_eq!((task.status, task.attempt), (TaskStatus::Loaded, 1), "{task:?}");
            let state = tidegate::state::State::open(&workplace.path().join(format!("stores/{name}/state.sqlite"))).unwrap();
            let run = state.run(&task.run.unwrap()).unwrap();
            (run.started_at, run.finished_at.unwrap())
        })
        .collect();
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two at a time: {spans:?}");
    drop(daemon);
    assert!(by_hand.wait_with_output().unwrap().status.success());
    let rows = query(&workplace, "a", "select n from total").unwrap();
    assert_eq!(rows.lines().nth(1), Some("800000"));
}
