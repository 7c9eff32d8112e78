//! SQL that is made for a table whose columns are only known when it is looked at: names and values that can only be written quoted.
//!
//! What always holds here: a name is one of the table's own columns, and is quoted; a value is a literal of its column's kind, checked before
//! it is written. Both dialects read them alike: PostgreSQL is told to take backslashes as they are. (`tests`)

use std::fmt;

use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::warehouse::{ColumnInfo, ColumnKind};

/// A name, quoted.
pub struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A text, quoted.
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// A column as an expression that can be compared and sorted: what has no order of its own goes by its text.
pub fn comparable(column: &ColumnInfo) -> String {
    match column.kind {
        ColumnKind::Other => format!("cast({} as text)", Name(&column.name)),
        _ => Name(&column.name).to_string(),
    }
}

/// A value that was read from a column, as a literal to compare the column with. None where it can't be one of that column.
pub fn same(column: &ColumnInfo, text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    Some(match column.kind {
        ColumnKind::Text | ColumnKind::Other => Literal(text).to_string(),
        ColumnKind::Flag => matches!(text, "true" | "false").then(|| text.to_owned())?,
        ColumnKind::Day => format!("cast({} as date)", Literal(&text.parse::<NaiveDate>().ok()?.to_string())),
        ColumnKind::Instant => instant(column, instant_of(text)?),
        ColumnKind::Number => number(column, text)?,
    })
}

/// A number as a literal. A `real` is compared as one: as a double it would differ from what was read.
pub fn number(column: &ColumnInfo, text: &str) -> Option<String> {
    let special = matches!(text, "NaN" | "Infinity" | "-Infinity" | "inf" | "-inf");
    if special {
        return Some(format!("cast({} as double precision)", Literal(text)));
    }
    let plain = text.len() <= 60
        && text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok_and(f64::is_finite);
    plain.then(|| if column.of == "real" { format!("cast({text} as real)") } else { text.to_owned() })
}

/// An instant of a text as the warehouses write it, in UTC.
fn instant_of(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim_end_matches("+00").trim_end_matches('Z').replacen('T', " ", 1);
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
}

fn instant(column: &ColumnInfo, at: NaiveDateTime) -> String {
    let zoned = column.of.contains("with time zone") && !column.of.contains("without");
    let (zone, of) = if zoned { ("+00:00", "timestamp with time zone") } else { ("", "timestamp") };
    format!("cast('{}{zone}' as {of})", at.format("%Y-%m-%dT%H:%M:%S%.6f"))
}

/// An end of a range, by what somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The smallest value that is in it.
    Min,
    /// The largest value that is in it.
    Max,
}

/// The condition of an end of a range. None where the text is no value of such a column.
pub fn range(column: &ColumnInfo, end: End, text: &str) -> Option<String> {
    let sign = if end == End::Min { ">=" } else { "<=" };
    let name = Name(&column.name);
    match column.kind {
        ColumnKind::Number => Some(format!("{name} {sign} {}", number(column, text)?)),
        ColumnKind::Day => Some(format!("{name} {sign} {}", same(column, &day(text)?.to_string())?)),
        ColumnKind::Instant => match (instant_of(text), day(text)) {
            (Some(at), _) => Some(format!("{name} {sign} {}", instant(column, at))),
            (None, Some(day)) if end == End::Min => Some(format!("{name} >= {}", instant(column, day.into()))),
            // A day is in the range to its end.
            (None, Some(day)) => Some(format!("{name} < {}", instant(column, day.checked_add_days(Days::new(1))?.into()))),
            (None, None) => None,
        },
        ColumnKind::Text | ColumnKind::Flag | ColumnKind::Other => None,
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    // Further years are known to chrono, but not to every warehouse.
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::web::business::tables) fn column(name: &str, kind: ColumnKind, of: &str) -> ColumnInfo {
        ColumnInfo { name: name.into(), kind, of: of.into() }
    }

    #[test]
    fn names_and_texts_are_only_written_quoted() {
        assert_eq!(Name("a\"; drop table x; --").to_string(), "\"a\"\"; drop table x; --\"");
        assert_eq!(Literal("it's \\' or 1=1").to_string(), "'it''s \\'' or 1=1'");
        let text = column("a", ColumnKind::Text, "text");
        assert_eq!(same(&text, "x' or 'a'='a").unwrap(), "'x'' or ''a''=''a'");
        assert_eq!(same(&text, "\0"), None);
    }

    #[test]
    fn numbers_are_numbers() {
        let price = column("price", ColumnKind::Number, "bigint");
        for hostile in ["1; drop table x", "1 or 1=1", "", "--1", "1e999", "0x10", "e", "1,5", "１"] {
            assert_eq!(number(&price, hostile), None, "{hostile}");
        }
        assert_eq!(["-1.5e3", "7", "NaN"].map(|text| number(&price, text).unwrap()), ["-1.5e3", "7", "cast('NaN' as double precision)"]);
        assert_eq!(number(&column("r", ColumnKind::Number, "real"), "0.1").unwrap(), "cast(0.1 as real)");
    }

    #[test]
    fn a_day_ends_a_range_of_instants_with_its_last_moment() {
        let zoned = column("at", ColumnKind::Instant, "timestamp with time zone");
        assert_eq!(
            range(&zoned, End::Max, "2018-12-31").unwrap(),
            "\"at\" < cast('2019-01-01T00:00:00.000000+00:00' as timestamp with time zone)"
        );
        assert_eq!(
            range(&zoned, End::Min, "2018-12-31T06:30").unwrap(),
            "\"at\" >= cast('2018-12-31T06:30:00.000000+00:00' as timestamp with time zone)"
        );
        assert_eq!(
            same(&zoned, "2018-08-11 15:06:40.25+00").unwrap(),
            "cast('2018-08-11T15:06:40.250000+00:00' as timestamp with time zone)"
        );
        let day = column("day", ColumnKind::Day, "date");
        assert_eq!(range(&day, End::Max, "2018-12-31").unwrap(), "\"day\" <= cast('2018-12-31' as date)");
        assert_eq!(range(&day, End::Max, "2018-13-31"), None);
        assert_eq!(range(&column("a", ColumnKind::Text, "text"), End::Min, "1"), None);
    }
}
