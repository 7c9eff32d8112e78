//! The columns of a stream whose records are JSON.

use std::{borrow::Cow, fmt, str::FromStr};

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{Failure, Result};

/// The type of a column. A value that it can't hold exactly makes its record unread. An empty text is null for every type but `Text` and
/// `Json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// A text; of a number or a truth value, its spelling.
    Text,
    /// A whole number of 64 bits, also where it is written as a text.
    Integer,
    /// A floating-point number of 64 bits, also where it is written as a text.
    Number,
    /// An exact number with this many digits (38 at most), so many of them after the point; also where it is written as a text, as money
    /// mostly is.
    Decimal(u8, u8),
    /// true or false.
    Boolean,
    /// A calendar day.
    Date,
    /// An instant in microseconds, UTC: of a text (see [`crate::instant::parse`]), or of a number, which is Unix seconds.
    Timestamp,
    /// Any value, as its JSON text.
    Json,
    /// A list of values of one type.
    List(Box<Kind>),
    /// An object with these members.
    Struct(Vec<Column>),
}

const NAMES: &str = "text, integer, number, decimal(p,s), boolean, date, timestamp, json";

impl Kind {
    /// The Arrow type of the column.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX)),
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::List(of) => DataType::List(Field::new("item", of.data_type(), true).into()),
            Self::Struct(columns) => DataType::Struct(columns.iter().map(Column::field).collect::<Fields>()),
        }
    }

    /// What a value must be, to follow "is".
    pub(crate) fn wish(&self) -> String {
        match self {
            Self::Text => "not a text".to_owned(),
            Self::Integer => "not a whole number of 64 bits".to_owned(),
            Self::Number => "not a number".to_owned(),
            Self::Decimal(precision, scale) => format!("not a number that fits decimal({precision},{scale}) exactly"),
            Self::Boolean => "neither true nor false".to_owned(),
            Self::Date => "not a date like 2018-10-17".to_owned(),
            Self::Timestamp => "not an instant like 2018-10-17T17:30:18Z".to_owned(),
            Self::Json => "not JSON".to_owned(),
            Self::List(_) => "not a list".to_owned(),
            Self::Struct(_) => "not an object".to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            Self::Boolean => f.write_str("boolean"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Json => f.write_str("json"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Struct(_) => f.write_str("struct"),
        }
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        match text {
            "text" => return Ok(Self::Text),
            "integer" => return Ok(Self::Integer),
            "number" => return Ok(Self::Number),
            "boolean" => return Ok(Self::Boolean),
            "date" => return Ok(Self::Date),
            "timestamp" => return Ok(Self::Timestamp),
            "json" => return Ok(Self::Json),
            _ => {}
        }
        if let Some(of) = inner("list") {
            return Ok(Self::List(Box::new(of.parse()?)));
        }
        let parts = inner("decimal").and_then(|inner| inner.split_once(','));
        let numbers = parts.and_then(|(p, s)| Some((p.trim().parse().ok()?, s.trim().parse().ok()?)));
        match numbers {
            Some((precision @ 1..=38, scale)) if scale <= precision => Ok(Self::Decimal(precision, scale)),
            _ => Err(format!("`{text}` is no type (there are {NAMES})")),
        }
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({
            "description": format!("A column's type: {NAMES}. A timestamp is UTC where the value names no zone."),
            "type": "string",
            "pattern": r"^(list\()*(text|integer|number|boolean|date|timestamp|json|decimal\(\s*\d+\s*,\s*\d+\s*\))\)*$"
        })
    }
}

/// A column: its name, where its value stands in a record, its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// The JSON pointer (RFC 6901) of its value in the record; none where the source hands the value over.
    pub pointer: Option<String>,
    /// Its type.
    pub kind: Kind,
    /// Whether a record without a value is unread.
    pub required: bool,
}

impl Column {
    /// A column whose value is the record's member of the same name.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        let name = name.into();
        let pointer = Some(format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        Self { name, pointer, kind, required: false }
    }

    /// A column whose value is not in the record: the source hands it over with each record.
    pub fn given(name: impl Into<String>, kind: Kind) -> Self {
        Self { pointer: None, ..Self::new(name, kind) }
    }

    /// Takes the value from this JSON pointer in the record: `/customer/id`.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// A record without a value here is unread. Columns of the primary key are required as it is.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn field(&self) -> Field {
        Field::new(&self.name, self.kind.data_type(), !self.required)
    }
}

/// `("id", Kind::Integer)`
impl<N: Into<String>> From<(N, Kind)> for Column {
    fn from((name, kind): (N, Kind)) -> Self {
        Self::new(name, kind)
    }
}

/// `("customer_id", Kind::Integer, "/customer/id")`
impl<N: Into<String>, P: Into<String>> From<(N, Kind, P)> for Column {
    fn from((name, kind, pointer): (N, Kind, P)) -> Self {
        Self::new(name, kind).at(pointer)
    }
}

/// The schema of a stream with these columns, without the origin.
pub fn schema(columns: &[Column]) -> SchemaRef {
    Schema::new(columns.iter().map(Column::field).collect::<Fields>()).into()
}

/// Fails where a column is there twice or a pointer is none.
pub(crate) fn check(columns: &[Column]) -> Result<()> {
    for (place, column) in columns.iter().enumerate() {
        if columns[..place].iter().any(|other| other.name == column.name) {
            return Err(Failure::bug(format!("the column `{}` is declared twice", column.name)));
        }
        if column.pointer.as_ref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            return Err(Failure::bug(format!("the pointer of column `{}` does not start with `/`", column.name)));
        }
        if let Kind::Struct(members) = &column.kind {
            check(members)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in ["text", "integer", "number", "decimal(12,2)", "boolean", "date", "timestamp", "json", "list(decimal(3,0))"] {
            assert_eq!(text.parse::<Kind>().unwrap().to_string(), text);
        }
        assert!("decimal(40,2)".parse::<Kind>().unwrap_err().contains("is no type"));
        assert!("decimal(2,3)".parse::<Kind>().is_err());
    }

    #[test]
    fn a_column_is_where_its_name_says_or_its_pointer() {
        assert_eq!(Column::new("a/b~c", Kind::Text).pointer.unwrap(), "/a~1b~0c");
        assert_eq!(Column::from(("customer_id", Kind::Integer, "/customer/id")).pointer.unwrap(), "/customer/id");
        let twice = [Column::new("id", Kind::Text), Column::new("id", Kind::Integer)];
        assert_eq!(check(&twice).unwrap_err().message, "the column `id` is declared twice");
    }
}
