//! The course of a run: what it has done so far, for those who launched it. It is there while the run goes on, and however it ends.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use chrono::{DateTime, Utc};

use super::report::{EgressReport, Step};
use crate::egress::granted::Granted;

/// What a run has done so far.
#[derive(Default)]
pub struct Course {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    done: Vec<Step>,
    going: Option<Going>,
    broke: Option<Step>,
    sources: HashMap<String, Granted>,
}

/// A step that goes on.
struct Going {
    step: String,
    began: DateTime<Utc>,
    since: Instant,
}

impl Going {
    fn so_far(&self) -> Step {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        Step { step: self.step.clone(), began: self.began, micros }
    }
}

impl Course {
    /// A step begins; steps follow one another. One that is tried again begins again.
    pub(super) fn enter(&self, step: impl Into<String>) {
        self.known().going = Some(Going { step: step.into(), began: Utc::now(), since: Instant::now() });
    }

    /// The step that goes on is done. Gives the microseconds that it took.
    pub(super) fn leave(&self) -> u64 {
        let mut known = self.known();
        let Some(step) = known.going.take().map(|going| going.so_far()) else { return 0 };
        let micros = step.micros;
        known.done.push(step);
        micros
    }

    /// The run has ended. A step that was not left is the one in which it failed or was stopped.
    pub(super) fn end(&self) {
        let mut known = self.known();
        known.broke = known.going.take().map(|going| going.so_far());
    }

    /// From now on the source may be asked how its requests go.
    pub(super) fn reaches(&self, source: &str, granted: &Granted) {
        self.known().sources.insert(source.to_owned(), granted.clone());
    }

    /// The steps that are done, in their order.
    pub fn steps(&self) -> Vec<Step> {
        self.known().done.clone()
    }

    /// The step that goes on; of a run that ended, the one in which it failed or was stopped.
    pub fn going(&self) -> Option<Step> {
        let known = self.known();
        known.broke.clone().or_else(|| known.going.as_ref().map(Going::so_far))
    }

    /// How the requests of each source go, or went.
    pub fn egress(&self) -> Vec<EgressReport> {
        EgressReport::of(&self.known().sources)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked with it left steps that are as good as before.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Course").field("done", &self.steps()).field("going", &self.going()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_not_left_is_the_one_that_broke() {
        let course = Course::default();
        course.enter("extract orders");
        course.leave();
        course.enter("load");
        let first = course.going().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        course.enter("load");
        let again = course.going().unwrap();
        assert!(again.began > first.began, "a further try begins anew");
        let names: Vec<_> = course.steps().into_iter().map(|step| step.step).collect();
        assert_eq!((names, again.step.as_str()), (vec!["extract orders".to_owned()], "load"));
        course.end();
        let broke = course.going().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!((course.going(), course.steps().len(), course.leave()), (Some(broke), 1, 0), "it takes no longer than the run");
    }
}
