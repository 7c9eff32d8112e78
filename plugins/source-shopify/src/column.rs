//! Columns: one declaration says where a value stands in either API and what it becomes.
//!
//! - A path has a key, a place in a list, or `key=value` (the element of a list whose `key` is `value`) between its slashes. It starts at
//!   the record, or, behind `^`, at the object that the record is nested in. An empty path is a value that the API does not give.
//! - Money is decimal(38,4), exactly: no currency has more than four digits behind the point.
//! - A value of another kind than declared makes the record unread, never a null.

use serde_json::Value;
use tidegate_sdk::{
    arrow_schema::{DataType, Field, TimeUnit},
    instant,
};

use crate::config::Api;

/// Digits behind the point of an amount of money.
pub const MONEY_SCALE: i8 = 4;

/// Where a value stands and what it becomes.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// What the value becomes.
    pub kind: Kind,
    graphql: &'static str,
    rest: &'static str,
}

/// What a value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number or `gid://shopify/Order/450789469` becomes an integer that every row has.
    Key,
    /// The same of an object that there may be.
    Id,
    /// A text as it is.
    Text,
    /// A word that GraphQL writes in capitals and REST in small letters.
    Word,
    /// Words: GraphQL has a list, REST joins them with commas.
    Words,
    /// A whole number, which GraphQL writes as a text where it may be large.
    Integer,
    /// True or false.
    Boolean,
    /// An amount of money, a text in most places.
    Money,
    /// An instant.
    Time,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// Of [`Kind::Key`], [`Kind::Id`], [`Kind::Integer`] and, in microseconds, [`Kind::Time`].
    Integer(i64),
    /// Of [`Kind::Text`], [`Kind::Word`] and [`Kind::Words`].
    Text(String),
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Money`], in ten-thousandths.
    Money(i128),
}

/// Declares a column: name, kind, where its value stands in GraphQL and in REST.
pub const fn column(name: &'static str, kind: Kind, graphql: &'static str, rest: &'static str) -> Column {
    Column { name, kind, graphql, rest }
}

impl Column {
    /// The Arrow field.
    pub fn field(&self) -> Field {
        let data_type = match self.kind {
            Kind::Key | Kind::Id | Kind::Integer => DataType::Int64,
            Kind::Text | Kind::Word | Kind::Words => DataType::Utf8,
            Kind::Boolean => DataType::Boolean,
            Kind::Money => DataType::Decimal128(38, MONEY_SCALE),
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(self.name, data_type, self.kind != Kind::Key)
    }

    /// The value of a record; why it is none, as a sentence fragment.
    pub fn cell(&self, api: Api, record: &Value, parent: Option<&Value>) -> Result<Cell, String> {
        let path = match api {
            Api::Graphql => self.graphql,
            Api::Rest => self.rest,
        };
        let found = match path.strip_prefix('^') {
            Some(path) => parent.and_then(|parent| walk(parent, path)),
            None => walk(record, path),
        };
        match found.unwrap_or(&Value::Null) {
            Value::Null if self.kind == Kind::Key => Err(format!("`{}` is missing", self.name)),
            Value::Null => Ok(Cell::Null),
            value => self.kind.read(value).ok_or_else(|| format!("`{}` is no {}", self.name, self.kind.noun())),
        }
    }
}

fn walk<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix('/')?;
    path.split('/').try_fold(value, |value, step| match (value, step.split_once('=')) {
        (Value::Array(list), Some((key, wanted))) => list.iter().find(|element| element.get(key).and_then(Value::as_str) == Some(wanted)),
        (Value::Array(list), None) => list.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Key | Self::Id => "id",
            Self::Text | Self::Word => "text",
            Self::Words => "list of words",
            Self::Integer => "whole number",
            Self::Boolean => "truth value",
            Self::Money => "amount of money",
            Self::Time => "time",
        }
    }

    fn read(self, value: &Value) -> Option<Cell> {
        match (self, value) {
            (Self::Key | Self::Id, value) => id(value).map(Cell::Integer),
            (Self::Text, Value::String(text)) => Some(Cell::Text(text.clone())),
            (Self::Word, Value::String(text)) => Some(Cell::Text(text.to_lowercase())),
            (Self::Words, Value::String(text)) => Some(words(text.split(',').map(str::trim))),
            (Self::Words, Value::Array(list)) => {
                list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|list| words(list.into_iter()))
            }
            (Self::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
            (Self::Integer, Value::String(text)) => text.parse().ok().map(Cell::Integer),
            (Self::Boolean, Value::Bool(value)) => Some(Cell::Boolean(*value)),
            (Self::Money, Value::String(text)) => money(text).map(Cell::Money),
            // Some of REST's amounts are JSON numbers; as text they have the digits that were sent.
            (Self::Money, Value::Number(number)) => money(&number.to_string()).map(Cell::Money),
            (Self::Time, Value::String(text)) => instant::parse(text).map(Cell::Integer),
            _ => None,
        }
    }
}

/// The number of an id: 450789469, "gid://shopify/Order/450789469", "gid://shopify/InventoryLevel/1?inventory_item_id=2".
pub fn id(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.rsplit_once('/').map_or(text.as_str(), |(_, id)| id).split('?').next()?.parse().ok(),
        _ => None,
    }
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Cell {
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() { Cell::Null } else { Cell::Text(words.join(", ")) }
}

/// An amount in ten-thousandths, exactly or not at all.
pub fn money(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let scale = usize::from(MONEY_SCALE.unsigned_abs());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 34 || part.len() > scale || !plain(whole) || !plain(part) {
        return None;
    }
    let value: i128 = format!("{whole}{part:0<scale$}").parse().ok()?;
    Some(if negative { -value } else { value })
}
