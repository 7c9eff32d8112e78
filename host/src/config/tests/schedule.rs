//! Messages about schedules.

use super::*;
use crate::config::{Missed, Overlap};

/// What the message for a schedule must say.
fn says(schedule: &str, wanted: &[&str]) {
    let said = told_of(&format!("\n[schedule]\n{schedule}\n"));
    for words in wanted {
        assert!(said.contains(words), "it does not say {words:?}:\n{said}");
    }
}

#[test]
fn schedules_are_read() {
    let of = |schedule: &str| read(&format!("{START}\n[schedule]\n{schedule}\n")).unwrap().pipeline.schedule.unwrap();
    let nightly = of("cron = \"0 6 * * MON-FRI\"\ntimezone = \"America/Sao_Paulo\"");
    assert_eq!((nightly.retries, nightly.retry_delay.to_string(), nightly.sla.to_string()), (2, "5m".into(), "2h".into()));
    assert_eq!(nightly.overlap(), Overlap::Skip);
    assert_eq!(of("after = [\"other\"]").overlap(), Overlap::Queue);
    assert_eq!(of("every = \"15m\"\nmissed = \"all\"").missed, Missed::All);
    assert!(read(START).unwrap().pipeline.schedule.is_none());
}

#[test]
fn a_schedule_has_one_cadence() {
    says("cron = \"0 6 * * *\"\nevery = \"1h\"", &["the schedule has both `cron` and `every`", "one too many"]);
}

#[test]
fn a_pattern_that_is_none_or_never_comes_is_pointed_at() {
    says("cron = \"0 25 * * *\"", &["`0 25 * * *` is no cron pattern", "not a pattern"]);
    says("cron = \"0 6 * *\"", &["it has 4 fields, not five"]);
    says("cron = \"0 0 6 * * *\"", &["it has 6 fields, not five"]);
    says("cron = \"0 0 30 2 *\"", &["no day is like that"]);
}

#[test]
fn a_zone_exists_and_is_for_cron() {
    says("cron = \"0 6 * * *\"\ntimezone = \"America/Sao_Paolo\"", &["there is no time zone", "did you mean `America/Sao_Paulo`?"]);
    says("every = \"1h\"\ntimezone = \"UTC\"", &["a time zone means nothing without `cron`"]);
}

#[test]
fn words_and_lengths_are_those_of_the_page() {
    says("every = \"soon\"", &["`soon` is no length of time"]);
    says("every = \"1h\"\nmissed = \"never\"", &["unknown value `never`"]);
    says("every = \"1h\"\nretries = 99", &["`retries` is 99, but goes from 0 to 10"]);
    says("after = [\"shop\"]", &["`shop` can't come after itself"]);
    says("evry = \"1h\"", &["unknown key `evry`", "did you mean `every`?"]);
}
