//! When things happen: purchase times by month and hour, wall-clock times as seconds, and the way the files write them.
//!
//! A time is the wall clock of Sao Paulo in seconds since 1970-01-01 00:00:00, without a zone, as in the files. The hour that summer time
//! skipped in October 2016 and 2017 and November 2018 never appears (test `the_hour_that_summer_time_skips_is_left_out`).

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use super::rng::Rng;

pub(super) const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 24 * HOUR;

/// No order is bought after this second: 2018-10-17 17:30:18, the end of the published period.
pub(super) const LAST_PURCHASE: i64 = 1_539_797_418;

/// From here on (2018-09-01) the published period only holds orders that came to nothing.
pub(super) const TAIL: i64 = 1_535_760_000;

/// Year, month, first and last day, and about how many of 100,000 orders it holds.
const MONTHS: [(i32, u32, u32, u32, u32); 25] = [
    (2016, 9, 4, 30, 4),
    (2016, 10, 2, 31, 325),
    (2016, 12, 20, 28, 1),
    (2017, 1, 5, 31, 800),
    (2017, 2, 1, 28, 1_800),
    (2017, 3, 1, 31, 2_700),
    (2017, 4, 1, 30, 2_400),
    (2017, 5, 1, 31, 3_700),
    (2017, 6, 1, 30, 3_250),
    (2017, 7, 1, 31, 4_000),
    (2017, 8, 1, 31, 4_350),
    (2017, 9, 1, 30, 4_300),
    (2017, 10, 1, 31, 4_650),
    (2017, 11, 1, 30, 7_550),
    (2017, 12, 1, 31, 5_700),
    (2018, 1, 1, 31, 7_300),
    (2018, 2, 1, 28, 6_750),
    (2018, 3, 1, 31, 7_200),
    (2018, 4, 1, 30, 6_950),
    (2018, 5, 1, 31, 6_900),
    (2018, 6, 1, 30, 6_200),
    (2018, 7, 1, 31, 6_300),
    (2018, 8, 1, 29, 6_500),
    (2018, 9, 1, 30, 16),
    (2018, 10, 1, 17, 8),
];

/// Purchases per hour of the day: flat from 10 to 22, a quiet night.
const HOURS: [u32; 24] = [24, 12, 5, 3, 2, 2, 5, 13, 30, 48, 62, 65, 60, 64, 66, 64, 66, 61, 58, 60, 62, 62, 58, 41];

#[derive(Debug)]
pub(super) struct Calendar {
    months: Vec<Month>,
}

#[derive(Debug)]
struct Month {
    /// Midnight of its first day.
    start: i64,
    days: u64,
    weight: u32,
    /// Midnight of its Black Friday, in November 2017.
    black_friday: Option<i64>,
}

impl Calendar {
    pub(super) fn new() -> Self {
        let months = MONTHS.iter().map(|&(year, month, first, last, weight)| Month {
            start: midnight(year, month, first),
            days: u64::from(last - first + 1),
            weight,
            black_friday: (year == 2017 && month == 11).then(|| midnight(2017, 11, 24)),
        });
        Self { months: months.collect() }
    }

    /// When an order is bought.
    pub(super) fn purchase(&self, rng: &mut Rng) -> i64 {
        let month = rng.weighted(&self.months, |month| month.weight);
        let spread = month.start + DAY * rng.below(month.days) as i64;
        let day = match month.black_friday {
            Some(friday) if rng.one_in(7) => friday,
            _ => spread,
        };
        let hours: [usize; 24] = std::array::from_fn(|hour| hour);
        let hour = *rng.weighted(&hours, |&hour| HOURS[hour]) as i64;
        let at = day + HOUR * hour + rng.below(HOUR as u64) as i64;
        settle(if at > LAST_PURCHASE { at - DAY } else { at })
    }
}

/// Moves a time out of the hour that does not exist when summer time begins.
pub(super) fn settle(at: i64) -> i64 {
    /// The midnights that the clock jumped over: 2016-10-16, 2017-10-15, 2018-11-04.
    const SKIPPED: [i64; 3] = [1_476_576_000, 1_508_025_600, 1_541_289_600];
    if SKIPPED.contains(&(at - at.rem_euclid(HOUR))) { at + HOUR } else { at }
}

/// The midnight before `at`.
pub(super) fn day_of(at: i64) -> i64 {
    at - at.rem_euclid(DAY)
}

/// `YYYY-MM-DD HH:MM:SS`.
pub(super) fn write(at: i64) -> [u8; 19] {
    let at = DateTime::from_timestamp(at, 0).expect("drawn times lie between 2016 and 2021").naive_utc();
    let mut text = *b"0000-00-00 00:00:00";
    let mut put = |place: usize, value: u32| {
        text[place] = b'0' + (value / 10) as u8;
        text[place + 1] = b'0' + (value % 10) as u8;
    };
    put(0, at.year() as u32 / 100);
    put(2, at.year() as u32 % 100);
    put(5, at.month());
    put(8, at.day());
    put(11, at.hour());
    put(14, at.minute());
    put(17, at.second());
    text
}

fn midnight(year: i32, month: u32, day: u32) -> i64 {
    let day = NaiveDate::from_ymd_opt(year, month, day).expect("the table holds days that exist");
    day.and_hms_opt(0, 0, 0).expect("every day has a midnight").and_utc().timestamp()
}

#[cfg(test)]
mod tests {
    use super::{LAST_PURCHASE, TAIL, midnight, settle, write};

    #[test]
    fn times_are_written_as_in_the_files() {
        assert_eq!(&write(LAST_PURCHASE), b"2018-10-17 17:30:18");
        assert_eq!(&write(TAIL), b"2018-09-01 00:00:00");
    }

    #[test]
    fn the_hour_that_summer_time_skips_is_left_out() {
        let start = midnight(2017, 10, 15);
        assert_eq!(&write(settle(start + 59)), b"2017-10-15 01:00:59");
        assert_eq!(settle(start - 1), start - 1);
        assert_eq!(settle(midnight(2016, 10, 16)), midnight(2016, 10, 16) + 3_600);
        assert_eq!(settle(midnight(2018, 11, 4)), midnight(2018, 11, 4) + 3_600);
    }
}
