//! Tests of the store.

use super::*;
use crate::config::StorageLayout;
use crate::quality::Dimension;
use crate::state::{Level, Rows, Stage, Verdict};

struct Shop {
    storage: StorageLayout,
    state: State,
    lock: Lock,
    _folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageLayout::new(folder.path().join("store"));
        let state = State::open(&storage.state_db()).unwrap();
        let lock = Lock::take(&storage, "shop").unwrap();
        Self { storage, state, lock, _folder: folder }
    }

    fn begin(&self, second: u32) -> RunId {
        let run = new_run(second);
        self.state.begin_run(&self.lock, &run).unwrap();
        run.id
    }

    fn status(&self, run: &RunId) -> Status {
        self.state.run(run).unwrap().status
    }
}

fn at(second: u32) -> DateTime<Utc> {
    format!("2018-10-17T17:30:{second:02}.000123Z").parse().unwrap()
}

fn new_run(second: u32) -> NewRun {
    let process = Process::current();
    NewRun { id: RunId::new(at(second), process.pid), started_at: at(second), process, seen: 0 }
}

#[test]
fn a_run_is_kept_from_begin_to_end() {
    let shop = Shop::new();
    let id = shop.begin(1);
    let running = shop.state.run(&id).unwrap();
    assert_eq!((running.status, running.sequence, running.started_at, running.finished_at), (Status::Running, 1, at(1), None));

    let outcome = Outcome {
        status: Status::Held,
        rows: Rows { read: 10, accepted: 8, quarantined: 2, loaded: 0 },
        verdict: Some(Verdict::Hold),
        score: Some(79.5),
        error: None,
        report: Some(serde_json::json!({ "z": 1, "a": [true] })),
        failure: None,
    };
    shop.state.finish_run(&id, at(2), &outcome).unwrap();
    let run = shop.state.run(&id).unwrap();
    assert_eq!((run.finished_at, run.rows, run.verdict, run.score), (Some(at(2)), outcome.rows, outcome.verdict, outcome.score));
    assert_eq!((run.status, run.report, run.pipeline.as_str()), (Status::Held, outcome.report, "shop"));
}

#[test]
fn a_run_ends_once() {
    let shop = Shop::new();
    let id = shop.begin(1);
    assert!(shop.state.finish_run(&id, at(2), &Outcome::of(Status::Running)).is_err());
    shop.state.finish_run(&id, at(2), &Outcome::of(Status::Loaded)).unwrap();
    let error = shop.state.finish_run(&id, at(3), &Outcome::of(Status::Failed)).unwrap_err();
    assert_eq!(error.to_string(), format!("end the run `{id}` as failed: it is not running, or that is no end"));
    assert_eq!(shop.status(&id), Status::Loaded);
}

#[test]
fn a_run_that_failed_leaves_why() {
    let shop = Shop::new();
    let id = shop.begin(1);
    let failure = Some(serde_json::json!({ "why": ["no", "never"] }));
    let outcome = Outcome { error: Some("no: never".into()), failure: failure.clone(), ..Outcome::of(Status::Failed) };
    shop.state.finish_run(&id, at(2), &outcome).unwrap();
    assert_eq!(shop.state.run(&id).unwrap().failure, failure);
    assert_eq!(shop.state.history("shop", 0, 1).unwrap()[0].failure, failure, "also at a glance");
}

#[test]
fn what_is_recorded_survives_a_restart() {
    let shop = Shop::new();
    let id = shop.begin(1);
    let again = State::open(&shop.storage.state_db()).unwrap();
    assert_eq!(again.run(&id).unwrap(), shop.state.run(&id).unwrap());
}

#[test]
fn a_run_that_is_not_there_is_named() {
    let id = new_run(9).id;
    let error = Shop::new().state.run(&id).unwrap_err();
    assert_eq!(error.to_string(), format!("find the run `{id}`"));
}

#[test]
fn sequences_count_per_pipeline_and_never_fall_behind_the_warehouse() {
    let shop = Shop::new();
    let other = Lock::take(&shop.storage, "other").unwrap();
    let begin = |lock, second, seen| shop.state.begin_run(lock, &NewRun { seen, ..new_run(second) }).unwrap();
    assert_eq!(begin(&shop.lock, 1, 0), 1);
    assert_eq!(begin(&shop.lock, 2, 0), 2);
    assert_eq!(begin(&other, 3, 0), 1);
    assert_eq!(begin(&shop.lock, 4, 40), 41);
    assert_eq!(begin(&shop.lock, 5, 40), 42);
}

#[test]
fn a_new_run_under_the_lock_shows_that_older_ones_died() {
    let shop = Shop::new();
    let other = Lock::take(&shop.storage, "other").unwrap();
    let elsewhere = new_run(3);
    shop.state.begin_run(&other, &elsewhere).unwrap();
    let (first, second) = (shop.begin(1), shop.begin(2));
    assert_eq!(shop.status(&first), Status::Died);
    assert_eq!(shop.status(&second), Status::Running);
    assert_eq!(shop.status(&elsewhere.id), Status::Running, "another pipeline's run was touched");
}

#[test]
fn a_run_whose_process_is_gone_is_reaped() {
    let shop = Shop::new();
    let mut dead = new_run(1);
    dead.process.start = Some("another boot:1".into());
    let living = Lock::take(&shop.storage, "living").unwrap();
    shop.state.begin_run(&shop.lock, &dead).unwrap();
    shop.state.begin_run(&living, &new_run(2)).unwrap();
    assert_eq!(shop.state.reap_dead().unwrap(), std::slice::from_ref(&dead.id));
    let run = shop.state.run(&dead.id).unwrap();
    assert_eq!((run.status, run.finished_at, run.error.as_deref()), (Status::Died, None, Some(DIED)));
    assert_eq!(shop.state.reap_dead().unwrap(), []);
}

#[test]
fn a_dead_run_can_be_taken_over_and_a_loaded_one_not() {
    let shop = Shop::new();
    let (dead, by) = (shop.begin(1), shop.begin(2));
    shop.state.resume(&dead, &by).unwrap();
    let run = shop.state.run(&dead).unwrap();
    assert_eq!((run.status, run.resumed_by.as_ref()), (Status::Resumed, Some(&by)));
    shop.state.finish_run(&by, at(3), &Outcome::of(Status::Loaded)).unwrap();
    assert!(matches!(shop.state.resume(&by, &dead), Err(StateError::NotResumable(_))));
}

#[test]
fn runs_are_listed_newest_first() {
    let shop = Shop::new();
    let ids: Vec<_> = (1..=3).map(|second| shop.begin(second)).collect();
    let listed = |limit, pipeline| shop.state.runs(limit, pipeline).unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(listed(10, None), [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    assert_eq!(listed(1, Some("shop")), [ids[2].clone()]);
    assert_eq!(listed(10, Some("other")), []);
}

#[test]
fn a_stage_is_begun_and_then_ended() {
    let shop = Shop::new();
    let id = shop.begin(1);
    let mut whole = StageEntry { stage: Stage::Gate, stream: None, started_at: at(4), finished_at: None, rows: 0 };
    let stream =
        StageEntry { stage: Stage::Transform, stream: Some("orders".into()), started_at: at(2), finished_at: Some(at(3)), rows: 7 };
    shop.state.stage(&id, &whole).unwrap();
    shop.state.stage(&id, &stream).unwrap();
    assert_eq!(shop.state.stages(&id).unwrap(), [stream.clone(), whole.clone()]);
    whole.finished_at = Some(at(5));
    shop.state.stage(&id, &whole).unwrap();
    assert_eq!(shop.state.stages(&id).unwrap(), [stream, whole]);
}

#[test]
fn measures_and_logs_come_back_as_they_went_in() {
    let shop = Shop::new();
    let id = shop.begin(1);
    let measure = |dimension| Measure {
        stream: "orders".into(),
        plugin: "quality-dimensions@0.1.0".into(),
        dimension,
        rule: "required".into(),
        columns: vec!["order_id".into(), "status".into()],
        passed: 9,
        total: 10,
        samples: vec!["a\"b".into()],
        rejects: true,
    };
    let measures: Vec<_> = Dimension::ALL.map(measure).into();
    shop.state.record_measures(&id, &measures).unwrap();
    assert_eq!(shop.state.measures(&id).unwrap(), measures);

    let entry = |level: &Level| LogEntry {
        at: at(2),
        level: *level,
        plugin: Some("source-files@0.1.0".into()),
        stream: None,
        message: "hé".into(),
    };
    let entries: Vec<_> = Level::ALL.iter().map(entry).collect();
    shop.state.log(&id, &entries).unwrap();
    assert_eq!(shop.state.logs(&id).unwrap(), entries);
}

#[test]
fn nothing_is_recorded_for_a_run_that_never_began() {
    let shop = Shop::new();
    let stage = StageEntry { stage: Stage::Gate, stream: None, started_at: at(4), finished_at: None, rows: 0 };
    assert!(matches!(shop.state.stage(&new_run(7).id, &stage), Err(StateError::Sqlite(_))));
}

#[test]
fn many_hosts_may_open_and_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = StorageLayout::new(folder.path());
    std::thread::scope(|scope| {
        for number in 0..8 {
            let storage = &storage;
            scope.spawn(move || {
                let state = State::open(&storage.state_db()).unwrap();
                let lock = Lock::take(storage, &format!("shop{number}")).unwrap();
                for second in 0..5 {
                    let run = NewRun { id: RunId::new(at(second), number), ..new_run(second) };
                    state.begin_run(&lock, &run).unwrap();
                    state.finish_run(&run.id, at(59), &Outcome::of(Status::Loaded)).unwrap();
                }
            });
        }
    });
    let state = State::open(&storage.state_db()).unwrap();
    assert_eq!(state.runs(100, None).unwrap().len(), 40);
    let mode: String = state.lock().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
