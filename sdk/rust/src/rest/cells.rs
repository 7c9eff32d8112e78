//! Values of records, checked and collected as the columns of batches.
//!
//! - A value is collected exactly or not at all (`a_value_fits_exactly_or_not_at_all`), also where it is nested
//!   (`nested_values_fit_whole_or_not_at_all`).
//!
//! # Why
//! arrow-json decodes what it can: `1.7` becomes 1 in a column of whole numbers, digits beyond a decimal's scale are cut off, a number is
//! an instant in the column's own unit, and an object is no text. One value that it can't decode fails the whole batch, with the value in
//! the message. So each value was looked at first and then spelt again for it, which was half of a page's cost; what was looked at goes
//! right into the arrays' buffers instead.

use std::{mem, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::DataType;

use super::{
    columns::{Column, Kind},
    exact,
    find::Finder,
    scan::Scanner,
};
use crate::{Failure, Result, instant};

/// Room for so many values to begin with.
const FEW: usize = 1_024;

/// The values of a column that wait for a batch.
#[derive(Debug)]
pub(super) struct Cells {
    data_type: DataType,
    nulls: NullBufferBuilder,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Integer(Vec<i64>),
    Number(Vec<f64>),
    /// The scale, the least number that has too many digits, and the numbers.
    Decimal(u8, u128, Vec<i128>),
    Boolean(BooleanBufferBuilder),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Text(Texts),
    Json(Texts),
    /// Where each list ends among the items.
    List(Vec<i32>, Box<Cells>),
    Struct(Shape, Vec<Cells>),
}

/// Texts one after the other, and where each ends.
#[derive(Debug, Default)]
struct Texts {
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

/// What is taken out of an object: for each member its slot, and whether it is required.
#[derive(Debug)]
struct Shape {
    finder: Finder,
    members: Vec<(usize, bool)>,
}

/// A value does not fit, and so was not collected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl Cells {
    pub fn new(kind: &Kind) -> Result<Self> {
        let values = match kind {
            Kind::Text => Values::Text(Texts::default()),
            Kind::Json => Values::Json(Texts::default()),
            Kind::Integer => Values::Integer(Vec::new()),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Decimal(precision, scale) => Values::Decimal(*scale, 10_u128.saturating_pow((*precision).into()), Vec::new()),
            Kind::Boolean => Values::Boolean(BooleanBufferBuilder::new(FEW)),
            Kind::Date => Values::Date(Vec::new()),
            Kind::Timestamp => Values::Timestamp(Vec::new()),
            Kind::List(of) => Values::List(Vec::new(), Box::new(Self::new(of)?)),
            Kind::Struct(columns) => {
                let (mut finder, root) = Finder::new();
                let member = |column: &Column| Ok((finder.value(root, column.pointer.as_deref().unwrap_or_default())?, column.required));
                let members = columns.iter().map(member).collect::<Result<_>>()?;
                let cells = columns.iter().map(|column| Self::new(&column.kind)).collect::<Result<_>>()?;
                Values::Struct(Shape { finder, members }, cells)
            }
        };
        Ok(Self { data_type: kind.data_type(), nulls: NullBufferBuilder::new(FEW), values })
    }

    /// Adds a value by its JSON text; without one, null. Gives whether there is a value: an empty text is none for most types.
    #[inline]
    pub fn push(&mut self, raw: Option<&str>) -> Result<bool, Misfit> {
        let is_there = match raw {
            None | Some("null") => false,
            Some(raw) => self.values.push(raw)?,
        };
        if !is_there {
            self.values.push_null();
        }
        self.nulls.append(is_there);
        Ok(is_there)
    }

    fn push_null(&mut self) {
        self.values.push_null();
        self.nulls.append_null();
    }

    /// How many values wait.
    fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Forgets all values but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.nulls.truncate(count);
        self.values.truncate(count);
    }

    /// About how many bytes wait.
    pub fn bytes(&self) -> usize {
        self.values.bytes()
    }

    /// The first `count` values.
    pub fn take(&mut self, count: usize) -> Result<ArrayRef> {
        let behind = self.len() - count;
        let nulls = match self.nulls.finish() {
            Some(nulls) => {
                self.nulls.append_buffer(&nulls.slice(count, behind));
                Some(nulls.slice(0, count)).filter(|nulls| nulls.null_count() > 0)
            }
            None => {
                self.nulls.append_n_non_nulls(behind);
                None
            }
        };
        self.values.take(count, nulls, &self.data_type)
    }
}

impl Values {
    /// Adds a value; false where the text holds none, and nothing was added.
    fn push(&mut self, raw: &str) -> Result<bool, Misfit> {
        match self {
            Self::Text(texts) => texts.push_text(raw).map(|()| true),
            Self::Json(texts) => texts.push(raw).map(|()| true),
            Self::List(ends, items) => {
                let before = items.len();
                let listed = list(items, raw).and_then(|()| i32::try_from(items.len()).map_err(|_| Misfit));
                ends.push(listed.inspect_err(|_| items.truncate(before))?);
                Ok(true)
            }
            Self::Struct(shape, members) => {
                let before = members.first().map_or(0, Cells::len);
                let pushed = object(shape, members, raw);
                pushed.inspect_err(|_| members.iter_mut().for_each(|member| member.truncate(before)))?;
                Ok(true)
            }
            _ => with_plain(raw, |value, quoted| self.push_plain(value, quoted)),
        }
    }

    fn push_plain(&mut self, value: &str, quoted: bool) -> Result<bool, Misfit> {
        if value.is_empty() {
            return Ok(false);
        }
        match self {
            Self::Integer(values) => values.push(exact::integer(value).ok_or(Misfit)?),
            Self::Number(values) => values.push(exact::number(value).ok_or(Misfit)?),
            Self::Decimal(scale, limit, values) => {
                let number = exact::decimal(value, *scale).filter(|number| number.unsigned_abs() < *limit);
                values.push(number.ok_or(Misfit)?);
            }
            Self::Boolean(values) => match value {
                "true" => values.append(true),
                "false" => values.append(false),
                _ => return Err(Misfit),
            },
            Self::Date(values) => values.push(date(value).filter(|_| quoted).ok_or(Misfit)?),
            Self::Timestamp(values) => values.push(timestamp(value, quoted).ok_or(Misfit)?),
            Self::Text(_) | Self::Json(_) | Self::List(..) | Self::Struct(..) => return Err(Misfit),
        }
        Ok(true)
    }

    fn push_null(&mut self) {
        match self {
            Self::Integer(values) | Self::Timestamp(values) => values.push(0),
            Self::Number(values) => values.push(0.0),
            Self::Decimal(_, _, values) => values.push(0),
            Self::Boolean(values) => values.append(false),
            Self::Date(values) => values.push(0),
            Self::Text(Texts { ends, .. }) | Self::Json(Texts { ends, .. }) | Self::List(ends, _) => {
                ends.push(ends.last().copied().unwrap_or(0));
            }
            Self::Struct(_, members) => members.iter_mut().for_each(Cells::push_null),
        }
    }

    fn truncate(&mut self, count: usize) {
        match self {
            Self::Integer(values) | Self::Timestamp(values) => values.truncate(count),
            Self::Number(values) => values.truncate(count),
            Self::Decimal(_, _, values) => values.truncate(count),
            Self::Boolean(values) => values.truncate(count),
            Self::Date(values) => values.truncate(count),
            Self::Text(texts) | Self::Json(texts) => {
                texts.ends.truncate(count);
                texts.bytes.truncate(last(&texts.ends));
            }
            Self::List(ends, items) => {
                ends.truncate(count);
                items.truncate(last(ends));
            }
            Self::Struct(_, members) => members.iter_mut().for_each(|member| member.truncate(count)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Integer(values) | Self::Timestamp(values) => size_of_val(&values[..]),
            Self::Number(values) => size_of_val(&values[..]),
            Self::Decimal(_, _, values) => size_of_val(&values[..]),
            Self::Boolean(values) => values.len() / 8,
            Self::Date(values) => size_of_val(&values[..]),
            Self::Text(texts) | Self::Json(texts) => texts.bytes.len() + size_of_val(&texts.ends[..]),
            Self::List(ends, items) => items.bytes() + size_of_val(&ends[..]),
            Self::Struct(_, members) => members.iter().map(Cells::bytes).sum(),
        }
    }

    /// The first `count` values as an array with these nulls.
    fn take(&mut self, count: usize, nulls: Option<NullBuffer>, data_type: &DataType) -> Result<ArrayRef> {
        Ok(match self {
            Self::Integer(values) => Arc::new(Int64Array::new(first(values, count).into(), nulls)),
            Self::Number(values) => Arc::new(Float64Array::new(first(values, count).into(), nulls)),
            Self::Decimal(_, _, values) => {
                Arc::new(Decimal128Array::new(first(values, count).into(), nulls).with_data_type(data_type.clone()))
            }
            Self::Boolean(values) => {
                let all = values.finish();
                values.append_buffer(&all.slice(count, all.len() - count));
                Arc::new(BooleanArray::new(all.slice(0, count), nulls))
            }
            Self::Date(values) => Arc::new(Date32Array::new(first(values, count).into(), nulls)),
            Self::Timestamp(values) => {
                Arc::new(TimestampMicrosecondArray::new(first(values, count).into(), nulls).with_data_type(data_type.clone()))
            }
            Self::Text(Texts { ends, bytes }) | Self::Json(Texts { ends, bytes }) => {
                let (offsets, end) = offsets(ends, count);
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(first(bytes, end)), nulls)?)
            }
            Self::List(ends, items) => {
                let (offsets, end) = offsets(ends, count);
                let DataType::List(item) = data_type else { return Err(Failure::bug("a list has another type")) };
                Arc::new(ListArray::try_new(item.clone(), offsets, items.take(end)?, nulls)?)
            }
            Self::Struct(_, members) => {
                let DataType::Struct(fields) = data_type else { return Err(Failure::bug("an object has another type")) };
                let arrays = members.iter_mut().map(|member| member.take(count)).collect::<Result<_>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, count)?)
            }
        })
    }
}

impl Texts {
    /// Adds the text that a JSON text stands for; of a number or a truth value, its spelling.
    fn push_text(&mut self, raw: &str) -> Result<(), Misfit> {
        match raw.as_bytes() {
            // Half of a surrogate pair can be escaped in JSON, and is no text.
            [b'"', ..] if raw.contains('\\') => self.push(&serde_json::from_str::<String>(raw).map_err(|_| Misfit)?),
            [b'"', ..] => self.push(unquoted(raw)),
            [b'{' | b'[', ..] => Err(Misfit),
            _ => self.push(raw),
        }
    }

    fn push(&mut self, text: &str) -> Result<(), Misfit> {
        let end = i32::try_from(self.bytes.len() + text.len()).map_err(|_| Misfit)?;
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(end);
        Ok(())
    }
}

fn last(ends: &[i32]) -> usize {
    ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0))
}

/// The first `count` values; room for as many stays.
fn first<T: Copy>(values: &mut Vec<T>, count: usize) -> Vec<T> {
    let mut rest = Vec::with_capacity(values.capacity());
    rest.extend_from_slice(&values[count..]);
    values.truncate(count);
    mem::replace(values, rest)
}

/// The first `count` ends as offsets, and the last of them.
fn offsets(ends: &mut Vec<i32>, count: usize) -> (OffsetBuffer<i32>, usize) {
    let mut offsets = Vec::with_capacity(count + 1);
    offsets.push(0);
    offsets.extend_from_slice(&ends[..count]);
    let end = offsets[count];
    ends.drain(..count);
    ends.iter_mut().for_each(|behind| *behind -= end);
    (OffsetBuffer::new(offsets.into()), usize::try_from(end).unwrap_or(0))
}

fn list(items: &mut Cells, raw: &str) -> Result<(), Misfit> {
    let mut scanner = Scanner::new(raw);
    let broken = |_| Misfit;
    scanner.expect(b'[').map_err(broken)?;
    let mut more = !scanner.takes(b']');
    while more {
        scanner.peek();
        let start = scanner.at();
        scanner.skip().map_err(broken)?;
        items.push(Some(scanner.since(start)))?;
        more = scanner.more(b']').map_err(broken)?;
    }
    Ok(())
}

fn object(shape: &Shape, members: &mut [Cells], raw: &str) -> Result<(), Misfit> {
    let mut is_object = false;
    let found = shape.finder.walk(raw, &mut |_, item| is_object = item.object).map_err(|_| Misfit)?;
    if !is_object {
        return Err(Misfit);
    }
    for (member, (slot, required)) in members.iter_mut().zip(&shape.members) {
        if !member.push(found[*slot])? && *required {
            return Err(Misfit);
        }
    }
    Ok(())
}

/// A JSON string without its quotes.
fn unquoted(raw: &str) -> &str {
    raw.get(1..raw.len() - 1).unwrap_or_default()
}

/// Hands on what a JSON text says, without quotes and the spaces inside them, and whether there were quotes.
fn with_plain<T>(raw: &str, then: impl FnOnce(&str, bool) -> Result<T, Misfit>) -> Result<T, Misfit> {
    let quoted = raw.starts_with('"');
    match (quoted, quoted && raw.contains('\\')) {
        (false, _) => then(raw, false),
        (true, false) => then(trimmed(unquoted(raw)), true),
        (true, true) => then(serde_json::from_str::<String>(raw).map_err(|_| Misfit)?.trim(), true),
    }
}

/// A text without spaces at its ends; most have none.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// A day, in days since 1970-01-01. A time of day other than midnight would be lost.
fn date(value: &str) -> Option<i32> {
    const DAY: i64 = 86_400_000_000;
    let midnight = || instant::parse(value).filter(|micros| micros % DAY == 0).and_then(|micros| i32::try_from(micros / DAY).ok());
    instant::parse_date(value).or_else(midnight)
}

fn timestamp(value: &str, quoted: bool) -> Option<i64> {
    if quoted { instant::parse(value) } else { exact::truncated(value, 6).and_then(|micros| micros.try_into().ok()) }
}

/// The instant of a JSON text, in microseconds: a text, or Unix seconds.
pub(super) fn instant_of(raw: &str) -> Option<i64> {
    with_plain(raw, |value, quoted| timestamp(value, quoted).ok_or(Misfit)).ok()
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, cast::AsArray, types};

    use super::*;

    fn shown(array: &dyn Array, row: usize) -> String {
        if array.is_null(row) {
            return "null".to_owned();
        }
        match array.data_type() {
            DataType::Int64 => array.as_primitive::<types::Int64Type>().value(row).to_string(),
            DataType::Float64 => array.as_primitive::<types::Float64Type>().value(row).to_string(),
            DataType::Decimal128(..) => array.as_primitive::<types::Decimal128Type>().value_as_string(row),
            DataType::Boolean => array.as_boolean().value(row).to_string(),
            DataType::Date32 => array.as_primitive::<types::Date32Type>().value(row).to_string(),
            DataType::Timestamp(..) => array.as_primitive::<types::TimestampMicrosecondType>().value(row).to_string(),
            DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                let items: Vec<_> = (0..items.len()).map(|item| shown(&items, item)).collect();
                format!("[{}]", items.join(" "))
            }
            DataType::Struct(_) => {
                let members: Vec<_> = array.as_struct().columns().iter().map(|member| shown(member, row)).collect();
                format!("({})", members.join(" "))
            }
            other => panic!("{other}"),
        }
    }

    /// What becomes of a value; a misfit leaves nothing behind.
    fn collected(kind: &Kind, raw: &str) -> Option<String> {
        let mut cells = Cells::new(kind).unwrap();
        let fits = cells.push(Some(raw)).is_ok();
        assert_eq!(cells.len(), usize::from(fits));
        cells.push(None).unwrap();
        let array = cells.take(cells.len()).unwrap();
        assert_eq!(shown(&array, array.len() - 1), "null");
        fits.then(|| shown(&array, 0))
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
            (&Kind::Integer, "null", Some("null")),
            (&Kind::Integer, "\"12 pieces\"", None),
            (&Kind::Integer, "\"\\u0031\"", Some("1")),
            (&Kind::Integer, "true", None),
            (&Kind::Integer, "{}", None),
            (&money, "\"175.26\"", Some("175.26")),
            (&money, "-1.000", Some("-1.00")),
            (&money, "1.005", None),
            (&money, "10000", None),
            (&money, "-9999.99", Some("-9999.99")),
            (&money, "1.5e1", Some("15.00")),
            (&money, "-5e-2", Some("-0.05")),
            (&money, "5e-3", None),
            (&money, "\"1,50\"", None),
            (&Kind::Number, "1.25e3", Some("1250")),
            (&Kind::Number, "\"0.1\"", Some("0.1")),
            (&Kind::Number, "1e999", None),
            (&Kind::Number, "\"NaN\"", None),
            (&Kind::Number, "\"inf\"", None),
            (&Kind::Boolean, "\"true\"", Some("true")),
            (&Kind::Boolean, "1", None),
            (&Kind::Date, "\"1970-01-03\"", Some("2")),
            (&Kind::Date, "\"1970-01-03T00:00:00\"", Some("2")),
            (&Kind::Date, "\"1970-01-03T10:00:00\"", None),
            (&Kind::Date, "5", None),
            (&Kind::Timestamp, "\"1970-01-01T00:00:01.5Z\"", Some("1500000")),
            (&Kind::Timestamp, "1795738359", Some("1795738359000000")),
            (&Kind::Timestamp, "1.25", Some("1250000")),
            (&Kind::Timestamp, "\"yesterday\"", None),
            (&Kind::Text, "\"a\\u00e9\\\"\"", Some("aé\"")),
            (&Kind::Text, "\"\\ud800\"", None),
            (&Kind::Text, "\"\"", Some("")),
            (&Kind::Text, "1.50", Some("1.50")),
            (&Kind::Text, "[]", None),
            (&Kind::Json, "{\"a\":\n\"\\\\\"}", Some("{\"a\":\n\"\\\\\"}")),
        ] {
            assert_eq!(collected(kind, raw).as_deref(), expected, "{kind}: {raw}");
        }
    }

    #[test]
    fn nested_values_fit_whole_or_not_at_all() {
        let lines = Kind::List(Box::new(Kind::Struct(vec![
            Column::new("sku", Kind::Text).required(),
            Column::new("price", Kind::Decimal(6, 2)),
            Column::new("tax", Kind::Integer).at("/tax/cents"),
            Column::new("tags", Kind::List(Box::new(Kind::Boolean))),
        ])));
        let raw = r#"[{"tax": {"cents": 5}, "sku": "a", "other": [1]}, null , {"sku": 7, "tags": [true,null, false], "price": "1.50"}]"#;
        assert_eq!(collected(&lines, raw).unwrap(), "[(a null 5 null) null (7 1.50 null [true null false])]");
        assert_eq!(collected(&lines, " [ ] ".trim()).unwrap(), "[]");
        for raw in [r#"[{"sku": "b", "tags": [true]}, {"price": 1}]"#, r#"[{"sku": "a", "price": 1.005}]"#, "[5]", "{}", "7"] {
            assert_eq!(collected(&lines, raw), None, "{raw}");
        }
    }

    #[test]
    fn what_is_behind_those_taken_stays() {
        let kind = Kind::Struct(vec![
            Column::new("t", Kind::Text),
            Column::new("l", Kind::List(Box::new(Kind::Integer))),
            Column::new("b", Kind::Boolean),
            Column::new("n", Kind::Number),
        ]);
        let mut cells = Cells::new(&kind).unwrap();
        let raws = [r#"{"t":"é","l":[1,2],"b":true}"#, "null", r#"{"l":[],"n":0.5}"#, r#"{"t":"","l":[3],"b":false}"#, r#"{"t":"xyz"}"#];
        for raw in raws {
            cells.push(Some(raw)).unwrap();
        }
        cells.push(Some(r#"{"t":"gone","l":[4]}"#)).unwrap();
        cells.truncate(5);
        let mut all = Vec::new();
        for count in [1, 3, 1] {
            let array = cells.take(count).unwrap();
            all.extend((0..count).map(|row| shown(&array, row)));
        }
        assert_eq!(all, ["(é [1 2] true null)", "null", "(null [] null 0.5)", "( [3] false null)", "(xyz null null null)"]);
        assert_eq!(cells.take(0).unwrap().len(), 0);
    }
}
