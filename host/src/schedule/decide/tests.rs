//! A world in memory: steps are taken, tasks run for as long as the test says, and time goes from one event to the next.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration as StdDuration, Instant},
};

use super::*;
use crate::{
    config::Every,
    state::tasks::{Backfill, BackfillId},
};

/// How long a task's run takes, and how it ends.
type Runs = dyn Fn(&Task) -> (Duration, TaskStatus);

struct World {
    sight: Sight,
    now: DateTime<Utc>,
    ended: Vec<Task>,
    late: Vec<TaskId>,
    /// How long a pipeline's runs take, and how they end.
    runs: Box<Runs>,
    ends: BTreeMap<TaskId, (DateTime<Utc>, TaskStatus)>,
    made: HashSet<TaskId>,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn minutes(minutes: i64) -> Duration {
    Duration::minutes(minutes)
}

fn known(name: &str, schedule: Schedule) -> Known {
    Known { name: name.to_owned(), cadence: Cadence::of(&schedule), schedule, contacts: BTreeSet::new() }
}

fn every(minutes: u64) -> Schedule {
    Schedule { every: Some(Every::seconds(60 * minutes)), ..Schedule::default() }
}

fn nightly(zone: &str) -> Schedule {
    Schedule { cron: Some("30 2 * * *".into()), timezone: Some(zone.into()), ..Schedule::default() }
}

fn after(names: &[&str]) -> Schedule {
    Schedule { after: names.iter().map(|name| (*name).to_owned()).collect(), ..Schedule::default() }
}

impl World {
    fn new(now: &str, pipelines: Vec<Known>) -> Self {
        let sight = Sight { pipelines: pipelines.into_iter().map(|known| (known.name.clone(), known)).collect(), ..Sight::default() };
        let mut world = Self {
            sight,
            now: at(now),
            ended: Vec::new(),
            late: Vec::new(),
            runs: Box::new(|_| (minutes(1), TaskStatus::Loaded)),
            ends: BTreeMap::new(),
            made: HashSet::new(),
        };
        world.turn();
        world
    }

    /// What the daemon does each second.
    fn turn(&mut self) {
        self.end_runs();
        for step in decide(&self.sight, self.now) {
            self.take(step);
        }
        let ready: Vec<_> = ready(&self.sight, self.now).into_iter().map(|task| task.id.clone()).collect();
        for id in ready {
            let task = self.sight.open.iter_mut().find(|task| task.id == id).unwrap();
            task.status = TaskStatus::Running;
            task.started_at = Some(self.now);
            let (length, status) = (self.runs)(task);
            self.ends.insert(id, (self.now + length, status));
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Create(task, _) if task.status == TaskStatus::Skipped => self.ended.push(*task),
            Step::Create(task, _) => {
                if self.made.insert(task.id.clone()) {
                    self.sight.open.push(*task);
                }
            }
            Step::Mark { pipeline, cadence, mark } => {
                let paused = self.sight.marks.get(&pipeline).and_then(|mark| mark.paused.clone());
                self.sight.marks.insert(pipeline.clone(), PipelineMark { pipeline, cadence, mark, paused });
            }
            Step::Cancel(id) => self.end(&id, TaskStatus::Cancelled),
            Step::Late(id) => {
                self.sight.open.iter_mut().filter(|task| task.id == id).for_each(|task| task.late = true);
                self.late.push(id);
            }
        }
    }

    fn end_runs(&mut self) {
        let over: Vec<_> =
            self.ends.iter().filter(|(_, (end, _))| *end <= self.now).map(|(id, (_, status))| (id.clone(), *status)).collect();
        for (id, status) in over {
            self.end(&id, status);
        }
    }

    fn end(&mut self, id: &TaskId, status: TaskStatus) {
        self.ends.remove(id);
        let place = self.sight.open.iter().position(|task| task.id == *id).unwrap();
        let mut task = self.sight.open.remove(place);
        task.status = status;
        task.finished_at = Some(self.now);
        if status == TaskStatus::Loaded && task.backfill.is_none() {
            self.sight.loads.insert(task.pipeline.clone(), self.now);
        }
        if let (Some(window), Some(backfill)) = (task.window, &task.backfill) {
            let entry = self.sight.backfills.iter_mut().find(|entry| entry.id == *backfill).unwrap();
            match status {
                TaskStatus::Loaded => entry.at = window.until,
                _ => entry.status = BackfillStatus::Halted,
            }
            if entry.at == entry.span.to {
                entry.status = BackfillStatus::Done;
            }
        }
        self.ended.push(task);
    }

    /// Lets time pass, from event to event.
    fn live_until(&mut self, until: &str) {
        let until = at(until);
        while self.now < until {
            let due = self.sight.pipelines.values().filter_map(|known| known.cadence.next(self.now));
            let ends = self.ends.values().map(|(end, _)| *end).filter(|end| *end > self.now);
            self.now = due.chain(ends).chain([until]).min().unwrap();
            self.turn();
            // What an end makes due or ready.
            self.turn();
        }
    }

    /// Nobody looks until then.
    fn sleep_until(&mut self, until: &str) {
        self.now = at(until);
        self.turn();
    }

    fn of(&self, pipeline: &str) -> Vec<&Task> {
        self.ended.iter().filter(|task| task.pipeline == pipeline).collect()
    }

    fn counts(&self, pipeline: &str) -> (usize, usize) {
        let loaded = self.of(pipeline).iter().filter(|task| task.status == TaskStatus::Loaded).count();
        (loaded, self.of(pipeline).iter().filter(|task| task.status == TaskStatus::Skipped).count())
    }
}

#[test]
fn a_year_passes_in_seconds() {
    let started = Instant::now();
    let pipelines = vec![
        known("nightly", nightly("America/New_York")),
        known("marts", after(&["nightly"])),
        known("quarterly", every(15)),
        known("slow", Schedule { overlap: Some(Overlap::Queue), ..every(60) }),
        known("by-hand", Schedule::default()),
    ];
    let mut world = World::new("2026-01-01T00:00:00Z", pipelines);
    world.runs = Box::new(|task| match task.pipeline.as_str() {
        // Each load of the month's first day is held.
        "nightly" if task.due.format("%d").to_string() == "01" => (minutes(20), TaskStatus::Held),
        "nightly" => (minutes(20), TaskStatus::Loaded),
        // Longer than its interval now and then, so that one waits.
        "slow" if task.due.format("%H").to_string() == "12" => (minutes(90), TaskStatus::Loaded),
        _ => (minutes(5), TaskStatus::Loaded),
    });
    world.live_until("2027-01-01T00:10:00Z");

    let nights = world.of("nightly");
    assert_eq!(nights.len(), 365);
    let times: BTreeSet<_> = nights.iter().map(|task| task.due.format("%H:%M").to_string()).collect();
    assert_eq!(times.into_iter().collect::<Vec<_>>(), ["06:30", "07:00", "07:30"], "summer, the morning of the change, winter");
    assert_eq!(world.counts("nightly").0, 353);
    assert_eq!(world.counts("marts"), (353, 0), "only after a load, not after a held run");
    assert_eq!(world.counts("quarterly"), (4 * 24 * 365, 0));
    assert_eq!(world.counts("slow").0 + world.sight.open.len(), 24 * 365, "what waited was not lost");
    assert_eq!(world.counts("by-hand"), (0, 0));
    assert!(world.late.is_empty() && world.sight.open.len() <= 1);
    let mut due: Vec<_> = world.of("quarterly").iter().map(|task| task.due).collect();
    due.sort();
    assert!(due.windows(2).all(|pair| pair[1] - pair[0] == minutes(15)), "intervals do not drift");
    let took = started.elapsed();
    assert!(took < StdDuration::from_secs(120), "{took:?}");
}

#[test]
fn a_run_that_is_due_while_another_goes_on_is_left_out_waits_or_takes_its_place() {
    let with = |overlap| {
        let mut world = World::new("2026-01-01T00:00:00Z", vec![known("shop", Schedule { overlap: Some(overlap), ..every(60) })]);
        world.runs = Box::new(|_| (minutes(90), TaskStatus::Loaded));
        world.live_until("2026-01-01T06:30:00Z");
        let mut counts: HashMap<TaskStatus, usize> = HashMap::new();
        world.ended.iter().for_each(|task| *counts.entry(task.status).or_default() += 1);
        (counts, world.sight.open.len())
    };
    let (skip, open) = with(Overlap::Skip);
    assert_eq!((skip[&TaskStatus::Loaded], skip[&TaskStatus::Skipped], open), (3, 3, 0));
    let (queue, open) = with(Overlap::Queue);
    assert_eq!((queue[&TaskStatus::Loaded], open), (3, 3));
    let (cancel, open) = with(Overlap::Cancel);
    assert_eq!((cancel[&TaskStatus::Cancelled], open), (5, 1));
}

#[test]
fn what_was_due_while_nobody_looked_is_left_out_made_up_for_once_or_each() {
    let with = |missed| {
        let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", Schedule { missed, ..every(60) })]);
        world.sleep_until("2026-01-01T05:20:00Z");
        world.live_until("2026-01-01T06:30:00Z");
        world.ended.sort_by_key(|task| task.due);
        let due = |task: &Task| (task.cause, task.due.format("%H:%M").to_string(), task.logical.is_some());
        world.ended.iter().map(due).collect::<Vec<_>>()
    };
    let six = (Cause::Schedule, "06:00".to_owned(), false);
    assert_eq!(with(Missed::Skip), std::slice::from_ref(&six));
    assert_eq!(with(Missed::Once), [(Cause::Missed, "05:00".to_owned(), false), six.clone()]);
    let each = ["01:00", "02:00", "03:00", "04:00", "05:00"].map(|time| (Cause::Missed, time.to_owned(), true));
    assert_eq!(with(Missed::All), [&each[..], &[six]].concat());
}

#[test]
fn a_daemon_that_starts_a_moment_late_is_on_time() {
    for missed in [Missed::Skip, Missed::Once] {
        let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", Schedule { missed, ..every(60) })]);
        world.sleep_until("2026-01-01T03:00:20Z");
        assert_eq!(
            world.sight.open.iter().map(|task| (task.cause, task.due)).collect::<Vec<_>>(),
            [(Cause::Schedule, at("2026-01-01T03:00:00Z"))]
        );
    }
}

#[test]
fn taking_the_same_steps_twice_changes_nothing() {
    let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", every(60))]);
    world.now = at("2026-01-01T01:00:05Z");
    let steps = decide(&world.sight, world.now);
    assert_eq!(steps.len(), 2);
    // The daemon died between the task and the mark, and the next one looked two minutes later: the due time is a missed one now.
    world.take(steps[0].clone());
    world.now = at("2026-01-01T01:02:05Z");
    decide(&world.sight, world.now).into_iter().for_each(|step| world.take(step));
    assert_eq!(world.sight.open.len(), 1);
    assert!(world.ended.is_empty());
}

#[test]
fn a_schedule_that_is_new_has_nothing_to_make_up_for() {
    let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", every(60))]);
    world.sight.pipelines.insert("shop".into(), known("shop", every(5)));
    world.sleep_until("2026-01-01T12:00:00Z");
    assert!(world.sight.open.is_empty());
    world.sleep_until("2026-01-01T12:05:00Z");
    assert_eq!(world.sight.open.len(), 1);
}

#[test]
fn a_paused_pipeline_runs_only_for_people() {
    let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", every(60))]);
    let by = Some((world.now, "ada".to_owned()));
    world.sight.marks.get_mut("shop").unwrap().paused = by;
    world.live_until("2026-01-01T12:30:00Z");
    assert!(world.ended.is_empty());
    let task = by_hand("shop", "ada", world.now);
    world.sight.open.push(task);
    world.live_until("2026-01-01T13:30:00Z");
    assert_eq!(world.ended.iter().map(|task| (task.cause, task.by.as_str())).collect::<Vec<_>>(), [(Cause::Manual, "ada")]);
}

#[test]
fn people_are_told_once_that_a_task_is_late() {
    let mut world = World::new("2026-01-01T00:30:00Z", vec![known("shop", Schedule { overlap: Some(Overlap::Skip), ..every(60) })]);
    world.runs = Box::new(|_| (minutes(300), TaskStatus::Loaded));
    world.live_until("2026-01-01T02:59:00Z");
    assert!(world.late.is_empty());
    world.sleep_until("2026-01-01T03:00:01Z");
    world.live_until("2026-01-01T06:30:00Z");
    assert_eq!(world.late.len(), 1);
    assert_eq!(world.counts("shop").0, 1, "it was not stopped");
}

#[test]
fn a_pipeline_waits_for_all_that_come_before_it() {
    let pipelines = vec![known("a", every(60)), known("b", every(180)), known("both", after(&["a", "b"]))];
    let mut world = World::new("2026-01-01T00:30:00Z", pipelines);
    world.live_until("2026-01-01T09:30:00Z");
    assert_eq!((world.counts("a").0, world.counts("b").0, world.counts("both").0), (9, 3, 3));
}

#[test]
fn a_load_during_the_run_that_comes_after_it_is_followed_by_another_one() {
    let mut world = World::new("2026-01-01T00:50:00Z", vec![known("a", every(10)), known("b", after(&["a"]))]);
    world.runs = Box::new(|task| (minutes(if task.pipeline == "b" { 25 } else { 1 }), TaskStatus::Loaded));
    world.live_until("2026-01-01T03:00:30Z");
    let (a, b) = (world.counts("a").0, world.counts("b").0);
    assert!(a >= 12 && b >= 4, "{a} {b}");
    // Those that came while one waited have joined it.
    assert!(world.sight.open.iter().filter(|task| task.pipeline == "b").count() <= 2);
}

#[test]
fn a_backfill_goes_window_by_window_and_gives_way() {
    let mut world = World::new("2026-01-10T00:30:00Z", vec![known("shop", every(60)), known("marts", after(&["shop"]))]);
    world.runs = Box::new(|task| (minutes(if task.backfill.is_some() { 40 } else { 5 }), TaskStatus::Loaded));
    let span = Backfill { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-04T12:00:00Z"), window: StdDuration::from_secs(86_400) };
    world.sight.backfills.push(BackfillEntry {
        id: BackfillId::new("shop", world.now),
        pipeline: "shop".into(),
        span,
        at: span.from,
        round: 0,
        status: BackfillStatus::Going,
        by: "ada".into(),
        created_at: world.now,
    });
    world.live_until("2026-01-10T06:30:00Z");
    let windows: Vec<_> = world.of("shop").iter().filter_map(|task| Some((task.window?.from, task.logical?))).collect();
    let days = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-04T12:00:00Z"];
    let wanted: Vec<_> = days.windows(2).map(|pair| (at(pair[0]), at(pair[1]))).collect();
    assert_eq!(windows, wanted);
    assert_eq!(world.sight.backfills[0].status, BackfillStatus::Done);
    let by_schedule: Vec<_> = world.of("shop").into_iter().filter(|task| task.backfill.is_none()).cloned().collect();
    assert_eq!(by_schedule.len(), 6, "no run was left out because of the backfill");
    assert!(by_schedule.iter().all(|task| task.status == TaskStatus::Loaded));
}

#[test]
fn a_window_that_fails_halts_the_backfill() {
    let mut world = World::new("2026-01-10T00:30:00Z", vec![known("shop", Schedule::default())]);
    world.runs = Box::new(|task| {
        let bad = task.window.is_some_and(|window| window.from == at("2026-01-02T00:00:00Z"));
        (minutes(1), if bad { TaskStatus::Failed } else { TaskStatus::Loaded })
    });
    let span = Backfill { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-04T00:00:00Z"), window: StdDuration::from_secs(86_400) };
    let id = BackfillId::new("shop", world.now);
    let status = BackfillStatus::Going;
    let (pipeline, by, created_at) = ("shop".to_owned(), "ada".to_owned(), world.now);
    world.sight.backfills.push(BackfillEntry { id, pipeline, span, at: span.from, round: 0, status, by, created_at });
    world.turn();
    world.live_until("2026-01-10T01:30:00Z");
    let entry = &world.sight.backfills[0];
    assert_eq!((entry.status, entry.at, world.ended.len()), (BackfillStatus::Halted, at("2026-01-02T00:00:00Z"), 2));
    // Asked for again, the same window has another name: it is tried, not taken for done.
    let window = entry.span.window_at(entry.at).unwrap();
    let again = BackfillEntry { round: 1, ..entry.clone() };
    assert_ne!(TaskId::of_window(entry, window), TaskId::of_window(&again, window));
}
