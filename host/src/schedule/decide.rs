//! What is to be done now. Pure: what there is and what time it is go in, steps come out; a year passes in a second
//! (`decide/tests.rs`).
//!
//! What always holds here:
//! - Taking the steps twice changes nothing: a task's name follows from what it is for, so the store keeps it once.
//! - A due time is decided about once: with its task, or its being left out, goes the mark that says so.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::Cadence;
use crate::{
    config::{Missed, Overlap, Schedule},
    state::tasks::{BackfillEntry, BackfillStatus, Cause, PipelineMark, Span, Task, TaskId, TaskStatus},
};

/// A daemon that lives looks every second. A due time that is found later than this passed while none did.
pub const ON_TIME: Duration = Duration::seconds(60);

/// The most due times that are made up for, of those that were missed: of a schedule by the minute, a day's.
const MOST_MISSED: usize = 1440;

/// A pipeline, as far as its schedule goes.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// When it is due.
    pub cadence: Cadence,
    /// What its file says.
    pub schedule: Schedule,
    /// What it reads from: its sources' plugins and the hosts that they may contact.
    pub contacts: BTreeSet<String>,
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The pipelines, by name.
    pub pipelines: BTreeMap<String, Known>,
    /// What the store keeps of them.
    pub marks: BTreeMap<String, PipelineMark>,
    /// The tasks that wait or run, oldest first.
    pub open: Vec<Task>,
    /// When each pipeline has last loaded what others wait for.
    pub loads: BTreeMap<String, DateTime<Utc>>,
    /// The backfills that go on.
    pub backfills: Vec<BackfillEntry>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Keep this task. The flag says whether pipelines that come after this one follow when it has loaded.
    Create(Box<Task>, bool),
    /// Due times of the pipeline's schedule are accounted for up to here.
    Mark {
        /// The pipeline.
        pipeline: String,
        /// The schedule that they belong to.
        cadence: String,
        /// Up to here.
        mark: DateTime<Utc>,
    },
    /// End this task: a newer one takes its place.
    Cancel(TaskId),
    /// Tell people that this task is late.
    Late(TaskId),
}

/// What is to be done at `now`.
pub fn decide(sight: &Sight, now: DateTime<Utc>) -> Vec<Step> {
    let mut steps = Vec::new();
    for known in sight.pipelines.values() {
        let mark = sight.marks.get(&known.name);
        if mark.is_some_and(|mark| mark.paused.is_some()) {
            continue;
        }
        let key = known.cadence.key();
        // Of a schedule that is new, nothing was due before it was there.
        let Some(mark) = mark.filter(|mark| mark.cadence == key) else {
            steps.push(Step::Mark { pipeline: known.name.clone(), cadence: key, mark: now });
            continue;
        };
        let (due, mark) = match &known.cadence {
            Cadence::After(names) => after(sight, names, mark.mark),
            cadence => by_the_clock(cadence, known.schedule.missed, mark.mark, now),
        };
        arrive(sight, known, due, now, &mut steps);
        if let Some(mark) = mark {
            steps.push(Step::Mark { pipeline: known.name.clone(), cadence: key, mark });
        }
    }
    steps.extend(windows(sight, now));
    steps.extend(late(sight, now));
    steps
}

/// A due time that asks for a run.
struct Due {
    at: DateTime<Utc>,
    cause: Cause,
    logical: Option<DateTime<Utc>>,
}

/// What the clock says: the due times that ask for a run, and the mark that accounts for all.
fn by_the_clock(cadence: &Cadence, missed: Missed, mark: DateTime<Utc>, now: DateTime<Utc>) -> (Vec<Due>, Option<DateTime<Utc>>) {
    let times = cadence.due(mark, now, MOST_MISSED);
    let Some((last, earlier)) = times.split_last() else { return (Vec::new(), None) };
    let on_time = *last >= now - ON_TIME;
    let newest = Due { at: *last, cause: if on_time { Cause::Schedule } else { Cause::Missed }, logical: None };
    let due = match missed {
        Missed::Skip if !on_time => Vec::new(),
        Missed::Skip | Missed::Once => vec![newest],
        Missed::All => {
            let each = |at: &DateTime<Utc>| Due { at: *at, cause: Cause::Missed, logical: Some(*at) };
            let newest = if on_time { newest } else { each(last) };
            earlier.iter().map(each).chain([newest]).collect()
        }
    };
    (due, Some(*last))
}

/// What the pipelines before it say: it is due when each has loaded since it was due last.
fn after(sight: &Sight, names: &[String], mark: DateTime<Utc>) -> (Vec<Due>, Option<DateTime<Utc>>) {
    let loads: Option<Vec<_>> = names.iter().map(|name| sight.loads.get(name).copied().filter(|load| *load > mark)).collect();
    match loads.and_then(|loads| loads.into_iter().max()) {
        Some(at) => (vec![Due { at, cause: Cause::After, logical: None }], Some(at)),
        None => (Vec::new(), None),
    }
}

/// Makes tasks of what is due, as the pipeline's overlap says.
fn arrive(sight: &Sight, known: &Known, due: Vec<Due>, now: DateTime<Utc>, steps: &mut Vec<Step>) {
    // A backfill gives way between two windows; it is no reason to leave a run out.
    let mut before: Vec<&Task> = sight.open.iter().filter(|task| task.pipeline == known.name && task.backfill.is_none()).collect();
    let several = due.len() > 1;
    let mut made: Option<TaskId> = None;
    for due in due {
        let id = TaskId::new(&known.name, due.cause, due.at);
        // Taken before the daemon died: the mark alone was not written any more.
        if before.iter().any(|task| task.id == id) {
            continue;
        }
        let mut task = new_task(id, &known.name, due.cause, due.at, now);
        task.logical = due.logical;
        let busy = before.first().map(|task| task.id.clone()).or(made.clone());
        match known.schedule.overlap() {
            // Each of those that were missed is to be made up for.
            _ if several => {}
            Overlap::Skip => {
                if let Some(other) = &busy {
                    task.status = TaskStatus::Skipped;
                    task.finished_at = Some(now);
                    task.error = Some(format!("task {other} had not ended, and `overlap` is `skip`"));
                }
            }
            // What waits will read what this one would.
            Overlap::Queue if due.cause == Cause::After && before.iter().any(|task| task.status == TaskStatus::Queued) => continue,
            Overlap::Queue => {}
            Overlap::Cancel => steps.extend(before.drain(..).map(|task| Step::Cancel(task.id.clone()))),
        }
        if task.status == TaskStatus::Queued {
            made = Some(task.id.clone());
        }
        steps.push(Step::Create(Box::new(task), true));
    }
}

fn new_task(id: TaskId, pipeline: &str, cause: Cause, due: DateTime<Utc>, now: DateTime<Utc>) -> Task {
    Task {
        id,
        pipeline: pipeline.to_owned(),
        cause,
        by: "schedule".to_owned(),
        due,
        logical: None,
        window: None,
        backfill: None,
        status: TaskStatus::Queued,
        attempt: 1,
        not_before: now,
        run: None,
        runs: Vec::new(),
        deaths: 0,
        claimed_by: None,
        lease_until: None,
        cancel_by: None,
        error: None,
        late: false,
        created_at: now,
        started_at: None,
        finished_at: None,
    }
}

/// The task for which a person asks at `now`.
pub fn by_hand(pipeline: &str, by: &str, now: DateTime<Utc>) -> Task {
    Task { by: by.to_owned(), ..new_task(TaskId::new(pipeline, Cause::Manual, now), pipeline, Cause::Manual, now, now) }
}

/// The next window of each backfill that has none open.
fn windows(sight: &Sight, now: DateTime<Utc>) -> Vec<Step> {
    let going = sight.backfills.iter().filter(|entry| entry.status == BackfillStatus::Going);
    let free = going.filter(|entry| sight.open.iter().all(|task| task.backfill.as_ref() != Some(&entry.id)));
    let task = |entry: &BackfillEntry, window: Span| {
        let task = Task {
            by: entry.by.clone(),
            logical: Some(window.until),
            window: Some(window),
            backfill: Some(entry.id.clone()),
            ..new_task(TaskId::of_window(entry, window), &entry.pipeline, Cause::Backfill, now, now)
        };
        // The pipelines after this one follow once, when all is there.
        Step::Create(Box::new(task), window.until >= entry.span.to)
    };
    free.filter_map(|entry| Some(task(entry, entry.span.window_at(entry.at)?))).collect()
}

/// Tasks that should have ended by now. A backfill promises no time.
fn late(sight: &Sight, now: DateTime<Utc>) -> Vec<Step> {
    let late = |task: &&Task| {
        let Some(known) = sight.pipelines.get(&task.pipeline) else { return false };
        let paused = sight.marks.get(&task.pipeline).is_some_and(|mark| mark.paused.is_some());
        let waits_for_a_person = paused && task.status == TaskStatus::Queued && task.cause != Cause::Manual;
        let sla = Duration::from_std(known.schedule.sla.get()).unwrap_or(Duration::MAX);
        // What was missed was late before anybody could do anything about it.
        let since = if task.cause == Cause::Missed { task.created_at } else { task.due };
        !task.late && task.backfill.is_none() && !waits_for_a_person && now - since > sla
    };
    sight.open.iter().filter(late).map(|task| Step::Late(task.id.clone())).collect()
}

/// The tasks that may start, in the order in which they should be tried: one for each pipeline that is not at work. What is due goes before what
/// is backfilled.
pub fn ready(sight: &Sight, now: DateTime<Utc>) -> Vec<&Task> {
    let busy: BTreeSet<&str> =
        sight.open.iter().filter(|task| task.status == TaskStatus::Running).map(|task| task.pipeline.as_str()).collect();
    let may_start = |task: &&Task| {
        let paused = sight.marks.get(&task.pipeline).is_some_and(|mark| mark.paused.is_some());
        task.status == TaskStatus::Queued
            && task.cancel_by.is_none()
            && task.not_before <= now
            && sight.pipelines.contains_key(&task.pipeline)
            && !busy.contains(task.pipeline.as_str())
            // A pause stops the schedule; what a person asks for runs.
            && (!paused || matches!(task.cause, Cause::Manual | Cause::Backfill))
    };
    let mut waiting: Vec<&Task> = sight.open.iter().filter(may_start).collect();
    waiting.sort_by(|a, b| {
        let rank = |task: &Task| (task.backfill.is_some(), task.due, task.created_at);
        rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
    });
    let mut seen = BTreeSet::new();
    waiting.retain(|task| seen.insert(task.pipeline.as_str()));
    waiting
}

#[cfg(test)]
mod tests;
