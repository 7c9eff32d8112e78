//! The zone of the data: from wall-clock times to instants, and which days are plausible.
//!
//! A local time that a change of the clock skipped (in Brazil at midnight: 2017-10-15 00:30) is moved forward by what was skipped;
//! one that happened twice is the earlier. Tests below hold it.

use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::config::SlashDates;

/// A zone with a memory of its offsets, and the bounds of plausible days.
pub struct Clock {
    zone: Tz,
    /// How ambiguous dates with slashes are read.
    pub slash_dates: Option<SlashDates>,
    days: RangeInclusive<i32>,
    /// One per day of `days`: its offset in seconds, [`UNKNOWN`] or [`CHANGING`].
    offsets: Vec<i32>,
}

/// Not looked up yet.
const UNKNOWN: i32 = i32::MAX;
/// The clock changes on this day: each time is looked up.
const CHANGING: i32 = i32::MIN;

const DAY_SECONDS: i64 = 86_400;
const SECOND_MICROS: i64 = 1_000_000;

impl Clock {
    /// `days` are local days since 1970-01-01.
    pub fn new(zone: Tz, slash_dates: Option<SlashDates>, days: RangeInclusive<i32>) -> Self {
        let count = usize::try_from(days.end() - days.start() + 1).expect("the config checked the order of the bounds");
        Self { zone, slash_dates, days, offsets: vec![UNKNOWN; count] }
    }

    /// Whether a local day lies within the bounds.
    pub fn is_plausible(&self, day: i32) -> bool {
        self.days.contains(&day)
    }

    /// The instant of a wall-clock time on a plausible local day, in microseconds since 1970-01-01T00:00:00Z.
    pub fn instant(&mut self, day: i32, second: u32, micro: u32) -> i64 {
        let index = usize::try_from(day - self.days.start()).expect("the day is plausible");
        if self.offsets[index] == UNKNOWN {
            self.offsets[index] = self.offset_of_day(day);
        }
        let offset = match self.offsets[index] {
            CHANGING => self.offset_at(local(day, second)),
            offset => offset,
        };
        // A plausible day is far from the bounds. In a component, to look for an overflow of 64 bits is to multiply 128.
        let seconds = i64::from(day).wrapping_mul(DAY_SECONDS) + i64::from(second) - i64::from(offset);
        seconds.wrapping_mul(SECOND_MICROS) + i64::from(micro)
    }

    /// The local day of an instant; none outside what calendars can hold.
    pub fn day_of(&self, micros: i64) -> Option<i32> {
        let instant = DateTime::from_timestamp_micros(micros)?;
        Some(instant.with_timezone(&self.zone).date_naive().to_epoch_days())
    }

    /// The offset that holds all day, or [`CHANGING`]. The clock is asked every hour: no zone changes it twice within one.
    fn offset_of_day(&self, day: i32) -> i32 {
        let times = (0..24).map(|hour| hour * 3600).chain([86_399]);
        let mut offsets = times.map(|second| self.zone.offset_from_local_datetime(&local(day, second)).single().map(|o| seconds(&o)));
        let first = offsets.next().flatten();
        first.filter(|_| offsets.all(|offset| offset == first)).unwrap_or(CHANGING)
    }

    /// The offset to read a local time with: the earlier of two; for a skipped time the one before the change, which moves it forward.
    fn offset_at(&self, time: NaiveDateTime) -> i32 {
        let earlier = (0..48).map(|hours| time - Duration::hours(hours));
        let mut found = earlier.map(|time| self.zone.offset_from_local_datetime(&time));
        match found.next() {
            Some(chrono::MappedLocalTime::None) | None => found.find_map(|offsets| offsets.latest()).map_or(0, |offset| seconds(&offset)),
            // The greater offset is the earlier instant, whichever chrono lists first.
            Some(offsets) => offsets.earliest().into_iter().chain(offsets.latest()).map(|o| seconds(&o)).max().unwrap_or(0),
        }
    }
}

fn seconds(offset: &impl Offset) -> i32 {
    offset.fix().local_minus_utc()
}

fn local(day: i32, second: u32) -> NaiveDateTime {
    let date = NaiveDate::from_epoch_days(day).expect("plausible days lie between 1900 and 2199");
    date.and_time(NaiveTime::from_num_seconds_from_midnight_opt(second, 0).expect("a time is below 24 hours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(local: &str) -> String {
        let mut clock = Clock::new(chrono_tz::America::Sao_Paulo, None, 16_000..=19_000);
        let local: NaiveDateTime = local.parse().unwrap();
        let second = u32::try_from(local.time().signed_duration_since(NaiveTime::MIN).num_seconds()).unwrap();
        let micros = clock.instant(local.date().to_epoch_days(), second, 0);
        DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string()
    }

    #[test]
    fn winter_is_three_hours_and_summer_two_hours_behind() {
        assert_eq!(utc("2017-07-09T21:57:05"), "2017-07-10 00:57:05");
        assert_eq!(utc("2018-01-09T21:57:05"), "2018-01-09 23:57:05");
    }

    #[test]
    fn a_skipped_midnight_moves_forward_by_the_gap() {
        assert_eq!(utc("2017-10-14T23:59:59"), "2017-10-15 02:59:59");
        assert_eq!(utc("2017-10-15T00:00:00"), "2017-10-15 03:00:00");
        assert_eq!(utc("2017-10-15T00:30:00"), "2017-10-15 03:30:00");
        assert_eq!(utc("2017-10-15T01:30:00"), "2017-10-15 03:30:00");
    }

    #[test]
    fn a_time_that_happened_twice_is_the_earlier() {
        assert_eq!(utc("2018-02-17T22:59:59"), "2018-02-18 00:59:59");
        assert_eq!(utc("2018-02-17T23:30:00"), "2018-02-18 01:30:00");
        assert_eq!(utc("2018-02-18T00:00:00"), "2018-02-18 03:00:00");
    }

    #[test]
    fn days_of_instants_are_local() {
        let clock = Clock::new(chrono_tz::America::Sao_Paulo, None, 0..=0);
        assert_eq!(clock.day_of(1_500_000_000_000_000), Some(17_360)); // 2017-07-14T02:40:00Z is the 13th, 23:40
        assert_eq!(clock.day_of(i64::MAX), None);
    }

    #[test]
    fn a_skipped_day_is_read_with_the_offset_before_it() {
        let mut clock = Clock::new(chrono_tz::Pacific::Apia, None, 15_000..=16_000);
        let day = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap().to_epoch_days();
        let micros = clock.instant(day, 12 * 3600, 0);
        assert_eq!(DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string(), "2011-12-30 22:00:00");
    }
}
