//! Dates and times: what a cell says, and the instant that this is in the pipeline's zone.
//!
//! `YYYY-MM-DD HH:MM:SS` is read without detours; other spellings are listed in [`spelled`].

use tidegate_sdk::{
    arrow_array::{BooleanArray, Date32Array, Float64Array, TimestampMicrosecondArray},
    arrow_buffer::{BooleanBuffer, NullBuffer, NullBufferBuilder, ScalarBuffer},
};

use crate::{cells::text::trim, clock::Clock, config::SlashDates, rules::RuleIndex, sheet::Sheet};

/// The instants of a column, each with the local day that it falls on. What stands where there is none does not matter.
pub struct Instants {
    /// Microseconds since 1970-01-01T00:00:00Z.
    micros: ScalarBuffer<i64>,
    /// Local days since 1970-01-01.
    days: ScalarBuffer<i32>,
    nulls: Option<NullBuffer>,
}

impl Instants {
    /// The column of instants.
    pub fn timestamps(&self) -> TimestampMicrosecondArray {
        TimestampMicrosecondArray::new(self.micros.clone(), self.nulls.clone()).with_timezone("UTC")
    }

    /// The column of local days.
    pub fn days(&self) -> Date32Array {
        Date32Array::new(self.days.clone(), self.nulls.clone())
    }

    /// These, and those of `other` where there is none.
    pub fn or(&self, other: &Self) -> Self {
        let Some(own) = &self.nulls else {
            return Self { micros: self.micros.clone(), days: self.days.clone(), nulls: None };
        };
        let rows = 0..self.micros.len();
        Self {
            micros: rows.clone().map(|row| if own.is_valid(row) { self.micros[row] } else { other.micros[row] }).collect(),
            days: rows.map(|row| if own.is_valid(row) { self.days[row] } else { other.days[row] }).collect(),
            nulls: other.nulls.as_ref().map(|other| NullBuffer::new(own.inner() | other.inner())),
        }
    }

    /// Days of 24 hours from these to `to`; null where one end is.
    pub fn days_to(&self, to: &Self) -> Float64Array {
        const DAY_MICROS: f64 = 86_400_000_000.0;
        let between = self.micros.iter().zip(&to.micros).map(|(from, to)| to.wrapping_sub(*from) as f64 / DAY_MICROS);
        Float64Array::new(between.collect(), NullBuffer::union(self.nulls.as_ref(), to.nulls.as_ref()))
    }

    /// Whether these fall on a later local day than `others`; null where one of the two is.
    pub fn on_later_day_than(&self, others: &Self) -> BooleanArray {
        let later = BooleanBuffer::collect_bool(self.days.len(), |row| self.days[row] > others.days[row]);
        BooleanArray::new(later, NullBuffer::union(self.nulls.as_ref(), others.nulls.as_ref()))
    }

    fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spelled {
    day: i32,
    second: u32,
    micro: u32,
    /// Seconds east of UTC, where the cell says so.
    offset: Option<i32>,
}

impl Sheet<'_> {
    /// Instants. Rejects the rows whose cell is present and no date, or one outside the config's bounds.
    pub fn instants(&mut self, column: &str, format: impl Into<RuleIndex>, plausible: impl Into<RuleIndex>) -> Instants {
        let (format, plausible) = (format.into(), plausible.into());
        let rows = self.rows();
        let (mut micros, mut days, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows), NullBufferBuilder::new(rows));
        for (row, cell) in self.column(column).iter().enumerate() {
            let instant = cell.and_then(|cell| match read(cell, self.clock) {
                Ok(instant) => Some(instant),
                Err(Unreadable::Blank) => None,
                Err(Unreadable::Format) => reject(self, row, format),
                Err(Unreadable::Implausible) => reject(self, row, plausible),
            });
            valid.append(instant.is_some());
            let instant = instant.unwrap_or_default();
            micros.push(instant.micros);
            days.push(instant.day);
        }
        Instants { micros: micros.into(), days: days.into(), nulls: valid.finish() }
    }

    /// Rejects the rows in which `first` and `second` are there and the second is earlier.
    pub fn check_order(&mut self, first: &Instants, second: &Instants, rule: impl Into<RuleIndex>) {
        self.check_ascending(first, second, rule.into(), |row| first.micros[row] <= second.micros[row]);
    }

    /// Rejects the rows in which `first` and `second` are there and the second is on an earlier local day.
    pub fn check_days(&mut self, first: &Instants, second: &Instants, rule: impl Into<RuleIndex>) {
        self.check_ascending(first, second, rule.into(), |row| first.days[row] <= second.days[row]);
    }

    fn check_ascending(&mut self, first: &Instants, second: &Instants, rule: RuleIndex, ascends: impl Fn(usize) -> bool) {
        for row in 0..self.rows() {
            if !ascends(row) && first.is_valid(row) && second.is_valid(row) {
                self.reject(row, rule);
            }
        }
    }
}

/// An instant with the local day that it falls on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Instant {
    micros: i64,
    day: i32,
}

fn reject(sheet: &mut Sheet, row: usize, rule: RuleIndex) -> Option<Instant> {
    sheet.reject(row, rule);
    None
}

enum Unreadable {
    Blank,
    Format,
    Implausible,
}

fn read(cell: &str, clock: &mut Clock) -> Result<Instant, Unreadable> {
    let spelled = match canonical(cell.as_bytes()) {
        Some(spelled) => spelled,
        None if trim(cell).is_empty() => return Err(Unreadable::Blank),
        None => spelled(trim(cell), clock.slash_dates).ok_or(Unreadable::Format)?,
    };
    let Spelled { day, second, micro, offset } = spelled;
    if let Some(offset) = offset {
        let micros = (i64::from(day) * 86_400 + i64::from(second) - i64::from(offset)) * 1_000_000 + i64::from(micro);
        let day = clock.day_of(micros).filter(|day| clock.is_plausible(*day)).ok_or(Unreadable::Implausible)?;
        return Ok(Instant { micros, day });
    }
    if !clock.is_plausible(day) {
        return Err(Unreadable::Implausible);
    }
    Ok(Instant { micros: clock.instant(day, second, micro), day })
}

/// `YYYY-MM-DD HH:MM:SS` and nothing else.
#[inline]
fn canonical(bytes: &[u8]) -> Option<Spelled> {
    let bytes: &[u8; 19] = bytes.try_into().ok()?;
    let (date, time) = (numbers(bytes.first_chunk()?, b"0000-00-")?, numbers(bytes.last_chunk()?, b"00:00:00")?);
    let (tens, ones) = (bytes[8].wrapping_sub(b'0'), bytes[9].wrapping_sub(b'0'));
    let (hour, minute, second) = (time[0], time[3], time[6]);
    if bytes[10] != b' ' || tens > 9 || ones > 9 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let year = u32::from(date[0]) * 100 + u32::from(date[2]);
    let day = epoch_day(year, date[5].into(), u32::from(tens * 10 + ones))?;
    Some(Spelled { day, second: u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second), micro: 0, offset: None })
}

/// Eight bytes at once: where the template has a `0` there must be a digit, elsewhere what it has. Gives at each place the number of two
/// digits that begins there.
#[inline]
fn numbers(text: &[u8; 8], template: &[u8; 8]) -> Option<[u8; 8]> {
    // What must be added to a byte to reach the highest bit where it is above 9, or above 0.
    let beyond = u64::from_le_bytes(template.map(|byte| if byte == b'0' { 0x76 } else { 0x7f }));
    let values = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*template);
    let wrong = (values | values.wrapping_add(beyond)) & u64::from_le_bytes([0x80; 8]);
    // A digit takes four of its eight bits. In a component, to look for an overflow of 64 bits is to multiply 128.
    (wrong == 0).then(|| (values.wrapping_mul(10).wrapping_add(values >> 8)).to_le_bytes())
}

/// Dates as `2018-03-25`, `2018/03/25`, `25-03-2018`, `25.03.2018`, `25/03/2018`, `03/25/2018`, each alone or followed by a space or `T` and a
/// time as `14:05`, `14:05:09`, `14:05:09.123456`, `2:05:09 PM`, which may end with a zone as `Z`, `UTC`, `-03:00`, `-0300`, `-03`.
fn spelled(text: &str, slash_dates: Option<SlashDates>) -> Option<Spelled> {
    let (date, time) = text.split_once([' ', 'T', 't']).unwrap_or((text, ""));
    let day = date_of(date, slash_dates)?;
    let (time, offset) = without_zone(time.trim())?;
    let (second, micro) = if time.is_empty() && offset.is_none() { (0, 0) } else { time_of(time)? };
    Some(Spelled { day, second, micro, offset })
}

fn date_of(date: &str, slash_dates: Option<SlashDates>) -> Option<i32> {
    let mark = date.chars().find(|letter| matches!(letter, '-' | '/' | '.'))?;
    let mut parts = date.split(mark);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (a, b) = (number(first, 1..=4)?, number(second, 1..=2)?);
    if first.len() == 4 && mark != '.' {
        return epoch_day(a, b, number(third, 1..=2)?);
    }
    let year = number(third, 4..=4)?;
    number(first, 1..=2)?;
    let (day, month) = match (mark, slash_dates) {
        ('-' | '.', _) => (a, b),
        _ if a == b || a > 12 => (a, b),
        _ if b > 12 => (b, a),
        (_, Some(SlashDates::DayFirst)) => (a, b),
        (_, Some(SlashDates::MonthFirst)) => (b, a),
        (_, None) => return None,
    };
    epoch_day(year, month, day)
}

/// The time without its zone, and the zone's offset in seconds.
fn without_zone(time: &str) -> Option<(&str, Option<i32>)> {
    if let Some(time) = ["Z", "z", " UTC"].iter().find_map(|zone| time.strip_suffix(zone)) {
        return Some((time.trim_end(), Some(0)));
    }
    let Some(sign) = time.rfind(['+', '-']) else { return Some((time, None)) };
    let (time, zone) = (&time[..sign], &time[sign..]);
    let (hours, minutes) = match zone[1..].split_once(':') {
        Some((hours, minutes)) => (number(hours, 2..=2)?, number(minutes, 2..=2)?),
        None if zone.len() == 5 => (number(zone.get(1..3)?, 2..=2)?, number(zone.get(3..)?, 2..=2)?),
        None => (number(&zone[1..], 2..=2)?, 0),
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours <= 14 && minutes < 60)?;
    Some((time.trim_end(), Some(if zone.starts_with('-') { -seconds } else { seconds })))
}

/// Seconds since midnight, and microseconds.
fn time_of(time: &str) -> Option<(u32, u32)> {
    let (time, noon) = match time.len().checked_sub(2).and_then(|at| time.split_at_checked(at)) {
        Some((time, half)) if half.eq_ignore_ascii_case("am") => (time.trim_end(), Some(0)),
        Some((time, half)) if half.eq_ignore_ascii_case("pm") => (time.trim_end(), Some(12)),
        _ => (time, None),
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.split(':');
    let (hour, minute, second) = (number(parts.next()?, 1..=2)?, number(parts.next()?, 2..=2)?, parts.next());
    let second = second.map_or(Some(0), |second| number(second, 2..=2))?;
    let hour = match noon {
        None => hour,
        Some(noon) if (1..=12).contains(&hour) => hour % 12 + noon,
        Some(_) => return None,
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micro =
        if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<6.6}"), 6..=6).filter(|_| number(fraction, 1..=9).is_some())? };
    Some((hour * 3600 + minute * 60 + second, micro))
}

/// A number of so many digits, without a sign.
fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar; none where there is no such day. Years are those from 1 to 9999.
fn epoch_day(year: u32, month: u32, day: u32) -> Option<i32> {
    /// Days from 0001-01-01 to 1970-01-01.
    const EPOCH: i32 = 719_162;
    // Of the years that four divides, those are no leap years that 25 divides and 16 does not.
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(25) || year.is_multiple_of(16));
    let Month { before, days } = *MONTHS[usize::from(leap)].get(month.wrapping_sub(1) as usize)?;
    if year == 0 || year > 9999 || day == 0 || day > days {
        return None;
    }
    let (years, centuries) = (year - 1, (year - 1) / 100);
    let days = years * 365 + years / 4 - centuries + centuries / 4 + before + day - 1;
    Some(i32::try_from(days).expect("ten thousand years fit") - EPOCH)
}

/// A month, with the days of the year that are before it.
#[derive(Clone, Copy)]
struct Month {
    before: u32,
    days: u32,
}

/// The months of a year, and those of a leap year.
const MONTHS: [[Month; 12]; 2] = [months(28), months(29)];

const fn months(february: u32) -> [Month; 12] {
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut months = [Month { before: 0, days: 31 }; 12];
    let mut month = 1;
    while month < 12 {
        months[month] = Month { before: months[month - 1].before + lengths[month - 1], days: lengths[month] };
        month += 1;
    }
    months
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> i32 {
        NaiveDate::from_ymd_opt(year, month, day).unwrap().to_epoch_days()
    }

    #[test]
    fn every_day_of_eight_centuries_agrees_with_chrono() {
        let start = NaiveDate::from_ymd_opt(1600, 1, 1).unwrap();
        for date in (0..292_194).map(|days| start + Days::new(days)) {
            let text = format!("{date} 00:00:00");
            assert_eq!(canonical(text.as_bytes()).map(|spelled| spelled.day), Some(date.to_epoch_days()), "{text}");
        }
    }

    #[test]
    fn the_usual_spelling_is_read_directly() {
        let wanted = Spelled { day: day(2017, 7, 9), second: 77_400, micro: 0, offset: None };
        assert_eq!(canonical(b"2017-07-09 21:30:00"), Some(wanted));
        for text in [
            "2017-02-29 00:00:00",
            "2017-13-01 00:00:00",
            "2017-00-01 00:00:00",
            "2017-01-01 24:00:00",
            "2017-01-01 00:60:00",
            "2017-01-01T00:00:00",
            "2017-01/01 00:00:00",
            "2017-01-0a 00:00:00",
            "20170-01-1 00:00:00",
            "2017-01-01 00:00:0/",
            "2017-01-01 0\u{e9}:00:00",
        ] {
            assert_eq!(canonical(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_spellings_are_read() {
        let at = |second, micro| Spelled { day: day(2018, 3, 25), second, micro, offset: None };
        for (text, wanted) in [
            ("2018-03-25", at(0, 0)),
            ("2018/03/25", at(0, 0)),
            ("25-03-2018", at(0, 0)),
            ("25.03.2018", at(0, 0)),
            ("25/03/2018", at(0, 0)),
            ("03/25/2018", at(0, 0)),
            ("3/25/2018 14:05", at(50_700, 0)),
            ("25/3/2018 2:05:09 PM", at(50_709, 0)),
            ("3/25/2018 12:05 AM", at(300, 0)),
            ("2018-03-25T14:05:09", at(50_709, 0)),
            ("2018-03-25 14:05:09.5", at(50_709, 500_000)),
            ("2018-03-25T14:05:09.123456789", at(50_709, 123_456)),
        ] {
            assert_eq!(spelled(text, None), Some(wanted), "{text}");
        }
    }

    #[test]
    fn a_zone_in_the_cell_counts() {
        for (text, wanted) in
            [("14:05:09Z", 0), ("14:05:09 UTC", 0), ("14:05:09-03:00", -10_800), ("14:05:09+0530", 19_800), ("14:05:09-03", -10_800)]
        {
            assert_eq!(spelled(&format!("2018-03-25T{text}"), None).and_then(|spelled| spelled.offset), Some(wanted), "{text}");
        }
    }

    #[test]
    fn dates_that_could_be_either_need_the_config() {
        assert_eq!(date_of("03/04/2018", None), None);
        assert_eq!(date_of("03/04/2018", Some(SlashDates::DayFirst)), Some(day(2018, 4, 3)));
        assert_eq!(date_of("03/04/2018", Some(SlashDates::MonthFirst)), Some(day(2018, 3, 4)));
        assert_eq!(date_of("04/04/2018", None), Some(day(2018, 4, 4)));
        assert_eq!(date_of("03-04-2018", None), Some(day(2018, 4, 3)));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "yesterday",
            "31/02/2018",
            "25/13/2018",
            "25/03/18",
            "2018-03",
            "2018-3-2-5",
            "20180325",
            "2018-03-25 14",
            "2018-03-25 14:5",
            "2018-03-25 13:00 PM",
            "2018-03-25Z",
            "2018-03-25 é",
            "0000-01-01",
            "-",
            "2018.03.25",
        ] {
            assert_eq!(spelled(text, None), None, "{text}");
        }
    }
}
