//! What a schedule must hold to: one cadence, a pattern that comes, a zone that exists.

use chrono::Utc;

use super::Check;
use crate::config::{
    diagnose::Part,
    schedule::{Schedule, cron, zone},
};

/// The most retries: a failure that ten did not cure wants a person.
const MOST_RETRIES: u32 = 10;

impl Check<'_> {
    pub(super) fn schedule(&mut self) {
        let Some(schedule) = &self.pipeline.schedule else { return };
        self.one_cadence(schedule);
        self.cron(schedule);
        self.zone(schedule);
        self.within(&["schedule", "retries"], schedule.retries, 0..=MOST_RETRIES);
        self.within(&["schedule", "stage_retries"], schedule.stage_retries, 0..=MOST_RETRIES);
        for (index, name) in schedule.after.iter().enumerate().filter(|(_, name)| **name == self.pipeline.name) {
            let problem = self.at(&["schedule", "after", &index.to_string()], Part::Value, format!("`{name}` can't come after itself"));
            self.problems.push(problem.label("this pipeline"));
        }
    }

    fn one_cadence(&mut self, schedule: &Schedule) {
        let given = [("cron", schedule.cron.is_some()), ("every", schedule.every.is_some()), ("after", !schedule.after.is_empty())];
        let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
        if let [first, second, ..] = given.as_slice() {
            let problem = self.at(&["schedule", second], Part::Key, format!("the schedule has both `{first}` and `{second}`"));
            self.problems.push(problem.label("one too many").with_help("keep one of the two".to_owned()));
        }
    }

    fn cron(&mut self, schedule: &Schedule) {
        let Some(text) = &schedule.cron else { return };
        let help =
            "minute, hour, day of the month, month, day of the week: `0 6 * * *` is each day at 6, `*/15 * * * *` each quarter of an hour";
        let wrong = match cron(text) {
            Err(what) => what,
            Ok(cron) if cron.find_next_occurrence(&Utc::now().naive_utc(), false).is_err() => "no day is like that".to_owned(),
            Ok(_) => return,
        };
        let problem = self.at(&["schedule", "cron"], Part::Value, format!("`{text}` is no cron pattern: {wrong}"));
        self.problems.push(problem.label("not a pattern").with_help(help.to_owned()));
    }

    fn zone(&mut self, schedule: &Schedule) {
        let Some(name) = &schedule.timezone else { return };
        let place = ["schedule", "timezone"];
        if zone(name).is_none() {
            let problem = self.at(&place, Part::Value, format!("there is no time zone `{name}`"));
            let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let help = crate::config::near_miss(name, names).map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| "write its IANA name, such as `America/Sao_Paulo`".to_owned());
            self.problems.push(problem.label("not a time zone").with_help(help));
        } else if schedule.cron.is_none() {
            let problem = self.at(&place, Part::Key, "a time zone means nothing without `cron`");
            self.problems.push(problem.label("for `cron` only").with_help("add `cron`, or leave the zone out".to_owned()));
        }
    }
}
