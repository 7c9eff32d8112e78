//! A load that dies at any step is finished by the next try, once.

use super::*;
use crate::warehouse::lake::{commit, prepare};

/// How far the try got that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Died {
    Staging,
    WithIntent,
    CreatingATable,
    AfterOneTable,
    AfterAllTables,
    AfterHead,
}

const DEATHS: [Died; 6] =
    [Died::Staging, Died::WithIntent, Died::CreatingATable, Died::AfterOneTable, Died::AfterAllTables, Died::AfterHead];

fn tables() -> Vec<TableLoad> {
    let copy = sql("copied", Mode::Append, "select id, cents * 2 as cents from orders");
    vec![copy, table("merged", Mode::Merge), table("replaced", Mode::Replace)]
}

/// Does what [`Lake::load`] does, up to a point.
async fn die(store: &Store, load: &Load, at: Died) {
    let lake = store.lake().await;
    let intent = prepare::prepare(&lake, load).await.unwrap();
    if at == Died::Staging {
        return;
    }
    crate::warehouse::lake::atomic::write_json(&lake.intent_path("shop"), &intent).unwrap();
    let steps = match at {
        Died::CreatingATable => {
            let folder = store.root.join("lake/copied");
            fs::create_dir_all(folder.join("_delta_log")).unwrap();
            fs::write(folder.join("_delta_log/00000000000000000000.json#1"), "{\"half").unwrap();
            fs::write(folder.join("part-00000-orphan.snappy.parquet"), "half").unwrap();
            return;
        }
        Died::WithIntent => return,
        Died::AfterOneTable => 1,
        _ => intent.tables.len(),
    };
    let mut cut = intent.clone();
    cut.tables.truncate(steps);
    let results = commit::commit_tables(&lake, &cut, &mut |_| ()).await.unwrap();
    if at >= Died::AfterAllTables {
        commit::commit_audit(&lake, load, &results).await.unwrap();
    }
    if at == Died::AfterHead {
        let before = fs::read(lake.intent_path("shop")).unwrap();
        run(&mut store.lake().await, load).await.unwrap();
        fs::write(lake.intent_path("shop"), before).unwrap();
    }
}

async fn everything(lake: &Lake) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for table in ["copied", "merged", "replaced"] {
        found.push(rows(lake, &format!("select * from {table} order by id, cents")).await);
    }
    found.push(rows(lake, "select run, stream, \"table\", rows_read, rows_accepted, rows_loaded from ingest_audit order by 1, 2, 3").await);
    found
}

async fn undisturbed() -> Vec<Vec<String>> {
    let store = Store::new();
    let mut lake = store.lake().await;
    for load in [first(&store), second(&store)] {
        run(&mut lake, &load).await.unwrap();
    }
    everything(&lake).await
}

fn first(store: &Store) -> Load {
    load(1, vec![store.orders("a", &[("x", 1), ("y", 2)])], tables())
}

fn second(store: &Store) -> Load {
    load(2, vec![store.orders("b", &[("y", 20), ("z", 3)])], tables())
}

/// Whether the next one to open the lake finds something to finish.
fn leaves_a_pending_load(at: Died) -> bool {
    !matches!(at, Died::Staging | Died::AfterHead)
}

#[tokio::test]
async fn a_load_that_died_anywhere_is_finished_once() {
    let wanted = undisturbed().await;
    for at in DEATHS {
        let store = Store::new();
        for load in [first(&store), second(&store)] {
            // The second run finds its tables made.
            let at = if at == Died::CreatingATable && load.sequence == 2 { Died::WithIntent } else { at };
            die(&store, &load, at).await;
            let mut lake = store.lake().await;
            let pending = lake.pending("shop").await.unwrap();
            assert_eq!(pending.is_some(), leaves_a_pending_load(at), "{at:?}");
            if at != Died::AfterHead {
                run(&mut lake, &pending.unwrap_or(load)).await.unwrap();
            }
        }
        let lake = store.lake().await;
        assert_eq!(everything(&lake).await, wanted, "{at:?}");
        assert_eq!(lake.cursor("shop", "olist", "orders").as_deref(), Some("cursor-2"));
    }
}

#[tokio::test]
async fn a_half_loaded_run_is_not_visible() {
    let store = Store::new();
    run(&mut store.lake().await, &first(&store)).await.unwrap();
    let before = everything(&store.lake().await).await;
    die(&store, &second(&store), Died::AfterAllTables).await;
    let lake = store.lake().await;
    assert_eq!(everything(&lake).await, before);
    assert_eq!(lake.cursor("shop", "olist", "orders").as_deref(), Some("cursor-1"));
}

#[tokio::test]
async fn finishing_tells_what_the_earlier_try_did() {
    let store = Store::new();
    run(&mut store.lake().await, &first(&store)).await.unwrap();
    die(&store, &second(&store), Died::AfterAllTables).await;
    let results = run(&mut store.lake().await, &second(&store)).await.unwrap();
    assert!(results.iter().all(|result| result.skipped));
    assert_eq!((results[1].inserted, results[1].updated, results[1].rows_after), (1, 1, Some(3)));
}

#[tokio::test]
async fn finishing_needs_neither_streams_nor_the_old_folder() {
    let store = Store::new();
    let mut load = first(&store);
    load.tables.truncate(1);
    die(&store, &load, Died::WithIntent).await;
    fs::remove_dir_all(store.root.join("clean")).unwrap();
    let moved = store.root.with_file_name("moved");
    fs::rename(&store.root, &moved).unwrap();
    let mut lake = Lake::open(&moved.join("lake")).await.unwrap();
    let pending = lake.pending("shop").await.unwrap().unwrap();
    run(&mut lake, &pending).await.unwrap();
    assert_eq!(rows(&lake, "select * from copied order by id").await, ["x 2", "y 4"]);
}

#[tokio::test]
async fn another_run_waits_until_the_pending_one_is_finished() {
    let store = Store::new();
    die(&store, &first(&store), Died::WithIntent).await;
    let other = Load { run: "run-9".into(), ..first(&store) };
    let error = run(&mut store.lake().await, &other).await.unwrap_err();
    assert_eq!(error.to_string(), "load the run: the load of run `run-1` of `shop` is not finished");
}

#[tokio::test]
async fn a_pipeline_finishes_what_another_one_began() {
    let store = Store::new();
    die(&store, &first(&store), Died::AfterOneTable).await;
    let other = Load { pipeline: "other".into(), ..load(1, vec![store.orders("c", &[("q", 9)])], vec![table("others", Mode::Append)]) };
    let mut lake = store.lake().await;
    run(&mut lake, &other).await.unwrap();
    assert_eq!(lake.head().sequence("shop"), 1);
    assert_eq!(lake.pending("shop").await.unwrap(), None);
    assert_eq!(rows(&lake, "select count(*) from merged").await, ["2"]);
}

#[tokio::test]
async fn a_pending_load_can_be_given_up() {
    let store = Store::new();
    run(&mut store.lake().await, &first(&store)).await.unwrap();
    let before = everything(&store.lake().await).await;
    let mut doomed = second(&store);
    doomed.tables.push(table("made", Mode::Append));
    die(&store, &doomed, Died::AfterAllTables).await;
    let mut lake = store.lake().await;
    assert!(lake.abandon("shop").await.unwrap());
    assert!(!lake.abandon("shop").await.unwrap());
    assert_eq!(everything(&lake).await, before);
    assert!(!store.root.join("lake/made").exists());
    let next = load(3, vec![store.orders("c", &[("z", 3)])], tables());
    run(&mut lake, &next).await.unwrap();
    assert_eq!(rows(&lake, "select * from copied order by id").await, ["x 2", "y 4", "z 6"]);
}

#[tokio::test]
async fn two_processes_take_turns() {
    let store = Store::new();
    let other =
        |name: &str| Load { pipeline: name.into(), ..load(1, vec![store.orders(name, &[("q", 9)])], vec![table("shared", Mode::Append)]) };
    let (mut one, mut two) = (store.lake().await, store.lake().await);
    let (first, second) = (other("one"), other("two"));
    let (first, second) = tokio::join!(run(&mut one, &first), run(&mut two, &second));
    first.unwrap();
    second.unwrap();
    assert_eq!(rows(&store.lake().await, "select count(*) from shared").await, ["2"]);
}
