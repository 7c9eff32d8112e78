//! Arrow types and PostgreSQL types: which column a field gets.
//!
//! What always holds here (each with its test in `tests`):
//! - [`RULES`] is the only place that says which type a field gets; the table in the docs is printed from it. (`docs_show_the_rules`)
//! - Each rule has an example that gets the type that the docs name. (`every_rule_gives_the_type_that_it_shows`)
//! - A type survives PostgreSQL's own spelling of it. (`types_come_back_from_their_sql`)
//!
//! # Why
//! A type that no rule knows is `None` and no `text`: a column of a wrong type is found out when its table is full.

mod catalog;
#[cfg(test)]
mod tests;

use arrow::datatypes::{
    DataType::{self, *},
    Field, FieldRef,
};

/// The key of a field's metadata under which a plugin declares a type that Arrow has none for: `uuid` or `jsonb`.
pub const DECLARED_TYPE: &str = "tidegate:type";
const EXTENSION_NAME: &str = "ARROW:extension:name";

/// The type of a column in PostgreSQL, as far as a load writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PgType {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    /// `numeric`; none is without a limit.
    Numeric(Option<Digits>),
    Text,
    /// `varchar(n)`, n in characters. No field gets it, but a table that was there before can have it. `char(n)` counts as one too.
    Varchar(u32),
    Bytea,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Jsonb,
    /// An array with one dimension.
    Array(Box<PgType>),
}

/// How many digits a `numeric` has in all and how many of them are behind the point. PostgreSQL allows a scale above the precision, and one
/// below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digits {
    pub precision: u16,
    pub scale: i16,
}

impl PgType {
    /// The type of the column for `field`; none where PostgreSQL has no place for it.
    pub fn of(field: &Field) -> Option<Self> {
        RULES.iter().find_map(|rule| (rule.gives)(field))
    }

    /// The rules as a Markdown table.
    pub fn docs() -> String {
        let head = "| Arrow type | PostgreSQL type | what can't be represented |\n|---|---|---|\n";
        let row = |rule: &Rule| format!("| {} | {} | {} |\n", rule.arrow, rule.postgres, rule.lost);
        RULES.iter().map(row).fold(head.to_owned(), |table, row| table + &row)
    }

    fn numeric(precision: u16, scale: i16) -> Self {
        Self::Numeric(Some(Digits { precision, scale }))
    }
}

/// One line of the mapping: what it is called in the docs and what it does.
struct Rule {
    arrow: &'static str,
    postgres: &'static str,
    lost: &'static str,
    gives: fn(&Field) -> Option<PgType>,
}

const EXACT: &str = "-";

/// The first rule that knows a field gives its type.
const RULES: &[Rule] = &[
    Rule {
        arrow: "FixedSizeBinary(16) with extension `arrow.uuid`, or it or text with `tidegate:type` = `uuid`",
        postgres: "`uuid`",
        lost: "text that is no UUID",
        gives: |field| declares_uuid(field).then_some(PgType::Uuid),
    },
    Rule {
        arrow: "text with extension `arrow.json` or with `tidegate:type` = `jsonb`",
        postgres: "`jsonb`",
        lost: "malformed JSON, `\\u0000`, halves of a surrogate pair, numbers beyond `numeric`, more than 1,000 levels or 32 MB",
        gives: |field| declares_json(field).then_some(PgType::Jsonb),
    },
    Rule {
        arrow: "Boolean",
        postgres: "`boolean`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Boolean).then_some(PgType::Boolean),
    },
    Rule {
        arrow: "Int8, Int16, UInt8",
        postgres: "`smallint`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Int8 | Int16 | UInt8).then_some(PgType::SmallInt),
    },
    Rule {
        arrow: "Int32, UInt16",
        postgres: "`integer`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Int32 | UInt16).then_some(PgType::Integer),
    },
    Rule {
        arrow: "Int64, UInt32",
        postgres: "`bigint`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Int64 | UInt32).then_some(PgType::BigInt),
    },
    Rule {
        arrow: "UInt64",
        postgres: "`numeric(20,0)`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), UInt64).then(|| PgType::numeric(20, 0)),
    },
    Rule {
        arrow: "Float16, Float32",
        postgres: "`real`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Float16 | Float32).then_some(PgType::Real),
    },
    Rule {
        arrow: "Float64",
        postgres: "`double precision`",
        lost: EXACT,
        gives: |field| matches!(field.data_type(), Float64).then_some(PgType::Double),
    },
    Rule {
        arrow: "Decimal32, Decimal64, Decimal128, Decimal256 (p, s)",
        postgres: "`numeric(p,s)`; with s below zero `numeric(p-s,0)`",
        lost: "values with more digits than they declare",
        gives: decimal,
    },
    Rule {
        arrow: "Utf8, LargeUtf8, Utf8View",
        postgres: "`text`",
        lost: "the character 0x00, more than 1 GB",
        gives: |field| is_text(field.data_type()).then_some(PgType::Text),
    },
    Rule {
        arrow: "Binary, LargeBinary, BinaryView, FixedSizeBinary",
        postgres: "`bytea`",
        lost: "more than 1 GB",
        gives: |field| matches!(field.data_type(), Binary | LargeBinary | BinaryView | FixedSizeBinary(_)).then_some(PgType::Bytea),
    },
    Rule {
        arrow: "Date32, Date64",
        postgres: "`date`",
        lost: "days before 4714-11-24 BC or after 5874897-12-31, a Date64 with a time of day",
        gives: |field| matches!(field.data_type(), Date32 | Date64).then_some(PgType::Date),
    },
    Rule {
        arrow: "Time32, Time64",
        postgres: "`time`",
        lost: "nanoseconds (cut to microseconds), times outside 00:00 to 24:00",
        gives: |field| matches!(field.data_type(), Time32(_) | Time64(_)).then_some(PgType::Time),
    },
    Rule {
        arrow: "Timestamp without a zone",
        postgres: "`timestamp`",
        lost: "nanoseconds (cut to microseconds), instants before 4714-11-24 BC or after the year 294276",
        gives: |field| matches!(field.data_type(), Timestamp(_, None)).then_some(PgType::Timestamp),
    },
    Rule {
        arrow: "Timestamp with a zone",
        postgres: "`timestamptz`",
        lost: "the name of the zone (the instant stays), else as without a zone",
        gives: |field| matches!(field.data_type(), Timestamp(_, Some(_))).then_some(PgType::Timestamptz),
    },
    Rule {
        arrow: "Duration, Interval",
        postgres: "`interval`",
        lost: "nanoseconds (cut to microseconds), more than 2^63 microseconds",
        gives: |field| matches!(field.data_type(), Duration(_) | Interval(_)).then_some(PgType::Interval),
    },
    Rule { arrow: "Dictionary", postgres: "as its values", lost: "as its values", gives: dictionary },
    Rule {
        arrow: "List, LargeList, FixedSizeList, ListView, LargeListView of a scalar",
        postgres: "array of it, like `text[]`",
        lost: "as its values; the length of a FixedSizeList is not enforced",
        gives: list,
    },
    Rule {
        arrow: "Struct, Map with text as keys, lists of these or of lists",
        postgres: "`jsonb`",
        lost: "as JSON text; NaN becomes null, bytes and times become text (an error's after the year 262142), nulls of a struct go",
        gives: nested,
    },
    Rule { arrow: "Null", postgres: "`text`", lost: EXACT, gives: |field| matches!(field.data_type(), Null).then_some(PgType::Text) },
];

fn declares_uuid(field: &Field) -> bool {
    let sixteen_bytes = matches!(field.data_type(), FixedSizeBinary(16));
    let declared = is_declared(field, "uuid") && (sixteen_bytes || is_text(field.data_type()));
    declared || sixteen_bytes && is_extension(field, "arrow.uuid")
}

fn declares_json(field: &Field) -> bool {
    is_text(field.data_type()) && (is_extension(field, "arrow.json") || is_declared(field, "jsonb"))
}

fn is_declared(field: &Field, name: &str) -> bool {
    field.metadata().get(DECLARED_TYPE).is_some_and(|declared| declared == name)
}

fn is_extension(field: &Field, name: &str) -> bool {
    field.metadata().get(EXTENSION_NAME).is_some_and(|extension| extension == name)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View)
}

fn decimal(field: &Field) -> Option<PgType> {
    let (Decimal32(precision, scale) | Decimal64(precision, scale) | Decimal128(precision, scale) | Decimal256(precision, scale)) =
        field.data_type()
    else {
        return None;
    };
    // A scale below zero is new in PostgreSQL 15; its zeros fit a numeric of any version.
    let zeros = u16::from(scale.min(&0).unsigned_abs());
    Some(PgType::numeric(u16::from(*precision) + zeros, i16::from(*scale.max(&0))))
}

fn dictionary(field: &Field) -> Option<PgType> {
    let Dictionary(_, values) = field.data_type() else { return None };
    PgType::of(&field.clone().with_data_type(values.as_ref().clone()))
}

fn list(field: &Field) -> Option<PgType> {
    let element = element(field.data_type())?;
    if element.data_type().is_nested() { None } else { PgType::of(element).map(|scalar| PgType::Array(Box::new(scalar))) }
}

/// The element of a list of any kind.
fn element(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        List(element) | LargeList(element) | FixedSizeList(element, _) | ListView(element) | LargeListView(element) => Some(element),
        _ => None,
    }
}

fn nested(field: &Field) -> Option<PgType> {
    let nested = matches!(field.data_type(), Struct(_) | Map(..)) || element(field.data_type()).is_some_and(|e| e.data_type().is_nested());
    (nested && is_json(field.data_type())).then_some(PgType::Jsonb)
}

/// Whether Arrow's JSON writer knows all that is in a value: no unions, and only text as the keys of maps.
fn is_json(data_type: &DataType) -> bool {
    match data_type {
        Struct(fields) => fields.iter().all(|field| is_json(field.data_type())),
        Map(entries, _) => has_text_keys(entries) && is_json(entries.data_type()),
        Dictionary(_, values) => is_json(values),
        Union(..) | RunEndEncoded(..) => false,
        _ => element(data_type).is_none_or(|element| is_json(element.data_type())),
    }
}

fn has_text_keys(entries: &Field) -> bool {
    matches!(entries.data_type(), Struct(pair) if pair.first().is_some_and(|key| is_text(key.data_type())))
}
