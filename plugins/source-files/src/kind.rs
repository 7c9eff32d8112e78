//! The types a column can have, as the config spells them.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use tidegate_sdk::{
    JsonSchema,
    arrow_schema::{DataType, TimeUnit},
    schemars::{Schema, SchemaGenerator, json_schema},
};

use crate::near;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Number,
    /// true or false.
    Boolean,
    /// A calendar day.
    Date,
    /// An instant in microseconds, UTC.
    Timestamp,
    /// An exact number with this many digits, so many of them after the point.
    Decimal(u8, i8),
}

const NAMES: [&str; 7] = ["text", "integer", "number", "boolean", "date", "timestamp", "decimal(p,s)"];

impl Kind {
    /// The Arrow type of the column.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        }
    }

    /// Why a value that this type can't hold is bad.
    pub fn reason(self) -> String {
        match self {
            Self::Text => "not UTF-8 text".to_owned(),
            Self::Integer => "not a whole number of 64 bits".to_owned(),
            Self::Number => "not a number".to_owned(),
            Self::Boolean => "neither true nor false".to_owned(),
            Self::Date => "not a date like 2018-10-17".to_owned(),
            Self::Timestamp => "not a timestamp like 2018-10-17T17:30:18Z".to_owned(),
            Self::Decimal(precision, scale) => format!("not a number that fits decimal({precision},{scale}) exactly"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Boolean => f.write_str("boolean"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
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
        match text.as_str() {
            "text" => Ok(Self::Text),
            "integer" => Ok(Self::Integer),
            "number" => Ok(Self::Number),
            "boolean" => Ok(Self::Boolean),
            "date" => Ok(Self::Date),
            "timestamp" => Ok(Self::Timestamp),
            other if other.starts_with("decimal") => decimal(other),
            other => Err(unknown(other)),
        }
    }
}

fn decimal(text: &str) -> Result<Kind, String> {
    let inner = text.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
    let parts = inner.and_then(|inner| inner.split_once(','));
    let numbers = parts.and_then(|(p, s)| Some((p.trim().parse::<u8>().ok()?, s.trim().parse::<i8>().ok()?)));
    match numbers {
        Some((precision, scale)) if (1..=38).contains(&precision) && scale >= 0 && scale.unsigned_abs() <= precision => {
            Ok(Kind::Decimal(precision, scale))
        }
        _ => Err(format!("`{text}` is no type: write decimal(p,s) with 1 to 38 digits p and at most p of them, s, after the point")),
    }
}

fn unknown(text: &str) -> String {
    let hint = near::closest(text, NAMES).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
    format!("`{text}` is no type{hint} (there are {})", NAMES.join(", "))
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A column's type: text, integer, number, boolean, date, timestamp (UTC where the value names no zone) or decimal(p,s).",
            "type": "string",
            "pattern": r"^(text|integer|number|boolean|date|timestamp|decimal\(\s*\d+\s*,\s*\d+\s*\))$"
        })
    }
}
