//! Tests of the store, on SQLite. `tests/suite/schedule/several.rs` has those of PostgreSQL, with daemons that share it.

use std::time::Duration as StdDuration;

use super::*;
use crate::state::tasks::{Cause, Later, Reading};

fn at(second: u32) -> DateTime<Utc> {
    format!("2026-11-27T06:{:02}:{:02}.000123Z", second / 60, second % 60).parse().unwrap()
}

fn store() -> (Tasks, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Tasks::open(&folder.path().join("own/daemon.db")).unwrap(), folder)
}

fn new_task(pipeline: &str, due: u32) -> Task {
    Task {
        id: TaskId::new(pipeline, Cause::Schedule, at(due)),
        pipeline: pipeline.to_owned(),
        cause: Cause::Schedule,
        by: "schedule".to_owned(),
        due: at(due),
        logical: None,
        window: None,
        backfill: None,
        status: TaskStatus::Queued,
        attempt: 1,
        not_before: at(due),
        run: None,
        runs: Vec::new(),
        deaths: 0,
        claimed_by: None,
        lease_until: None,
        cancel_by: None,
        error: None,
        late: false,
        created_at: at(due),
        started_at: None,
        finished_at: None,
    }
}

fn claim(task: &Task, daemon: &str) -> Claim {
    Claim { task: task.id.clone(), daemon: daemon.to_owned() }
}

fn run(second: u32) -> RunId {
    RunId::new(at(second), 7)
}

#[tokio::test]
async fn a_task_comes_back_as_it_was_and_is_kept_once() {
    let (store, _folder) = store();
    let task = Task { logical: Some(at(3)), error: Some("é 'quoted' $1".into()), ..new_task("shop", 1) };
    assert!(store.create(&task, true).await.unwrap());
    assert!(!store.create(&task, true).await.unwrap());
    assert_eq!(store.task(&task.id).await.unwrap(), Some(task.clone()));
    assert_eq!(store.open_tasks().await.unwrap(), std::slice::from_ref(&task));
    assert_eq!(store.tasks("shop", 10).await.unwrap(), [task]);
    assert!(store.tasks("other", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_last_good_reading_of_a_file_is_kept() {
    let (store, _folder) = store();
    let sql = [("facts.sql".to_owned(), "select 'é' as \"a\"".to_owned())].into();
    let first = Reading { file: "shop.toml".into(), text: "version = 1\n".into(), sql };
    let second = Reading { text: "version = 1\nname = \"shop\"\n".into(), ..first.clone() };
    let other = Reading { file: "other/pipeline.toml".into(), ..first.clone() };
    for reading in [&first, &other, &second, &second] {
        store.keep_reading(reading, at(1)).await.unwrap();
    }
    assert_eq!(store.readings().await.unwrap(), [other, second.clone()]);
    store.forget_reading("other/pipeline.toml").await.unwrap();
    assert_eq!(store.readings().await.unwrap(), [second]);
}

#[tokio::test]
async fn one_daemon_gets_a_task_and_one_task_a_pipeline() {
    let (store, _folder) = store();
    let (first, second, other) = (new_task("shop", 1), new_task("shop", 2), new_task("other", 1));
    for task in [&first, &second, &other] {
        store.create(task, true).await.unwrap();
    }
    assert!(store.claim(&claim(&first, "a"), &run(1), at(30), at(1)).await.unwrap());
    assert!(!store.claim(&claim(&first, "b"), &run(2), at(30), at(1)).await.unwrap());
    assert!(!store.claim(&claim(&second, "b"), &run(2), at(30), at(1)).await.unwrap(), "the pipeline is at work");
    assert!(store.claim(&claim(&other, "b"), &run(2), at(30), at(1)).await.unwrap());
    assert!(store.finish(&claim(&first, "a"), TaskStatus::Loaded, None, at(5)).await.unwrap());
    assert!(store.claim(&claim(&second, "b"), &run(3), at(30), at(6)).await.unwrap());
    let ended = store.task(&first.id).await.unwrap().unwrap();
    assert_eq!((ended.status, ended.run, ended.runs, ended.finished_at), (TaskStatus::Loaded, Some(run(1)), vec![run(1)], Some(at(5))));
}

#[tokio::test]
async fn a_lease_is_renewed_lost_or_taken_over_by_one() {
    let (store, _folder) = store();
    let task = new_task("shop", 1);
    store.create(&task, true).await.unwrap();
    let mine = claim(&task, "a");
    store.claim(&mine, &run(1), at(30), at(1)).await.unwrap();
    assert_eq!(store.renew(&mine, at(40)).await.unwrap(), Renewed::Held);
    assert!(store.cancel(&task.id, "ada", at(3)).await.unwrap());
    assert_eq!(store.wish(&mine).await.unwrap(), Renewed::Cancel("ada".into()));
    assert_eq!(store.renew(&mine, at(50)).await.unwrap(), Renewed::Cancel("ada".into()));

    let left = store.task(&task.id).await.unwrap().unwrap();
    assert!(store.take_over(&left, &claim(&task, "b"), at(90)).await.unwrap());
    assert!(!store.take_over(&left, &claim(&task, "c"), at(90)).await.unwrap());
    assert_eq!(store.renew(&mine, at(99)).await.unwrap(), Renewed::Lost);
    assert!(!store.finish(&mine, TaskStatus::Loaded, None, at(60)).await.unwrap(), "it is no longer a's to end");
    assert!(store.finish(&claim(&task, "b"), TaskStatus::Loaded, None, at(60)).await.unwrap());
}

#[tokio::test]
async fn a_task_that_is_put_back_keeps_its_runs_and_ends_where_somebody_wants_it() {
    let (store, _folder) = store();
    let task = new_task("shop", 1);
    store.create(&task, true).await.unwrap();
    let mine = claim(&task, "a");
    store.claim(&mine, &run(1), at(30), at(1)).await.unwrap();
    let later = Later { attempt: 2, not_before: at(9), error: "away", died: true, began: true };
    assert!(store.put_back(&mine, &later).await.unwrap());
    let back = store.task(&task.id).await.unwrap().unwrap();
    assert_eq!((back.status, back.attempt, back.not_before, back.deaths), (TaskStatus::Queued, 2, at(9), 1));
    store.claim(&mine, &run(2), at(30), at(9)).await.unwrap();
    let again = store.task(&task.id).await.unwrap().unwrap();
    assert_eq!((again.runs, again.started_at), (vec![run(1), run(2)], Some(at(1))));
    let busy = Later { attempt: 2, not_before: at(9), error: "busy", died: false, began: false };
    store.put_back(&mine, &busy).await.unwrap();
    assert_eq!(store.task(&task.id).await.unwrap().unwrap().runs, [run(1)], "a run that did not begin is none");
    store.claim(&mine, &run(3), at(30), at(9)).await.unwrap();
    store.cancel(&task.id, "ada", at(10)).await.unwrap();
    store.put_back(&mine, &later).await.unwrap();
    assert_eq!(store.task(&task.id).await.unwrap().unwrap().status, TaskStatus::Cancelled);
}

#[tokio::test]
async fn a_source_has_as_many_places_as_its_limit() {
    let (store, _folder) = store();
    let tasks = [new_task("a", 1), new_task("b", 1), new_task("c", 1)];
    for task in &tasks {
        store.create(task, true).await.unwrap();
    }
    assert!(store.take_slot("api.stripe.com", 2, &tasks[0].id, at(1)).await.unwrap());
    assert!(store.take_slot("api.stripe.com", 2, &tasks[1].id, at(1)).await.unwrap());
    assert!(!store.take_slot("api.stripe.com", 2, &tasks[2].id, at(1)).await.unwrap());
    assert!(store.take_slot("other", 1, &tasks[2].id, at(1)).await.unwrap());
    store.claim(&claim(&tasks[0], "a"), &run(1), at(30), at(1)).await.unwrap();
    // The daemon of the second task died before it claimed it.
    store.tidy(at(90)).await.unwrap();
    assert!(store.take_slot("api.stripe.com", 2, &tasks[2].id, at(91)).await.unwrap());
    assert!(!store.take_slot("api.stripe.com", 2, &tasks[1].id, at(91)).await.unwrap());
    store.finish(&claim(&tasks[0], "a"), TaskStatus::Loaded, None, at(92)).await.unwrap();
    assert!(store.take_slot("api.stripe.com", 2, &tasks[1].id, at(93)).await.unwrap());
}

#[tokio::test]
async fn marks_go_forward_and_pauses_stay_whose_they_are() {
    let (store, _folder) = store();
    store.mark("shop", "every 1h", at(20)).await.unwrap();
    store.mark("shop", "every 1h", at(10)).await.unwrap();
    assert_eq!(store.marks().await.unwrap()["shop"].mark, at(20));
    store.mark("shop", "every 2h", at(15)).await.unwrap();
    assert_eq!(store.marks().await.unwrap()["shop"].mark, at(15));
    store.pause("shop", "ada", at(30)).await.unwrap();
    store.pause("shop", "bob", at(31)).await.unwrap();
    assert_eq!(store.marks().await.unwrap()["shop"].paused, Some((at(30), "ada".into())));
    store.resume("shop", at(40)).await.unwrap();
    let mark = &store.marks().await.unwrap()["shop"];
    assert_eq!((mark.mark, &mark.paused), (at(40), &None));
}

#[tokio::test]
async fn a_load_is_what_others_wait_for_unless_it_is_a_window() {
    let (store, _folder) = store();
    for (due, leads_on) in [(1, true), (2, false)] {
        let task = new_task("shop", due);
        store.create(&task, leads_on).await.unwrap();
        store.claim(&claim(&task, "a"), &run(due), at(30), at(due)).await.unwrap();
        store.finish(&claim(&task, "a"), TaskStatus::Loaded, None, at(due + 10)).await.unwrap();
    }
    assert_eq!(store.loads().await.unwrap(), BTreeMap::from([("shop".to_owned(), at(11))]));
}

#[tokio::test]
async fn a_backfill_advances_once_and_goes_on_where_it_halted() {
    let (store, _folder) = store();
    let span = Backfill { from: at(0), to: at(20), window: StdDuration::from_secs(10) };
    let id = store.start_backfill("shop", &span, "ada", at(30)).await.unwrap();
    assert_eq!(store.start_backfill("shop", &span, "bob", at(31)).await.unwrap(), id, "the same span is the same backfill");
    store.advance(&id, at(0), at(10)).await.unwrap();
    store.advance(&id, at(0), at(10)).await.unwrap();
    store.stop_backfill(&id, BackfillStatus::Halted).await.unwrap();
    assert_eq!(store.start_backfill("shop", &span, "bob", at(40)).await.unwrap(), id);
    let entry = store.backfills(Some("shop")).await.unwrap().remove(0);
    assert_eq!((entry.at, entry.round, entry.status, entry.by.as_str()), (at(10), 1, BackfillStatus::Going, "ada"));
    store.advance(&id, at(10), at(20)).await.unwrap();
    assert_eq!(store.backfills(None).await.unwrap()[0].status, BackfillStatus::Done);
    assert_ne!(store.start_backfill("shop", &span, "bob", at(50)).await.unwrap(), id, "one that is done is done again");
}

#[tokio::test]
async fn news_are_owed_once_and_told_once() {
    let (store, _folder) = store();
    store.owe("task/failure", "shop", "{}", at(1)).await.unwrap();
    store.owe("task/failure", "shop", "{}", at(2)).await.unwrap();
    let owed = store.owed().await.unwrap();
    assert_eq!(owed.len(), 1);
    assert!(store.try_telling(&owed[0]).await.unwrap());
    assert!(!store.try_telling(&owed[0]).await.unwrap());
    store.told("task/failure", at(3)).await.unwrap();
    store.owe("task/failure", "shop", "{}", at(4)).await.unwrap();
    assert!(store.owed().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_store_outlives_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("daemon.db");
    let task = new_task("shop", 1);
    Tasks::open(&path).unwrap().create(&task, true).await.unwrap();
    assert_eq!(Tasks::open(&path).unwrap().task(&task.id).await.unwrap(), Some(task));
}
