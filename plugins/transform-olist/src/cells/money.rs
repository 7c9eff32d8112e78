//! Money: text to whole cents, exactly. No float is involved.
//!
//! `58.9`, `58,90`, `1.234,56`, `1,234.56` and `R$ 58,90` are read. Where both marks occur, the last one is the decimal mark. More than two
//! decimals are refused unless the rest is zeros; a single comma before exactly three digits (`1,234`) could be either and is refused.

use crate::{cells::text::trim, rules::RuleIndex, sheet::Sheet};

impl Sheet<'_> {
    /// Amounts in cents. Rejects the rows whose cell is present and no amount, or one that does not fit.
    pub fn cents(&mut self, column: &str, format: impl Into<RuleIndex>) -> Vec<Option<i64>> {
        self.parsed(column, format, cents)
    }
}

/// The amount that `text` spells, in cents.
pub fn cents(text: &str) -> Option<i64> {
    plain(text.as_bytes()).or_else(|| spelled(trim(text)))
}

/// Up to 15 digits and perhaps a point with one or two behind it: nearly all amounts.
fn plain(bytes: &[u8]) -> Option<i64> {
    let (whole, decimals) = match bytes {
        [whole @ .., b'.', decimal] => (whole, [*decimal, b'0']),
        [whole @ .., b'.', decimal, second] => (whole, [*decimal, *second]),
        whole => (whole, *b"00"),
    };
    let digits = |value, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'));
    if whole.is_empty() || whole.len() > 15 {
        return None;
    }
    whole.iter().chain(&decimals).try_fold(0, digits)
}

/// An amount with a sign, a currency, a decimal comma or groups.
fn spelled(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let digits = digits.strip_prefix("R$").map_or(digits, str::trim_start);
    let (whole, decimals) = split(digits)?;
    let whole = amount(whole)?;
    let cents = whole.checked_mul(100)?.checked_add(fraction(decimals)?)?;
    Some(if negative { -cents } else { cents })
}

/// The part before the decimal mark, still grouped, and the part behind it.
fn split(digits: &str) -> Option<(&str, &str)> {
    let mark = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(point), Some(comma)) => Some(point.max(comma)),
        (Some(point), None) if digits.find('.') == Some(point) => Some(point),
        (None, Some(comma)) if digits.find(',') == Some(comma) => Some(comma),
        // None, or several of one kind: these group thousands.
        _ => None,
    };
    let Some(mark) = mark else { return (!digits.is_empty()).then_some((digits, "")) };
    let (whole, decimals) = (&digits[..mark], &digits[mark + 1..]);
    let is_grouped = whole.contains(['.', ',']);
    if digits.as_bytes()[mark] == b',' && decimals.len() == 3 && !is_grouped {
        return None;
    }
    let same = whole.contains(char::from(digits.as_bytes()[mark]));
    let empty = whole.is_empty() && decimals.is_empty();
    (!same && !empty).then_some((whole, decimals))
}

/// Digits, in groups of three where there are marks between them.
fn amount(whole: &str) -> Option<i64> {
    let mut value = 0_i64;
    let mark = whole.bytes().find(|byte| matches!(byte, b'.' | b','));
    for (index, group) in whole.split(|letter| mark.is_some_and(|mark| letter == char::from(mark))).enumerate() {
        if mark.is_some() && !(group.len() == 3 || index == 0 && matches!(group.len(), 1..=2)) {
            return None;
        }
        for byte in group.bytes() {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
    }
    Some(value)
}

/// The cents that decimals stand for.
fn fraction(decimals: &str) -> Option<i64> {
    let digit = |place: usize| match decimals.as_bytes().get(place) {
        None => Some(0),
        Some(byte) => byte.is_ascii_digit().then(|| i64::from(byte - b'0')),
    };
    let rest = decimals.as_bytes().get(2..).unwrap_or_default();
    rest.iter().all(|byte| *byte == b'0').then_some(())?;
    Some(digit(0)? * 10 + digit(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_amounts_are_exact() {
        for (text, wanted) in
            [("58.9", 5890), ("58.90", 5890), ("58", 5800), (" 0.01 ", 1), (".5", 50), ("5.", 500), ("-3.5", -350), ("0", 0)]
        {
            assert_eq!(cents(text), Some(wanted), "{text}");
        }
        // As a float times 100 this is 113 999 998 or so.
        assert_eq!(cents("1139999.99"), Some(113_999_999));
    }

    #[test]
    fn brazilian_and_grouped_amounts_are_read() {
        for (text, wanted) in [
            ("1.234,56", 123_456),
            ("1,234.56", 123_456),
            ("58,9", 5890),
            ("R$ 58,90", 5890),
            ("1.234.567", 123_456_700),
            ("1.234.567,8", 123_456_780),
            ("1,234,567.80", 123_456_780),
        ] {
            assert_eq!(cents(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn more_than_two_decimals_must_be_zeros() {
        assert_eq!(cents("58.900"), Some(5890));
        assert_eq!(cents("58.9000000"), Some(5890));
        assert_eq!(cents("58.905"), None);
        assert_eq!(cents("1.234"), None);
    }

    #[test]
    fn what_could_be_either_or_is_no_amount_is_refused() {
        let refused = [
            "", ".", "abc", "1,234", "1,000", "1e3", "12.34.56", "1.23,45", "1..2", "1,2,3", "--1", "1 000", "NaN", "1.234.56", "0x10",
            "1.-5", "R$",
        ];
        for text in refused {
            assert_eq!(cents(text), None, "{text}");
        }
    }

    #[test]
    fn overflow_is_refused() {
        assert_eq!(cents("92233720368547758.07"), Some(i64::MAX));
        assert_eq!(cents("92233720368547758.08"), None);
        assert_eq!(cents("99999999999999999999"), None);
    }
}
