//! Values of the config read as values of a column's type, exactly.

use serde_json::Value;
use tidegate_sdk::{Failure, Result, arrow_schema::DataType};

use crate::{
    config::Literal,
    instant::{NANOS_PER_DAY, nanos_per, parse_date, parse_timestamp},
    stream::{Column, Family},
};

/// Where a bound lies that the column's type cannot hold: an integer column is at least 0.5 where it is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    Up,
    Down,
}

impl Literal {
    /// As the column stores it: integers, decimals at their scale, days, timestamps in their unit, booleans as 0 and 1. A date beside a
    /// timestamp column is its first instant in UTC when rounded up, its last when rounded down.
    pub fn exact(&self, column: &Column, round: Round) -> Result<i128> {
        let value = match (&column.data_type, &self.0) {
            (DataType::Decimal128(_, scale), value) => decimal(value, i32::from(*scale), round),
            (_, value) if column.family == Family::Integer => decimal(value, 0, round),
            (DataType::Boolean, Value::Bool(value)) => Some(i128::from(*value)),
            (DataType::Date32, Value::String(text)) => parse_date(text).map(i128::from),
            (DataType::Timestamp(unit, _), Value::String(text)) => {
                instant(text, round).map(|nanos| divide(nanos, i128::from(nanos_per(*unit)), round))
            }
            _ => None,
        };
        value.ok_or_else(|| self.misfit(column))
    }

    /// As a float.
    pub fn float(&self, column: &Column) -> Result<f64> {
        let value = match &self.0 {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        value.filter(|value: &f64| value.is_finite()).ok_or_else(|| self.misfit(column))
    }

    /// As a text.
    pub fn text(&self, column: &Column) -> Result<&str> {
        self.0.as_str().ok_or_else(|| self.misfit(column))
    }

    fn misfit(&self, column: &Column) -> Failure {
        let wanted = match column.family {
            Family::Text => "a text in quotes",
            Family::Integer | Family::Decimal | Family::Float => "a number",
            Family::Boolean => "true or false",
            Family::Date => "a date as \"YYYY-MM-DD\"",
            Family::Timestamp => "a timestamp as \"2018-10-17T17:30:18Z\" (RFC 3339) or a date as \"YYYY-MM-DD\"",
        };
        Failure::config(format!("{} does not suit column `{}` of type {}; write {wanted}", self.0, column.name, column.data_type))
    }
}

fn instant(text: &str, round: Round) -> Option<i128> {
    let day =
        |days: i32| i128::from(days) * i128::from(NANOS_PER_DAY) + if round == Round::Down { i128::from(NANOS_PER_DAY) - 1 } else { 0 };
    parse_timestamp(text).or_else(|| parse_date(text).map(day))
}

/// A number, or a text that is one, times 10^scale. What is beyond 38 digits saturates: nothing a column holds reaches it.
fn decimal(value: &Value, scale: i32, round: Round) -> Option<i128> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i32>().ok()?;
    if fraction.contains(['+', '-']) {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let shift = exponent.checked_add(scale)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let factor = 10_i128.checked_pow(shift.unsigned_abs());
    Some(match (shift >= 0, factor) {
        (true, factor) => digits.saturating_mul(factor.unwrap_or(i128::MAX)),
        (false, Some(factor)) => divide(digits, factor, round),
        (false, None) => divide(digits.signum(), 2, round),
    })
}

fn divide(value: i128, by: i128, round: Round) -> i128 {
    let down = value.div_euclid(by);
    if round == Round::Up && value.rem_euclid(by) != 0 { down + 1 } else { down }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_scale_exactly_and_round_towards_the_inside() {
        assert_eq!(decimal(&json!(0.1), 2, Round::Up), Some(10));
        assert_eq!(decimal(&json!("19.995"), 2, Round::Up), Some(2000));
        assert_eq!(decimal(&json!("19.995"), 2, Round::Down), Some(1999));
        assert_eq!(decimal(&json!(-0.5), 0, Round::Up), Some(0));
        assert_eq!(decimal(&json!(-0.5), 0, Round::Down), Some(-1));
        assert_eq!(decimal(&json!(1.5e3), 0, Round::Up), Some(1500));
        assert_eq!(decimal(&json!(1e300), 0, Round::Up), Some(i128::MAX));
        assert_eq!(decimal(&json!(1e-300), 0, Round::Up), Some(1));
        assert_eq!(decimal(&json!(-1e-300), 0, Round::Up), Some(0));
        for wrong in [json!("x"), json!(""), json!("1.-5"), json!(true), json!("1e"), json!(".")] {
            assert_eq!(decimal(&wrong, 0, Round::Up), None, "{wrong}");
        }
    }
}
