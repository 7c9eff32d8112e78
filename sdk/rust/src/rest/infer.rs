//! Columns out of records, for APIs that nobody has written a schema for.
//!
//! - Each member of a record becomes a column. Where values do not agree, the type is the narrowest that holds all of them exactly; objects
//!   and lists are JSON (`types_widen_until_all_values_fit`).
//! - A record that comes later and does not fit is unread, with the column to blame; a member that comes later is ignored.
//!
//! # Why
//! A source keeps nothing between runs but its cursors, and `discover`, which declares the schema, is given no cursor. So an inferred
//! schema can't be kept in the cursor: it would be known when rows are read and not when they are declared. It is inferred in each run from
//! the same request, the first page without a window, which a run asks once; and what shall never change is kept in the pipeline's config:
//! a source hands the columns that its config names to [`super::Endpoint::columns`] before [`super::Endpoint::infer`], and those stay as
//! they are. Within a run the columns travel in the slices' ids.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Column, Kind};
use crate::instant;

/// The columns of these records beyond those that are `known`, in the order in which their members appear.
pub fn infer<'a>(records: impl IntoIterator<Item = &'a str>, known: &[Column]) -> Vec<Column> {
    let mut found: Vec<(String, Option<Kind>)> = Vec::new();
    for record in records {
        let Ok(Members(members)) = serde_json::from_str(record) else { continue };
        for (name, value) in members {
            let place = found.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                found.push((name, None));
                found.len() - 1
            });
            if let Some(kind) = kind(value) {
                let widened = found[place].1.take().map_or(kind.clone(), |known| widen(known, kind));
                found[place].1 = Some(widened);
            }
        }
    }
    let known: BTreeMap<_, _> = known.iter().map(|column| (column.name.as_str(), ())).collect();
    let new = found.into_iter().filter(|(name, _)| !known.contains_key(name.as_str()) && name != crate::ORIGIN);
    // Of a member that is null everywhere nothing is known; a text holds most.
    new.map(|(name, kind)| Column::new(name, kind.unwrap_or(Kind::Text))).collect()
}

/// The type of a value; none for null.
fn kind(raw: &str) -> Option<Kind> {
    Some(match raw.as_bytes() {
        [b'"', ..] => {
            let text: String = serde_json::from_str(raw).unwrap_or_default();
            let has_time = text.len() > 10;
            match (instant::parse_date(&text), instant::parse(&text)) {
                (Some(_), _) => Kind::Date,
                (None, Some(_)) if has_time => Kind::Timestamp,
                _ => Kind::Text,
            }
        }
        [b't' | b'f', ..] => Kind::Boolean,
        [b'{' | b'[', ..] => Kind::Json,
        [b'n', ..] => return None,
        _ if raw.parse::<i64>().is_ok() => Kind::Integer,
        _ => Kind::Number,
    })
}

fn widen(known: Kind, kind: Kind) -> Kind {
    match (&known, &kind) {
        _ if known == kind => known,
        (Kind::Json, _) | (_, Kind::Json) => Kind::Json,
        (Kind::Integer, Kind::Number) | (Kind::Number, Kind::Integer) => Kind::Number,
        (Kind::Date, Kind::Timestamp) | (Kind::Timestamp, Kind::Date) => Kind::Timestamp,
        _ => Kind::Text,
    }
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(String, &'a str)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((name, value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_widen_until_all_values_fit() {
        let records = [
            r#"{"id": 1, "price": 1, "at": "2026-11-27", "on": true, "tags": [], "mixed": 1, "none": null, "name": "2026"}"#,
            r#"{"id": 2, "price": 1.5, "at": "2026-11-27T00:00:00Z", "on": null, "tags": "x", "mixed": "a", "late": "a", "name": "x"}"#,
            "7",
        ];
        let columns = infer(records, &[Column::new("id", Kind::Text)]);
        let told: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.kind.to_string())).collect();
        let expected = [
            ("price", "number"),
            ("at", "timestamp"),
            ("on", "boolean"),
            ("tags", "json"),
            ("mixed", "text"),
            ("none", "text"),
            ("name", "text"),
            ("late", "text"),
        ];
        assert_eq!(told, expected.map(|(name, kind)| (name, kind.to_owned())));
    }
}
