//! Values from text, byte by byte, without a copy. `None`: it is no such value. Spaces around a value do not count.

/// Days from 1970-01-01, up to the years of four digits.
type Days = i32;

const MICROS: i64 = 1_000_000;

/// A whole number; a fraction of zeros is let pass, as spreadsheets write it.
pub fn integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (&text[..point], Some(&text[point + 1..])),
        None => (text, None),
    };
    if fraction.is_some_and(|fraction| fraction.is_empty() || fraction.iter().any(|b| *b != b'0')) {
        return None;
    }
    let (negative, digits) = sign(whole);
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0i64, |value, byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Built downwards, for the smallest number has no positive twin.
        value.checked_mul(10)?.checked_sub(digit)
    })?;
    if negative { Some(value) } else { value.checked_neg() }
}

/// A finite number in decimal notation, with or without an exponent.
pub fn number(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let plain = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let value = std::str::from_utf8(text).ok().filter(|_| plain)?.parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}

/// true or false, also as t, yes, y and 1 with their opposites.
pub fn boolean(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    let is = |words: [&[u8]; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is([b"true", b"t", b"yes", b"y", b"1"]) {
        Some(true)
    } else if is([b"false", b"f", b"no", b"n", b"0"]) {
        Some(false)
    } else {
        None
    }
}

/// A day, `2018-10-17`, as days since 1970-01-01.
pub fn date(text: &[u8]) -> Option<Days> {
    day(text.trim_ascii())
}

/// An instant, `2018-10-17T17:30:18.5Z`, `2018-10-17 17:30`, `2018-10-17T14:30:18-03:00` or a day's beginning, in microseconds since
/// 1970-01-01T00:00:00Z. Without a zone it is read as UTC; digits below the microsecond are cut off.
pub fn timestamp(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let days = i64::from(day(text.get(..10)?)?);
    let Some((separator, time)) = text[10..].split_first() else { return Some(days * 86_400 * MICROS) };
    if !matches!(separator, b'T' | b't' | b' ') || time.len() < 5 || time[2] != b':' {
        return None;
    }
    let (hour, minute) = (two(&time[..2])?, two(&time[3..5])?);
    let (second, rest) = match time[5..].strip_prefix(b":") {
        Some(rest) => (two(rest.get(..2)?)?, &rest[2..]),
        None => (0, &time[5..]),
    };
    let (micros, zone) = match rest.strip_prefix(b".") {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let local = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some((local - offset_seconds(zone)?) * MICROS + micros)
}

/// An exact number with at most `scale` digits after the point that are not zero, as an integer of its smallest unit.
pub fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = sign(text.trim_ascii());
    let (whole, fraction) = match memchr::memchr(b'.', digits) {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    let scale = usize::from(scale.unsigned_abs());
    let (kept, lost) = fraction.split_at(fraction.len().min(scale));
    if whole.len() + fraction.len() == 0 || lost.iter().any(|b| *b != b'0') {
        return None;
    }
    let zeros = std::iter::repeat_n(&b'0', scale - kept.len());
    let value = whole.iter().chain(kept).chain(zeros).try_fold(0i128, |value, byte| {
        let digit = i128::from(byte.wrapping_sub(b'0'));
        if digit > 9 { None } else { value.checked_mul(10)?.checked_add(digit) }
    })?;
    let fits = value < 10i128.pow(u32::from(precision));
    fits.then_some(if negative { -value } else { value })
}

/// Year, month and day of a number of days since 1970-01-01.
/// After Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn day(text: &[u8]) -> Option<Days> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
    let year = two(&[y0, y1])? * 100 + two(&[y2, y3])?;
    let (month, day) = (two(&[m0, m1])?, two(&[d0, d1])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return None;
    }
    // `days_from_civil` of the same source as `civil`: the year begins in March, so that the leap day comes last.
    let year = year - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Days::try_from(era * 146_097 + of_era - 719_468).ok()
}

fn two(digits: &[u8]) -> Option<i64> {
    let [tens, ones] = *digits else { return None };
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// The fraction of a second in microseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let six = text[..digits].iter().chain(std::iter::repeat(&b'0')).take(6);
    Some((six.fold(0, |micros, byte| micros * 10 + i64::from(byte - b'0')), &text[digits..]))
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone.trim_ascii_start() {
        [] | b"Z" | b"z" | b"UTC" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [h0, h1] => (two(&[*h0, *h1])?, 0),
        [h0, h1, m0, m1] | [h0, h1, b':', m0, m1] => (two(&[*h0, *h1])?, two(&[*m0, *m1])?),
        _ => return None,
    };
    (hours < 19 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_know_their_bounds() {
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert_eq!(integer(b" +12 "), Some(12));
        assert_eq!(integer(b"5.00"), Some(5));
        for bad in ["", "-", "5.5", "5.", "1e3", "0x1", "1 2", "\u{661}"] {
            assert_eq!(integer(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_finite_and_decimal() {
        assert_eq!(number(b"-23.5"), Some(-23.5));
        assert_eq!(number(b"1e-05"), Some(0.00001));
        for bad in ["", "nan", "inf", "1,5", "1e999", "0x1p3"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn dates_exist() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2000-02-29"), Some(11_016));
        assert_eq!(date(b"1969-12-31"), Some(-1));
        for bad in ["2018-02-29", "1900-02-29", "2018-13-01", "2018-00-10", "18-01-01", "2018-1-1", "01/02/2018", "2018-04-31"] {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
        assert!((-720_000..2_900_000).step_by(13).all(|days| {
            let (y, m, d) = civil(days);
            !(0..=9999).contains(&y) || date(format!("{y:04}-{m:02}-{d:02}").as_bytes()) == Days::try_from(days).ok()
        }));
    }

    #[test]
    fn timestamps_are_utc_unless_they_say_otherwise() {
        let noon = Some(1_539_777_600_000_000);
        for text in
            ["2018-10-17T12:00:00Z", "2018-10-17 12:00:00", "2018-10-17 12:00", "2018-10-17T09:00:00-03:00", "2018-10-17 14:00:00+0200"]
        {
            assert_eq!(timestamp(text.as_bytes()), noon, "{text}");
        }
        assert_eq!(timestamp(b"1970-01-01T00:00:00.1234567Z"), Some(123_456));
        assert_eq!(timestamp(b"1970-01-02"), Some(86_400_000_000));
        for bad in
            ["2018-10-17T", "2018-10-17T24:00:00", "2018-10-17 12", "2018-10-17 12:00:00 PM", "2018-10-17 12:00:00.", "10/17/2018 12:00"]
        {
            assert_eq!(timestamp(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn decimals_lose_nothing() {
        assert_eq!(decimal(b"27.65", 10, 2), Some(2765));
        assert_eq!(decimal(b"99.9", 10, 2), Some(9990));
        assert_eq!(decimal(b"-5", 10, 2), Some(-500));
        assert_eq!(decimal(b".5", 10, 2), Some(50));
        assert_eq!(decimal(b"1.500", 10, 2), Some(150));
        assert_eq!(decimal(b"99999999.99", 10, 2), Some(9_999_999_999));
        for bad in ["", ".", "1.555", "100000000", "1e2", "1,50", "R$ 5"] {
            assert_eq!(decimal(bad.as_bytes(), 10, 2), None, "{bad}");
        }
        assert_eq!(decimal("9".repeat(39).as_bytes(), 38, 0), None);
    }
}
