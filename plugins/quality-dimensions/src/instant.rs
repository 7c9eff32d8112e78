//! Days, instants and durations: how the config writes them and how samples show them.

use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use tidegate_sdk::arrow_schema::TimeUnit;

pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;
pub const MICROS_PER_DAY: i64 = NANOS_PER_DAY / 1000;

/// Nanoseconds in a unit.
pub fn nanos_per(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1000,
        TimeUnit::Nanosecond => 1,
    }
}

/// `YYYY-MM-DD` as days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// An RFC 3339 timestamp as nanoseconds since 1970-01-01T00:00:00Z.
pub fn parse_timestamp(text: &str) -> Option<i128> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(i128::from(instant.timestamp()) * 1_000_000_000 + i128::from(instant.timestamp_subsec_nanos()))
}

/// A day as `YYYY-MM-DD`; beyond the calendar, as its number.
pub fn date_text(days: i32) -> String {
    let distance = Days::new(u64::from(days.unsigned_abs()));
    let epoch = NaiveDate::default();
    let date = if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
    date.map_or_else(|| days.to_string(), |date| date.to_string())
}

/// An instant as RFC 3339 in UTC; beyond the calendar, as its number.
pub fn timestamp_text(nanos: i128) -> String {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok();
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).expect("less than a second");
    let instant = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, rest));
    instant.map_or_else(|| nanos.to_string(), |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A duration in microseconds: `PT2H`, `P1DT12H`, or short, `3d`, `48h`, `1h30m`. Units are w, d, h, m (minutes), s; months and years are
/// not durations, for they differ in length.
pub fn parse_duration(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (days, time) = match lower.strip_prefix('p') {
        Some(iso) => iso.split_once('t').map_or((iso, None), |(days, time)| (days, Some(time))),
        None => return parts(&lower, "wdhms"),
    };
    match (days, time) {
        ("", None) | (_, Some("")) => None,
        ("", Some(time)) => parts(time, "hms"),
        (days, None) => parts(days, "wd"),
        (days, Some(time)) => parts(days, "wd")?.checked_add(parts(time, "hms")?),
    }
}

fn parts(text: &str, units: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        let unit = tail.chars().next().filter(|unit| units.contains(*unit))?;
        let seconds = match unit {
            'w' => 604_800,
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            _ => 1,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)?)?;
        rest = &tail[1..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_both_spellings() {
        let hour = Some(3_600_000_000);
        assert_eq!(
            (parse_duration("PT1H"), parse_duration("1h"), parse_duration("60m"), parse_duration("PT30M1800S")),
            (hour, hour, hour, hour)
        );
        assert_eq!(parse_duration("P1DT12H"), parse_duration("36h"));
        assert_eq!(parse_duration("P2W"), parse_duration("14d"));
        for wrong in ["", "P", "PT", "3", "d", "1y", "P1M", "P1DT", "-1h", "1.5h", "1h x", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_and_instants_are_read_and_written() {
        assert_eq!(
            (parse_date("1970-01-02"), parse_date("2018-02-30"), parse_date("2018-2-3"), parse_date("1969-12-31")),
            (Some(1), None, None, Some(-1))
        );
        assert_eq!(parse_timestamp("1970-01-01T01:00:00.5+01:00"), Some(500_000_000));
        assert_eq!(parse_timestamp("1970-01-01 01:00"), None);
        assert_eq!((date_text(-1).as_str(), timestamp_text(-1).as_str()), ("1969-12-31", "1969-12-31T23:59:59.999999999Z"));
        assert_eq!(date_text(i32::MAX), i32::MAX.to_string());
        assert_eq!(timestamp_text(i128::MAX), i128::MAX.to_string());
    }
}
