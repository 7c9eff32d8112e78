//! Instants as APIs write them, without a clock: a plugin has none, it takes the time from what servers say.
//!
//! - A text without a zone is GMT; where a server means its own zone, that is to be asked for or mended before
//!   (`an_instant_without_a_zone_is_gmt`).
//! - Digits below the microsecond are cut off.

/// The instant that a text names, in microseconds since 1970-01-01T00:00:00Z: RFC 3339, with `T` or a space, with `Z`, an offset or
/// nothing behind it. A date alone is its midnight. None where it is no instant.
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let days = date(bytes.get(..10)?)?;
    let Some(behind) = bytes.get(10) else { return days.checked_mul(86_400_000_000) };
    if !matches!(behind, b'T' | b't' | b' ') {
        return None;
    }
    let time = bytes.get(11..)?;
    let (hours, minutes) = (number(time.get(..2)?)?, number(time.get(3..5)?)?);
    let (seconds, rest) = match time.get(5) {
        Some(b':') => (number(time.get(6..8)?)?, &time[8..]),
        _ => (0, time.get(5..)?),
    };
    if time[2] != b':' || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let (micros, zone) = fraction(rest)?;
    let seconds = days * 86_400 + hours * 3_600 + minutes * 60 + seconds - offset(zone)?;
    Some(seconds * 1_000_000 + micros)
}

/// The day that `YYYY-MM-DD` names, in days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i32> {
    date(text.as_bytes()).and_then(|days| i32::try_from(days).ok())
}

/// The instant of an HTTP header (`Sun, 06 Nov 1994 08:49:37 GMT`) in seconds since 1970-01-01T00:00:00Z.
pub fn parse_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.trim().split_once(", ")?.1.split(' ');
    let day = words.next().filter(|day| day.len() == 2).and_then(|day| number(day.as_bytes()))?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = words.next().filter(|year| year.len() == 4)?;
    let time = words.next().filter(|time| time.len() == 8)?;
    if words.next() != Some("GMT") {
        return None;
    }
    parse(&format!("{year}-{month:02}-{day:02}T{time}Z")).map(|micros| micros.div_euclid(1_000_000))
}

/// Seconds since 1970-01-01T00:00:00Z as `2026-11-27T00:12:39Z`.
pub fn rfc3339(seconds: i64) -> String {
    zoneless(seconds) + "Z"
}

/// Seconds since 1970-01-01T00:00:00Z as `2026-11-27T00:12:39`, in GMT.
pub fn zoneless(seconds: i64) -> String {
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", time / 3_600, time / 60 % 60, time % 60)
}

/// Seconds since 1970-01-01T00:00:00Z as an HTTP header has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (name, month) = (DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)], MONTHS[usize::try_from(month - 1).unwrap_or(0)]);
    format!("{name}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", time / 3_600, time / 60 % 60, time % 60)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01.
fn date(text: &[u8]) -> Option<i64> {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = text else { return None };
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days(year, month, day))
}

/// The microseconds behind a point, and what follows them.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let kept = count.min(6);
    let micros = number(&digits[..kept])? * 10_i64.pow(u32::try_from(6 - kept).ok()?);
    (count > 0).then_some((micros, &digits[count..]))
}

/// A zone's offset in seconds.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | b"Z" | b"z" | b"UTC" | b" UTC" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (number(rest)?, 0),
        [_, _, _, _] => (number(&rest[..2])?, number(&rest[2..])?),
        [_, _, b':', _, _] => (number(&rest[..2])?, number(&rest[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970-01-01 of a day in the Gregorian calendar. From "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let year = era * 400 + year_of_era + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day_of_year - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_without_a_zone_is_gmt() {
        let expected = Some(1_795_738_359_000_000);
        for text in ["2026-11-27T00:12:39Z", "2026-11-27T00:12:39", "2026-11-27 00:12:39+00:00", "2026-11-26T21:12:39-03:00"] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("2026-11-27T00:12:39.1234567Z"), Some(1_795_738_359_123_456));
        assert_eq!(parse("2026-11-27"), Some(1_795_737_600_000_000));
        assert_eq!(parse("1969-12-31T23:59:59.5Z"), Some(-500_000));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-11-27T24:00:00Z",
            "2026-11-27T00:12:39X",
            "2026-11-27T00:12:39.Z",
            "27.11.2026",
            "2026-11-27é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_date("2024-02-29"), Some(19_782));
        assert_eq!(parse_date("2023-02-29"), None);
    }

    #[test]
    fn instants_are_written_as_they_are_read() {
        for seconds in [0, 951_782_400, 1_795_738_359, -1].into_iter().chain((0..40_000).map(|day| (day - 20_000) * 86_400)) {
            assert_eq!(parse(&rfc3339(seconds)), Some(seconds * 1_000_000));
            assert_eq!(parse_http_date(&http_date(seconds)), Some(seconds));
        }
        assert_eq!(rfc3339(1_795_738_359), "2026-11-27T00:12:39Z");
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
    }
}
