//! When a pipeline is due: cron in a time zone, an interval, other pipelines, or never by itself.
//!
//! What always holds here:
//! - A fixed time of day comes once a day: where the clock is set forward over it, at the first moment after the gap; where the clock is set back,
//!   at the first of the two (`a_time_that_does_not_exist_is_made_up_for_once`, `a_time_that_comes_twice_counts_once`).
//! - A time that comes every so often (`*` among the minutes or hours) follows the hours that pass: none in the gap, both of the two
//!   (`every_hour_is_every_hour_that_passes`).
//! - Intervals are counted from one fixed instant, so they don't drift, however late a run starts (`intervals_do_not_drift`).
//!
//! # Why
//! croner does the same, but takes a list of hours (`30 1,13 * * *`) for an interval, which would run it twice or not at all on these days. So a
//! fixed time is looked for on the wall clock here and put into the zone afterwards.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, SubsecRound, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::config::{self, Every, Schedule};

/// The longest gap of a clock that is set forward is a day: Samoa left out the 30th of December 2011.
const LONGEST_GAP_MINUTES: i64 = 26 * 60;

/// When a pipeline is due.
#[derive(Debug, Clone)]
pub enum Cadence {
    /// Never by itself.
    Hand,
    /// At the times of a cron pattern in a zone.
    Cron(Box<Cron>, Tz, String),
    /// Every so often.
    Every(Every),
    /// When other pipelines have loaded.
    After(Vec<String>),
}

impl Cadence {
    /// The cadence that a pipeline's file asks for. A pattern or zone that is none, which checking the file finds, is never due.
    pub fn of(schedule: &Schedule) -> Self {
        if let Some(text) = &schedule.cron {
            let zone = schedule.timezone.as_deref().map_or(Some(Tz::UTC), config::zone);
            return match (config::cron(text), zone) {
                (Ok(cron), Some(zone)) => Self::Cron(Box::new(cron), zone, text.clone()),
                _ => Self::Hand,
            };
        }
        match schedule.every {
            Some(every) => Self::Every(every),
            None if schedule.after.is_empty() => Self::Hand,
            None => Self::After(schedule.after.clone()),
        }
    }

    /// The first time after `after` at which it is due, where time alone decides.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Hand | Self::After(_) => None,
            Self::Every(every) => {
                let step = i64::try_from(every.get().as_micros()).ok()?.max(1);
                let passed = after.timestamp_micros().div_euclid(step);
                DateTime::from_timestamp_micros(passed.checked_add(1)?.checked_mul(step)?)
            }
            Self::Cron(cron, zone, text) if follows_the_hours(text) => {
                let next = cron.find_next_occurrence(&after.trunc_subsecs(0).with_timezone(zone), false).ok()?;
                Some(next.to_utc()).filter(|next| *next > after)
            }
            Self::Cron(cron, zone, _) => next_fixed(cron, *zone, after),
        }
    }

    /// The due times after `after`, up to and including `until`: the last `most` of them.
    pub fn due(&self, after: DateTime<Utc>, until: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let mut due = std::collections::VecDeque::new();
        let mut at = after;
        while let Some(next) = self.next(at).filter(|next| *next <= until && *next > at) {
            if due.len() == most {
                due.pop_front();
            }
            due.push_back(next);
            at = next;
        }
        due.into()
    }

    /// What tells one schedule from another: due times belong to it.
    pub fn key(&self) -> String {
        match self {
            Self::Hand => "hand".to_owned(),
            Self::Cron(_, zone, text) => format!("cron {} {}", text.split_whitespace().collect::<Vec<_>>().join(" "), zone.name()),
            Self::Every(every) => format!("every {every}"),
            Self::After(names) => format!("after {}", names.join(", ")),
        }
    }

    /// The schedule for a person.
    pub fn words(&self) -> String {
        match self {
            Self::Hand => "by hand".to_owned(),
            Self::Cron(cron, zone, _) => {
                let said = cron.describe();
                let mut letters = said.trim_end_matches('.').chars();
                let said: String = letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
                format!("{said} ({})", zone.name())
            }
            Self::Every(every) => format!("every {every}"),
            Self::After(names) => format!("after {}", names.join(" and ")),
        }
    }
}

/// Whether the pattern is about the hours or minutes that pass and not about times of day, as in Vixie cron: its minutes or hours begin with `*`.
fn follows_the_hours(text: &str) -> bool {
    text.split_whitespace().take(2).any(|field| field.starts_with(['*', '?']))
}

fn next_fixed(cron: &Cron, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut local = after.with_timezone(&zone).naive_local().trunc_subsecs(0);
    // The wall clock may have passed a time that is made up for after a gap, so the search begins before the longest one.
    local = local.checked_sub_signed(Duration::minutes(LONGEST_GAP_MINUTES))?;
    loop {
        local = cron.find_next_occurrence(&local, false).ok()?;
        let instant = instant(zone, local)?;
        if instant > after {
            return Some(instant);
        }
    }
}

/// The instant of a wall clock time: the first of two, the first moment after the gap for one that does not exist.
fn instant(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let minutes = (0..=LONGEST_GAP_MINUTES).map(|minutes| zone.from_local_datetime(&(local + Duration::minutes(minutes))));
    let mut minutes = minutes.filter_map(|found| match found {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc()),
        LocalResult::None => None,
    });
    minutes.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn cron(text: &str, zone: &str) -> Cadence {
        Cadence::of(&Schedule { cron: Some(text.into()), timezone: Some(zone.into()), ..Schedule::default() })
    }

    fn due(cadence: &Cadence, from: &str, until: &str) -> Vec<String> {
        let times = cadence.due(at(from), at(until), usize::MAX);
        times.iter().map(|time| time.format("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_time_of_day_is_that_of_the_zone() {
        let cadence = cron("0 6 * * *", "America/Sao_Paulo");
        assert_eq!(due(&cadence, "2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"), ["11-27 09:00", "11-28 09:00"]);
        assert_eq!(cadence.words(), "at 06:00 (America/Sao_Paulo)");
    }

    #[test]
    fn a_time_that_does_not_exist_is_made_up_for_once() {
        // New York goes from 02:00 to 03:00 on the 8th: 02:30 is 03:00 of the new time, 07:00Z.
        let span = ("2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z");
        let nightly = cron("30 2 * * *", "America/New_York");
        assert_eq!(due(&nightly, span.0, span.1), ["03-07 07:30", "03-08 07:00", "03-09 06:30"]);
        // Two times in the same gap are one moment after it.
        let twice = cron("0,30 2 * * *", "America/New_York");
        assert_eq!(due(&twice, "2026-03-08T00:00:00Z", "2026-03-08T23:00:00Z"), ["03-08 07:00"]);
        // A list of hours is a list of times of day, too.
        let list = cron("30 2,14 * * *", "America/New_York");
        assert_eq!(due(&list, "2026-03-08T00:00:00Z", "2026-03-08T23:00:00Z"), ["03-08 07:00", "03-08 18:30"]);
        // A whole day that does not exist.
        let samoa = cron("0 12 30 12 *", "Pacific/Apia");
        assert_eq!(samoa.next(at("2011-12-01T00:00:00Z")), Some(at("2011-12-30T10:00:00Z")));
    }

    #[test]
    fn a_time_that_comes_twice_counts_once() {
        // New York goes from 02:00 back to 01:00 on the 1st: 01:30 is 05:30Z and 06:30Z.
        let span = ("2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z");
        assert_eq!(due(&cron("30 1 * * *", "America/New_York"), span.0, span.1), ["11-01 05:30", "11-02 06:30"]);
        assert_eq!(
            due(&cron("30 1,13 * * *", "America/New_York"), "2026-11-01T00:00:00Z", "2026-11-01T23:00:00Z"),
            ["11-01 05:30", "11-01 18:30"]
        );
        // Asked in the second of the two hours, it is not due again.
        assert_eq!(cron("30 1 * * *", "America/New_York").next(at("2026-11-01T06:10:00Z")), Some(at("2026-11-02T06:30:00Z")));
    }

    #[test]
    fn every_hour_is_every_hour_that_passes() {
        let hourly = cron("15 * * * *", "America/New_York");
        assert_eq!(due(&hourly, "2026-03-08T06:00:00Z", "2026-03-08T08:30:00Z"), ["03-08 06:15", "03-08 07:15", "03-08 08:15"]);
        assert_eq!(due(&hourly, "2026-11-01T04:30:00Z", "2026-11-01T07:30:00Z"), ["11-01 05:15", "11-01 06:15", "11-01 07:15"]);
        let quarterly = cron("*/15 1 * * *", "America/New_York");
        assert_eq!(due(&quarterly, "2026-11-01T00:00:00Z", "2026-11-01T23:00:00Z").len(), 8);
    }

    #[test]
    fn a_year_of_a_nightly_run_has_a_run_each_day_in_every_zone() {
        for zone in ["UTC", "America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"] {
            for time in ["0 0 * * *", "30 1 * * *", "30 2 * * *", "15 2,3 * * *"] {
                let runs = cron(time, zone).due(at("2025-12-31T23:59:59Z"), at("2026-12-31T23:59:59Z"), usize::MAX);
                let wanted = if time.contains(',') { 2 * 365 } else { 365 };
                assert!(runs.windows(2).all(|pair| pair[0] < pair[1]));
                // At most one is lost at each end, where the zone's year and ours differ; and two of a list that fall into one gap are one.
                assert!((wanted - 1..=wanted + 1).contains(&runs.len()), "{time} in {zone}: {}", runs.len());
            }
        }
    }

    #[test]
    fn intervals_do_not_drift() {
        let cadence = Cadence::Every(Every::seconds(900));
        assert_eq!(cadence.next(at("2026-11-27T06:00:00Z")), Some(at("2026-11-27T06:15:00Z")));
        assert_eq!(cadence.next(at("2026-11-27T06:07:31.5Z")), Some(at("2026-11-27T06:15:00Z")));
        assert_eq!(cadence.next(at("2026-11-27T06:14:59.999999Z")), Some(at("2026-11-27T06:15:00Z")));
    }

    #[test]
    fn only_the_last_of_many_due_times_are_kept() {
        let cadence = Cadence::Every(Every::seconds(1));
        let due = cadence.due(at("2026-11-27T06:00:00Z"), at("2026-11-27T07:00:00Z"), 3);
        assert_eq!(due, ["2026-11-27T06:59:58Z", "2026-11-27T06:59:59Z", "2026-11-27T07:00:00Z"].map(at));
    }

    #[test]
    fn by_hand_and_after_others_time_alone_decides_nothing() {
        assert_eq!(Cadence::of(&Schedule::default()).next(at("2026-11-27T06:00:00Z")), None);
        let after = Cadence::of(&Schedule { after: vec!["a".into(), "b".into()], ..Schedule::default() });
        assert_eq!((after.next(at("2026-11-27T06:00:00Z")), after.words().as_str()), (None, "after a and b"));
    }
}
