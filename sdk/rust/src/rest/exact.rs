//! Numbers as they are spelt, without loss: what a type can't hold is none.

use serde_json::value::RawValue;

/// As many digits fit into 64 bits, whatever they are.
const SHORT: usize = 18;

/// A whole number of 64 bits.
pub(super) fn integer(value: &str) -> Option<i64> {
    short(value, 0).or_else(|| Exact::parse(value)?.scaled(0)?.try_into().ok())
}

/// A number times 10^`scale`, where that is whole.
pub(super) fn decimal(value: &str, scale: u8) -> Option<i128> {
    short(value, scale).map(i128::from).or_else(|| Exact::parse(value)?.scaled(i32::from(scale)))
}

/// A number times 10^`scale`, without what is behind the point.
pub(super) fn truncated(value: &str, scale: u8) -> Option<i128> {
    Exact::parse(value)?.truncated(i32::from(scale))
}

/// The floating-point number of 64 bits that is nearest.
pub(super) fn number(value: &str) -> Option<f64> {
    let is_number = Exact::parse(value).is_some() || is_number(value);
    value.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// Whether a text is a number as JSON has it, for those that are too long to be exact.
fn is_number(value: &str) -> bool {
    serde_json::from_str::<&RawValue>(value).is_ok_and(|raw| matches!(raw.get().as_bytes(), [b'-' | b'0'..=b'9', ..]))
}

/// A number of few digits and without an exponent, times 10^`scale`. Of others it says nothing.
fn short(value: &str, scale: u8) -> Option<i64> {
    let (unsigned, sign) = value.strip_prefix('-').map_or((value, 1), |unsigned| (unsigned, -1));
    let ([b'0'..=b'9', .., b'0'..=b'9'] | [b'0'..=b'9']) = unsigned.as_bytes() else { return None };
    if unsigned.len() > SHORT {
        return None;
    }
    let (mut digits, mut behind) = (0, None);
    for byte in unsigned.bytes() {
        match (byte, behind) {
            (b'0'..=b'9', _) => {
                digits = digits * 10 + i64::from(byte - b'0');
                behind = behind.map(|count| count + 1);
            }
            (b'.', None) => behind = Some(0),
            _ => return None,
        }
    }
    let missing = u32::from(scale).checked_sub(behind.unwrap_or(0))?;
    10_i64.checked_pow(missing)?.checked_mul(sign * digits)
}

/// Digits and a power of ten.
struct Exact {
    digits: i128,
    exponent: i32,
}

impl Exact {
    /// None where it is no number, or has more digits than 38.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let lone_point = mantissa.ends_with('.');
        if whole.is_empty() || lone_point {
            return None;
        }
        let significant = fraction.trim_end_matches('0');
        let mut digits = 0_i128;
        for byte in whole.bytes().chain(significant.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            digits = digits.checked_mul(10)?.checked_add(digit)?;
        }
        let digits = if mantissa.starts_with('-') { -digits } else { digits };
        Some(Self { digits, exponent: i32::from(power) - i32::try_from(significant.len()).ok()? })
    }

    /// The number times 10^`scale`, where that is whole.
    fn scaled(&self, scale: i32) -> Option<i128> {
        self.shifted(scale).filter(|(_, lost)| !lost).map(|(number, _)| number)
    }

    /// The number times 10^`scale`, without what is behind the point.
    fn truncated(&self, scale: i32) -> Option<i128> {
        self.shifted(scale).map(|(number, _)| number)
    }

    fn shifted(&self, scale: i32) -> Option<(i128, bool)> {
        let shift = self.exponent + scale;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        match (power, shift >= 0) {
            _ if self.digits == 0 => Some((0, false)),
            (Some(power), true) => Some((self.digits.checked_mul(power)?, false)),
            (Some(power), false) => Some((self.digits.div_euclid(power), self.digits.rem_euclid(power) != 0)),
            (None, true) => None,
            (None, false) => Some((if self.digits < 0 { -1 } else { 0 }, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_what_the_long_one_does() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "007",
            "1.5",
            "1.50",
            "-0.05",
            "12345678901234567",
            "123456789012345678",
            "999999999999999999",
            "1.234567",
            "0.000001",
            "99999999999999.99",
            "-99999999999999.99",
        ] {
            for scale in [0, 2, 6, 10, 18] {
                let long = Exact::parse(text).unwrap().scaled(scale.into());
                if let Some(short) = short(text, scale) {
                    assert_eq!(Some(i128::from(short)), long, "{text} at {scale}");
                }
                assert_eq!(decimal(text, scale), long, "{text} at {scale}");
            }
        }
        for text in ["", "-", ".", "1.", ".5", "1..2", "1.2.3", "+1", " 1", "1e2", "0x1", "--1", "1-", "12,5"] {
            assert_eq!(short(text, 2), None, "{text}");
        }
        assert_eq!(short("1.005", 2), None);
    }
}
