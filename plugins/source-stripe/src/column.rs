//! Columns: where a value stands in an object and what it becomes.

use tidegate_sdk::rest;

use crate::currency;

/// A column, or for money two of them.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Where its value stands: paths with `/` between keys and places; the first that is not null counts. Newer API versions moved values.
    pub from: &'static [&'static str],
    /// What it becomes.
    pub kind: Kind,
}

/// What a value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The id of the object; never null.
    Key,
    /// Text.
    Text,
    /// An id, or the id of an object that stands in its place.
    Reference,
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// A rate.
    Number,
    /// A time: Unix seconds become microseconds in UTC.
    Time,
    /// An amount in the currency of the object: `<name>_minor` as it is given, `<name>` in major units.
    Money,
    /// A decimal with up to twelve digits behind the point: what Stripe gives as text for prices below a minor unit.
    Fine,
    /// Nested data, as its JSON.
    Json,
    /// Whether the object is deleted; never null.
    Deleted,
}

impl Column {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, from: &[], kind }
    }

    /// With its value at other places than under its own name.
    pub const fn at(self, from: &'static [&'static str]) -> Self {
        Self { from, ..self }
    }

    /// What it is in the record of a row.
    fn flat(&self) -> Vec<rest::Column> {
        let column = |kind| rest::Column::new(self.name, kind);
        match self.kind {
            Kind::Key => vec![column(rest::Kind::Text).required()],
            Kind::Deleted => vec![column(rest::Kind::Boolean).required()],
            Kind::Text | Kind::Reference | Kind::Json => vec![column(rest::Kind::Text)],
            Kind::Flag => vec![column(rest::Kind::Boolean)],
            Kind::Integer => vec![column(rest::Kind::Integer)],
            Kind::Number => vec![column(rest::Kind::Number)],
            Kind::Time => vec![column(rest::Kind::Timestamp)],
            Kind::Fine => vec![column(rest::Kind::Decimal(38, 12))],
            Kind::Money => vec![
                rest::Column::new(self.minor(), rest::Kind::Integer),
                column(rest::Kind::Decimal(currency::PRECISION, currency::SCALE)),
            ],
        }
    }

    /// The name of the column with the amount as it is given.
    pub fn minor(&self) -> String {
        format!("{}_minor", self.name)
    }
}

/// What these columns are in the record of a row (see [`crate::record::flat`]).
pub fn flat(columns: &[Column]) -> Vec<rest::Column> {
    columns.iter().flat_map(Column::flat).collect()
}

/// See [`Kind::Key`].
pub const fn key(name: &'static str) -> Column {
    Column::new(name, Kind::Key)
}

/// See [`Kind::Text`].
pub const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

/// See [`Kind::Reference`].
pub const fn reference(name: &'static str) -> Column {
    Column::new(name, Kind::Reference)
}

/// See [`Kind::Flag`].
pub const fn flag(name: &'static str) -> Column {
    Column::new(name, Kind::Flag)
}

/// See [`Kind::Integer`].
pub const fn integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer)
}

/// See [`Kind::Number`].
pub const fn number(name: &'static str) -> Column {
    Column::new(name, Kind::Number)
}

/// See [`Kind::Time`].
pub const fn time(name: &'static str) -> Column {
    Column::new(name, Kind::Time)
}

/// See [`Kind::Money`].
pub const fn money(name: &'static str) -> Column {
    Column::new(name, Kind::Money)
}

/// See [`Kind::Fine`].
pub const fn fine(name: &'static str) -> Column {
    Column::new(name, Kind::Fine)
}

/// The user's own keys and values, as JSON.
pub const fn metadata() -> Column {
    Column::new("metadata", Kind::Json)
}

/// See [`Kind::Deleted`].
pub const fn deleted() -> Column {
    Column::new("deleted", Kind::Deleted)
}
