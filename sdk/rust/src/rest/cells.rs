//! Values of records, checked and brought into the one spelling that arrow-json decodes without loss.
//!
//! - What is written here fits its column exactly; what does not, is not written (`a_value_fits_exactly_or_not_at_all`).
//!
//! # Why
//! arrow-json decodes what it can: `1.7` becomes 1 in a column of whole numbers, digits beyond a decimal's scale are cut off, a number is
//! an instant in the column's own unit, and an object is no text. One value that it can't decode fails the whole batch, with the value in
//! the message. So each value is looked at first, which costs a pass over the bytes that are wanted, not over the page; then a batch can't
//! fail, and a record that does not fit is known by itself. Arrays, offsets, nulls, escapes and nested types stay arrow-json's work.

use serde_json::value::RawValue;

use super::{
    columns::{Column, Kind},
    find::Finder,
};
use crate::{Result, instant};

/// A column's type, ready to write values of.
#[derive(Debug)]
pub(super) enum Cell {
    Plain(Kind),
    List(Box<Cell>),
    Struct(Finder, Vec<Member>),
}

/// A member of a struct: its slot and type.
#[derive(Debug)]
pub(super) struct Member {
    slot: usize,
    cell: Cell,
    required: bool,
}

/// A value does not fit, and so was not written whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit;

const NULL: &[u8] = b"null";

impl Cell {
    pub fn new(kind: &Kind) -> Result<Self> {
        Ok(match kind {
            Kind::List(of) => Self::List(Box::new(Self::new(of)?)),
            Kind::Struct(columns) => {
                let (mut finder, root) = Finder::new();
                let member = |column: &Column| {
                    let slot = finder.value(root, column.pointer.as_deref().unwrap_or_default())?;
                    Ok(Member { slot, cell: Self::new(&column.kind)?, required: column.required })
                };
                let members = columns.iter().map(member).collect::<Result<_>>()?;
                Self::Struct(finder, members)
            }
            plain => Self::Plain(plain.clone()),
        })
    }

    /// Writes a value's JSON text as this type has it; `null` where there is none.
    pub fn write(&self, raw: Option<&str>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let Some(raw) = raw.filter(|raw| *raw != "null") else {
            out.extend_from_slice(NULL);
            return Ok(());
        };
        match self {
            Self::Plain(Kind::Text) => text(raw, out),
            Self::Plain(Kind::Json) => {
                quote(raw, out);
                Ok(())
            }
            Self::Plain(kind) => plain(kind, raw, out),
            Self::List(of) => list(of, raw, out),
            Self::Struct(finder, members) => object(finder, members, raw, out),
        }
    }
}

fn text(raw: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match raw.as_bytes() {
        // Half of a surrogate pair can be escaped in JSON, and is no text.
        [b'"', ..] if raw.contains("\\u") && serde_json::from_str::<String>(raw).is_err() => return Err(Misfit),
        [b'"', ..] => out.extend_from_slice(raw.as_bytes()),
        [b'{' | b'[', ..] => return Err(Misfit),
        _ => quote(raw, out),
    }
    Ok(())
}

/// Writes JSON text as a JSON string.
fn quote(raw: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in raw.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn list(of: &Cell, raw: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| Misfit)?;
    out.push(b'[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        of.write(Some(item.get()), out)?;
    }
    out.push(b']');
    Ok(())
}

fn object(finder: &Finder, members: &[Member], raw: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let mut is_object = false;
    let found = finder.walk(raw, &mut |_, item| is_object = item.object).map_err(|_| Misfit)?;
    if !is_object {
        return Err(Misfit);
    }
    out.push(b'[');
    for (place, member) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let start = out.len();
        member.cell.write(found[member.slot], out)?;
        if member.required && &out[start..] == NULL {
            return Err(Misfit);
        }
    }
    out.push(b']');
    Ok(())
}

fn plain(kind: &Kind, raw: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let quoted = raw.starts_with('"');
    let unquoted;
    let value = if !quoted {
        raw
    } else if raw.contains('\\') {
        unquoted = serde_json::from_str::<String>(raw).map_err(|_| Misfit)?;
        unquoted.trim()
    } else {
        raw[1..raw.len() - 1].trim()
    };
    if value.is_empty() {
        out.extend_from_slice(NULL);
        return Ok(());
    }
    match kind {
        Kind::Integer => integer(value, out),
        Kind::Number => number(value, out),
        Kind::Decimal(precision, scale) => decimal(value, *precision, *scale, out),
        Kind::Boolean => boolean(value, out),
        Kind::Date => date(value, quoted, out),
        Kind::Timestamp => timestamp(value, quoted, out),
        Kind::Text | Kind::Json | Kind::List(_) | Kind::Struct(_) => Err(Misfit),
    }
}

fn boolean(value: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    if !matches!(value, "true" | "false") {
        return Err(Misfit);
    }
    out.extend_from_slice(value.as_bytes());
    Ok(())
}

fn integer(value: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let digits = value.strip_prefix('-').unwrap_or(value).as_bytes();
    if (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        out.extend_from_slice(value.as_bytes());
        return Ok(());
    }
    let number = Exact::parse(value).and_then(|exact| exact.scaled(0)).and_then(|number| i64::try_from(number).ok());
    write(number, out)
}

fn number(value: &str, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let shape = Exact::parse(value).is_some() || is_number(value);
    match value.parse::<f64>() {
        Ok(number) if shape && number.is_finite() => {
            out.extend_from_slice(value.as_bytes());
            Ok(())
        }
        _ => Err(Misfit),
    }
}

/// Whether a text is a number as JSON has it, for those that are too long to be exact.
fn is_number(value: &str) -> bool {
    serde_json::from_str::<&RawValue>(value).is_ok_and(|raw| matches!(raw.get().as_bytes(), [b'-' | b'0'..=b'9', ..]))
}

fn decimal(value: &str, precision: u8, scale: u8, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let exact = Exact::parse(value).ok_or(Misfit)?;
    let unscaled = exact.scaled(i32::from(scale)).ok_or(Misfit)?;
    if unscaled.unsigned_abs() >= 10_u128.pow(precision.into()) {
        return Err(Misfit);
    }
    if exact.plain {
        out.extend_from_slice(value.as_bytes());
        return Ok(());
    }
    // As a fraction of the scale, digit by digit: arrow-json cuts digits of a number with an exponent.
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let point = if scale > 0 { "." } else { "" };
    out.extend_from_slice(format!("{sign}{whole}{point}{fraction}").as_bytes());
    Ok(())
}

fn date(value: &str, quoted: bool, out: &mut Vec<u8>) -> Result<(), Misfit> {
    const DAY: i64 = 86_400_000_000;
    // A time of day other than midnight would be lost.
    let midnight = || instant::parse(value).filter(|micros| micros % DAY == 0).map(|micros| micros / DAY);
    let day = instant::parse_date(value).map(i64::from).or_else(midnight);
    write(day.filter(|_| quoted), out)
}

fn timestamp(value: &str, quoted: bool, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let unix = || Exact::parse(value).and_then(|exact| exact.truncated(6)).and_then(|micros| i64::try_from(micros).ok());
    write(if quoted { instant::parse(value) } else { unix() }, out)
}

fn write(number: Option<impl std::fmt::Display>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    out.extend_from_slice(number.ok_or(Misfit)?.to_string().as_bytes());
    Ok(())
}

/// A number as it is spelt: digits and a power of ten.
struct Exact {
    digits: i128,
    exponent: i32,
    /// Whether it is spelt without an exponent and as JSON has it.
    plain: bool,
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
        let plain = mantissa.len() == text.len();
        Some(Self { digits, exponent: i32::from(power) - i32::try_from(significant.len()).ok()?, plain })
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

    fn written(kind: &Kind, raw: &str) -> Option<String> {
        let mut out = Vec::new();
        Cell::new(kind).unwrap().write(Some(raw), &mut out).ok().map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_value_fits_exactly_or_not_at_all() {
        let money = Kind::Decimal(6, 2);
        for (kind, raw, expected) in [
            (&Kind::Integer, "12", Some("12")),
            (&Kind::Integer, "\" -7 \"", Some("-7")),
            (&Kind::Integer, "9223372036854775807", Some("9223372036854775807")),
            (&Kind::Integer, "9223372036854775808", None),
            (&Kind::Integer, "12.0", Some("12")),
            (&Kind::Integer, "1.2e3", Some("1200")),
            (&Kind::Integer, "1.7", None),
            (&Kind::Integer, "\"\"", Some("null")),
            (&Kind::Integer, "\"12 pieces\"", None),
            (&Kind::Integer, "true", None),
            (&Kind::Integer, "{}", None),
            (&money, "\"175.26\"", Some("175.26")),
            (&money, "-1.000", Some("-1.000")),
            (&money, "1.005", None),
            (&money, "10000", None),
            (&money, "1.5e1", Some("15.00")),
            (&money, "-5e-2", Some("-0.05")),
            (&money, "5e-3", None),
            (&money, "\"1,50\"", None),
            (&Kind::Number, "1.25e3", Some("1.25e3")),
            (&Kind::Number, "\"0.1\"", Some("0.1")),
            (&Kind::Number, "1e999", None),
            (&Kind::Number, "\"NaN\"", None),
            (&Kind::Number, "\"inf\"", None),
            (&Kind::Boolean, "\"true\"", Some("true")),
            (&Kind::Boolean, "1", None),
            (&Kind::Date, "\"1970-01-03\"", Some("2")),
            (&Kind::Date, "\"1970-01-03T00:00:00\"", Some("2")),
            (&Kind::Date, "\"1970-01-03T10:00:00\"", None),
            (&Kind::Timestamp, "\"1970-01-01T00:00:01.5Z\"", Some("1500000")),
            (&Kind::Timestamp, "1795738359", Some("1795738359000000")),
            (&Kind::Timestamp, "1.25", Some("1250000")),
            (&Kind::Timestamp, "\"yesterday\"", None),
            (&Kind::Text, "\"a\\u00e9\\\"\"", Some("\"a\\u00e9\\\"\"")),
            (&Kind::Text, "\"\\ud800\"", None),
            (&Kind::Text, "1.50", Some("\"1.50\"")),
            (&Kind::Text, "[]", None),
            (&Kind::Json, "{\"a\":\n\"\\\\\"}", Some("\"{\\\"a\\\":\\n\\\"\\\\\\\\\\\"}\"")),
        ] {
            assert_eq!(written(kind, raw).as_deref(), expected, "{kind}: {raw}");
        }
    }

    #[test]
    fn nested_values_are_checked_as_well() {
        let lines = Kind::List(Box::new(Kind::Struct(vec![
            Column::new("sku", Kind::Text).required(),
            Column::new("price", Kind::Decimal(6, 2)),
            Column::new("tax", Kind::Integer).at("/tax/cents"),
        ])));
        let raw = r#"[{"tax": {"cents": 5}, "sku": "a", "other": [1]}, {"sku": 7, "price": "1.50"}]"#;
        assert_eq!(written(&lines, raw).unwrap(), r#"[["a",null,5],["7",1.50,null]]"#);
        for raw in [r#"[{"price": 1}]"#, r#"[{"sku": "a", "price": 1.005}]"#, "[5]", "{}", "7"] {
            assert_eq!(written(&lines, raw), None, "{raw}");
        }
    }
}
