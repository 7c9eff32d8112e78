//! The columns of a stream, each declared once: its name, its type, and where its value stands.
//!
//! - Money and weights come as texts and are decimals with four places, the most that WooCommerce keeps; an empty text is null. Quantities are
//!   decimals too: shops that sell by weight or length have halves of them.
//! - An id of 0 means none, and is null.
//! - Times are the fields in GMT. Those in the site's zone are not read.

use serde_json::Value;
use tidegate_sdk::{Result, SchemaRef, rest};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that names a record; 0 is none.
    Id,
    /// A whole number.
    Whole,
    /// Money, a quantity, a weight: decimal(18,4).
    Amount,
    /// A number that was divided: the price of one piece.
    Number,
    /// Text.
    Text,
    /// An instant.
    Time,
    /// Yes or no.
    Flag,
}

/// A record, and what it lies in.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'r> {
    /// The record.
    pub record: &'r Value,
    /// The record that it belongs to; null where there is none.
    pub parent: &'r Value,
    /// Its place in its parent, from 1.
    pub position: usize,
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Place {
    /// In the record, by JSON pointer.
    Record(&'static str),
    /// In the parent, by JSON pointer.
    Parent(&'static str),
    /// It is made of the record.
    Made(fn(&Scope<'_>) -> Value),
}

/// A column.
#[derive(Clone, Copy)]
pub struct Column {
    name: &'static str,
    kind: Kind,
    place: Place,
}

impl Column {
    /// A column whose value stands at `pointer` in the record.
    pub const fn at(name: &'static str, kind: Kind, pointer: &'static str) -> Self {
        Self { name, kind, place: Place::Record(pointer) }
    }

    /// A column whose value stands at `pointer` in the record that this one belongs to.
    pub const fn of_parent(name: &'static str, kind: Kind, pointer: &'static str) -> Self {
        Self { name, kind, place: Place::Parent(pointer) }
    }

    /// A column that is made of the record.
    pub const fn made(name: &'static str, kind: Kind, make: fn(&Scope<'_>) -> Value) -> Self {
        Self { name, kind, place: Place::Made(make) }
    }

    /// The value where this source hands it over itself; none where the SDK finds it in the record.
    fn given(&self, scope: &Scope<'_>) -> Option<Value> {
        let value = match self.place {
            Place::Record(_) if self.kind != Kind::Id => return None,
            Place::Record(pointer) => scope.record.pointer(pointer).cloned(),
            Place::Parent(pointer) => scope.parent.pointer(pointer).cloned(),
            Place::Made(make) => Some(make(scope)),
        };
        let value = value.unwrap_or_default();
        Some(if self.kind == Kind::Id && value == 0 { Value::Null } else { value })
    }

    /// The column as the SDK knows it.
    fn declared(&self) -> rest::Column {
        let kind = match self.kind {
            Kind::Id | Kind::Whole => rest::Kind::Integer,
            Kind::Amount => rest::Kind::Decimal(18, 4),
            Kind::Number => rest::Kind::Number,
            Kind::Text => rest::Kind::Text,
            Kind::Time => rest::Kind::Timestamp,
            Kind::Flag => rest::Kind::Boolean,
        };
        match self.place {
            Place::Record(pointer) if self.kind != Kind::Id => rest::Column::new(self.name, kind).at(pointer),
            _ => rest::Column::given(self.name, kind),
        }
    }
}

fn declared(columns: &[Column]) -> Vec<rest::Column> {
    columns.iter().map(Column::declared).collect()
}

/// The schema of these columns. All may be null: a record that was deleted has nothing but its id.
pub fn schema(columns: &[Column]) -> SchemaRef {
    rest::schema(&declared(columns))
}

/// An empty collection of rows.
pub fn rows(columns: &[Column]) -> Result<rest::Rows> {
    rest::Rows::new(declared(columns))
}

/// The values that are handed over with a record, in the order of their columns.
pub fn given(columns: &[Column], scope: &Scope<'_>) -> Vec<Value> {
    columns.iter().filter_map(|column| column.given(scope)).collect()
}

/// The values that are handed over for a record that is gone: its id, and that it is deleted.
pub fn gone(columns: &[Column], id: u64) -> Vec<Value> {
    let handed_over = columns.iter().filter(|column| !matches!(column.place, Place::Record(_)) || column.kind == Kind::Id);
    let value = |column: &Column| match column.name {
        "id" => id.into(),
        "deleted" => true.into(),
        _ => Value::Null,
    };
    handed_over.map(value).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_sdk::{Origin, arrow_array::Array};

    use super::*;

    const COLUMNS: &[Column] = &[
        Column::at("id", Kind::Id, "/id"),
        Column::at("customer_id", Kind::Id, "/customer_id"),
        Column::at("total", Kind::Amount, "/total"),
        Column::of_parent("order_id", Kind::Id, "/id"),
        Column::made("deleted", Kind::Flag, |scope| (scope.record["status"] == "trash").into()),
    ];

    #[test]
    fn only_what_the_sdk_does_not_find_is_handed_over() {
        let record = json!({ "id": 7, "customer_id": 0, "total": "1.5", "status": "trash" });
        let parent = json!({ "id": 3 });
        let scope = Scope { record: &record, parent: &parent, position: 1 };
        assert_eq!(given(COLUMNS, &scope), [json!(7), Value::Null, json!(3), json!(true)]);
        assert_eq!(gone(COLUMNS, 9), [json!(9), Value::Null, Value::Null, json!(true)]);
    }

    #[test]
    fn rows_have_the_columns_that_are_declared() {
        let mut rows = rows(COLUMNS).unwrap();
        let given = ["7", "null", "3", "false"].map(Some);
        rows.push(Origin::new(1, 1), r#"{"id": 7, "total": ""}"#, &given);
        rows.push(Origin::new(1, 2), r#"{"id": 8, "total": "12,5"}"#, &given);
        let pulled = rows.take(10).unwrap().unwrap();
        let batch = pulled.batch.unwrap();
        assert_eq!(batch.schema().fields()[..5], schema(COLUMNS).fields()[..]);
        assert!(batch.num_rows() == 1 && batch.column(2).is_null(0), "an empty amount is none");
        assert_eq!(pulled.unread[0].reason, "`total` is not a number that fits decimal(18,4) exactly");
    }
}
