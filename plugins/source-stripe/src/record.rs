//! Objects made flat: one JSON record per row, with the stream's columns as its keys.

use serde_json::{Map, Value};

use crate::{
    column::{Column, Kind},
    currency,
    event::id_of,
};

/// Makes the record of an object, as JSON. What does not fit its column stays as it is, so that the record, not the run, is refused.
pub fn flat(columns: &[Column], object: &Value, deleted: bool) -> String {
    let mut record = Map::new();
    for column in columns {
        let value = find(object, column);
        match column.kind {
            Kind::Money => {
                let currency = object["currency"].as_str();
                let major = value.as_i64().zip(currency).map(|(minor, currency)| currency::major(minor, currency));
                record.insert(column.minor(), value.clone());
                record.insert(column.name.to_owned(), major.map_or(Value::Null, Value::from));
            }
            kind => drop(record.insert(column.name.to_owned(), cell(kind, value, deleted))),
        }
    }
    Value::Object(record).to_string()
}

fn cell(kind: Kind, value: &Value, deleted: bool) -> Value {
    match (kind, value) {
        (Kind::Deleted, _) => Value::Bool(deleted),
        (_, Value::Null) => Value::Null,
        (Kind::Reference, value) => id_of(value).map_or_else(|| value.clone(), Value::from),
        (Kind::Json, value) => Value::String(value.to_string()),
        (_, value) => value.clone(),
    }
}

/// The first place of a column that holds something.
fn find<'a>(object: &'a Value, column: &Column) -> &'a Value {
    let own = [column.name];
    let from = if column.from.is_empty() { &own[..] } else { column.from };
    from.iter().map(|path| walk(object, path)).find(|value| !value.is_null()).unwrap_or(&Value::Null)
}

fn walk<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(object, |value, key| match (value, key.parse::<usize>()) {
        (Value::Array(values), Ok(place)) => values.get(place).unwrap_or(&Value::Null),
        (value, _) => &value[key],
    })
}
